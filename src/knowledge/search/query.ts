// Reads any text as a question. Only words come out of it, so nothing a user writes is ever FTS5 syntax.

import { gramsToFind, unspacedRuns } from './grams.ts';
import { withoutStopWords } from './stop-words.ts';
import { fold, keyOf, wordsOf } from './words.ts';

/** Something to look for in the index of words or of grams. */
export interface Term {
  readonly index: 'words' | 'grams';
  /** How ranking recognizes it: a stem, or a piece of unspaced text. */
  readonly key: string;
  /** FTS5 expression. */
  readonly match: string;
}

/** Words in quotes: a passage must have them side by side. */
export interface Phrase {
  readonly index: Term['index'];
  readonly match: string;
}

export interface Query {
  readonly terms: readonly Term[];
  readonly phrases: readonly Phrase[];
  /** FTS5 expression that the document's title must fulfil; empty: none. */
  readonly title: string;
}

/** A pasted essay is a question too: what is beyond these is not looked at. */
const LENGTH_MAX = 8_000;
const TERMS_MAX = 48;
const PHRASES_MAX = 4;
const PHRASE_WORDS_MAX = 12;

const QUOTED = /["“”„«»]([^"“”„«»]+)["“”„«»]/gu;
const TITLE_WORD = /\btitle:\s*([\p{L}\p{N}\p{M}]+)/giu;

export function parseQuery(text: string): Query {
  const short = text.slice(0, LENGTH_MAX);
  const titleWords = [...short.matchAll(TITLE_WORD)].map((match) => match[1] ?? '');
  const plain = short.replace(TITLE_WORD, ' $1 ');
  const quoted = [...plain.matchAll(QUOTED)].map((match) => match[1] ?? '').slice(0, PHRASES_MAX);
  return {
    terms: termsOf(plain),
    phrases: quoted.flatMap(phrasesOf),
    title: titleWords.map((word) => `title : ${quote(word)}`).join(' AND '),
  };
}

function termsOf(text: string): Term[] {
  const { runs, rest } = unspacedRuns(text);
  const words = wordsOf(rest).map((word) => word.text.toLowerCase());
  const terms = new Map<string, Term>();
  for (const run of runs) {
    const { grams, isBeginning } = gramsToFind(run);
    for (const gram of grams) {
      terms.set(gram, { index: 'grams', key: gram, match: isBeginning ? `${quote(gram)}*` : quote(gram) });
    }
  }
  for (const word of runs.length > 0 && words.length === 0 ? [] : withoutStopWords(words)) {
    const key = keyOf(word);
    if (!terms.has(key)) terms.set(key, { index: 'words', key, match: quote(word) });
  }
  return [...terms.values()].slice(0, TERMS_MAX);
}

/** One word is no phrase: it is among the terms already. */
function phrasesOf(text: string): Phrase[] {
  const { runs, rest } = unspacedRuns(text);
  const words = wordsOf(rest).map((word) => fold(word.text));
  const ofRuns = runs.map((run): Phrase => {
    const { grams, isBeginning } = gramsToFind(run);
    return { index: 'grams', match: `${quote(grams.join(' '))}${isBeginning ? '*' : ''}` };
  });
  if (words.length < 2) return ofRuns;
  return [...ofRuns, { index: 'words', match: quote(words.slice(0, PHRASE_WORDS_MAX).join(' ')) }];
}

/** Words hold no quotes: nothing has to be escaped. */
function quote(words: string): string {
  return `"${words}"`;
}
