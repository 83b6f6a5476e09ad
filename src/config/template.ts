// The file that `flowmesh init` writes: a working chain, and every other setting in a comment with its default.

import { asObject, asString, type JsonObject } from '../model/json.ts';
import { DEFAULT_CHAIN_NAME } from './defaults.ts';
import { configJsonSchema } from './json-schema.ts';
import { rowsOf } from './reference.ts';

export interface TemplateTarget {
  readonly provider: string;
  readonly model: string;
  /** Environment variable with the key; absent for a server that needs none. */
  readonly keyVariable?: string;
}

export interface TemplateOptions {
  /** The first chain, best first. */
  readonly targets: readonly TemplateTarget[];
  /** Where editors find the JSON schema, relative to the file, or a URL. */
  readonly schemaLocation?: string;
}

/** In the order of their use. Keys without a default are left out. */
const SECTIONS = [
  'server',
  'timeouts',
  'retries',
  'cooldown',
  'responses',
  'ledger',
  'prompts',
  'shadow',
  'cache',
  'compaction',
  'knowledge',
  'mesh',
  'log',
] as const;

export function configTemplate({ targets, schemaLocation = './flowmesh.schema.json' }: TemplateOptions): string {
  const schema = asObject(configJsonSchema().properties) ?? {};
  const parts = [
    [
      `# yaml-language-server: $schema=${schemaLocation}`,
      '#',
      '# flowmesh. docs/configuration.md explains every key; the commented lines show the defaults.',
      '# ${NAME} is read from the environment. A target whose key is not set is skipped.',
    ],
    [
      '# Clients choose a chain by giving its name as the model. Its targets are tried in order until one answers.',
      '# As a mapping with `targets` a chain has settings of its own, such as `strategy`, `hedge`, `cache` and `peers`.',
      'chains:',
      `  # Serves every model name that nothing else matches.`,
      `  ${DEFAULT_CHAIN_NAME}:`,
      ...targets.flatMap(targetLines),
    ],
    ['# Other names for a chain or for account/model.', '# aliases:', `#   gpt-4: ${DEFAULT_CHAIN_NAME}`],
    ...SECTIONS.map((name) => sectionLines(name, asObject(schema[name]) ?? {})),
  ];
  return parts.map((lines) => `${lines.join('\n')}\n`).join('\n');
}

function targetLines({ provider, model, keyVariable }: TemplateTarget): string[] {
  const lines = [`    - model: ${model}`, `      provider: ${provider}`];
  return keyVariable === undefined ? lines : [...lines, `      key: \${${keyVariable}}`];
}

/** Everything commented out, the meaning at the end of each line. */
function sectionLines(name: string, schema: JsonObject): string[] {
  const rows = rowsOf(schema).flatMap(({ key, defaultText, meaning }) =>
    defaultText === undefined ? [] : [{ setting: `#   ${key}: ${defaultText}`, meaning }],
  );
  const width = Math.max(...rows.map(({ setting }) => setting.length)) + 2;
  return [
    `# ${asString(schema.description)}`,
    `# ${name}:`,
    ...rows.map(({ setting, meaning }) => `${setting.padEnd(width)}# ${meaning}`),
  ];
}
