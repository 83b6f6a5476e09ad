import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BulkPace } from '../../src/mesh/bulk-pace.ts';
import { ManualClock } from '../support/manual-clock.ts';

test('bulk goes freely while nobody asks, ten pages a second beside running requests, and never stops', () => {
  const clock = new ManualClock();
  let isBusy = false;
  const pace = new BulkPace(clock, () => isBusy);
  assert.deepEqual([pace.mayPage(), pace.mayPage(), pace.mayPage()], [true, true, true]);
  isBusy = true;
  assert.equal(pace.mayPage(), false);
  let pages = 0;
  for (let ms = 0; ms < 1_000; ms += 10) {
    clock.advance(10);
    if (pace.mayPage()) pages += 1;
  }
  assert.equal(pages, 10);
});
