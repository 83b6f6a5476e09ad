// `flowmesh import litellm FILE`: LiteLLM's configuration as ours.

import { importLitellm } from '../config/import-litellm.ts';
import { readConfigFile } from '../config/load.ts';
import { PROVIDER_NAMES } from './load-config.ts';
import { note, print } from './terminal.ts';
import { writePrivateFile } from './write-file.ts';

export interface ImportOptions {
  readonly output?: string;
  readonly force?: boolean;
}

/** @throws ConfigError when the file is no LiteLLM configuration */
export function importLitellmFile(file: string, { output, force }: ImportOptions): void {
  const { yaml, notes } = importLitellm(readConfigFile(file), { path: file, providers: PROVIDER_NAMES });
  if (output === undefined) process.stdout.write(yaml);
  else writePrivateFile(output, yaml, force);
  for (const remark of notes) note(`note: ${remark}`);
  if (output !== undefined) print(`Wrote ${output}. Check it with \`flowmesh check-config ${output}\`.`);
}
