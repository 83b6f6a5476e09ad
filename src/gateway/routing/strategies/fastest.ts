// To whoever will probably begin to answer first: its time to first token, times what it already has to do, over its
// chance of success. Of two candidates drawn by chance the cheaper wins (power of two choices): all nodes of a mesh going
// for the one best target at once would make it the worst.

import { affineCandidate } from '../affinity.ts';
import type { Candidate } from '../candidate.ts';
import { expectedTtftMs } from '../latency.ts';
import { orderByStanding, type Strategy, type StrategyContext, sortedBy, withFirst } from '../strategy.ts';

/** A target that always fails costs twenty times its time, not infinitely much: there may be nothing better. */
const SUCCESS_RATE_MIN = 0.05;
/** A warm prompt cache saves more than this, so a conversation stays where it is. */
const NEAR_FACTOR = 1.5;
const NEAR_MS = 100;

export const fastest: Strategy = (candidates, context) => {
  const slowestMs = Math.max(1, ...candidates.map((candidate) => expectedTtftMs(candidate) ?? 0));
  const cost = (candidate: Candidate): number => costMs(candidate, slowestMs);
  let isAffine = false;
  const ordering = orderByStanding(
    candidates,
    context,
    (candidate) => numbersOf(candidate, cost(candidate)),
    (group, isFirstGroup) => {
      const byCost = sortedBy(group, cost);
      if (!isFirstGroup) return byCost;
      const own = affine(group, context);
      isAffine = own !== undefined;
      const first = own ?? betterOfTwo(byCost, context.random());
      return first ? withFirst(first, byCost) : byCost;
    },
  );
  return { ...ordering, isAffine };
};

/** Unmeasured and idle: nothing, so that it is tried. Unmeasured and busy or failing: as the slowest, until it answers. */
function costMs(candidate: Candidate, slowestMs: number): number {
  const { inFlight, errorRate } = candidate;
  const ttftMs = expectedTtftMs(candidate) ?? (inFlight === 0 && errorRate === 0 ? 0 : slowestMs);
  return (ttftMs * (inFlight + 1)) / Math.max(SUCCESS_RATE_MIN, 1 - errorRate);
}

function numbersOf(candidate: Candidate, cost: number): Record<string, number> {
  const { inFlight, errorRate } = candidate;
  const ttftMs = expectedTtftMs(candidate);
  return { ...(ttftMs !== undefined && { ttftMs }), inFlight, errorRate, costMs: cost };
}

function affine(group: readonly Candidate[], { affinityKey }: StrategyContext): Candidate | undefined {
  if (affinityKey === undefined) return undefined;
  const times = group.flatMap((candidate) => expectedTtftMs(candidate) ?? []);
  const bestMs = Math.min(...times);
  const nearMs = Math.max(bestMs * NEAR_FACTOR, bestMs + NEAR_MS);
  return affineCandidate(
    affinityKey,
    group.filter((candidate) => (expectedTtftMs(candidate) ?? 0) <= nearMs),
  );
}

/** One number draws a pair of different ones: a slow target can only win against a slower one. */
function betterOfTwo(byCost: readonly Candidate[], random: number): Candidate | undefined {
  const pairs = (byCost.length * (byCost.length - 1)) / 2;
  let pair = Math.floor(random * pairs);
  // Sorted by cost, so the better one is the lower index, and it wins against all that come after it.
  for (const [index, candidate] of byCost.entries()) {
    const worse = byCost.length - 1 - index;
    if (pair < worse) return candidate;
    pair -= worse;
  }
  return byCost[0];
}
