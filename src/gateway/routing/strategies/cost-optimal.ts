// The cheapest expected cost among those that meet the thresholds. An unknown price is not a free one: such targets come
// after all with a known price.

import { costOf } from '../../../tenancy/price.ts';
import { affineCandidate } from '../affinity.ts';
import type { Candidate, RouteRequestFacts } from '../candidate.ts';
import { orderByStanding, type Strategy, sortedBy, withFirst } from '../strategy.ts';

/** Where nobody has measured it: an ordinary answer. Only the relation of input to output prices hangs on it. */
const OUTPUT_TOKENS = 512;

export const costOptimal: Strategy = (candidates, context) => {
  const { facts, affinityKey } = context;
  const cost = (candidate: Candidate): number => expectedCost(candidate, facts) ?? Number.POSITIVE_INFINITY;
  let isAffine = false;
  const ordering = orderByStanding(
    candidates,
    context,
    (candidate) => {
      const dollars = expectedCost(candidate, facts);
      return dollars === undefined ? {} : { expectedCostDollars: dollars };
    },
    (group, isFirstGroup) => {
      const byCost = sortedBy(group, cost);
      if (!isFirstGroup || affinityKey === undefined) return byCost;
      // Only equals: a cent saved is what this strategy is asked for.
      const cheapest = byCost.filter((candidate) => byCost[0] && cost(candidate) === cost(byCost[0]));
      const own = cheapest.length > 1 ? affineCandidate(affinityKey, cheapest) : undefined;
      isAffine = own !== undefined;
      return own ? withFirst(own, byCost) : byCost;
    },
  );
  return { ...ordering, isAffine };
};

/** Dollars; undefined while the price is unknown. */
function expectedCost({ price }: Candidate, facts: RouteRequestFacts): number | undefined {
  const expected = facts.expectedOutputTokens ?? OUTPUT_TOKENS;
  return costOf(
    {
      inputTokens: facts.inputTokens,
      cachedInputTokens: 0,
      cacheWriteTokens: 0,
      outputTokens: Math.min(facts.maxOutputTokens ?? expected, expected),
      reasoningTokens: 0,
      isEstimated: true,
    },
    price,
  );
}
