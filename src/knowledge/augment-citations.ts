// The citations that an answer really makes: numbers in square brackets, outside of code, that name a passage it was
// given.

import type { Annotation } from '../model/chat.ts';
import { addressOf, type NumberedPassage, placeOf } from './augment.ts';

/** An answer that repeats citations for ever is not worth more annotations. */
const CITATIONS_MAX = 200;
const QUOTE_LENGTH_MAX = 400;

/** `[1]`, `[1, 3]`, `【2】`; not a link's text, and not an index in code. */
const CITATION = /[[【](\d{1,3}(?:\s*[,;]\s*\d{1,3})*)[\]】](?!\()/g;
/** Fenced blocks and spans; an open fence goes on to the end. */
const CODE = /```[\s\S]*?(?:```|$)|~~~[\s\S]*?(?:~~~|$)|`[^`\n]+`/g;

/**
 * Citations that begin at `from` or later, in their order.
 * @param text the whole answer so far: whether a place is code, what stands before it decides
 */
export function findCitations(text: string, passages: readonly NumberedPassage[], from = 0): readonly Annotation[] {
  const prose = text.replace(CODE, (code) => ' '.repeat(code.length));
  const byNumber = new Map(passages.map((passage) => [passage.number, passage]));
  const found: Annotation[] = [];
  for (const match of prose.matchAll(CITATION)) {
    if (match.index < from) continue;
    for (const number of new Set((match[1] ?? '').split(/[,;]/).map(Number))) {
      const passage = byNumber.get(number);
      if (passage && found.length < CITATIONS_MAX) {
        found.push(annotationOf(passage, match.index, match.index + match[0].length));
      }
    }
  }
  return found;
}

/** @param start where the citation stands in the answer, UTF-16 code units */
export function annotationOf({ number, hit }: NumberedPassage, start: number, end: number): Annotation {
  const quote =
    hit.text.length > QUOTE_LENGTH_MAX ? `${hit.text.slice(0, QUOTE_LENGTH_MAX).toWellFormed()}…` : hit.text;
  return {
    url: addressOf(hit),
    title: placeOf(hit),
    quote,
    start,
    end,
    passage: { number, documentId: hit.documentId },
  };
}
