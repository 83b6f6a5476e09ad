import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AnswerLengths } from '../../src/tenancy/answer-lengths.ts';

test('what is usual is the mean of the first answers, and then follows about the last twenty', () => {
  const lengths = new AnswerLengths();
  assert.equal(lengths.usual('main'), undefined);
  lengths.note('main', 100);
  lengths.note('main', 300);
  assert.equal(lengths.usual('main'), 200);
  for (let answers = 0; answers < 18; answers += 1) lengths.note('main', 200);
  assert.equal(Math.round(lengths.usual('main') ?? 0), 200);
  lengths.note('main', 2_200);
  assert.equal(Math.round(lengths.usual('main') ?? 0), 300);
  assert.equal(lengths.usual('other'), undefined);
});
