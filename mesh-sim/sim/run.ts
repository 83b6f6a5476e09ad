// Runs one schedule from its first event to the judgement.

import { nodesOf } from '../topologies.ts';
import { breachesOf } from './checkers.ts';
import type { History } from './history.ts';
import type { Schedule } from './schedule.ts';
import type { DiskImage } from './sim-disk.ts';
import { START_MS } from './virtual-clock.ts';
import { World } from './world.ts';

export interface Outcome {
  readonly schedule: Schedule;
  /** Empty: all is well. */
  readonly breaches: readonly string[];
  readonly history: History;
  /** The event log; empty unless it was asked for. */
  readonly lines: readonly string[];
  /** Virtual events. */
  readonly events: number;
}

/** Where packets get lost somebody may just be silent: it must pass. */
const LOSSY_SETTLE_MS = 20_000;
const LOOK_MS = 1_000;
/** In every so manieth world the whole time to settle passes, also when all is well before: it must stay well. */
const LONG_EVERY = 8;

export async function runSchedule(schedule: Schedule, isTraced = false): Promise<Outcome> {
  const world = new World(schedule, { isTraced, ...(schedule.isWarm && { disks: await warmDisks(schedule.nodes) }) });
  world.do({ kind: 'boot', nodes: nodesOf(schedule.present, schedule) });
  for (const operation of schedule.operations) {
    await world.clock.run(operation.atMs - world.nowMs);
    world.do(operation);
  }
  await world.clock.run(schedule.durationMs - world.nowMs);
  world.undoFaults();
  await settle(world);
  const history = world.finish();
  const lines = [...world.observer.lines];
  const outcome = { schedule, breaches: breachesOf(history), history, lines, events: world.clock.fired };
  await world.leave();
  return outcome;
}

/** Lets the world come to rest. What it costs to watch a mesh that is at rest is better spent on another seed. */
async function settle(world: World): Promise<void> {
  const { seed, settleMs, link } = world.schedule;
  const isLong = seed % LONG_EVERY === 0;
  // Even where nothing is to be done somebody has just answered, and writes it down in a moment.
  await world.clock.run(LOOK_MS);
  for (let ms = LOOK_MS; ms < settleMs && (isLong || !world.isSettled()); ms += LOOK_MS) await world.clock.run(LOOK_MS);
  for (let ms = 0; ms < LOSSY_SETTLE_MS && link.lossRate > 0 && !world.isWhole(); ms += LOOK_MS) {
    await world.clock.run(LOOK_MS);
  }
}

const warm = new Map<number, readonly DiskImage[]>();
const MEETING_MS = 8_000;

/** Disks of machines that have met before. Made once: to meet is dear, and most of what can go wrong comes after. */
async function warmDisks(nodes: number): Promise<readonly DiskImage[]> {
  const known = warm.get(nodes);
  if (known) return known;
  const schedule: Schedule = {
    seed: 0,
    name: 'meeting',
    nodes,
    link: { delayMs: 0.3, jitterMs: 0.4, lossRate: 0 },
    links: 'all',
    upstreams: 'all',
    present: 'all',
    isWarm: false,
    wallClockRate: 1,
    operations: [],
    durationMs: 0,
    settleMs: 0,
  };
  const world = new World(schedule, { startMs: START_MS });
  world.do({ kind: 'boot', nodes: 'all' });
  await world.clock.run(MEETING_MS);
  const disks = world.machines.map(({ disk }) => disk.image());
  await world.leave();
  warm.set(nodes, disks);
  return disks;
}
