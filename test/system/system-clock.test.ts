import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { systemClock } from '../../src/system/system-clock.ts';

test('monotonic time never goes back', () => {
  const first = systemClock.elapsed();
  assert.ok(systemClock.elapsed() >= first);
});

test('timers fire in the order of their times', async () => {
  const fired: string[] = [];
  await new Promise<void>((resolve) => {
    systemClock.after(20, () => {
      fired.push('later');
      resolve();
    });
    systemClock.after(1, () => fired.push('sooner'));
  });
  assert.deepEqual(fired, ['sooner', 'later']);
});

test('a cancelled timer does not fire, not even when it is refreshed afterwards', async () => {
  const fired: string[] = [];
  const timer = systemClock.after(1, () => fired.push('cancelled'));
  timer.cancel();
  timer.refresh();
  await systemClock.sleep(20);
  assert.deepEqual(fired, []);
});

test('a timer that has fired can be refreshed to fire again', async () => {
  let count = 0;
  const timer = systemClock.after(1, () => {
    count += 1;
  });
  await systemClock.sleep(10);
  timer.refresh();
  await systemClock.sleep(10);
  assert.equal(count, 2);
});

test('periodic work repeats until it is cancelled', async () => {
  let count = 0;
  await new Promise<void>((resolve) => {
    const timer = systemClock.every(1, () => {
      count += 1;
      if (count < 3) return;
      timer.cancel();
      resolve();
    });
    // Periodic work does not keep a process alive: something else must.
    systemClock.after(1_000, () => undefined).cancel();
    const alive = systemClock.after(1_000, () => undefined);
    systemClock.after(100, () => alive.cancel());
  });
  assert.equal(count, 3);
});

test('sleep ends early with the signal’s reason and leaves no listener', async () => {
  const controller = new AbortController();
  const reason = new Error('enough');
  const outcome = assert.rejects(systemClock.sleep(60_000, controller.signal), reason);
  controller.abort(reason);
  await outcome;
  await assert.rejects(systemClock.sleep(60_000, AbortSignal.abort(reason)), reason);
  const calm = new AbortController();
  await systemClock.sleep(1, calm.signal);
  assert.equal(getEventListeners(calm.signal, 'abort').length, 0);
});

test('what is done periodically is done together, and not after it is cancelled', async () => {
  const fired: { readonly period: number; readonly at: number }[] = [];
  const timers = [30, 60].map((period) =>
    systemClock.every(period, () => fired.push({ period, at: Math.round(systemClock.elapsed()) })),
  );
  await systemClock.sleep(10);
  timers.push(systemClock.every(30, () => fired.push({ period: 30, at: Math.round(systemClock.elapsed()) })));
  while (fired.filter(({ period }) => period === 60).length < 3) await systemClock.sleep(5);
  for (const timer of timers) timer.cancel();
  const seen = fired.length;
  // Each time of the longer period, both of the shorter one are due.
  const together = fired
    .filter(({ period }) => period === 60)
    .map(({ at }) => fired.filter((each) => Math.abs(each.at - at) <= 3).length);
  assert.ok(Math.max(...together) === 3, JSON.stringify(fired));
  await systemClock.sleep(70);
  assert.equal(fired.length, seen);
});
