import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KnowledgeStore } from '../../../src/knowledge/store/knowledge-store.ts';
import { documentOf, NOTES, openStore } from '../support.ts';

const CAT = 'Cats purr on the sofa.';
const DOG = 'Dogs bark at the gate.';
const CAR = 'Engines roar on the road.';
const MEANINGS: Readonly<Record<string, readonly number[]>> = {
  [CAT]: [1, 0.2, 0],
  [DOG]: [0.8, 0.6, 0],
  [CAR]: [0, 0, 1],
};

function embed(store: KnowledgeStore, ref = NOTES): void {
  const missing = store.missingEmbeddings(ref, 10);
  store.putEmbeddings(
    ref,
    missing.map(({ hash }) => hash),
    new Float32Array(missing.flatMap(({ text }) => MEANINGS[text] ?? [])),
  );
}

function texts(store: KnowledgeStore, query: string, embedding: readonly number[], attributes = {}): string[] {
  return store.search({ ...NOTES, collections: [], query, topK: 5, embedding, attributes }).map(({ text }) => text);
}

test('with a vector, what means the same is found beside what has the same words', () => {
  const { store } = openStore();
  store.store(documentOf('a', [CAT, DOG, CAR]));
  assert.deepEqual(texts(store, 'sofa', [1, 0, 0]), [CAT]);
  assert.equal(store.missingEmbeddings(NOTES, 10).length, 3);
  assert.equal(store.missingEmbeddings(NOTES, 2).length, 2);
  embed(store);
  assert.deepEqual(store.missingEmbeddings(NOTES, 10), []);
  assert.deepEqual(texts(store, 'feline pets', [1, 0, 0]), [CAT, DOG, CAR]);
  assert.equal(texts(store, 'engines', [1, 0, 0])[0], CAR);
  store.store(documentOf('b', ['Something new']));
  assert.deepEqual(
    store.missingEmbeddings(NOTES, 10).map(({ text }) => text),
    ['Something new'],
  );
});

test('vectors keep to tenants, filters and what is there', () => {
  const { store } = openStore();
  store.store(documentOf('a', [CAT], { attributes: { pet: true } }));
  store.store(documentOf('b', [CAR]));
  store.store(documentOf('c', [DOG], { tenant: 'other' }));
  embed(store);
  embed(store, { ...NOTES, tenant: 'other' });
  assert.deepEqual(texts(store, 'x', [0.8, 0.6, 0]), [CAT, CAR]);
  assert.deepEqual(texts(store, 'x', [0, 0, 1], { pet: true }), [CAT]);
  store.removeSource(NOTES, 'a');
  assert.deepEqual(texts(store, 'x', [1, 0, 0]), [CAR]);
  store.collectGarbage(10);
  assert.deepEqual(texts(store, 'x', [1, 0, 0]), [CAR]);
  store.checkIntegrity();
});

test('vectors of another dimension are refused until the old ones are cleared, and ignored in searches', () => {
  const { store } = openStore();
  store.store(documentOf('a', [CAT]));
  embed(store);
  const [hash] = store
    .search({ ...NOTES, collections: [], query: 'cats', topK: 1 })
    .map(({ passageHash }) => passageHash);
  assert.throws(() => store.putEmbeddings(NOTES, [hash ?? ''], new Float32Array(4)), { code: 'bad_request' });
  assert.throws(() => store.putEmbeddings(NOTES, ['a', 'b'], new Float32Array(3)), { code: 'bad_request' });
  assert.deepEqual(texts(store, 'cats', [1, 0, 0, 0]), [CAT]);
  store.clearEmbeddings(NOTES);
  assert.equal(store.missingEmbeddings(NOTES, 10).length, 1);
  store.putEmbeddings(NOTES, [hash ?? ''], new Float32Array([0, 1, 0, 0]));
  assert.deepEqual(texts(store, 'nothing', [0, 1, 0, 0]), [CAT]);
});
