// Question: does flowmesh hold on to memory? Minutes of mixed load (whole answers, streams, clients that leave in the
// middle), then quiet; `npm run bench -- soak [--minutes 10]`.

import type { Arena } from './contestants.ts';
import type { LoadGenerator, Work } from './load-generator.ts';
import { pause } from './memory.ts';
import { memory } from './process-facts.ts';

const SETTLE_MS = 5_000;
const QUIET_MS = 60_000;
const SLICE_MS = 5_000;
const MIX: readonly Work[] = [
  { kind: 'closed', connections: 32, durationMs: SLICE_MS },
  { kind: 'stream', connections: 32, durationMs: SLICE_MS, frames: 50, intervalMs: 0 },
  { kind: 'stream', connections: 64, durationMs: SLICE_MS, frames: 50, intervalMs: 5 },
  { kind: 'stream', connections: 32, durationMs: SLICE_MS, frames: 50, intervalMs: 1, leaveAfter: 10 },
];

export interface SoakResult {
  readonly minutes: number;
  readonly requests: number;
  readonly errors: number;
  readonly lostFrames: number;
  readonly idleMb: number;
  /** At the end of each minute, under load. */
  readonly minutesMb: readonly number[];
  readonly peakMb: number;
  readonly afterMb: number;
}

export async function soak(arena: Arena, load: LoadGenerator, minutes: number): Promise<SoakResult> {
  const flowmesh = await arena.start('flowmesh');
  await pause(SETTLE_MS);
  const idleMb = memory(flowmesh.pid).rssMb;
  const minutesMb: number[] = [];
  let requests = 0;
  let errors = 0;
  let lostFrames = 0;
  const startedAt = performance.now();
  while (minutesMb.length < minutes) {
    for (const work of MIX) {
      const measured = await load.measure(flowmesh, work);
      requests += measured.requests;
      errors += measured.errors;
      lostFrames += 'leaveAfter' in work ? 0 : (measured.streams?.lost ?? 0);
    }
    if (performance.now() - startedAt < (minutesMb.length + 1) * 60_000) continue;
    minutesMb.push(memory(flowmesh.pid).rssMb);
    process.stderr.write(`minute ${minutesMb.length}: ${minutesMb.at(-1)?.toFixed(0)} MB, ${requests} requests\n`);
  }
  await pause(QUIET_MS);
  const { rssMb: afterMb, peakMb } = memory(flowmesh.pid);
  await flowmesh.stop();
  return { minutes, requests, errors, lostFrames, idleMb, minutesMb, peakMb, afterMb };
}
