// When all nodes of a run believed what was true, and had the same documents, as seen from outside.

import type { Topology } from '../topologies.ts';
import type { Sight } from './observer-process.ts';
import { nodeName } from './rig.ts';
import { areJoined, areTogether, type Truth, truthsBetween } from './world.ts';

export interface Observed {
  readonly topology: Topology;
  readonly history: readonly Truth[];
  readonly sights: readonly Sight[];
}

/** The first moment in a time at which every node believed what was true; by `withModels` also what others serve. */
export function agreement(observed: Observed, from: number, until: number, withModels = false): number | undefined {
  const truth = truthsBetween(observed.history, from, from).at(-1);
  if (!truth) return undefined;
  return firstMomentOfAll(observed, truth, from, until, ({ node: name, states, models }) => {
    const node = numberOf(name);
    return [...Array(observed.topology.nodes).keys()].every((other) => {
      if (other === node) return true;
      const isAlive = states?.[nodeName(other)] === 'alive';
      const knowsModels = !withModels || !truth.able.has(other) || models?.includes(`only-${nodeName(other)}`);
      if (areTogether(truth, node, other)) return isAlive && knowsModels;
      // Who is heard of by way of others lives indeed, but nobody must have heard of it.
      return !isAlive || areJoined(truth, node, other);
    });
  });
}

/** The first moment since which every node that is there in the end has been seen with so many documents. */
export function documentsEverywhere(observed: Observed, count: number, from: number): number | undefined {
  const truth = observed.history.at(-1);
  if (!truth) return undefined;
  const counted = { ...observed, sights: observed.sights.filter(({ documents }) => documents !== undefined) };
  return firstMomentOfAll(counted, truth, from, Number.POSITIVE_INFINITY, ({ documents }) => documents === count);
}

/** Of those who can be asked; each of them must have been right when it was last seen, and have answered. */
function firstMomentOfAll(
  { sights }: Observed,
  truth: Truth,
  from: number,
  until: number,
  isRight: (sight: Sight) => boolean,
): number | undefined {
  const watching = [...truth.running].filter((node) => !truth.frozen.has(node) && !truth.evicted.has(node));
  const agreeing = new Set<number>();
  for (const sight of sights) {
    const node = numberOf(sight.node);
    if (sight.at < from || sight.at >= until || !watching.includes(node)) continue;
    if (sight.states && isRight(sight)) agreeing.add(node);
    else agreeing.delete(node);
    if (agreeing.size === watching.length) return sight.at;
  }
  return undefined;
}

function numberOf(name: string): number {
  return Number(name.slice(1));
}
