// A process that has a node's knowledge.db open as well, and does there what it is told.

import { openLocalKnowledge } from '../../src/knowledge/local-knowledge.ts';
import { systemClock } from '../../src/system/system-clock.ts';

interface Order {
  readonly store?: { readonly source: string; readonly text: string };
  readonly remove?: string;
  readonly search?: string;
}

const REF = { tenant: 'default', collection: 'all' };
const FACTS = { title: '', mimeType: 'text/plain', attributes: {} };
const knowledge = openLocalKnowledge({ file: process.argv[2] ?? '', clock: systemClock });

process.on('message', (order: Order) => void carryOut(order).then((answer) => process.send?.(answer)));
process.on('disconnect', () => process.exit());

async function carryOut({ store, remove, search }: Order): Promise<unknown> {
  if (store) {
    const { source, text } = store;
    const passages = [{ text, headings: [], start: 0, end: text.length }];
    const contentHash = Buffer.from(text).toString('hex').slice(0, 64).padEnd(64, '0');
    return await knowledge.store({ ...REF, ...FACTS, source, contentHash, passages });
  }
  if (remove !== undefined) return await knowledge.remove(REF, { sources: [remove] });
  const hits = await knowledge.search({ tenant: REF.tenant, collections: [], query: search ?? '', topK: 5 });
  return hits.map(({ text }) => text);
}
