import assert from 'node:assert/strict';
import { test } from 'node:test';
import { meanOf, medianOf, percentileOf, spreadOf, wilsonInterval } from '../../src/compare/statistics.ts';

test('median and 95th percentile, whatever the order', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
  assert.deepEqual(spreadOf(hundred), { median: 50.5, p95: 95 });
  assert.equal(medianOf([9, 1, 5]), 5);
  assert.deepEqual(spreadOf([7]), { median: 7, p95: 7 });
  assert.equal(percentileOf([1, 2], 95), 2);
  assert.equal(meanOf([1, 2, 6]), 3);
});

test('of nothing there are no statistics', () => {
  assert.deepEqual([spreadOf([]), medianOf([]), meanOf([]), wilsonInterval(0, 0)], Array(4).fill(undefined));
});

test('Wilson intervals match the published ones', () => {
  const rounded = (successes: number, count: number) =>
    Object.values(wilsonInterval(successes, count)!).map((value) => Number(value.toFixed(4)));
  assert.deepEqual(rounded(0, 10), [0, 0, 0.2775]);
  assert.deepEqual(rounded(10, 10), [1, 0.7225, 1]);
  assert.deepEqual(rounded(81, 263), [0.308, 0.2553, 0.3662]);
});
