import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseJson } from '../../src/model/exact-json.ts';
import { asNumber, asObject, isObject, parseObject } from '../../src/model/json.ts';

const EXACT = [
  '{"id":9223372036854775807}',
  '{"id": -9223372036854775808}',
  '[12345678901234567890,1]',
  '{"a":[9007199254740993]}',
  '{"a":1.5,"b":[true,null,"9223372036854775807"],"c":{"d":18446744073709551615}}',
];

for (const text of EXACT) {
  test(`the digits of ${text} are written as they were read`, () => {
    assert.equal(JSON.stringify(parseJson(text)), text.replaceAll(' ', ''));
  });
}

test('a number beyond 2^53 is no object, and whoever calculates gets the nearest', () => {
  const { id } = parseObject('{"id":9223372036854775807}')!;
  assert.equal(isObject(id), false);
  assert.equal(asObject(id), undefined);
  assert.equal(asNumber(id), 2 ** 63);
});

test('other numbers are numbers', () => {
  assert.deepEqual(parseJson('{"a":9007199254740991,"b":1e400,"c":0.12345678901234566,"d":1e22,"e":"x"}'), {
    a: 9_007_199_254_740_991,
    b: Number.POSITIVE_INFINITY,
    c: 0.12345678901234566,
    d: 1e22,
    e: 'x',
  });
});

test('what is no JSON is refused with long numbers, too', () => {
  assert.throws(() => parseJson('{"a":9223372036854775807,}'), SyntaxError);
  assert.equal(parseObject('{"a":9223372036854775807'), undefined);
});

test('an answer may begin with a byte order mark', () => {
  assert.deepEqual(parseObject('\uFEFF{"a":1}'), { a: 1 });
});
