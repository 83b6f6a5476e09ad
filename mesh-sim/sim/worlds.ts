// Which worlds a seed stands for.

import { TOPOLOGIES, topologyNamed } from '../topologies.ts';
import { drawSchedule, scheduleOf } from './draw.ts';
import type { Schedule } from './schedule.ts';

/** A drawn world of this size, or given ones. */
export interface WorldChoice {
  readonly nodes: number;
  readonly operations: number;
  /** Its name, or `all`. */
  readonly topology?: string | undefined;
}

/** Larger given worlds are run only by their names. */
const NODES_MAX = 32;

/** @throws Error for a topology that does not exist */
export function schedulesOf(seed: number, { topology, nodes, operations }: WorldChoice): readonly Schedule[] {
  if (topology === undefined) return [drawSchedule(seed, { nodes, operations })];
  if (topology === 'all')
    return TOPOLOGIES.filter((each) => each.nodes <= NODES_MAX).map((each) => scheduleOf(each, seed));
  const found = topologyNamed(topology);
  if (!found) throw new Error(`There is no topology '${topology}'.`);
  return [scheduleOf(found, seed)];
}
