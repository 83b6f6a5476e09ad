// `flowmesh init`: a commented configuration, with the providers that were found here in its first chain. Like the start
// without a configuration, that chain ends with the built-in answerer.

import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { configJsonSchema } from '../config/json-schema.ts';
import { configTemplate, type TemplateTarget } from '../config/template.ts';
import { type Discovery, discover } from '../providers/discover.ts';
import { presetNamed } from '../providers/preset-lookup.ts';
import { presets } from '../providers/presets.ts';
import { type Surroundings, withSurroundings } from './surroundings.ts';
import { print } from './terminal.ts';
import { writeFailure, writePrivateFile } from './write-file.ts';

export interface InitOptions {
  readonly force?: boolean;
}

const SCHEMA_NAME = 'flowmesh.schema.json';
/** What the chain holds when nothing is found: both are skipped until their keys are set. */
const EXAMPLES: readonly string[] = ['openai', 'anthropic'];
const LAST_RESORT: readonly TemplateTarget[] = presets.flatMap(({ isBuiltin, name, defaultModel }) =>
  isBuiltin && defaultModel !== undefined ? [{ provider: name, model: defaultModel }] : [],
);

export async function init(file: string, { force }: InitOptions): Promise<void> {
  const targets = await withSurroundings(foundTargets);
  const template = configTemplate({ targets: [...(targets.length > 0 ? targets : exampleTargets()), ...LAST_RESORT] });
  writePrivateFile(file, template, force);
  const schemaFile = join(dirname(file), SCHEMA_NAME);
  try {
    writeFileSync(schemaFile, `${JSON.stringify(configJsonSchema(), null, 2)}\n`);
  } catch (error) {
    throw writeFailure(schemaFile, error);
  }
  const names = targets.map(({ provider, model }) => `${provider}/${model}`).join(', ');
  print(`Wrote ${file}, ${names === '' ? 'with examples, for nothing was found' : `with what was found: ${names}`}.`);
  print(`Wrote ${schemaFile}, with which editors check and complete it.`);
  print(`Next: \`flowmesh check-config ${file}\`, then \`flowmesh --config ${file}\`.`);
}

async function foundTargets({ env, http, clock }: Surroundings): Promise<TemplateTarget[]> {
  const discovery = await discover(env, http, clock);
  const chain = discovery.chains[discovery.defaultChain];
  return (chain?.targets ?? []).flatMap(({ account, model }) => templateTarget(account, model, discovery, env));
}

/** A target as the template can write it: a provider at its own address. */
function templateTarget(name: string, model: string, discovery: Discovery, env: Surroundings['env']): TemplateTarget[] {
  const account = discovery.accounts[name];
  const preset = account && presetNamed(account.provider);
  if (!preset || preset.isBuiltin || (account.url ?? preset.baseUrl) !== preset.baseUrl) return [];
  const keyVariable = preset.keyVariables.find((variable) => env[variable]?.trim());
  return [{ provider: preset.name, model, ...(keyVariable !== undefined && { keyVariable }) }];
}

function exampleTargets(): TemplateTarget[] {
  return EXAMPLES.flatMap((name) => {
    const preset = presetNamed(name);
    const keyVariable = preset?.keyVariables[0];
    return preset?.defaultModel && keyVariable
      ? [{ provider: preset.name, model: preset.defaultModel, keyVariable }]
      : [];
  });
}
