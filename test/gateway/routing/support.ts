// What the tests of routing share: candidates and facts with everything ordinary but what a test is about, and chance
// that is the same on every run.

import type { Candidate, RouteRequestFacts } from '../../../src/gateway/routing/candidate.ts';
import type { StrategyContext } from '../../../src/gateway/routing/strategy.ts';

export function candidate(id: string, known: Partial<Candidate> = {}): Candidate {
  return { id, names: [id], weight: 1, inFlight: 0, errorRate: 0, isCoolingDown: false, ...known };
}

export function facts(known: Partial<RouteRequestFacts> = {}): RouteRequestFacts {
  return {
    model: 'm',
    inputTokens: 100,
    needs: [],
    isReasoningAsked: false,
    turns: 1,
    userText: '',
    userTokens: 0,
    toolCount: 0,
    imageCount: 0,
    documentCount: 0,
    headers: {},
    keyTags: [],
    metadata: {},
    minuteOfDay: 12 * 60,
    weekday: 'mon',
    ...known,
  };
}

export function context(known: Partial<StrategyContext> = {}): StrategyContext {
  return {
    facts: facts(),
    thresholds: {},
    unfit: 'skip',
    affinityKey: undefined,
    random: () => 0,
    wheel: new Map(),
    ...known,
  };
}

/** Uniform numbers in [0, 1) from a seed (mulberry-like mixing of a counter). */
export function seeded(seed: number): () => number {
  let counter = seed;
  return () => {
    counter = (counter + 0x9e3779b9) | 0;
    let mixed = Math.imul(counter ^ (counter >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
  };
}

/** How often each first id came. */
export function tally(ids: readonly (string | undefined)[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const id of ids) if (id !== undefined) counts[id] = (counts[id] ?? 0) + 1;
  return counts;
}
