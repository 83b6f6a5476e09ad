// Question: how much later does an answer come through a gateway than directly, when nothing else is going on?
// One connection, one request at a time. The bodies go once in one packet with their head, and once in a second packet,
// where a server that waits for a delayed acknowledgement would add its flat 40 ms.

import type { Contestant, ContestantName } from './contestants.ts';
import type { LoadGenerator, Measured } from './load-generator.ts';
import { interleaved, over, relating, sum } from './statistics.ts';

export interface LatencyOptions {
  readonly rounds: number;
  readonly sliceMs: number;
}

export interface LatencyRow {
  readonly name: ContestantName;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Over the direct call of the same round. */
  readonly addedP50Ms: number;
  readonly addedSplitP50Ms: number;
  /** Added latency over the bare proxy's. */
  readonly addedRatio: number;
  readonly requests: number;
  /** Answers that took 38 to 50 ms. */
  readonly around40Ms: number;
  readonly errors: number;
}

interface Slice {
  readonly joined: Measured;
  readonly split: Measured;
}

export async function measureLatency(
  contestants: readonly Contestant[],
  load: LoadGenerator,
  { rounds: roundCount, sliceMs }: LatencyOptions,
): Promise<LatencyRow[]> {
  const byName = new Map(contestants.map((contestant) => [contestant.name, contestant]));
  const names = [...byName.keys()];
  const rounds = await interleaved(roundCount, names, async (name): Promise<Slice> => {
    const contestant = byName.get(name) as Contestant;
    const work = { kind: 'closed', connections: 1, durationMs: sliceMs } as const;
    return {
      joined: await load.measure(contestant, work),
      split: await load.measure(contestant, { ...work, isSplit: true }),
    };
  });
  const added = (of: (name: ContestantName) => Slice, name: ContestantName, way: keyof Slice) =>
    of(name)[way].latency.p50 - of('direct')[way].latency.p50;
  return names.map((name) => ({
    name,
    p50Ms: over(rounds, name, ({ joined }) => joined.latency.p50),
    p99Ms: over(rounds, name, ({ joined }) => joined.latency.p99),
    addedP50Ms: relating(rounds, (of) => added(of, name, 'joined')),
    addedSplitP50Ms: relating(rounds, (of) => added(of, name, 'split')),
    addedRatio: relating(rounds, (of) => added(of, name, 'joined') / added(of, 'bare', 'joined')),
    requests: total(rounds, name, ({ requests }) => requests),
    around40Ms: total(rounds, name, ({ around40Ms }) => around40Ms),
    errors: total(rounds, name, ({ errors }) => errors),
  }));
}

function total(
  rounds: readonly ReadonlyMap<ContestantName, Slice>[],
  name: ContestantName,
  value: (measured: Measured) => number,
): number {
  return sum(
    rounds.flatMap((round) => {
      const slice = round.get(name);
      return slice ? [value(slice.joined), value(slice.split)] : [];
    }),
  );
}
