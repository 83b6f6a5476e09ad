// Regular expressions for text that strangers write. JavaScript's own engine backtracks, so that one clever prompt can
// stall the process; this one walks the automaton once: at most `STEPS_MAX` steps a character, whatever the pattern.
// Supported is what needs no memory of the way: no looking around, no references back. Case never matters.

import { PatternError, type PatternNode, parsePattern } from './pattern-parser.ts';

export { PatternError } from './pattern-parser.ts';

export interface Pattern {
  readonly source: string;
  /** Is there a match anywhere in the text? */
  test(text: string): boolean;
}

type Step =
  | { readonly type: 'character'; accepts(character: string): boolean; readonly next: number }
  | { readonly type: 'assertion'; holds(before: string | undefined, after: string | undefined): boolean; next: number }
  | { readonly type: 'split'; first: number; readonly second: number }
  | { readonly type: 'end' };

/** Counted repetitions are written out, so a short source can be a large automaton. */
const STEPS_MAX = 500;
const END = 0;

/** @throws PatternError with a sentence */
export function compilePattern(source: string): Pattern {
  const steps: Step[] = [{ type: 'end' }];
  const start = compile(parsePattern(source), END, steps);
  return { source, test: (text) => new Walk(steps, start).matches(text) };
}

/** Adds the steps of a node that continues at `next`; returns where it begins. */
function compile(node: PatternNode, next: number, steps: Step[]): number {
  switch (node.type) {
    case 'character':
      return add({ type: 'character', accepts: node.accepts, next }, steps);
    case 'assertion':
      return add({ type: 'assertion', holds: node.holds, next }, steps);
    case 'sequence':
      return node.items.reduceRight((following, item) => compile(item, following, steps), next);
    case 'choice':
      return node.options
        .map((option) => compile(option, next, steps))
        .reduceRight((second, first) => add({ type: 'split', first, second }, steps));
    case 'repeat':
      return compileRepeat(node, next, steps);
  }
}

function compileRepeat(
  { item, min, max }: Extract<PatternNode, { type: 'repeat' }>,
  next: number,
  steps: Step[],
): number {
  let following = next;
  if (max === Number.POSITIVE_INFINITY) {
    const loop: Extract<Step, { type: 'split' }> = { type: 'split', first: END, second: next };
    following = add(loop, steps);
    loop.first = compile(item, following, steps);
  } else {
    for (let optional = min; optional < max; optional += 1) {
      following = add({ type: 'split', first: compile(item, following, steps), second: next }, steps);
    }
  }
  for (let required = 0; required < min; required += 1) following = compile(item, following, steps);
  return following;
}

function add(step: Step, steps: Step[]): number {
  if (steps.length >= STEPS_MAX) throw new PatternError('the pattern repeats too much; make it shorter.');
  return steps.push(step) - 1;
}

/** All ways through the automaton at once, character by character. */
class Walk {
  readonly #steps: readonly Step[];
  readonly #start: number;
  /** At which place of the text a step was last reached: each counts once a place. */
  readonly #reachedAt: Int32Array;

  constructor(steps: readonly Step[], start: number) {
    this.#steps = steps;
    this.#start = start;
    this.#reachedAt = new Int32Array(steps.length).fill(-1);
  }

  matches(text: string): boolean {
    let waiting: number[] = [];
    let before: string | undefined;
    let place = 0;
    for (const character of text) {
      const reading = this.#follow([...waiting, this.#start], place, before, character);
      if (reading === 'end') return true;
      waiting = reading.flatMap((step) => (step.accepts(character) ? [step.next] : []));
      before = character;
      place += 1;
    }
    return this.#follow([...waiting, this.#start], place, before, undefined) === 'end';
  }

  /** The characters that may come now, or that a match is complete. */
  #follow(
    from: readonly number[],
    place: number,
    before: string | undefined,
    after: string | undefined,
  ): Extract<Step, { type: 'character' }>[] | 'end' {
    const reading: Extract<Step, { type: 'character' }>[] = [];
    const open = [...from];
    for (let index = open.pop(); index !== undefined; index = open.pop()) {
      if (this.#reachedAt[index] === place) continue;
      this.#reachedAt[index] = place;
      const step = this.#steps[index];
      if (step === undefined) continue;
      if (step.type === 'end') return 'end';
      if (step.type === 'character') reading.push(step);
      else if (step.type === 'split') open.push(step.second, step.first);
      else if (step.holds(before, after)) open.push(step.next);
    }
    return reading;
  }
}
