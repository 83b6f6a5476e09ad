import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareTexts } from '../../src/compare/similarity.ts';

const cases: [name: string, left: string, right: string, score: number, reason: string][] = [
  ['the same text', 'Paris.', ' Paris.\n', 1, 'identical'],
  [
    'case and signs do not count',
    'It is Paris',
    'it is PARIS!',
    1,
    '100 % of the words shared, 100 % in the same order',
  ],
  ['nothing in common', 'red green', 'blue', 0, '0 % of the words shared, 0 % in the same order'],
  ['other order', 'a b c d', 'd c b a', 0.625, '100 % of the words shared, 25 % in the same order'],
  ['one word of two', 'red green', 'red blue', 0.5, '50 % of the words shared, 50 % in the same order'],
  [
    'a repeated word counts once for each time',
    'no',
    'no no no',
    0.5,
    '50 % of the words shared, 50 % in the same order',
  ],
  ['an empty answer', '', 'something', 0, '0 % of the words shared, 0 % in the same order'],
  ['Chinese counts by the character', '北京市', '北京', 0.8, '80 % of the words shared, 80 % in the same order'],
  [
    'Cyrillic and Hindi have words',
    'Привет мир हिन्दी',
    'привет, мир हिन्दी',
    1,
    '100 % of the words shared, 100 % in the same order',
  ],
  ['signs alone', '!!!', '???', 0, '0 % of the words shared, 0 % in the same order'],
  ['JSON in another order and fence', '{"a":1,"b":[2]}', '```json\n{"b": [2], "a": 1}\n```', 1, 'the same JSON'],
  ['JSON with one wrong value of two', '{"a":1,"b":2}', '{"a":1,"b":3}', 0.5, '50 % of the JSON values agree'],
  ['a missing branch weighs as its values', '{"a":1,"b":[1,2,3]}', '{"a":1}', 0.25, '25 % of the JSON values agree'],
  ['texts in JSON are compared by words', '["red green"]', '["red blue"]', 0.5, '50 % of the JSON values agree'],
  ['empty JSON', '{}', '{ }', 1, 'the same JSON'],
  ['a number is not its text', '[1]', '["1"]', 0, '0 % of the JSON values agree'],
  ['keys named like methods', '{"constructor":1}', '{}', 0, '0 % of the JSON values agree'],
];

for (const [name, left, right, score, reason] of cases) {
  test(`similarity: ${name}`, () => {
    const found = compareTexts(left, right);
    assert.deepEqual({ ...found, score: Number(found.score.toFixed(6)) }, { score, reason });
    assert.equal(compareTexts(right, left).score, found.score, 'it is symmetric');
  });
}

test('JSON nested too deep is compared as text', () => {
  const deep = (value: string): string => '['.repeat(5_000) + value + ']'.repeat(5_000);
  assert.equal(compareTexts(deep('1'), deep('2')).reason, '0 % of the words shared, 0 % in the same order');
});
