// Question: how much memory, idle, under load, and after? Fresh processes, one after the other, on the same load.

import type { Arena, Contestant, ContestantName } from './contestants.ts';
import type { LoadGenerator } from './load-generator.ts';
import { memory } from './process-facts.ts';
import { CONNECTIONS } from './throughput.ts';

export interface MemoryOptions {
  readonly settleMs: number;
  readonly loadMs: number;
  readonly quietMs: number;
}

export interface MemoryRow {
  readonly name: ContestantName;
  /** MB resident after the first answer and a moment of rest. */
  readonly idleMb: number;
  /** Of it, what is not shared with other Node processes. */
  readonly idlePrivateMb: number;
  readonly peakMb: number;
  readonly afterMb: number;
}

export async function measureMemory(
  arena: Arena,
  names: readonly ContestantName[],
  load: LoadGenerator,
  { settleMs, loadMs, quietMs }: MemoryOptions,
): Promise<MemoryRow[]> {
  const contestants: Contestant[] = [];
  for (const name of names) contestants.push(await arena.start(name, { hasKnowledge: true }));
  await pause(settleMs);
  const idle = new Map(contestants.map(({ name, pid }) => [name, memory(pid)]));
  for (const contestant of contestants) {
    await load.measure(contestant, { kind: 'closed', connections: CONNECTIONS, durationMs: loadMs / 2 });
    const streams = { kind: 'stream', connections: CONNECTIONS, frames: 50, intervalMs: 0 } as const;
    await load.measure(contestant, { ...streams, durationMs: loadMs / 2 });
  }
  await pause(quietMs);
  const rows = contestants.map(({ name, pid }) => {
    const after = memory(pid);
    return {
      name,
      idleMb: idle.get(name)?.rssMb ?? Number.NaN,
      idlePrivateMb: idle.get(name)?.privateMb ?? Number.NaN,
      peakMb: after.peakMb,
      afterMb: after.rssMb,
    };
  });
  for (const contestant of contestants) await contestant.stop();
  return rows;
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
