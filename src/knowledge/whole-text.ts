// A document's text from its passages, which overlap so that no sentence is cut from what it belongs to.

import type { Passage } from './knowledge.ts';

/** Passages where the positions do not tell how they overlap follow one another as they are. */
export function wholeText(passages: readonly Passage[]): string {
  let text = '';
  let readUpTo = 0;
  for (const { text: own, start, end } of passages) {
    const isVerbatim = own.length === end - start;
    const isOverlapping = isVerbatim && start < readUpTo && end > readUpTo;
    if (isVerbatim && end <= readUpTo) continue;
    text += isOverlapping ? own.slice(readUpTo - start) : `${text === '' ? '' : '\n\n'}${own}`;
    readUpTo = end;
  }
  return text;
}
