// The one interface of all strategies, and what they share: candidates are grouped by standing, and a strategy only
// arranges within a group. Strategies are pure: state and chance come in through the context, state goes out beside the order.

import type { UnfitMode } from '../../config/routing.ts';
import type { Candidate, RouteRequestFacts } from './candidate.ts';
import { type Assessment, assess, STANDINGS, type Standing, type Thresholds } from './fitness.ts';
import type { Wheel } from './wheel.ts';

export interface StrategyContext {
  readonly facts: RouteRequestFacts;
  readonly thresholds: Thresholds;
  readonly unfit: UnfitMode;
  /** Set when this request should meet the target that its conversation met before. */
  readonly affinityKey: string | undefined;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Where round-robin stands. */
  readonly wheel: Wheel;
}

export interface Ordering {
  /** Ids, best first. Empty only when there are no candidates. */
  readonly ordered: readonly string[];
  /** Known not to be able to serve this, and not among `ordered`. */
  readonly excluded: readonly string[];
  /** One for each candidate, in the order they were given. */
  readonly reasons: readonly CandidateReason[];
  /** The first was chosen because its conversation was there before. */
  readonly isAffine: boolean;
  /** Where round-robin stands when this order is used. Absent: where it stood. */
  readonly wheel?: Wheel;
}

export interface CandidateReason {
  readonly id: string;
  readonly standing: Standing;
  /** What the strategy went by, units in the names. */
  readonly numbers: Readonly<Record<string, number>>;
  readonly notes: readonly string[];
}

export type Strategy = (candidates: readonly Candidate[], context: StrategyContext) => Ordering;

/** How one group is put in order. Only the first group's order decides who is asked; the others are for falling back. */
export type Arrange = (group: readonly Candidate[], isFirstGroup: boolean) => readonly Candidate[];

/** The candidates by standing, each group arranged, with the numbers that the strategy goes by. */
export function orderByStanding(
  candidates: readonly Candidate[],
  context: StrategyContext,
  numbersOf: (candidate: Candidate) => Readonly<Record<string, number>>,
  arrange: Arrange,
): Ordering {
  const assessments = candidates.map((candidate) => assess(candidate, context.facts, context.thresholds));
  const groups = STANDINGS.map((standing) => ({ standing, members: membersOf(assessments, standing) })).filter(
    ({ members }) => members.length > 0,
  );
  // When nobody is fit the upstreams have the last word: what we know of models may be out of date.
  const used = groups.filter(({ standing }, index) => standing !== 'unfit' || context.unfit === 'last' || index === 0);
  // Spares are a list of who comes next, and so are in the order of the file.
  const ordered = used.flatMap(({ standing, members }, index) =>
    (standing === 'spare' ? members : arrange(members, index === 0)).map(({ id }) => id),
  );
  const reasons = assessments.map(({ candidate, standing, notes }) => ({
    id: candidate.id,
    standing,
    numbers: numbersOf(candidate),
    notes,
  }));
  const excluded = reasons.map(({ id }) => id).filter((id) => !ordered.includes(id));
  return { ordered, excluded, reasons, isAffine: false };
}

function membersOf(assessments: readonly Assessment[], standing: Standing): readonly Candidate[] {
  return assessments.filter((assessment) => assessment.standing === standing).map(({ candidate }) => candidate);
}

/** Ascending by a number; equal ones keep the order of the file. */
export function sortedBy(group: readonly Candidate[], measure: (candidate: Candidate) => number): Candidate[] {
  // Two unknowns are both infinite, and their difference would not be a number.
  return [...group].sort((left, right) => {
    const [a, b] = [measure(left), measure(right)];
    return a === b ? 0 : a - b;
  });
}

/** The group with one of it in front. */
export function withFirst(first: Candidate, group: readonly Candidate[]): Candidate[] {
  return [first, ...group.filter((candidate) => candidate !== first)];
}
