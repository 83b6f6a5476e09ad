// The strategies by the names that the configuration has for them.

import type { StrategyName } from '../../../config/routing.ts';
import type { Strategy } from '../strategy.ts';
import { costOptimal } from './cost-optimal.ts';
import { fastest } from './fastest.ts';
import { leastLoad } from './least-load.ts';
import { priority } from './priority.ts';
import { roundRobin } from './round-robin.ts';

export const strategies: Readonly<Record<StrategyName, Strategy>> = {
  priority,
  'round-robin': roundRobin,
  'least-load': leastLoad,
  fastest,
  'cost-optimal': costOptimal,
};
