// Question: does flowmesh hold on to memory? Minutes of mixed load (whole answers, streams, clients that leave in the
// middle), then quiet, and once more, to tell what is kept from what leaks; `npm run bench -- soak [--minutes 10]`.

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Arena, Contestant } from './contestants.ts';
import type { LoadGenerator, Work } from './load-generator.ts';
import { pause } from './memory.ts';
import { memory } from './process-facts.ts';

/** After the start, flowmesh gives back what only the start needed. */
const SETTLE_MS = 12_000;
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
  /** After a minute of quiet: in the middle, and at the end. */
  readonly halfwayMb: number;
  readonly afterMb: number;
  /** What is on disk then. */
  readonly files: readonly { readonly name: string; readonly mb: number }[];
}

export async function soak(arena: Arena, load: LoadGenerator, minutes: number): Promise<SoakResult> {
  const flowmesh = await arena.start('flowmesh', { hasKnowledge: true });
  await pause(SETTLE_MS);
  const idleMb = memory(flowmesh.pid).rssMb;
  const tally = { requests: 0, errors: 0, lostFrames: 0 };
  const first = await soakFor(Math.ceil(minutes / 2), flowmesh, load, tally);
  await pause(QUIET_MS);
  const halfwayMb = memory(flowmesh.pid).rssMb;
  const second = await soakFor(Math.floor(minutes / 2), flowmesh, load, tally);
  await pause(QUIET_MS);
  const { rssMb: afterMb, peakMb } = memory(flowmesh.pid);
  const files = filesOf(flowmesh.dataDirectory ?? '');
  await flowmesh.stop();
  return { minutes, ...tally, idleMb, minutesMb: [...first, ...second], peakMb, halfwayMb, afterMb, files };
}

interface Tally {
  requests: number;
  errors: number;
  lostFrames: number;
}

/** @returns MB at the end of each minute */
async function soakFor(minutes: number, flowmesh: Contestant, load: LoadGenerator, tally: Tally): Promise<number[]> {
  const minutesMb: number[] = [];
  const startedAt = performance.now();
  while (minutesMb.length < minutes) {
    for (const work of MIX) {
      const measured = await load.measure(flowmesh, work);
      tally.requests += measured.requests;
      tally.errors += measured.errors;
      tally.lostFrames += 'leaveAfter' in work ? 0 : (measured.streams?.lost ?? 0);
    }
    if (performance.now() - startedAt < (minutesMb.length + 1) * 60_000) continue;
    minutesMb.push(memory(flowmesh.pid).rssMb);
    process.stderr.write(
      `minute ${minutesMb.length}: ${minutesMb.at(-1)?.toFixed(0)} MB, ${tally.requests} requests\n`,
    );
  }
  return minutesMb;
}

function filesOf(directory: string): SoakResult['files'] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => ({ name, mb: statSync(join(directory, name)).size / 1_048_576 }))
    .filter(({ mb }) => mb >= 0.1);
}
