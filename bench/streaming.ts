// Question: what happens to a stream on its way? Paced: frames every 20 ms on 16 streams at once, as models write them:
// when does the first come, how evenly the others, is each there once and in order? Flat out: how many frames a second,
// for how much processor time?

import type { Contestant, ContestantName } from './contestants.ts';
import type { LoadGenerator, Measured } from './load-generator.ts';
import { interleaved, over, relating, sum } from './statistics.ts';

export const PACED = { connections: 16, frames: 50, intervalMs: 20 } as const;
export const FLAT_OUT = { connections: 32, frames: 50, intervalMs: 0 } as const;

export interface StreamingOptions {
  readonly rounds: number;
  readonly pacedMs: number;
  readonly flatOutMs: number;
}

export interface StreamingRow {
  readonly name: ContestantName;
  readonly ttftMs: number;
  /** Over the direct call of the same round. */
  readonly addedTtftMs: number;
  /** Longer under way than directly, half of the frames and the slowest hundredth. */
  readonly addedTransitP50Ms: number;
  readonly addedTransitP99Ms: number;
  /** How much the pause between two frames changes, the worst hundredth, more than directly. */
  readonly addedGapP99Ms: number;
  readonly frames: number;
  readonly lost: number;
  readonly reordered: number;
  readonly around40Ms: number;
  readonly framesPerSecond: number;
  readonly cpuMicrosPerFrame: number;
  readonly errors: number;
  readonly toBare: { readonly framesPerSecond: number; readonly cpu: number };
}

interface Slice {
  readonly paced: Measured;
  readonly flatOut: Measured;
}

export async function measureStreaming(
  contestants: readonly Contestant[],
  load: LoadGenerator,
  options: StreamingOptions,
): Promise<StreamingRow[]> {
  const byName = new Map(contestants.map((contestant) => [contestant.name, contestant]));
  const names = [...byName.keys()];
  const rounds = await interleaved(options.rounds, names, async (name): Promise<Slice> => {
    const contestant = byName.get(name) as Contestant;
    return {
      paced: await load.measure(contestant, { kind: 'stream', durationMs: options.pacedMs, ...PACED }),
      flatOut: await load.measure(contestant, { kind: 'stream', durationMs: options.flatOutMs, ...FLAT_OUT }),
    };
  });
  const added = (name: ContestantName, value: (paced: Measured) => number | undefined) =>
    relating(rounds, (of) => (value(of(name).paced) ?? Number.NaN) - (value(of('direct').paced) ?? Number.NaN));
  const total = (name: ContestantName, value: (measured: Measured) => number | undefined) =>
    sum(rounds.flatMap((round) => slices(round.get(name)).map((measured) => value(measured) ?? 0)));
  return names.map((name) => ({
    name,
    ttftMs: over(rounds, name, ({ paced }) => paced.latency.p50),
    addedTtftMs: added(name, ({ latency }) => latency.p50),
    addedTransitP50Ms: added(name, ({ streams }) => streams?.transit.p50),
    addedTransitP99Ms: added(name, ({ streams }) => streams?.transit.p99),
    addedGapP99Ms: added(name, ({ streams }) => streams?.gapChange.p99),
    frames: total(name, ({ streams }) => streams?.frames),
    lost: total(name, ({ streams }) => streams?.lost),
    reordered: total(name, ({ streams }) => streams?.reordered),
    around40Ms: sum(rounds.map((round) => round.get(name)?.paced.streams?.transitAround40Ms ?? 0)),
    framesPerSecond: over(rounds, name, ({ flatOut }) => framesPerSecond(flatOut)),
    cpuMicrosPerFrame: over(rounds, name, ({ flatOut }) => cpuMicrosPerFrame(flatOut)),
    errors: total(name, ({ errors }) => errors),
    toBare: {
      framesPerSecond: relating(
        rounds,
        (of) => framesPerSecond(of(name).flatOut) / framesPerSecond(of('bare').flatOut),
      ),
      cpu: relating(rounds, (of) => cpuMicrosPerFrame(of(name).flatOut) / cpuMicrosPerFrame(of('bare').flatOut)),
    },
  }));
}

function slices(slice: Slice | undefined): Measured[] {
  return slice ? [slice.paced, slice.flatOut] : [];
}

function framesPerSecond({ streams, elapsedMs }: Measured): number {
  return ((streams?.frames ?? 0) * 1_000) / elapsedMs;
}

function cpuMicrosPerFrame({ cpuMsPerRequest, requests, streams }: Measured): number {
  return (cpuMsPerRequest * requests * 1_000) / (streams?.frames ?? 0);
}
