// Question: how many more requests a second does flowmesh answer from its cache than through the upstream, which costs
// next to nothing here? Whole answers, and streams of 120 frames written as fast as they can be. A miss is a question that
// nobody has asked before, of the same chain; what a request costs where no cache is switched on is told beside it.

import type { Arena } from './contestants.ts';
import type { LoadGenerator } from './load-generator.ts';
import { CACHED_CHAIN, DISTINCT_MARK, MODEL, streamBody, wholeBody } from './protocol.ts';
import { interleaved, over, relating } from './statistics.ts';
import { CONNECTIONS } from './throughput.ts';

const FRAMES = 120;
/** Each way is asked so often before anything is measured, times a slice. */
const WARM_UP_SLICES = 3;

export interface CacheOptions {
  readonly rounds: number;
  readonly sliceMs: number;
}

export interface CacheRow {
  readonly name: string;
  readonly missesPerSecond: number;
  readonly hitsPerSecond: number;
  readonly hitToMiss: number;
  readonly plainMicros: number;
  readonly missMicros: number;
  readonly hitMicros: number;
}

const WAYS = ['plain', 'miss', 'hit'] as const;

const BODIES = {
  'whole answers': {
    plain: wholeBody(MODEL),
    miss: wholeBody(CACHED_CHAIN, DISTINCT_MARK),
    hit: wholeBody(CACHED_CHAIN),
  },
  streams: {
    plain: streamBody(FRAMES, 0, MODEL),
    miss: streamBody(FRAMES, 0, CACHED_CHAIN, DISTINCT_MARK),
    hit: streamBody(FRAMES, 0, CACHED_CHAIN),
  },
} as const;

export async function measureCache(arena: Arena, load: LoadGenerator, options: CacheOptions): Promise<CacheRow[]> {
  const { rounds: roundCount, sliceMs } = options;
  const flowmesh = await arena.start('flowmesh');
  const rows: CacheRow[] = [];
  for (const [name, bodies] of Object.entries(BODIES)) {
    const measure = (way: (typeof WAYS)[number]) =>
      load.measure(flowmesh, { kind: 'closed', connections: CONNECTIONS, durationMs: sliceMs, body: bodies[way] });
    await interleaved(WARM_UP_SLICES, WAYS, measure);
    const rounds = await interleaved(roundCount, WAYS, measure);
    rows.push({
      name,
      missesPerSecond: over(rounds, 'miss', ({ perSecond }) => perSecond),
      hitsPerSecond: over(rounds, 'hit', ({ perSecond }) => perSecond),
      hitToMiss: relating(rounds, (of) => of('hit').perSecond / of('miss').perSecond),
      plainMicros: over(rounds, 'plain', ({ cpuMsPerRequest }) => cpuMsPerRequest * 1_000),
      missMicros: over(rounds, 'miss', ({ cpuMsPerRequest }) => cpuMsPerRequest * 1_000),
      hitMicros: over(rounds, 'hit', ({ cpuMsPerRequest }) => cpuMsPerRequest * 1_000),
    });
  }
  await flowmesh.stop();
  return rows;
}
