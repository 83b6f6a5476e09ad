// Cuts a document into passages: at headings always, else where a block ends, else between sentences or lines. What was
// said last is said again at the beginning of the next passage of prose, so that an answer across a cut is found whole.
// The same blocks always give the same passages.

import type { Block } from '../formats/extracted.ts';
import type { Passage } from '../knowledge.ts';
import { type Unit, unitsOf } from './units.ts';

/** Characters. A passage is a long paragraph: enough to answer from, little enough to be about one thing. */
export const PASSAGE_LENGTH = {
  target: 900,
  /** Reached only to avoid a short rest or to keep a repeated sentence. */
  max: 1_200,
  overlap: 135,
} as const;

/** A passage may end early at the end of a block when it has this share of the target. */
const EARLY_SHARE = 0.6;
const BLOCK_SEPARATOR = '\n\n';

export interface SplitDocument {
  /** All blocks; the offsets of passages are into it. */
  readonly text: string;
  readonly passages: readonly Passage[];
}

interface Section {
  readonly headings: readonly string[];
  readonly units: Unit[];
  /** Stands for the section when nothing else is in it. */
  readonly heading: Unit | undefined;
}

export function splitDocument(blocks: readonly Block[]): SplitDocument {
  const { text, sections } = layOut(blocks);
  const passages = sections.flatMap(({ headings, units }) =>
    cuts(units).map((cut): Passage => passageOf(text, headings, cut)),
  );
  return { text, passages };
}

interface Cut {
  readonly start: number;
  readonly end: number;
  readonly page: number | undefined;
}

function passageOf(text: string, headings: readonly string[], { start, end, page }: Cut): Passage {
  return { text: text.slice(start, end), headings, start, end, ...(page !== undefined && { page }) };
}

/** The document's text, and which part of it belongs to which section. */
function layOut(blocks: readonly Block[]): { readonly text: string; readonly sections: readonly Section[] } {
  const pieces: string[] = [];
  const sections: Section[] = [];
  let path: { readonly level: number; readonly text: string }[] = [];
  let section: Section = { headings: [], units: [], heading: undefined };
  let offset = 0;
  const open = (heading?: Unit): void => {
    sections.push(section);
    section = { headings: path.map((entry) => entry.text), units: [], heading };
  };
  for (const block of blocks) {
    if (block.kind === 'break') {
      path = [];
      open();
      continue;
    }
    const units = unitsOf(block, offset, PASSAGE_LENGTH.target);
    if (block.kind === 'heading') {
      path = [...path.filter(({ level }) => level < block.level), { level: block.level, text: block.text }];
      open(units[0]);
    } else {
      // One at a time: a block of a large table has more than a call may have arguments.
      for (const unit of units) section.units.push(unit);
    }
    pieces.push(block.text);
    offset += block.text.length + BLOCK_SEPARATOR.length;
  }
  sections.push(section);
  return { text: pieces.join(BLOCK_SEPARATOR), sections: sections.map(withSubstance(sections)) };
}

/** A heading with nothing under it would be lost, unless it stands above other headings. */
function withSubstance(all: readonly Section[]): (section: Section, index: number) => Section {
  return (section, index) => {
    if (section.units.length > 0 || !section.heading) return section;
    const isAbove = (all[index + 1]?.headings.length ?? 0) > section.headings.length;
    return isAbove ? section : { ...section, headings: section.headings.slice(0, -1), units: [section.heading] };
  };
}

function cuts(units: readonly Unit[]): Cut[] {
  const found: Cut[] = [];
  const last = units.at(-1);
  for (let first = 0, fresh = 0; last && fresh < units.length; ) {
    const next = endOf(units, first, fresh);
    found.push({
      start: units[first]?.start ?? 0,
      end: units[next - 1]?.end ?? last.end,
      page: units[fresh]?.page,
    });
    fresh = next;
    first = next < units.length ? overlapBefore(units, first, next) : next;
  }
  return found;
}

/** The unit after the last one of a passage that begins at `first` and has nothing new before `fresh`. */
function endOf(units: readonly Unit[], first: number, fresh: number): number {
  const start = units[first]?.start ?? 0;
  const lengthUpTo = (next: number): number => (units[next - 1]?.end ?? start) - start;
  if (lengthUpTo(units.length) <= PASSAGE_LENGTH.max) return units.length;
  let next = fresh + 1;
  while (next < units.length && lengthUpTo(next + 1) <= PASSAGE_LENGTH.target) next += 1;
  for (let early = next; early > fresh; early -= 1) {
    if (lengthUpTo(early) < PASSAGE_LENGTH.target * EARLY_SHARE) break;
    if (units[early - 1]?.endsBlock) return early;
  }
  return next;
}

/** The first of the sentences before `next` that are short enough together to be repeated. */
function overlapBefore(units: readonly Unit[], from: number, next: number): number {
  const end = units[next - 1]?.end ?? 0;
  const ahead = units[next]?.end ?? end;
  let first = next;
  while (first - 1 > from) {
    const candidate = units[first - 1];
    if (!candidate?.isSentence || end - candidate.start > PASSAGE_LENGTH.overlap) break;
    if (ahead - candidate.start > PASSAGE_LENGTH.max) break;
    first -= 1;
  }
  return first;
}
