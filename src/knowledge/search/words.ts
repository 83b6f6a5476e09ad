// Cuts text into words as FTS5's `porter unicode61` does, so that what is ranked here agrees with what was found there.

import { stem } from './porter.ts';

/** Letters, numbers, private use and marks: the categories that the index was created with. */
const WORD = /[\p{L}\p{N}\p{Co}\p{M}]+/gu;
/** Only of Latin letters, as `remove_diacritics 2` has it: й and ё stay what they are. */
const DIACRITICS = /(?<=\p{Script=Latin})[\u0300-\u036f]+/gu;
const NOT_ASCII = /[^ -~]/;

export interface Word {
  readonly text: string;
  /** UTF-16 offset. */
  readonly start: number;
}

export function wordsOf(text: string): Word[] {
  return Array.from(text.matchAll(WORD), (match) => ({ text: match[0], start: match.index }));
}

const WORD_HERE = /(?<![\p{L}\p{N}\p{Co}\p{M}])[\p{L}\p{N}\p{Co}\p{M}]+/uy;

/** The word that begins at this place; undefined when none does. */
export function wordAt(text: string, start: number): string | undefined {
  WORD_HERE.lastIndex = start;
  return WORD_HERE.exec(text)?.[0];
}

/** Lower case, without diacritics. */
export function fold(text: string): string {
  const lower = text.toLowerCase();
  // Hangul decomposes too: what remains is put together again.
  return NOT_ASCII.test(lower) ? lower.normalize('NFD').replace(DIACRITICS, '').normalize('NFC') : lower;
}

/** What the index holds of a word. */
export function keyOf(word: string): string {
  const folded = fold(word);
  if (!NOT_ASCII.test(folded)) return stem(folded);
  // The index cuts suffixes off UTF-8 bytes, where ß is two consonants.
  return Buffer.from(stem(Buffer.from(folded, 'utf8').toString('latin1')), 'latin1').toString('utf8');
}

/**
 * What all words of a stem begin with: in English only its last letter may differ (happy, happi; filing, file). Beyond
 * ASCII the index cuts bytes off, so only the first letter is sure.
 */
export function beginningOf(key: string): string {
  return NOT_ASCII.test(key) ? ([...key][0] ?? '') : key.slice(0, Math.max(1, key.length - 1));
}
