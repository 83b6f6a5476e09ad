import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { CoarseTimers } from '../../src/system/coarse-timers.ts';

/** Two timers of one moment are set in one go, and half a second is a moment: all of these end in the same or the next. */
const SOON_MS = 1;

function fired(timers: CoarseTimers): Promise<void> {
  return new Promise((resolve) => void timers.after(SOON_MS, resolve));
}

describe('deadlines that share a timer', () => {
  test('each fires once, and not before its time', async () => {
    const timers = new CoarseTimers();
    const begun = performance.now();
    let count = 0;
    const at = await new Promise<number>((resolve) => {
      timers.after(300, () => {
        count += 1;
        resolve(performance.now());
      });
    });
    assert.ok(at - begun >= 299, `it fired after ${at - begun} ms`);
    await fired(timers);
    assert.equal(count, 1);
  });

  test('a cancelled one does not fire, not even when it is refreshed afterwards', async () => {
    const timers = new CoarseTimers();
    const done: string[] = [];
    const timer = timers.after(SOON_MS, () => void done.push('cancelled'));
    const other = timers.after(SOON_MS, () => void done.push('other'));
    timer.cancel();
    timer.refresh();
    await fired(timers);
    await fired(timers);
    other.cancel();
    assert.deepEqual(done, ['other']);
  });

  test('one that has fired can be refreshed to fire again', async () => {
    const timers = new CoarseTimers();
    let count = 0;
    const timer = timers.after(SOON_MS, () => {
      count += 1;
    });
    await fired(timers);
    await fired(timers);
    timer.refresh();
    await fired(timers);
    await fired(timers);
    assert.equal(count, 2);
  });

  test('one may cancel or put off another that ends with it', async () => {
    const timers = new CoarseTimers();
    const done: string[] = [];
    const first = timers.after(SOON_MS, () => {
      done.push('first');
      second.cancel();
      third.refresh();
      assert.deepEqual(done, ['first']);
    });
    const second = timers.after(SOON_MS, () => void done.push('second'));
    const third = timers.after(SOON_MS, () => void done.push('third'));
    await fired(timers);
    await fired(timers);
    await fired(timers);
    first.cancel();
    assert.deepEqual(done, ['first', 'third']);
  });

  test('a defect in one does not keep the others from firing', async () => {
    const defects: unknown[] = [];
    const timers = new CoarseTimers((defect) => void defects.push(defect));
    const done: string[] = [];
    timers.after(SOON_MS, () => {
      throw new Error('a defect');
    });
    timers.after(SOON_MS, () => void done.push('next'));
    await fired(timers);
    await fired(timers);
    assert.deepEqual(done, ['next']);
    assert.deepEqual(defects.map(String), ['Error: a defect']);
  });

  test('a process waits for one that is set, and for none that was cancelled', () => {
    const file = new URL('../../src/system/coarse-timers.ts', import.meta.url).href;
    const program = (then: string): string =>
      `import { CoarseTimers } from ${JSON.stringify(file)};
       const timers = new CoarseTimers();
       const long = timers.after(3_600_000, () => undefined);
       long.cancel();
       const again = timers.after(3_600_000, () => undefined);
       again.cancel();
       ${then}`;
    const run = (then: string) =>
      spawnSync(process.execPath, ['--input-type=module', '-e', program(then)], { encoding: 'utf8', timeout: 60_000 });
    assert.deepEqual([run('').status, run('').stdout], [0, '']);
    const waited = run(`timers.after(20, () => console.log('fired'));`);
    assert.deepEqual([waited.status, waited.stdout], [0, 'fired\n']);
  });
});
