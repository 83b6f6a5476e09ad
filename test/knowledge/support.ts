// Documents and a store for tests of the knowledge brain.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import type { DocumentInput, Passage } from '../../src/knowledge/knowledge.ts';
import { KnowledgeStore, openKnowledgeDatabase } from '../../src/knowledge/store/knowledge-store.ts';
import type { ChangeRecorder } from '../../src/storage/changes.ts';
import { ManualClock } from '../support/manual-clock.ts';

export const NOTES = { tenant: 'acme', collection: 'notes' };

export function passageOf(text: string, headings: readonly string[] = []): Passage {
  return { text, headings, start: 0, end: text.length };
}

export function documentOf(
  source: string,
  texts: readonly string[],
  changes: Partial<DocumentInput> = {},
): DocumentInput {
  return {
    ...NOTES,
    source,
    title: source,
    mimeType: 'text/plain',
    contentHash: texts.join('\n'),
    attributes: {},
    passages: texts.map((text) => passageOf(text)),
    ...changes,
  };
}

export function openStore(changes?: ChangeRecorder): { readonly store: KnowledgeStore; readonly clock: ManualClock } {
  const clock = new ManualClock();
  const database = openKnowledgeDatabase(':memory:');
  return { store: new KnowledgeStore({ database, clock, ...(changes && { changes }) }), clock };
}

/** Texts of what is found, best first. */
export function found(store: KnowledgeStore, query: string, topK = 10): string[] {
  return store.search({ tenant: 'acme', collections: [], query, topK }).map(({ text }) => text);
}

/** In a directory that is gone when the tests of this process are over. */
export function temporaryFile(): string {
  const directory = mkdtempSync(join(tmpdir(), 'flowmesh-knowledge-'));
  directories.push(directory);
  return join(directory, 'knowledge.db');
}

const directories: string[] = [];
after(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});
