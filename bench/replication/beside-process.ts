// A command beside a running node, as `flowmesh kb` is: it opens knowledge.db and changes documents there.

import { openLocalKnowledge } from '../../src/knowledge/local-knowledge.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { Corpus } from '../knowledge/corpus.ts';

export interface BesideOrder {
  /** knowledge.db of a node. */
  readonly file: string;
  /** Whose text it is. */
  readonly seed: number;
  /** Numbers of documents, from and below. */
  readonly store: readonly [from: number, below: number];
  readonly passages: number;
  readonly remove: readonly [from: number, below: number];
  /** By how much its clock is ahead. */
  readonly aheadMs: number;
}

export const OWNER = { tenant: 'bench', collection: 'all' } as const;

export function sourceOf(document: number): string {
  return `document-${String(document).padStart(7, '0')}`;
}

export async function change({ file, seed, store, passages, remove, aheadMs }: BesideOrder): Promise<void> {
  const clock = { ...systemClock, now: () => systemClock.now() + aheadMs };
  const knowledge = openLocalKnowledge({ file, clock });
  const corpus = new Corpus(seed);
  for (let document = store[0]; document < store[1]; document += 1) {
    const topic = corpus.topic();
    const texts = Array.from({ length: passages }, () => corpus.passage(topic));
    await knowledge.store({
      ...OWNER,
      source: sourceOf(document),
      title: `Document ${document} of ${seed}`,
      mimeType: 'text/plain',
      attributes: {},
      contentHash: `${seed}${String(document).padStart(15, '0')}`.padStart(64, '0'),
      passages: texts.map((text) => ({ text, headings: [], start: 0, end: text.length })),
    });
  }
  const sources = Array.from({ length: remove[1] - remove[0] }, (_, index) => sourceOf(remove[0] + index));
  if (sources.length > 0) await knowledge.remove(OWNER, { sources });
  await knowledge.close();
}

if (process.argv[1] === import.meta.filename) await change(JSON.parse(process.argv[2] ?? '') as BesideOrder);
