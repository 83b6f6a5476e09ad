// Smooth weighted round-robin (as nginx does it): at each turn everyone gains its weight, the highest is chosen and pays
// what all gained together. Over a whole round everyone is chosen exactly as often as it weighs, evenly spread.

import type { Candidate } from './candidate.ts';
import { sortedBy } from './strategy.ts';

/** Standing of each candidate by id. Empty at the start; the sum is always 0. */
export type Wheel = ReadonlyMap<string, number>;

export interface Turn {
  /** Whose turn it is, then who comes next. */
  readonly order: readonly Candidate[];
  readonly wheel: Wheel;
}

/** One turn among a group; candidates that are not in it keep their standing. */
export function turnWheel(wheel: Wheel, group: readonly Candidate[]): Turn {
  const gained = new Map(group.map((candidate) => [candidate, (wheel.get(candidate.id) ?? 0) + candidate.weight]));
  const order = sortedBy(group, (candidate) => -(gained.get(candidate) ?? 0));
  const next = new Map(wheel);
  for (const [candidate, standing] of gained) next.set(candidate.id, standing);
  const chosen = order[0];
  if (chosen) {
    const total = group.reduce((sum, { weight }) => sum + weight, 0);
    next.set(chosen.id, (gained.get(chosen) ?? 0) - total);
  }
  return { order, wheel: next };
}
