import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SlidingMinute } from '../../src/tenancy/sliding-minute.ts';
import { fc } from '../support/property.ts';

describe('a sliding minute', () => {
  test('what is used at the end of a second counts for a whole minute', () => {
    const minute = new SlidingMinute();
    minute.add(3, 999, 999);
    assert.equal(minute.waitUntil(2, 1_500), 59_499);
    assert.equal(minute.sum(60_998), 3);
    assert.equal(minute.sum(60_999), 0);
  });

  test('never more than the limit is let through in any sixty seconds, however requests come', () => {
    const LIMIT = 5;
    const pauses = fc.array(fc.nat({ max: 20_000 }), { minLength: 20, maxLength: 80 });
    fc.assert(
      fc.property(pauses, fc.nat({ max: 1_000_000 }), (steps, startMs) => {
        const minute = new SlidingMinute();
        const admitted: number[] = [];
        let now = startMs;
        for (const step of steps) {
          now += step;
          if (minute.sum(now) + 1 > LIMIT) {
            const waitMs = minute.waitUntil(LIMIT - 1, now);
            assert.ok(waitMs > 0 && waitMs <= 60_000);
            assert.ok(minute.sum(now + waitMs) < LIMIT, 'after the wait there is room');
            now += waitMs;
          }
          minute.add(1, now, now);
          admitted.push(now);
        }
        for (const at of admitted) {
          assert.ok(admitted.filter((other) => other >= at && other < at + 60_000).length <= LIMIT);
        }
      }),
    );
  });

  test('what was held is given back and charged in the second in which it was taken', () => {
    const minute = new SlidingMinute();
    minute.add(100, 10_900, 10_900);
    minute.add(-100, 10_900, 70_500);
    minute.add(30, 10_900, 70_500);
    assert.equal(minute.sum(70_899), 30);
    assert.equal(minute.sum(70_900), 0);
    minute.add(-30, 10_900, 71_000);
    minute.add(500, 10_900, 71_000);
    assert.equal(minute.sum(71_000), 0);
  });

  test('after a long silence nothing is left', () => {
    const minute = new SlidingMinute();
    minute.add(7, 500, 500);
    assert.equal(minute.sum(1_800_000_000_000), 0);
    minute.add(1, 1_800_000_000_000, 1_800_000_000_000);
    assert.equal(minute.waitUntil(0, 1_800_000_000_000), 60_000);
    assert.equal(minute.waitUntil(-1, 1_800_000_000_000), 60_000);
    assert.equal(minute.waitUntil(1, 1_800_000_000_000), 0);
  });
});
