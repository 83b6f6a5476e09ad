// `flowmesh kb`: what is in the knowledge collections, searching them, and removing from them.

import { resolve } from 'node:path';
import { KNOWLEDGE_DEFAULTS } from '../config/knowledge.ts';
import type { CollectionRef, DocumentInfo, Knowledge, SearchHit } from '../knowledge/knowledge.ts';
import { CommandError, EXIT } from './command-error.ts';
import { checkedName, type KnowledgeOptions, withKnowledge } from './open-knowledge.ts';
import { counted, harmless, note, print, printJson, styled, table } from './terminal.ts';

interface ListOptions extends KnowledgeOptions {
  readonly collection?: string;
  readonly json?: boolean;
}

export interface SearchOptions extends KnowledgeOptions {
  readonly collection?: readonly string[];
  readonly topK?: string;
  readonly json?: boolean;
}

export interface RemoveOptions extends KnowledgeOptions {
  readonly collection: string;
  readonly all?: boolean;
}

const PAGE_SIZE = 1_000;

/** The collections of the tenant, or the documents of one. */
export async function listKnowledge(options: ListOptions): Promise<void> {
  const { tenant, collection, json } = options;
  if (collection === undefined) return showStats(options);
  const ref = { tenant, collection: checkedName('collection', collection) };
  const documents = await withKnowledge(options, ({ knowledge }) => allDocuments(knowledge, ref));
  if (json) {
    printJson(documents);
    return;
  }
  const rows = documents.map(({ source, title, passageCount, updatedAt }) => [
    harmless(source),
    String(passageCount),
    new Date(updatedAt).toISOString().slice(0, 'YYYY-MM-DD'.length),
    harmless(title),
  ]);
  print(table([['SOURCE', 'PASSAGES', 'UPDATED', 'TITLE'], ...rows]));
}

export async function showStats(options: ListOptions): Promise<void> {
  const stats = await withKnowledge(options, ({ knowledge }) => knowledge.stats(options.tenant));
  if (options.json) {
    printJson(stats);
    return;
  }
  const rows = stats.map(({ collection, documents, passages, length }) => [
    harmless(collection),
    ...[documents, passages, length].map((count) => count.toLocaleString('en')),
  ]);
  print(table([['COLLECTION', 'DOCUMENTS', 'PASSAGES', 'CHARACTERS'], ...rows]));
  if (rows.length === 0) note('There is no knowledge yet: `flowmesh kb add FOLDER --collection NAME`.');
}

export async function searchKnowledge(words: readonly string[], options: SearchOptions): Promise<void> {
  const { tenant, collection = [], topK = String(KNOWLEDGE_DEFAULTS.topK), json } = options;
  if (!/^\d{1,3}$/.test(topK) || Number(topK) < 1 || Number(topK) > 100) {
    throw new CommandError('--top-k must be a whole number from 1 to 100.', EXIT.usage);
  }
  const request = { tenant, collections: collection, query: words.join(' '), topK: Number(topK) };
  const hits = await withKnowledge(options, ({ knowledge }) => knowledge.search(request));
  if (json) printJson(hits);
  else if (hits.length === 0) note('Nothing was found.');
  else print(hits.map(hitText).join('\n\n'));
}

/** Sources, or folders with everything below them. */
export async function removeKnowledge(named: readonly string[], options: RemoveOptions): Promise<void> {
  const { tenant, all } = options;
  const ref = { tenant, collection: checkedName('collection', options.collection) };
  if (named.length > 0 === (all === true)) {
    throw new CommandError('Name the sources to remove, or give --all for the whole collection.', EXIT.usage);
  }
  const removed = await withKnowledge(options, async ({ knowledge, around }) => {
    if (all) return knowledge.remove(ref, 'all');
    const sources = matching(await allDocuments(knowledge, ref), named, around.directory);
    return knowledge.remove(ref, { sources });
  });
  print(`Removed ${counted(removed, 'document')} from collection ${ref.collection}.`);
}

/** @throws CommandError for a name that nothing has */
function matching(documents: readonly DocumentInfo[], named: readonly string[], directory: string): string[] {
  const found = new Set<string>();
  for (const name of named) {
    const path = resolve(directory, name);
    const fits = documents.filter(
      ({ source, id }) => source === name || id === name || source === path || source.startsWith(`${path}/`),
    );
    if (fits.length === 0) {
      throw new CommandError(`There is no document ${name}. \`flowmesh kb list --collection …\` shows the sources.`);
    }
    for (const { source } of fits) found.add(source);
  }
  return [...found];
}

export async function allDocuments(knowledge: Knowledge, ref: CollectionRef): Promise<DocumentInfo[]> {
  const documents: DocumentInfo[] = [];
  for (;;) {
    const after = documents.at(-1)?.source;
    const page = await knowledge.documents(ref, { limit: PAGE_SIZE, ...(after !== undefined && { after }) });
    documents.push(...page);
    if (page.length < PAGE_SIZE) return documents;
  }
}

function hitText({ title, headings, source, page, snippet, score }: SearchHit, index: number): string {
  const path = headings[0] === title ? headings : [title, ...headings];
  const place = page === undefined ? source : `${source}, page ${page}`;
  const head = `${index + 1}. ${harmless(path.join(' › '))}`;
  const shown = harmless(snippet)
    .replace(/\s+/g, ' ')
    .replace(/\[\[(.*?)\]\]/g, (_, match: string) => styled('bold', match));
  return `${styled('bold', head)}\n   ${styled('dim', `${harmless(place)} (${score.toFixed(2)})`)}\n   ${shown}`;
}
