// docs/providers.md, made from the presets.

import type { AuthStyle } from '../src/providers/account.ts';
import { type Preset, presets } from '../src/providers/presets.ts';

export function providerReference(): string {
  const cloud = presets.filter((preset) => preset.baseUrl !== '' && !preset.isLocal);
  const local = presets.filter((preset) => preset.baseUrl !== '' && preset.isLocal);
  const given = presets.filter((preset) => preset.baseUrl === '');
  return `${[INTRODUCTION, section('Cloud providers', cloud), section('Servers on your machine', local), section('Your own address', given), ADDRESSES, QUIRKS, quirks()].join('\n\n')}\n`;
}

const INTRODUCTION = `<!-- Made by scripts/generate-docs.ts from src/providers/presets.ts: edit that file, not this one. -->

# Providers

\`provider:\` in the configuration takes one of these names. Without a configuration flowmesh looks into the
environment: the first variable of a row that is set makes an account with the row's name, and rows with a default
model join the default chain in this order. Any other OpenAI-compatible server works as \`openai-compatible\` with \`url\`.`;

const ADDRESSES = `## Addresses

- \`url\` may end with or without a slash, with or without \`/v1\`, or be a whole pasted endpoint; the version is there once in what is called.
- A \`url\` that is only a host gets the dialect's version (\`/v1\`, Gemini \`/v1beta\`). An OpenAI-compatible \`url\` with a path is taken as complete.
- Azure without \`apiVersion\` is called by its v1 API (\`…/openai/v1\`, the model is the deployment's name); with \`apiVersion\` by \`…/openai/deployments/<model>/…?api-version=\`. From the environment: \`AZURE_OPENAI_ENDPOINT\`, \`AZURE_OPENAI_DEPLOYMENT\` (or \`…_DEPLOYMENT_NAME\`), \`AZURE_OPENAI_API_VERSION\` (or \`OPENAI_API_VERSION\`).
- \`OPENAI_BASE_URL\` and \`ANTHROPIC_BASE_URL\` are honoured at the start without a configuration, unless they point at this machine: then they are meant for clients of flowmesh.
- \`OLLAMA_HOST\` is honoured. \`FLOWMESH_NO_PROBE=1\` keeps flowmesh from looking for servers on this machine (ports 11434, 8080, 1234, 8000).
- When a target speaks another \`dialect\` than its provider's, the key travels as that dialect expects it (\`x-api-key\`, \`x-goog-api-key\`).`;

const QUIRKS = `## Quirks

Where a provider deviates from its dialect; a target's \`traits\` override them.`;

function section(title: string, rows: readonly Preset[]): string {
  return [
    `## ${title}`,
    '',
    '| provider | | speaks | address | key | key from | default model | models by name | documentation |',
    '|---|---|---|---|---|---|---|---|---|',
    ...rows.map(row),
  ].join('\n');
}

function row(preset: Preset): string {
  const cells = [
    code([preset.name]),
    preset.title,
    preset.isBuiltin ? '' : preset.dialect,
    preset.baseUrl === '' ? (preset.isBuiltin ? 'built in' : '`url` is required') : code([preset.baseUrl]),
    keyPlace(preset.auth),
    code(preset.keyVariables),
    preset.defaultModel === undefined ? '' : code([preset.defaultModel]),
    code(preset.modelPatterns),
    preset.docs === '' ? '' : `<${preset.docs}>`,
  ];
  return `| ${cells.join(' | ')} |`;
}

function keyPlace(auth: AuthStyle): string {
  if (auth.type === 'none') return '';
  return auth.type === 'bearer' ? 'Bearer' : code([auth.name]);
}

function quirks(): string {
  const rows = presets.flatMap(({ name, traits }) => {
    const told = Object.entries(traits).map(([trait, value]) => `${trait}: ${JSON.stringify(value)}`);
    return told.length === 0 ? [] : [`| ${code([name])} | ${code(told)} |`];
  });
  return ['| provider | traits |', '|---|---|', ...rows].join('\n');
}

function code(words: readonly string[]): string {
  return words.map((word) => `\`${word}\``).join(' ');
}
