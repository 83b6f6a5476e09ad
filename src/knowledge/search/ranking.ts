// Ranks passages by BM25F: a word counts more the rarer it is, the more often it occurs and the shorter the text; in a
// heading or in the document's title it counts several times. bench/knowledge/quality.ts measures what the numbers do.

import type { WeightedTerm } from './candidates.ts';
import { beginningOf, fold, keyOf, wordAt } from './words.ts';

/** How soon more occurrences stop to matter. */
const SATURATION = 0.6;
/** How much the length of a passage counts against it, 0 to 1. */
const LENGTH_INFLUENCE = 0.6;
/** A word in a heading counts as so many in the text. */
const HEADING_WEIGHT = 1.5;
const TITLE_WEIGHT = 1.5;

/** How often each term is in a text, headings included. */
export interface CountedText {
  readonly counts: readonly number[];
  /** Characters. */
  readonly length: number;
}

export interface RankingStatistics {
  /** Passages searched. */
  readonly passages: number;
  /** Their average length, characters. */
  readonly lengthMean: number;
}

/** How much a term says: rare ones say more. */
export function termWeight(frequency: number, passages: number): number {
  return Math.log(1 + (Math.max(passages, frequency) - frequency + 0.5) / (frequency + 0.5));
}

export class Ranking {
  readonly #terms: readonly WeightedTerm[];
  readonly #statistics: RankingStatistics;
  readonly #words: readonly WordTerm[];
  readonly #grams: readonly { readonly key: string; readonly index: number }[];
  /** Stems of words that were met: the same ones come again and again. */
  readonly #keys = new Map<string, string>();

  constructor(terms: readonly WeightedTerm[], statistics: RankingStatistics) {
    this.#terms = terms;
    this.#statistics = statistics;
    const named = terms.map(({ key, index: kind }, index) => ({ key, kind, index }));
    this.#words = named
      .filter(({ kind }) => kind === 'words')
      .map(({ key, index }) => ({ key, index, beginning: beginningOf(key) }));
    this.#grams = named.filter(({ kind }) => kind === 'grams');
  }

  count({ text, headings }: { readonly text: string; readonly headings: readonly string[] }): CountedText {
    const counts = this.#terms.map(() => 0);
    this.#count(text, 1, counts);
    for (const heading of headings) this.#count(heading, HEADING_WEIGHT, counts);
    return { counts, length: text.length };
  }

  score(counted: CountedText, title: string): number {
    const counts = [...counted.counts];
    this.#count(title, TITLE_WEIGHT, counts);
    const length = counted.length / Math.max(1, this.#statistics.lengthMean);
    const damping = SATURATION * (1 - LENGTH_INFLUENCE + LENGTH_INFLUENCE * length);
    return this.#terms.reduce((sum, { weight }, index) => {
      const count = counts[index] ?? 0;
      return sum + (weight * count * (SATURATION + 1)) / (count + damping);
    }, 0);
  }

  #count(text: string, weight: number, counts: number[]): void {
    if (this.#words.length > 0) this.#countWords(text, weight, counts);
    for (const { key, index } of this.#grams) {
      const occurrences = text.split(key).length - 1;
      counts[index] = (counts[index] ?? 0) + weight * occurrences;
    }
  }

  /** Looks only at words that begin as a term does, which the engine finds at the speed of memory. */
  #countWords(text: string, weight: number, counts: number[]): void {
    const folded = fold(text);
    for (const { key, index, beginning } of this.#words) {
      for (let at = folded.indexOf(beginning); at >= 0; at = folded.indexOf(beginning, at + 1)) {
        const word = wordAt(folded, at);
        if (word !== undefined && this.#keyOf(word) === key) counts[index] = (counts[index] ?? 0) + weight;
      }
    }
  }

  #keyOf(word: string): string {
    let key = this.#keys.get(word);
    if (key === undefined) {
      key = keyOf(word);
      this.#keys.set(word, key);
    }
    return key;
  }
}

interface WordTerm {
  readonly key: string;
  readonly index: number;
  /** What all words of this stem begin with. */
  readonly beginning: string;
}
