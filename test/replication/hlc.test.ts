import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AHEAD_MAX_MS,
  after,
  FIRST_HLC,
  hlcOf,
  isAhead,
  isHlc,
  later,
  stamp,
  timeOf,
  witness,
} from '../../src/replication/hlc.ts';
import { fc } from '../support/property.ts';

const time = fc.integer({ min: 0, max: 2 ** 47 });
const hlc = fc.tuple(time, fc.integer({ min: 0, max: 0xffff })).map(([ms, counter]) => hlcOf(ms, counter));

test('a stamp is text of 12 digits of time and 4 of a counter, and text order is time order', () => {
  assert.equal(hlcOf(1_800_000_000_000, 7), '01a3185c50000007');
  assert.equal(timeOf('01a3185c50000007'), 1_800_000_000_000);
  fc.assert(
    fc.property(time, time, (a, b) => {
      assert.equal(hlcOf(a) < hlcOf(b), a < b);
      assert.equal(isHlc(hlcOf(a)), true);
    }),
  );
});

test('the next stamp is later, also over the counter’s end; the last of all has none', () => {
  fc.assert(fc.property(hlc, (value) => assert.ok(after(value) > value)));
  assert.equal(after(hlcOf(5, 0xffff)), hlcOf(6));
  assert.equal(after('ffffffffffffffff'), 'ffffffffffffffff');
});

test('a stamp beats the base it edits and every stamp before it, whatever the clock says', () => {
  const write = fc.record({ now: time, base: fc.option(hlc, { nil: undefined }) });
  fc.assert(
    fc.property(fc.array(write, { maxLength: 30 }), time, (writes, meshNow) => {
      let last = FIRST_HLC;
      for (const { now, base } of writes) {
        const made = stamp({ last, base, now, meshNow });
        assert.ok(made.hlc > last, 'later than all own stamps');
        assert.ok(base === undefined || made.hlc > base, 'later than the row it replaces');
        assert.ok(made.last > last, 'the clock never goes back');
        last = made.last;
      }
    }),
  );
});

test('a base of the far future is beaten without moving our clock', () => {
  const [now, future] = [1_800_000_000_000, 2_100_000_000_000];
  const made = stamp({ last: hlcOf(now - 10), base: hlcOf(future), now, meshNow: now });
  assert.deepEqual(made, { hlc: hlcOf(future, 1), last: hlcOf(now) });
});

test('a foreign stamp moves our clock, unless it is more than five minutes ahead of the mesh', () => {
  const now = 1_800_000_000_000;
  const [near, far] = [hlcOf(now + AHEAD_MAX_MS), hlcOf(now + AHEAD_MAX_MS + 1)];
  assert.equal(witness(hlcOf(now), near, now), near);
  assert.equal(witness(hlcOf(now), far, now), hlcOf(now));
  assert.deepEqual([isAhead(near, now), isAhead(far, now)], [false, true]);
  fc.assert(
    fc.property(hlc, hlc, time, (last, foreign, meshNow) => assert.ok(witness(last, foreign, meshNow) >= last)),
  );
  assert.equal(later('0a', '0b'), '0b');
});

test('a node whose clock is decades behind still edits what it has seen', () => {
  const made = stamp({ last: FIRST_HLC, base: hlcOf(1_800_000_000_000), now: 12, meshNow: 1_800_000_000_000 });
  assert.equal(made.hlc, hlcOf(1_800_000_000_000, 1));
});
