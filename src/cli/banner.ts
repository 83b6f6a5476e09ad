// What a starting node tells the person in front of it: what it found, where it listens, and a line to try.

import { relative } from 'node:path';
import type { Config } from '../config/config.ts';
import { formatProblem } from '../config/config-error.ts';
import { VERSION } from '../version.ts';
import { chainLines } from './describe.ts';
import type { CommandConfig } from './load-config.ts';
import { counted, styled } from './terminal.ts';

const INDENT = '  ';

/** @param isKeyNeeded clients without a key are refused */
export function banner({ config, file, warnings, findings }: CommandConfig, url: string, isKeyNeeded: boolean): string {
  const label = (text: string): string => styled('dim', text.padEnd(9), process.stderr);
  const lines = [
    ...(file === undefined
      ? [`${label('config')}none; this is what was found (\`flowmesh init\` writes a file to begin with)`]
      : [`${label('config')}${shown(file)}`]),
    ...(file === undefined ? [] : warnings.map((warning) => `${label('warning')}${formatProblem(file, warning)}`)),
    ...findings.map(({ name, detail, isUsable, modelCount }) => {
      const count = modelCount === undefined ? '' : ` (${counted(modelCount, 'model')})`;
      return `${label(isUsable ? 'found' : 'unused')}${name}: ${detail}${count}`;
    }),
    ...chainLines(config).map((line) => `${label('chain')}${line}`),
    `${label('endpoint')}${styled('bold', `${url}/v1`, process.stderr)}`,
  ];
  return [
    `flowmesh ${VERSION}`,
    '',
    ...lines.map((line) => INDENT + line),
    '',
    'Try it:',
    INDENT + tryLine(config, url, isKeyNeeded),
    '',
    '',
  ].join('\n');
}

/** A model name that this configuration surely serves. */
function exampleModel(config: Config): string {
  const alias = Object.keys(config.aliases)[0];
  return alias ?? config.defaultChain ?? Object.keys(config.chains)[0] ?? 'auto';
}

function tryLine(config: Config, url: string, isKeyNeeded: boolean): string {
  const key = isKeyNeeded ? ' -H "Authorization: Bearer $FLOWMESH_API_KEY"' : '';
  const body = { model: exampleModel(config), messages: [{ role: 'user', content: 'Hello' }] };
  // A name may hold an apostrophe, which would end the shell's quotes.
  return `curl ${url}/v1/chat/completions${key} -d '${JSON.stringify(body).replaceAll("'", "'\\''")}'`;
}

/** Short where the file is here. Services run in `/`, where everything is. */
function shown(file: string): string {
  const path = relative(process.cwd(), file);
  return path.startsWith('..') || process.cwd() === '/' ? file : path;
}
