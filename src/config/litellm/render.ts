// Writes an imported configuration as YAML, with the notes as comments where they belong.

import { Document, isNode } from 'yaml';
import type { JsonObject } from '../../model/json.ts';
import type { LitellmImport } from '../import-litellm.ts';
import type { ChainDraft, LitellmRoutes, TargetDraft } from './routes.ts';

export function renderImport(routes: LitellmRoutes, settings: JsonObject, notes: readonly string[]): LitellmImport {
  const chains = Object.fromEntries([...routes.chains].map(([name, chain]) => [name, chainValue(chain)]));
  const value = {
    ...settings,
    ...(routes.accounts.size > 0 && { accounts: Object.fromEntries(routes.accounts) }),
    ...(routes.chains.size > 0 && { chains }),
    ...(routes.aliases.size > 0 && { aliases: Object.fromEntries(routes.aliases) }),
  };
  // Every target in full: anchors that nobody named are hard to read.
  const document = new Document(value, { aliasDuplicateObjects: false });
  document.commentBefore = comment([
    'Imported from LiteLLM. What is different now:',
    ...notes.map((note) => `- ${note}`),
  ]);
  for (const [name, chain] of routes.chains) {
    const node = document.getIn(['chains', name], true);
    if (isNode(node) && chain.notes.length > 0) node.commentBefore = comment(chain.notes);
  }
  const yaml = document.toString({ lineWidth: 0, flowCollectionPadding: false });
  return { yaml, notes: [...[...routes.chains.values()].flatMap((chain) => chain.notes), ...notes] };
}

function chainValue({ strategy, targets, onContextLength, onContentFilter }: ChainDraft): unknown {
  const main = targets.map(targetValue);
  if (strategy === undefined && onContextLength.length + onContentFilter.length === 0) return main;
  return {
    ...(strategy !== undefined && { strategy }),
    targets: main,
    ...(onContextLength.length > 0 && { onContextLength: onContextLength.map(targetValue) }),
    ...(onContentFilter.length > 0 && { onContentFilter: onContentFilter.map(targetValue) }),
  };
}

function targetValue({ account, model, weight = 1, extras }: TargetDraft): unknown {
  const more = { ...(weight !== 1 && { weight }), ...extras };
  return Object.keys(more).length === 0 ? `${account}/${model}` : { account, model, ...more };
}

function comment(lines: readonly string[]): string {
  return lines.map((line) => ` ${line.replaceAll(/\s+/g, ' ')}`).join('\n');
}
