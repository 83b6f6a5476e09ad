// Loaded into a process by `NODE_OPTIONS=--import`: tells how late its main thread's event loop is. Each SIGUSR2 writes what was
// measured since the one before to the file named in EVENT_LOOP_FILE and begins anew.

import { renameSync, writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';

export interface LoopDelay {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Of the monitor's timer, which is part of what it tells, milliseconds. */
const RESOLUTION_MS = 1;
const NANOSECONDS = 1e6;

const file = process.env.EVENT_LOOP_FILE;
if (isMainThread && file !== undefined) {
  const monitor = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  const late = (nanoseconds: number): number => Math.max(0, nanoseconds / NANOSECONDS - RESOLUTION_MS);
  process.on('SIGUSR2', () => {
    const delay: LoopDelay = {
      p50: late(monitor.percentile(50)),
      p99: late(monitor.percentile(99)),
      max: late(monitor.max),
    };
    // Whole or not there: somebody waits for it.
    writeFileSync(`${file}.new`, JSON.stringify(delay));
    renameSync(`${file}.new`, file);
    monitor.reset();
  });
  monitor.enable();
}
