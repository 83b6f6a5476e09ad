// How a broadcast spreads over the graph of connections, as gossip does: each who gets it passes it on once.

import type { BroadcastReach } from '../../src/ports.ts';

const HOPS_MAX = 16;

/** Somebody who is told by the one before, and how long that takes. */
type Step<Host> = readonly [to: Host, wayMs: number];

/**
 * Milliseconds until it reaches each of the others, by the way with the fewest hops.
 * @param stepsFrom those whom one passes it on to
 */
export function floodTimes<Host>(
  from: Host,
  reach: BroadcastReach,
  stepsFrom: (relay: Host, hasIt: (host: Host) => boolean) => Iterable<Step<Host>>,
): Map<Host, number> {
  const reached = new Map<Host, number>([[from, 0]]);
  let edge: Host[] = [from];
  const hopsMax = reach === 'neighbours' ? 1 : HOPS_MAX;
  for (let hop = 0; hop < hopsMax && edge.length > 0; hop += 1) {
    const next: Host[] = [];
    for (const relay of edge) {
      for (const [other, wayMs] of stepsFrom(relay, (host) => reached.has(host))) {
        reached.set(other, (reached.get(relay) ?? 0) + wayMs);
        next.push(other);
      }
    }
    edge = next;
  }
  reached.delete(from);
  return reached;
}
