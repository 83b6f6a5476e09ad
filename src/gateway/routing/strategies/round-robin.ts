// By turns, in proportion to the weights. Conversations that stay where they were do not turn the wheel: new ones are
// spread exactly, and a long one does not make the others pay.

import { affineCandidate } from '../affinity.ts';
import { orderByStanding, type Strategy, withFirst } from '../strategy.ts';
import { turnWheel, type Wheel } from '../wheel.ts';

export const roundRobin: Strategy = (candidates, context) => {
  const { affinityKey } = context;
  let next: Wheel | undefined;
  let isAffine = false;
  const ordering = orderByStanding(
    candidates,
    context,
    ({ id, weight }) => ({ weight, turn: context.wheel.get(id) ?? 0 }),
    (group, isFirstGroup) => {
      const { order, wheel } = turnWheel(context.wheel, group);
      if (!isFirstGroup) return order;
      const own = affinityKey === undefined ? undefined : affineCandidate(affinityKey, group);
      isAffine = own !== undefined;
      if (own) return withFirst(own, order);
      next = wheel;
      return order;
    },
  );
  return { ...ordering, isAffine, ...(next && { wheel: next }) };
};
