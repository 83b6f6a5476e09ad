import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keepPruned } from '../../src/tenancy/retention.ts';
import { ManualClock } from '../support/manual-clock.ts';

const DAY_MS = 86_400_000;

test('old entries are pruned at the start and every six hours, slice by slice, by the setting of that moment', () => {
  const clock = new ManualClock();
  const asked: number[] = [];
  let old = 3;
  let retentionDays = 400;
  const ledger = {
    prune: (retentionMs: number) => {
      asked.push(retentionMs / DAY_MS);
      old = Math.max(0, old - 1);
      return old;
    },
  };
  const stop = keepPruned({
    ledger,
    clock,
    retentionDays: () => retentionDays,
    onFailure: (error) => assert.fail(String(error)),
  });
  assert.deepEqual(asked, [400]);
  clock.advance(1_000);
  assert.deepEqual(asked, [400, 400, 400]);
  retentionDays = 40;
  clock.advance(6 * 3_600_000);
  assert.deepEqual(asked, [400, 400, 400, 40]);
  stop();
  assert.equal(clock.timerCount, 0);
});

test('a database that cannot be written is told of, and tried again at the next time', () => {
  const clock = new ManualClock();
  const told: unknown[] = [];
  const ledger = {
    prune: (): number => {
      throw new Error('the disk is full');
    },
  };
  keepPruned({ ledger, clock, retentionDays: () => 400, onFailure: (error) => void told.push(error) });
  clock.advance(6 * 3_600_000);
  assert.deepEqual(told.map(String), ['Error: the disk is full', 'Error: the disk is full']);
});
