import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keepIdleMemorySmall } from '../../src/system/idle-memory.ts';
import { ManualClock } from '../support/manual-clock.ts';

/** A node that holds what a test says, and 100 bytes after each release; `at` are the seconds of its releases. */
function node() {
  const clock = new ManualClock(0);
  const state = { running: 0, begun: 0, held: 180, at: [] as number[] };
  keepIdleMemorySmall({
    clock,
    isIdle: () => state.running === 0,
    begun: () => state.begun,
    held: () => state.held,
    release: () => {
      state.at.push(clock.elapsed() / 1_000);
      state.held = 100;
    },
  });
  return { clock, state };
}

test('what the start took is given back six seconds after it, and never again while nothing happens', () => {
  const { clock, state } = node();
  clock.advance(5_999);
  assert.deepEqual(state.at, []);
  clock.advance(1);
  assert.deepEqual(state.at, [6]);
  clock.advance(3_600_000);
  assert.deepEqual(state.at, [6]);
});

test('a node that is busy from its start on gives that back at the first look that finds it idle', () => {
  const { clock, state } = node();
  state.running = 1;
  state.begun = 1;
  clock.advance(20_000);
  assert.deepEqual(state.at, []);
  state.running = 0;
  clock.advance(10_000);
  assert.deepEqual(state.at, [24]);
});

test('after a load memory is given back when 36 seconds were quiet, and what is in use again at 48; then it is let be', () => {
  const { clock, state } = node();
  clock.advance(6_000);
  state.begun = 1_000;
  state.held = 250;
  // The look at 12 s finds that something has begun; those at 18, 24, … 48 s find nothing.
  clock.advance(41_999);
  assert.deepEqual(state.at, [6]);
  clock.advance(1);
  assert.deepEqual(state.at, [6, 48]);
  state.held = 120;
  clock.advance(11_999);
  assert.deepEqual(state.at, [6, 48]);
  clock.advance(1);
  assert.deepEqual(state.at, [6, 48, 60]);
  state.held = 250;
  clock.advance(3_600_000);
  assert.deepEqual(state.at, [6, 48, 60]);
});

test('a request now and then, between two looks, is no quiet time', () => {
  const { clock, state } = node();
  clock.advance(6_000);
  state.held = 250;
  for (let seconds = 6; seconds < 600; seconds += 30) {
    state.begun += 1;
    clock.advance(30_000);
  }
  assert.deepEqual(state.at, [6]);
});

test('an answer that takes minutes is no quiet time', () => {
  const { clock, state } = node();
  clock.advance(6_000);
  state.begun = 1;
  state.running = 1;
  state.held = 250;
  clock.advance(300_000);
  assert.deepEqual(state.at, [6]);
  state.running = 0;
  clock.advance(35_999);
  assert.deepEqual(state.at, [6]);
  clock.advance(1);
  assert.deepEqual(state.at, [6, 342]);
});

test('a load that left no more than a tenth behind is let be', () => {
  const { clock, state } = node();
  clock.advance(6_000);
  state.begun = 1;
  state.held = 110;
  clock.advance(120_000);
  assert.deepEqual(state.at, [6]);
  state.begun = 2;
  state.held = 111;
  clock.advance(120_000);
  // Seen at 132 s; quiet at the looks from 138 to 168 s.
  assert.deepEqual(state.at, [6, 168]);
});
