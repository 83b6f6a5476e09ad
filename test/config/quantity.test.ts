import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BYTES, DURATION, formatQuantity, parseQuantity } from '../../src/config/quantity.ts';
import { fc } from '../support/property.ts';

test('what is formatted reads back as the same amount', () => {
  fc.assert(
    fc.property(fc.nat(), fc.constantFrom(DURATION, BYTES), (value, quantity) => {
      assert.equal(parseQuantity(formatQuantity(value, quantity), quantity), value);
    }),
  );
});

test('the largest unit that divides an amount is used', () => {
  assert.equal(formatQuantity(120_000, DURATION), '2m');
  assert.equal(formatQuantity(90_000, DURATION), '90s');
  assert.equal(formatQuantity(250, DURATION), '250ms');
  assert.equal(formatQuantity(33_554_432, BYTES), '32MiB');
  assert.equal(formatQuantity(0, DURATION), '0');
});

test('text that is not an amount is refused', () => {
  for (const text of ['', '5x', '-1s', '1 2s', 's', '1e3', '5 seconds']) {
    assert.equal(parseQuantity(text, DURATION), undefined, text);
  }
});
