// Picks the sentences that a question is most about: BM25 with each sentence as a document.
// https://en.wikipedia.org/wiki/Okapi_BM25

import { termsOf } from './extractive-text.ts';

/** How fast repetition of a word stops to count, and how much long sentences are held back: the usual values. */
const K1 = 1.2;
const B = 0.5;
/** Weaker matches than this part of the best one are left out. */
const SCORE_SHARE_MIN = 0.4;

interface Indexed {
  readonly counts: ReadonlyMap<string, number>;
  readonly length: number;
}

/** Positions of the best matching sentences, at most `countMax`, in their original order. */
export function bestMatches(sentences: readonly string[], question: string, countMax: number): number[] {
  const queryTerms = [...new Set(termsOf(question))];
  if (queryTerms.length === 0) return [];
  const index = sentences.map(indexed);
  const weights = new Map(queryTerms.map((term) => [term, rarity(term, index)]));
  const lengthMean = index.reduce((sum, { length }) => sum + length, 0) / Math.max(1, index.length);
  const scores = index.map((entry) => score(entry, weights, lengthMean));
  const floor = maximum(scores) * SCORE_SHARE_MIN;
  return scores
    .map((value, position) => ({ value, position }))
    .filter(({ value }) => value > 0 && value >= floor)
    .sort((a, b) => b.value - a.value || a.position - b.position)
    .slice(0, countMax)
    .map(({ position }) => position)
    .sort((a, b) => a - b);
}

function indexed(sentence: string): Indexed {
  const terms = termsOf(sentence);
  const counts = new Map<string, number>();
  for (const term of terms) counts.set(term, (counts.get(term) ?? 0) + 1);
  return { counts, length: terms.length };
}

function rarity(term: string, index: readonly Indexed[]): number {
  const holding = index.filter(({ counts }) => counts.has(term)).length;
  return Math.log(1 + (index.length - holding + 0.5) / (holding + 0.5));
}

function score({ counts, length }: Indexed, weights: ReadonlyMap<string, number>, lengthMean: number): number {
  let sum = 0;
  for (const [term, weight] of weights) {
    const count = counts.get(term) ?? 0;
    sum += (weight * count * (K1 + 1)) / (count + K1 * (1 - B + (B * length) / lengthMean));
  }
  return sum;
}

/** Math.max with spread overflows the stack on long lists. */
function maximum(values: readonly number[]): number {
  return values.reduce((largest, value) => Math.max(largest, value), 0);
}
