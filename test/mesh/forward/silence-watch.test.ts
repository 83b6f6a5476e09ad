// Requests that wait for their first token at a peer that may have gone without a word.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { SilenceWatch } from '../../../src/mesh/forward/silence-watch.ts';
import { ManualClock } from '../../support/manual-clock.ts';

function watching() {
  const clock = new ManualClock();
  const asked: number[] = [];
  const world = { isThere: true };
  const watch = new SilenceWatch({
    clock,
    isThere: () => {
      asked.push(clock.elapsed());
      return Promise.resolve(world.isThere);
    },
  });
  const pass = async (milliseconds: number): Promise<void> => {
    for (let step = 0; step < milliseconds; step += 50) {
      clock.advance(50);
      await turn();
    }
  };
  return { clock, watch, asked, world, pass };
}

test('a peer that is silent for 300 ms is asked, and waited for as long as it answers', async () => {
  const { watch, asked, pass } = watching();
  const givenUp: string[] = [];
  watch.begin('box', () => givenUp.push('a'));
  await pass(250);
  assert.equal(asked.length, 0);
  await pass(1_000);
  assert.deepEqual([asked.length, givenUp], [4, []]);
});

test('when it does not answer, all that wait for it are given up, and no others', async () => {
  const { watch, world, pass } = watching();
  const givenUp: string[] = [];
  watch.begin('box', () => givenUp.push('a'));
  await pass(200);
  watch.begin('box', () => givenUp.push('b'));
  const answered = watch.begin('box', () => givenUp.push('c'));
  world.isThere = false;
  answered(false);
  await pass(150);
  assert.deepEqual(givenUp, ['a', 'b']);
});

test('a peer whose answers come is not asked', async () => {
  const { watch, asked, pass } = watching();
  watch.begin('box', () => undefined);
  for (let count = 0; count < 20; count += 1) {
    const answered = watch.begin('box', () => undefined);
    await pass(100);
    answered(true);
  }
  assert.deepEqual(asked, []);
});

test('when nothing waits any more, nothing is asked and no timer runs', async () => {
  const { clock, watch, asked, pass } = watching();
  watch.begin('box', () => undefined)(true);
  await pass(2_000);
  assert.deepEqual([asked.length, clock.timerCount], [0, 0]);
});
