// To whoever has the least to do: requests in flight with this one, by capacity where all tell theirs, else by weight.

import { affineCandidate } from '../affinity.ts';
import type { Candidate } from '../candidate.ts';
import { orderByStanding, type Strategy, sortedBy, withFirst } from '../strategy.ts';

export const leastLoad: Strategy = (candidates, context) => {
  const { affinityKey } = context;
  const hasCapacities = candidates.every(({ capacity }) => capacity !== undefined);
  const load = ({ inFlight, capacity, weight }: Candidate): number =>
    (inFlight + 1) / ((hasCapacities ? capacity : weight) || 1);
  let isAffine = false;
  const ordering = orderByStanding(
    candidates,
    context,
    (candidate) => ({ inFlight: candidate.inFlight, load: load(candidate) }),
    (group, isFirstGroup) => {
      const byLoad = sortedBy(group, load);
      if (!isFirstGroup) return byLoad;
      const own = affinityKey === undefined ? undefined : affineCandidate(affinityKey, group);
      isAffine = own !== undefined;
      const least = byLoad.filter((candidate) => byLoad[0] && load(candidate) === load(byLoad[0]));
      // Equals take turns by chance, or the first would have all the work of quiet hours.
      const first = own ?? least[Math.floor(context.random() * least.length)];
      return first ? withFirst(first, byLoad) : byLoad;
    },
  );
  return { ...ordering, isAffine };
};
