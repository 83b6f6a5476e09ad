// Each seed is a life of a small mesh; see support/chaos.ts. In blocks, so that a slow machine stays below the time that
// one test may take.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { liveThrough } from './support/chaos.ts';

const PLAIN_SEEDS = 250;
const HARSH_SEEDS = 300;
const BLOCK = 50;

for (let first = 1; first <= PLAIN_SEEDS; first += BLOCK) {
  test(`replicas agree after loss, repetition, partitions, wrong clocks, restarts, copied disks (seeds from ${first})`, () => {
    for (let seed = first; seed < first + BLOCK; seed += 1) assert.deepEqual(liveThrough({ seed }), [], `seed ${seed}`);
  });
}

for (let first = 1; first <= HARSH_SEEDS; first += BLOCK) {
  test(`replicas agree after restored disks, lost nodes, dropped tombstones as well (seeds from ${first})`, () => {
    for (let seed = first; seed < first + BLOCK; seed += 1) {
      assert.deepEqual(liveThrough({ seed, isHarsh: true }), [], `seed ${seed}`);
    }
  });
}
