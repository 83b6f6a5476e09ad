// Finds the few hundred passages that are worth reading and ranking, out of millions.
//
// A passage's worth here is the sum of the weights (idf) of the words it has. Words are taken rarest first. Once enough
// passages are worth more than all words not yet taken together, no passage without a taken word can be among the best:
// the common words' long lists need not be read, only be intersected with what was found. This is the MaxScore idea of
// Turtle and Flood, with exact bounds, because here a word counts once.

import type { IndexReader } from './index-reader.ts';
import type { Term } from './query.ts';
import type { Scope } from './scope.ts';
import { intersect, SortedMarks } from './sorted-ids.ts';

export interface WeightedTerm extends Term {
  readonly weight: number;
  /** In how many passages of the scope it is. */
  readonly frequency: number;
}

export interface CandidateSearch {
  readonly reader: IndexReader;
  readonly scope: Scope;
  /** Rarest first, at most 30. */
  readonly terms: readonly WeightedTerm[];
  /** Only these entries, ascending; undefined: all of the scope. */
  readonly allowed: readonly number[] | undefined;
  /** How many to find; a few more may come. */
  readonly wanted: number;
  /** Called between steps; throws when nobody waits for the answer any more. */
  readonly checkpoint: () => void;
}

/** Ids read for one question; at seven million a second this bounds the time. */
const ROWS_MAX = 250_000;
/** Passages of equal worth that FTS5's own bm25 may order, about one microsecond each. */
const TIES_MAX = 40_000;
/** So many times the wanted ones are read rather than told apart by the index. */
const SLACK = 1.5;

export function findCandidates(search: CandidateSearch): number[] {
  const { terms, reader, scope, allowed, wanted, checkpoint } = search;
  const remaining = remainingWeights(terms);
  const found = new SortedMarks(terms.map(({ weight }) => weight));
  let rows = 0;
  let taken = 0;
  for (const [index, term] of terms.entries()) {
    if (found.countAbove(remaining[index] ?? 0, wanted) >= wanted) break;
    if (found.size > 0 && rows + term.frequency > ROWS_MAX) break;
    checkpoint();
    const ids = reader.list(term.index, term.match, scope);
    rows += ids.length;
    found.add(allowed ? intersect(ids, allowed) : ids, index);
    taken = index + 1;
  }
  if (found.size > wanted) markCommonTerms(search, found, taken, remaining);
  return chooseBest(search, found);
}

/** Sum of the weights from each term to the last. */
function remainingWeights(terms: readonly WeightedTerm[]): number[] {
  const sums: number[] = [];
  let sum = 0;
  for (const { weight } of terms.toReversed()) {
    sum += weight;
    sums.unshift(sum);
  }
  return sums;
}

/** The terms that were not taken say which of those found are better. */
function markCommonTerms(
  { terms, reader, scope, wanted, checkpoint }: CandidateSearch,
  found: SortedMarks,
  taken: number,
  remaining: readonly number[],
): void {
  for (let index = taken; index < terms.length; index += 1) {
    const term = terms[index];
    if (!term) return;
    found.keepAbove(found.threshold(wanted) - (remaining[index] ?? 0));
    if (found.size <= wanted) return;
    const essential = terms.slice(0, taken).filter((other) => other.index === term.index);
    if (essential.length === 0) continue;
    checkpoint();
    const either = essential.map(({ match }) => match).join(' OR ');
    found.mark(reader.list(term.index, `(${either}) AND ${term.match}`, scope), index);
  }
}

function chooseBest(
  { terms, reader, scope, allowed, wanted, checkpoint }: CandidateSearch,
  found: SortedMarks,
): number[] {
  const most = Math.ceil(SLACK * wanted);
  if (found.size <= most) return found.ids();
  const limit = found.threshold(wanted);
  const better = found.above(limit);
  const ties = found.equalTo(limit);
  const missing = wanted - better.length;
  if (better.length + ties.ids.length <= most || allowed !== undefined) {
    return [...better, ...ties.ids.slice(better.length - most)];
  }
  // Thousands have the same words: how often and in how short a text decides, and FTS5 knows that without reading them.
  checkpoint();
  const same = terms.filter((_, index) => (ties.mask & (1 << index)) !== 0);
  const first = ties.ids.at(-TIES_MAX) ?? 0;
  const index = same[0]?.index ?? 'words';
  const match = same.filter((term) => term.index === index).map((term) => term.match);
  const known = new Set(better);
  const best = reader.best(index, match.join(' AND '), scope, first, missing + better.length);
  return [...better, ...best.filter((id) => !known.has(id))];
}
