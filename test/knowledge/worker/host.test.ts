// The order of work, with the event loop turned by hand.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KnowledgeStore, openKnowledgeDatabase } from '../../../src/knowledge/store/knowledge-store.ts';
import { CALLS_MAX, flagOf, type KnowledgeCall, type Reply } from '../../../src/knowledge/worker/calls.ts';
import { KnowledgeHost } from '../../../src/knowledge/worker/host.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { documentOf, NOTES } from '../support.ts';

const SEARCH: KnowledgeCall = {
  name: 'search',
  arguments: [{ tenant: 'acme', collections: [], query: 'copper', topK: 3 }],
};

/** @param writeMs how long each look at the clock takes */
function openHost(writeMs: number) {
  const turns: (() => void)[] = [];
  const replies: Reply[] = [];
  let elapsed = 0;
  const cancelled = new Int32Array(CALLS_MAX);
  const host = new KnowledgeHost({
    store: new KnowledgeStore({ database: openKnowledgeDatabase(':memory:'), clock: new ManualClock() }),
    clock: {
      elapsed: () => {
        elapsed += writeMs;
        return elapsed;
      },
      soon: (action) => turns.push(action),
    },
    cancelled,
    send: (reply) => replies.push(reply),
  });
  const turn = (): void => turns.shift()?.();
  const store = (id: number): void =>
    host.receive({ id, call: { name: 'store', arguments: [documentOf(`${id}`, [`copper ${id}`])] } });
  return { host, turns, replies, cancelled, turn, store, ids: () => replies.map(({ id }) => id) };
}

test('a search goes before all writes that wait', () => {
  const { host, turn, store, ids } = openHost(10);
  for (let id = 1; id <= 5; id += 1) store(id);
  turn();
  assert.deepEqual(ids(), [1, 2]);
  host.receive({ id: 6, call: SEARCH });
  turn();
  assert.deepEqual(ids(), [1, 2, 6]);
  turn();
  assert.deepEqual(ids(), [1, 2, 6, 3, 4]);
});

test('searches without a pause do not stop the writes', () => {
  const { host, turn, store, ids } = openHost(100);
  store(100);
  for (let id = 1; id <= 10; id += 1) host.receive({ id, call: SEARCH });
  for (let count = 0; count < 10; count += 1) turn();
  assert.deepEqual(ids(), [1, 2, 3, 4, 5, 6, 7, 8, 100, 9]);
});

test('a write that fails takes no other with it', () => {
  const { host, replies, turn, store } = openHost(0);
  store(1);
  host.receive({ id: 2, call: { name: 'stage', arguments: [99, []] } });
  store(3);
  host.receive({ id: 4, call: SEARCH });
  turn();
  turn();
  const outcomes = replies.map((reply) => ('error' in reply ? reply.error.code : reply.value));
  assert.deepEqual(outcomes, [[], 'added', 'internal', 'added']);
  host.receive({ id: 5, call: { name: 'stats', arguments: [undefined] } });
  turn();
  assert.deepEqual(replies.at(-1), { id: 5, value: [{ ...NOTES, documents: 2, passages: 2, length: 16 }] });
});

test('a search that was dropped while it waited is not run', () => {
  const { host, replies, cancelled, turn } = openHost(0);
  host.receive({ id: 7, call: SEARCH });
  cancelled[flagOf(7)] = 1;
  turn();
  assert.deepEqual(replies, [{ id: 7, error: { code: 'client_closed', message: 'The search was dropped.' } }]);
});

test('when everything is tidy the thread rests', () => {
  const { turns, turn, store } = openHost(0);
  store(1);
  for (let count = 0; turns.length > 0 && count < 100; count += 1) turn();
  assert.equal(turns.length, 0);
});

test('the thread is idle when all is answered and the house is in order', () => {
  const { host, turns, turn, store, ids } = openHost(1);
  while (turns.length > 0) turn();
  assert.equal(host.isIdle, true);
  store(1);
  assert.equal(host.isIdle, false);
  turn();
  assert.deepEqual(ids(), [1]);
  // What the write left to tidy up.
  assert.equal(host.isIdle, false);
  while (turns.length > 0) turn();
  assert.equal(host.isIdle, true);
});
