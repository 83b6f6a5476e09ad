// The stretch of a passage around its matches, with the matching words marked.

import type { Term } from './query.ts';
import { keyOf, wordsOf } from './words.ts';

/** Characters of a snippet, about. */
const LENGTH = 240;

interface Mark {
  readonly start: number;
  readonly end: number;
  readonly key: string;
}

export function snippetOf(text: string, terms: readonly Term[]): string {
  const marks = marksIn(text, terms);
  const first = bestStart(marks);
  const start =
    text.length <= LENGTH ? 0 : wordStart(text, Math.max(0, Math.min(first - LENGTH / 4, text.length - LENGTH)));
  const end = start + LENGTH >= text.length ? text.length : wordEnd(text, start + LENGTH);
  let snippet = start > 0 ? '… ' : '';
  let at = start;
  for (const mark of marks) {
    if (mark.start < at || mark.end > end) continue;
    snippet += `${text.slice(at, mark.start)}[[${text.slice(mark.start, mark.end)}]]`;
    at = mark.end;
  }
  return `${snippet}${text.slice(at, end)}${end < text.length ? ' …' : ''}`.replace(/\s+/g, ' ').trim().toWellFormed();
}

function marksIn(text: string, terms: readonly Term[]): Mark[] {
  const keys = new Set(terms.filter(({ index }) => index === 'words').map(({ key }) => key));
  const words = wordsOf(text)
    .map((word) => ({ start: word.start, end: word.start + word.text.length, key: keyOf(word.text) }))
    .filter(({ key }) => keys.has(key));
  const grams = terms.filter(({ index }) => index === 'grams').flatMap(({ key }) => occurrences(text, key));
  return joined([...words, ...grams].sort((left, right) => left.start - right.start));
}

function occurrences(text: string, key: string): Mark[] {
  const marks: Mark[] = [];
  for (let at = text.indexOf(key); at >= 0; at = text.indexOf(key, at + 1)) {
    marks.push({ start: at, end: at + key.length, key });
  }
  return marks;
}

/** Pieces of unspaced text that overlap are one mark. */
function joined(marks: readonly Mark[]): Mark[] {
  const whole: Mark[] = [];
  for (const mark of marks) {
    const last = whole.at(-1);
    if (last && mark.start < last.end) whole[whole.length - 1] = { ...last, end: Math.max(last.end, mark.end) };
    else whole.push(mark);
  }
  return whole;
}

/** Where the stretch begins that has the most different words. */
function bestStart(marks: readonly Mark[]): number {
  let best = { start: marks[0]?.start ?? 0, words: 0 };
  for (const [index, { start }] of marks.entries()) {
    const within = marks.slice(index).filter((mark) => mark.end <= start + (LENGTH * 3) / 4);
    const words = new Set(within.map(({ key }) => key)).size;
    if (words > best.words) best = { start, words };
  }
  return best.start;
}

function wordStart(text: string, at: number): number {
  const offset = text.slice(at, at + 40).search(/\s/);
  return at === 0 ? 0 : at + (offset < 0 ? 0 : offset + 1);
}

function wordEnd(text: string, at: number): number {
  const offset = text.slice(at - 40, at).search(/\s\S*$/);
  return offset < 0 ? at : at - 40 + offset;
}
