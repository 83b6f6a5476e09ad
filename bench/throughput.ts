// Question: how many requests a second, at what tail latency, for how much processor time?
// First 32 connections that ask as fast as they are answered; then requests at fixed rates, faster and faster, until
// the slowest hundredth of the answers takes longer than a bound.

import type { Contestant, ContestantName } from './contestants.ts';
import type { LoadGenerator, Measured } from './load-generator.ts';
import { interleaved, median, over, relating, sum } from './statistics.ts';

export const CONNECTIONS = 32;
/** For the search of the highest rate. */
export const P99_BOUND_MS = 25;
const OPEN_CONNECTIONS = 128;
/** Of what the contestant answered in the closed loop. */
const RATE_STEPS = [0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1];
/** A rate counts as held when nearly all of its requests were answered in time. */
const HELD_SHARE = 0.98;
/** One bad slice may be the machine's fault. */
const FAILED_STEPS_MAX = 2;

export interface ThroughputOptions {
  readonly rounds: number;
  readonly sliceMs: number;
  readonly openRounds: number;
  readonly openSliceMs: number;
}

export interface ThroughputRow {
  readonly name: ContestantName;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Processor time of the process for one request. */
  readonly cpuMicros: number;
  readonly busy: number;
  /** Highest rate at which p99 stayed under the bound. */
  readonly perSecondBounded: number;
  readonly errors: number;
  /** The same over the bare proxy's in the same round. */
  readonly toBare: { readonly perSecond: number; readonly cpu: number; readonly p99: number };
  /** Requests a second over Portkey's; absent where it could not be installed. */
  readonly toPortkey?: number;
}

export async function measureThroughput(
  contestants: readonly Contestant[],
  load: LoadGenerator,
  options: ThroughputOptions,
): Promise<ThroughputRow[]> {
  const byName = new Map(contestants.map((contestant) => [contestant.name, contestant]));
  const names = [...byName.keys()];
  const rounds = await interleaved(options.rounds, names, (name) =>
    load.measure(byName.get(name) as Contestant, {
      kind: 'closed',
      connections: CONNECTIONS,
      durationMs: options.sliceMs,
    }),
  );
  const perSecond = (name: ContestantName) => over(rounds, name, (measured) => measured.perSecond);
  const bounded = await interleaved(options.openRounds, names, (name) =>
    highestRate(byName.get(name) as Contestant, perSecond(name), load, options.openSliceMs),
  );
  const ratio = (name: ContestantName, base: ContestantName, value: (measured: Measured) => number) =>
    relating(rounds, (of) => value(of(name)) / value(of(base)));
  return names.map((name) => ({
    name,
    perSecond: perSecond(name),
    p50Ms: over(rounds, name, ({ latency }) => latency.p50),
    p99Ms: over(rounds, name, ({ latency }) => latency.p99),
    cpuMicros: over(rounds, name, ({ cpuMsPerRequest }) => cpuMsPerRequest * 1_000),
    busy: over(rounds, name, ({ busy }) => busy),
    perSecondBounded: median(bounded.map((round) => round.get(name) ?? 0)),
    errors: sum(rounds.map((round) => round.get(name)?.errors ?? 0)),
    toBare: {
      perSecond: ratio(name, 'bare', (measured) => measured.perSecond),
      cpu: ratio(name, 'bare', ({ cpuMsPerRequest }) => cpuMsPerRequest),
      p99: ratio(name, 'bare', ({ latency }) => latency.p99),
    },
    ...(byName.has('portkey') && { toPortkey: ratio(name, 'portkey', (measured) => measured.perSecond) }),
  }));
}

async function highestRate(
  contestant: Contestant,
  fullRate: number,
  load: LoadGenerator,
  sliceMs: number,
): Promise<number> {
  let highest = 0;
  let failed = 0;
  for (const step of RATE_STEPS) {
    const rate = Math.round(fullRate * step);
    const work = { kind: 'open', connections: OPEN_CONNECTIONS, rate, durationMs: sliceMs } as const;
    const measured = await load.measure(contestant, work);
    const isHeld = measured.latency.p99 <= P99_BOUND_MS && measured.perSecond >= rate * HELD_SHARE;
    if (isHeld) highest = rate;
    else failed += 1;
    if (failed === FAILED_STEPS_MAX) break;
  }
  return highest;
}
