// From a chain's setting and what is known of its targets to the order in which they are tried. A nested chain is ordered
// first and then stands among the others as its own best target does; where it comes, its whole order comes.

import type { ChainMember, ChainRouting, StrategyName } from '../../config/routing.ts';
import { affinityInUse } from './affinity.ts';
import type { Candidate, RouteRequestFacts } from './candidate.ts';
import { admit, isListed, preferListed, type Refused, type RoutePreferences } from './openrouter.ts';
import { strategies } from './strategies/index.ts';
import type { CandidateReason, Ordering } from './strategy.ts';
import type { Wheel } from './wheel.ts';

export interface PlanInput {
  /** The chain's name. */
  readonly name: string;
  readonly routing: ChainRouting;
  /** What is known of each of the chain's targets, in their order; ids may repeat, weights come from the routing. */
  readonly targets: readonly Omit<Candidate, 'weight'>[];
  readonly facts: RouteRequestFacts;
  /** Indexes of the targets that the client asks for by the name of their model: they stay in front of the others. */
  readonly asked?: ReadonlySet<number> | undefined;
  readonly preferences?: RoutePreferences | undefined;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Where round-robin stands, by chain name. */
  readonly wheels: ReadonlyMap<string, Wheel>;
}

export interface Plan {
  /** Indexes into the chain's targets, best first. Empty only when the client's own limits leave nobody. */
  readonly order: readonly number[];
  /** The outermost chain first, then the nested ones that were taken on the way to the first target, then the others. */
  readonly decisions: readonly Decision[];
  /** Whom the client's limits left out. */
  readonly refused: readonly Refused[];
  /** To be kept for the next request: only chains whose turn it really was have moved. */
  readonly wheels: ReadonlyMap<string, Wheel>;
}

/** Why one chain is in the order it is in. */
export interface Decision {
  readonly chain: string;
  readonly strategy: StrategyName;
  readonly isAffine: boolean;
  readonly ordered: readonly string[];
  readonly excluded: readonly string[];
  readonly reasons: readonly CandidateReason[];
}

export function planRoute(input: PlanInput): Plan {
  const places = uniqueIds(input.targets);
  const { admitted, refused } = input.preferences
    ? admit(places, input.facts, input.preferences)
    : { admitted: places, refused: [] };
  const among = (members: readonly Leaf[]): PlannedChain =>
    planChain(input.name, input.routing, { ...input, places, admitted: new Set(members) }) ?? NOBODY;
  const all = among(admitted);
  const asked = all.leaves.flatMap(({ index }) => (input.asked?.has(index) ? (places[index] ?? []) : []));
  const isDivided = asked.length > 0 && asked.length < all.leaves.length;
  const planned = isDivided ? inFront(among(asked), all) : all;
  const { preferences } = input;
  const order = preferences ? preferListed(planned.leaves, preferences) : planned.leaves;
  // Whom the client names it gets: that is nobody's turn.
  const isNamed = preferences !== undefined && order.some((leaf) => isListed(leaf, preferences));
  const wheels = new Map([...input.wheels, ...(isNamed ? [] : planned.wheels)]);
  return { order: order.map(({ index }) => index), decisions: planned.decisions, refused, wheels };
}

const NOBODY: PlannedChain = { leaves: [], decisions: [], wheels: new Map() };

/** Those that are asked for take turns among themselves; the others only stand by. */
function inFront(asked: PlannedChain, all: PlannedChain): PlannedChain {
  const indexes = new Set(asked.leaves.map(({ index }) => index));
  return {
    leaves: [...asked.leaves, ...all.leaves.filter(({ index }) => !indexes.has(index))],
    decisions: [...asked.decisions, ...all.decisions],
    wheels: asked.wheels,
  };
}

/** A target at its place; `index` finds it again. */
interface Leaf extends Candidate {
  readonly index: number;
}

/** One name for each: a chain may have the same model twice, with other settings. */
function uniqueIds(targets: readonly Omit<Candidate, 'weight'>[]): readonly Leaf[] {
  const counts = new Map<string, number>();
  return targets.map((target, index) => {
    const count = (counts.get(target.id) ?? 0) + 1;
    counts.set(target.id, count);
    return { ...target, id: count === 1 ? target.id : `${target.id}#${count}`, weight: 1, index };
  });
}

interface Surroundings extends Omit<PlanInput, 'name' | 'routing' | 'targets'> {
  readonly places: readonly Leaf[];
  readonly admitted: ReadonlySet<Candidate>;
}

interface PlannedChain {
  readonly leaves: readonly Leaf[];
  readonly decisions: readonly Decision[];
  readonly wheels: ReadonlyMap<string, Wheel>;
}

/** A member as it stands among the others, and what comes in its place. */
interface Entry {
  readonly candidate: Candidate;
  readonly planned: PlannedChain;
}

/** Undefined when nobody in it may serve. */
function planChain(name: string, routing: ChainRouting, around: Surroundings): PlannedChain | undefined {
  const entries = routing.members.flatMap((member) => entryOf(member, around) ?? []);
  if (entries.length === 0) return undefined;
  const type = around.preferences?.strategy ?? routing.strategy.type;
  const ordering = strategies[type](
    entries.map(({ candidate }) => candidate),
    {
      facts: around.facts,
      thresholds: routing.strategy,
      unfit: routing.strategy.unfit,
      affinityKey: affinityInUse(around.facts.affinity, routing.affinity, around.facts.inputTokens),
      random: around.random,
      wheel: around.wheels.get(name) ?? new Map(),
    },
  );
  const taken = ordering.ordered.flatMap((id) => entries.find(({ candidate }) => candidate.id === id) ?? []);
  const others = entries.filter((entry) => !taken.includes(entry));
  return {
    leaves: taken.flatMap(({ planned }) => planned.leaves),
    decisions: [decisionOf(name, type, ordering), ...[...taken, ...others].flatMap(({ planned }) => planned.decisions)],
    // A nested chain that only stands by for falling back has not had its turn.
    wheels: new Map([
      ...(taken[0]?.planned.wheels ?? []),
      ...(ordering.wheel ? [[name, ordering.wheel] as const] : []),
    ]),
  };
}

function decisionOf(chain: string, strategy: StrategyName, ordering: Ordering): Decision {
  const { isAffine, ordered, excluded, reasons } = ordering;
  return { chain, strategy, isAffine, ordered, excluded, reasons };
}

function entryOf(member: ChainMember, around: Surroundings): Entry | undefined {
  const { weight } = member;
  if (member.type === 'target') {
    const place = around.places[member.index];
    if (!place || !around.admitted.has(place)) return undefined;
    const leaf = { ...place, weight };
    return { candidate: leaf, planned: { leaves: [leaf], decisions: [], wheels: new Map() } };
  }
  const planned = planChain(member.name, member.routing, around);
  const best = planned?.leaves[0];
  return planned && best && { candidate: asOne(member, planned.leaves, best), planned };
}

/** Its best target speaks for the chain; what runs and what fits is the sum of all. */
function asOne(
  { name, weight }: { readonly name: string; readonly weight: number },
  leaves: readonly Leaf[],
  best: Leaf,
): Candidate {
  const { capacity: _ofOne, ...facts } = best;
  const capacity = leaves.reduce((sum, leaf) => sum + (leaf.capacity ?? Number.NaN), 0);
  return {
    ...facts,
    id: `chain:${name}`,
    weight,
    inFlight: leaves.reduce((sum, { inFlight }) => sum + inFlight, 0),
    ...(!Number.isNaN(capacity) && { capacity }),
  };
}
