import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressOf, documentIds, placeOf, selectPassages } from '../../src/knowledge/augment.ts';
import { hit } from '../support/scripted-knowledge.ts';

const ALL = { topK: 10, minScore: 0 };
const texts = (hits: Parameters<typeof selectPassages>[0], selection = ALL): string[] =>
  selectPassages(hits, selection).map(({ number, hit: { text } }) => `${number} ${text}`);

test('passages are numbered from one in the order of their scores, at most topK of them', () => {
  assert.deepEqual(texts([hit('a'), hit('b'), hit('c')], { topK: 2, minScore: 0 }), ['1 a', '2 b']);
});

test('a text that a better passage has already is left out, whatever its case and white space', () => {
  assert.deepEqual(texts([hit('The pump\nleaks. It is old.'), hit('the  PUMP leaks.'), hit('Other'), hit(' ')]), [
    '1 The pump\nleaks. It is old.',
    '2 Other',
  ]);
});

test('passages below a part of the best score are left out', () => {
  const hits = [hit('a', { score: 8 }), hit('b', { score: 4 }), hit('c', { score: 3.9 })];
  assert.deepEqual(texts(hits, { topK: 10, minScore: 0.5 }), ['1 a', '2 b']);
  assert.deepEqual(texts(hits), ['1 a', '2 b', '3 c']);
});

test('documents are named once', () => {
  const passages = selectPassages([hit('a'), hit('b', { documentId: 'd2' }), hit('c')], ALL);
  assert.deepEqual(documentIds(passages), ['d1', 'd2']);
});

test('a place is the title and the headings below it', () => {
  assert.equal(placeOf({ title: 'Manual', headings: ['Manual', 'Pumps', 'Leaks'] }), 'Manual › Pumps › Leaks');
  assert.equal(placeOf({ title: 'Manual', headings: [] }), 'Manual');
});

test('a document on the web has its own address, another one a stable name', () => {
  assert.equal(addressOf(hit('a', { source: 'https://example.org/a?b=c' })), 'https://example.org/a?b=c');
  assert.equal(
    addressOf(hit('a', { source: '/home/me/a.md', collection: 'my docs', position: 3 })),
    'flowmesh://knowledge/my%20docs/d1#3',
  );
});
