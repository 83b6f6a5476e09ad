// The store against the simplest model of itself: a map of documents, searched word by word.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../support/property.ts';
import { openStore } from '../support.ts';

const WORDS = ['alpha', 'bravo', 'charlie', 'delta', 'echo', 'foxtrot', 'golf', 'hotel'];
const TENANTS = ['one', 'two'];
const COLLECTIONS = ['x', 'y'];
const SOURCES = ['s1', 's2', 's3'];

const word = fc.constantFrom(...WORDS);
const text = fc.array(word, { minLength: 1, maxLength: 5 }).map((words) => words.join(' '));
const place = fc.record({ tenant: fc.constantFrom(...TENANTS), collection: fc.constantFrom(...COLLECTIONS) });
const action = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('store' as const),
      place,
      source: fc.constantFrom(...SOURCES),
      texts: fc.array(text, { maxLength: 3 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('remove' as const), place, source: fc.constantFrom(...SOURCES) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('tidy' as const) }) },
);

test('whatever is stored and removed, a search finds exactly what is there and no other tenant’s', () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 25 }), word, (actions, wanted) => {
      const { store } = openStore();
      const model = new Map<string, { tenant: string; collection: string; texts: readonly string[] }>();
      for (const step of actions) {
        if (step.do === 'tidy') {
          store.collectGarbage(100);
          store.mergeIndex(10);
          continue;
        }
        const key = JSON.stringify([step.place, step.source]);
        if (step.do === 'remove') {
          assert.equal(store.removeSource(step.place, step.source), model.delete(key));
          continue;
        }
        store.store({
          ...step.place,
          source: step.source,
          title: '',
          mimeType: 'text/plain',
          contentHash: step.texts.join('|'),
          attributes: {},
          passages: step.texts.map((passage) => ({ text: passage, headings: [], start: 0, end: passage.length })),
        });
        model.set(key, { ...step.place, texts: step.texts });
      }
      for (const tenant of TENANTS) {
        for (const collections of [[], ['x'], ['y'], ['z*'], ['x', 'y*']]) {
          const patterns = collections.map((name) => name.replace('*', ''));
          const there = [...model.values()]
            .filter((document) => document.tenant === tenant)
            .filter(({ collection }) => patterns.length === 0 || patterns.includes(collection))
            .flatMap(({ texts }) => texts)
            .filter((passage) => passage.split(' ').includes(wanted));
          const hits = store.search({ tenant, collections, query: wanted, topK: 100 });
          // What says the same is found once: order and repetition of words make no difference here.
          const same = (passage: string): string => [...new Set(passage.split(' '))].sort().join(' ');
          assert.deepEqual(hits.map((hit) => same(hit.text)).sort(), [...new Set(there.map(same))].sort());
        }
      }
      store.checkIntegrity();
      store.close();
    }),
    { numRuns: 150 },
  );
});
