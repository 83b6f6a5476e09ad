// The smallest pieces that passages are made of: sentences of prose, lines of code and tables. None is longer than asked for.

import type { Block } from '../formats/extracted.ts';

export interface Unit {
  /** UTF-16 offsets into the document's text, without white space at the ends. */
  readonly start: number;
  readonly end: number;
  /** The last one of its block: the best place to cut after. */
  readonly endsBlock: boolean;
  /** May be said again at the beginning of the next passage. */
  readonly isSentence: boolean;
  readonly page: number | undefined;
}

/** The segmenter's work grows faster than its input; paragraphs of this length do not occur. */
const SEGMENTED_LENGTH = 10_000;

/** Made when first used: with it come the languages of the world, a megabyte of memory. */
let segmenter: Intl.Segmenter | undefined;

type TextBlock = Exclude<Block, { kind: 'break' }>;

/** @param offset where the block begins in the document's text */
export function unitsOf(block: TextBlock, offset: number, lengthMax: number): Unit[] {
  const { text } = block;
  const isSentence = block.kind === 'prose';
  const pieces: [start: number, end: number][] = [];
  const isWhole = !isSentence && text.length <= lengthMax;
  for (const [start, end] of isWhole ? [[0, text.length] as const] : isSentence ? sentenceRanges(text) : lines(text)) {
    addPieces(text, start, end, lengthMax, pieces);
  }
  return pieces.map(([start, end], index) => ({
    start: offset + start,
    end: offset + end,
    endsBlock: index === pieces.length - 1,
    isSentence,
    page: block.page,
  }));
}

function* sentenceRanges(text: string): Generator<readonly [number, number]> {
  segmenter ??= new Intl.Segmenter('en', { granularity: 'sentence' });
  for (let from = 0; from < text.length; ) {
    const to = breakBefore(text, from, SEGMENTED_LENGTH);
    for (const { index, segment } of segmenter.segment(text.slice(from, to))) {
      yield [from + index, from + index + segment.length];
    }
    from = to;
  }
}

function* lines(text: string): Generator<readonly [number, number]> {
  for (let from = 0; from < text.length; ) {
    const feed = text.indexOf('\n', from);
    const to = feed < 0 ? text.length : feed + 1;
    yield [from, to];
    from = to;
  }
}

/** Adds the range without white space at its ends, in several pieces where it is too long. */
function addPieces(text: string, from: number, to: number, lengthMax: number, pieces: [number, number][]): void {
  for (let start = from; start < to; ) {
    const end = Math.min(breakBefore(text, start, lengthMax), to);
    const first = start + (text.slice(start, end).length - text.slice(start, end).trimStart().length);
    const last = start + text.slice(start, end).trimEnd().length;
    if (last > first) pieces.push([first, last]);
    start = end;
  }
}

/** Where a piece that starts at `start` ends, at most `lengthMax` on: after white space if there is any, never within a letter. */
function breakBefore(text: string, start: number, lengthMax: number): number {
  const limit = start + lengthMax;
  if (limit >= text.length) return text.length;
  // Not too far back: a text without spaces must not become tiny pieces.
  for (let end = limit; end > start + lengthMax / 2; end -= 1) {
    if (/\s/.test(text[end - 1] ?? '')) return end;
  }
  const isPair = /[\ud800-\udbff]/.test(text[limit - 1] ?? '');
  return isPair && lengthMax > 1 ? limit - 1 : limit;
}
