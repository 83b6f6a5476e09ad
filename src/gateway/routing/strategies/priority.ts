// In the order of the file. It is sticky by itself, so affinity has nothing to add.

import { orderByStanding, type Strategy } from '../strategy.ts';

export const priority: Strategy = (candidates, context) =>
  orderByStanding(
    candidates,
    context,
    (candidate) => ({ position: candidates.indexOf(candidate) + 1 }),
    (group) => group,
  );
