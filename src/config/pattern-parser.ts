// A regular expression's source as a tree. Syntax and character classes are left to the platform's own RegExp, one
// character at a time; only the structure around them is ours, because that is where backtracking would explode.

export type PatternNode =
  | { readonly type: 'character'; accepts(character: string): boolean }
  | { readonly type: 'assertion'; holds(before: string | undefined, after: string | undefined): boolean }
  | { readonly type: 'sequence'; readonly items: readonly PatternNode[] }
  | { readonly type: 'choice'; readonly options: readonly PatternNode[] }
  | { readonly type: 'repeat'; readonly item: PatternNode; readonly min: number; readonly max: number };

/** What is wrong with a pattern, as a sentence. */
export class PatternError extends Error {
  override readonly name = 'PatternError';
}

/** A pattern that people can still read is far shorter. */
const SOURCE_LENGTH_MAX = 1_000;

/** Case never matters: prompts are prose. */
const FLAGS = 'iu';

const ESCAPE =
  /\\(?:u\{[0-9a-f]+\}|u[dD][89abAB][0-9a-f]{2}\\u[dD][c-fC-F][0-9a-f]{2}|u[0-9a-f]{4}|x[0-9a-f]{2}|c[a-z]|p\{[^}]*\}|[\s\S])/iuy;
const CHARACTER_CLASS = /\[(?:\\[\s\S]|[^\]\\])*\]/uy;
const QUANTIFIER = /(?:[*+?]|\{(\d+)(,?)(\d*)\})\??/y;
const GROUP_START = /\((?:\?:|\?<[\p{ID_Start}$_][\p{ID_Continue}$]*>|(?!\?))/uy;
const WORD_CHARACTER = /[\p{L}\p{N}_]/u;

/** @throws PatternError */
export function parsePattern(source: string): PatternNode {
  if (source.length > SOURCE_LENGTH_MAX) {
    throw new PatternError(`the pattern is longer than ${SOURCE_LENGTH_MAX} characters.`);
  }
  try {
    new RegExp(source, FLAGS);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.slice(cause.message.lastIndexOf(': ') + 2) : String(cause);
    throw new PatternError(`this is not a valid regular expression: ${reason}.`, { cause });
  }
  return new PatternParser(source).parse();
}

/** Recursive descent over a source that is known to be well-formed. */
class PatternParser {
  readonly #source: string;
  #at = 0;

  constructor(source: string) {
    this.#source = source;
  }

  parse(): PatternNode {
    const options = [this.#sequence()];
    while (this.#source[this.#at] === '|') {
      this.#at += 1;
      options.push(this.#sequence());
    }
    return options.length === 1 && options[0] ? options[0] : { type: 'choice', options };
  }

  #sequence(): PatternNode {
    const items: PatternNode[] = [];
    for (;;) {
      const next = this.#source[this.#at];
      if (next === undefined || next === '|' || next === ')') return { type: 'sequence', items };
      items.push(this.#quantified(this.#item(next)));
    }
  }

  #item(next: string): PatternNode {
    if (next === '(') return this.#group();
    if (next === '[') return character(this.#take(CHARACTER_CLASS) ?? '');
    if (next === '\\') return this.#escape();
    if (next === '^' || next === '$') {
      this.#at += 1;
      const isStart = next === '^';
      return { type: 'assertion', holds: (before, after) => (isStart ? before : after) === undefined };
    }
    const literal = String.fromCodePoint(this.#source.codePointAt(this.#at) ?? 0);
    this.#at += literal.length;
    return character(literal);
  }

  #group(): PatternNode {
    if (this.#take(GROUP_START) === undefined) {
      throw new PatternError("'(?' for looking ahead or behind, or for switching flags, is not supported.");
    }
    const inner = this.parse();
    // Its closing bracket.
    this.#at += 1;
    return inner;
  }

  #escape(): PatternNode {
    const written = this.#take(ESCAPE) ?? '';
    if (/^\\[1-9k]/.test(written)) throw new PatternError('references back to a group are not supported.');
    if (written !== '\\b' && written !== '\\B') return character(written);
    const isBoundary = written === '\\b';
    return { type: 'assertion', holds: (before, after) => (isWord(before) !== isWord(after)) === isBoundary };
  }

  #quantified(item: PatternNode): PatternNode {
    QUANTIFIER.lastIndex = this.#at;
    const match = QUANTIFIER.exec(this.#source);
    if (!match) return item;
    this.#at += match[0].length;
    const [written, least, comma, most] = match;
    if (least === undefined) {
      const min = written.startsWith('+') ? 1 : 0;
      return { type: 'repeat', item, min, max: written.startsWith('?') ? 1 : Number.POSITIVE_INFINITY };
    }
    const min = Number(least);
    if (comma === '') return { type: 'repeat', item, min, max: min };
    return { type: 'repeat', item, min, max: most === '' ? Number.POSITIVE_INFINITY : Number(most) };
  }

  #take(expression: RegExp): string | undefined {
    expression.lastIndex = this.#at;
    const taken = expression.exec(this.#source)?.[0];
    this.#at += taken?.length ?? 0;
    return taken;
  }
}

/** Letters of every script count, unlike in plain `\b`. */
function isWord(character: string | undefined): boolean {
  return character !== undefined && WORD_CHARACTER.test(character);
}

function character(source: string): PatternNode {
  const expression = new RegExp(`^${source}$`, FLAGS);
  // Most text is ASCII, and asking the platform again for every letter is the slow part.
  const ascii = Array.from({ length: 128 }, (_, code) => expression.test(String.fromCharCode(code)));
  return {
    type: 'character',
    accepts: (text) => (text.length === 1 ? ascii[text.charCodeAt(0)] : undefined) ?? expression.test(text),
  };
}
