// The free text of a call while its arguments still arrive: the string in `{"input": "…`, unescaped piece by piece,
// however the JSON is cut. So a client sees a long patch grow instead of waiting for its last character.

import { freeTextInput } from './free-text-tool.ts';

/** Up to where the string begins; models may put white space anywhere. */
const OPENING = /^\s*\{\s*"input"\s*:\s*"/;

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f' };

/** Characters after which no opening is expected any more: looking again at every piece would be quadratic. */
const OPENING_LENGTH_MAX = 1_000;

export class FreeTextReader {
  /** JSON that came and is not read yet. */
  #unread = '';
  #state: 'before' | 'inside' | 'after' = 'before';
  #text = '';

  /** The text that these arguments complete. */
  read(argumentsDelta: string): string {
    if (this.#state === 'after') return '';
    const isOpeningPossible = this.#state === 'before' && this.#unread.length < OPENING_LENGTH_MAX;
    this.#unread += argumentsDelta;
    if (isOpeningPossible) this.#open();
    return this.#state === 'inside' ? this.#readString() : '';
  }

  /** What remains to be told when the call is over: all of it where the arguments are not as they should be. */
  end(): string {
    if (this.#state !== 'before') return '';
    this.#text = freeTextInput(this.#unread);
    return this.#text;
  }

  /** All that was read. */
  get text(): string {
    return this.#text;
  }

  /** The string was closed: nothing more can come. */
  get isComplete(): boolean {
    return this.#state === 'after';
  }

  #open(): void {
    const opening = OPENING.exec(this.#unread);
    if (!opening) return;
    this.#unread = this.#unread.slice(opening[0].length);
    this.#state = 'inside';
  }

  #readString(): string {
    const json = this.#unread;
    let position = 0;
    let text = '';
    while (position < json.length) {
      const character = json.charAt(position);
      if (character === '"') {
        this.#state = 'after';
        break;
      }
      const piece = character === '\\' ? unescaped(json, position) : plainRun(json, position);
      if (!piece) break;
      text += piece.text;
      position += piece.length;
    }
    this.#unread = json.slice(position);
    this.#text += text;
    return text;
  }
}

interface Piece {
  readonly text: string;
  /** Of its JSON. */
  readonly length: number;
}

/** Up to the next quote or backslash; half a surrogate pair waits, as no JSON can carry it alone. */
function plainRun(json: string, from: number): Piece | undefined {
  let end = from;
  while (end < json.length && json.charAt(end) !== '"' && json.charAt(end) !== '\\') end += 1;
  if (end === json.length && isHighSurrogate(json.charCodeAt(end - 1))) end -= 1;
  return end === from ? undefined : { text: json.slice(from, end), length: end - from };
}

/** Undefined while the escape, or the other half of its surrogate pair, is still to come. */
function unescaped(json: string, from: number): Piece | undefined {
  const kind = json.charAt(from + 1);
  if (kind === '') return undefined;
  if (kind !== 'u') return { text: ESCAPES[kind] ?? kind, length: 2 };
  const unit = codeUnit(json, from);
  if (unit === undefined) return undefined;
  if (!isHighSurrogate(unit)) return { text: String.fromCharCode(unit), length: 6 };
  const next = json.slice(from + 6, from + 8);
  if (next === '' || next === '\\') return undefined;
  if (next !== '\\u') return { text: String.fromCharCode(unit), length: 6 };
  const low = codeUnit(json, from + 6);
  return low === undefined ? undefined : { text: String.fromCharCode(unit, low), length: 12 };
}

function codeUnit(json: string, from: number): number | undefined {
  const digits = json.slice(from + 2, from + 6);
  return digits.length < 4 ? undefined : Number.parseInt(digits, 16);
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}
