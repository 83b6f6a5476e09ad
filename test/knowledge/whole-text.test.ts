import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Passage } from '../../src/knowledge/knowledge.ts';
import { wholeText } from '../../src/knowledge/whole-text.ts';

const TEXT = 'One. Two. Three. Four.';
const slice = (start: number, end: number): Passage => ({ text: TEXT.slice(start, end), headings: [], start, end });

test('passages that overlap make the text they were cut from', () => {
  assert.equal(wholeText([slice(0, 9), slice(5, 16), slice(10, 22)]), TEXT);
  assert.equal(wholeText([slice(0, 22), slice(5, 9)]), TEXT);
});

test('passages that follow one another are parted by a blank line', () => {
  assert.equal(wholeText([slice(0, 4), slice(5, 9)]), 'One.\n\nTwo.');
  assert.equal(wholeText([]), '');
});

test('a passage whose text is not what its positions say stands as it is', () => {
  const table = { text: 'a | b', headings: [], start: 2, end: 20 };
  assert.equal(wholeText([slice(0, 9), table]), 'One. Two.\n\na | b');
});
