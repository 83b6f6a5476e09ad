// Passages that say the same but for a word or two (versions of a document, boilerplate) are found once.

import { fold, wordsOf } from './words.ts';

/** Part of their different words that two passages share to count as the same. */
const SAME_PART = 0.9;

export class NearDuplicates {
  readonly #seen: ReadonlySet<string>[] = [];

  /** Was the like of it here before? Remembers it otherwise. */
  has(text: string): boolean {
    const words = new Set(wordsOf(fold(text)).map((word) => word.text));
    // Texts without words are told apart by their characters.
    if (words.size === 0) words.add(text);
    if (this.#seen.some((other) => isSame(words, other))) return true;
    this.#seen.push(words);
    return false;
  }
}

function isSame(left: ReadonlySet<string>, right: ReadonlySet<string>): boolean {
  const [small, large] = left.size < right.size ? [left, right] : [right, left];
  if (small.size < SAME_PART * large.size) return false;
  const shared = small.intersection(large).size;
  return shared >= SAME_PART * (small.size + large.size - shared);
}
