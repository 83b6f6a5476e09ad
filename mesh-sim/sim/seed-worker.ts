// One thread of a run of many seeds: every so manieth of them is its own. What fails is looked at by the main thread,
// which only needs the number.

import { parentPort, workerData } from 'node:worker_threads';
import { runSchedule } from './run.ts';
import type { Share } from './seeds.ts';
import { schedulesOf } from './worlds.ts';

const { first, end, step, choice } = workerData as Share;
for (let seed = first; seed < end; seed += step) {
  for (const schedule of schedulesOf(seed, choice)) {
    const { breaches, events } = await runSchedule(schedule);
    parentPort?.postMessage({ seed, name: schedule.name, breaches, events });
  }
}
