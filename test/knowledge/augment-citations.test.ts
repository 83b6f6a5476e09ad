import assert from 'node:assert/strict';
import { test } from 'node:test';
import { annotationOf, findCitations } from '../../src/knowledge/augment-citations.ts';
import { hit } from '../support/scripted-knowledge.ts';

const PASSAGES = [1, 2, 12].map((number) => ({
  number,
  hit: hit(`Passage ${number}.`, { documentId: `d${number}`, headings: ['Pumps'] }),
}));
const found = (text: string, from?: number): string[] =>
  findCitations(text, PASSAGES, from).map(({ passage, start, end }) => `${passage?.number}: ${text.slice(start, end)}`);

test('a citation is a number in brackets that a passage bears, at its own place', () => {
  assert.deepEqual(found('It leaks [1]. It is old[2][12].'), ['1: [1]', '2: [2]', '12: [12]']);
  assert.deepEqual(found('Ünïcode 🙂 [2]'), ['2: [2]']);
});

test('several numbers in one pair of brackets are several citations', () => {
  assert.deepEqual(found('It leaks [1, 12; 2]【2】.'), [
    '1: [1, 12; 2]',
    '12: [1, 12; 2]',
    '2: [1, 12; 2]',
    '2: 【2】',
  ]);
});

test('numbers that no passage bears, links, and indexes in code are none', () => {
  assert.deepEqual(found('[3] [0] [999] [1](https://x) `a[1]` [x] 1 [ 1 ]\n```js\nb[2]\n```\n[1]'), ['1: [1]']);
  assert.deepEqual(found('```\na[1]'), []);
});

test('citations before a place are told already', () => {
  assert.deepEqual(found('[1] and [2]', 3), ['2: [2]']);
});

test('an answer that cites without end is bounded', () => {
  assert.equal(findCitations('[1] '.repeat(500), PASSAGES).length, 200);
});

test('an annotation has the address, the title, the beginning of the passage and its number', () => {
  const long = { number: 2, hit: hit('x'.repeat(500), { documentId: 'd2', headings: ['Pumps'], position: 4 }) };
  assert.deepEqual(annotationOf(long, 3, 6), {
    url: 'flowmesh://knowledge/manuals/d2#4',
    title: 'Manual › Pumps',
    quote: `${'x'.repeat(400)}…`,
    start: 3,
    end: 6,
    passage: { number: 2, documentId: 'd2' },
  });
});
