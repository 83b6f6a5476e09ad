// The value inside `{"answer": …}`, piece by piece, however the text is cut. Of a text that does not begin like that,
// nothing is taken away: a server that does not enforce schemas may have answered plainly.

export const PROPERTY = 'answer';

/** Every beginning of the wrapping; white space may stand anywhere. */
const OPENING = new RegExp(`^\\s*\\{\\s*"${PROPERTY}"\\s*:\\s*`);
const OPENING_WITHOUT_BLANKS = `{"${PROPERTY}":`;
/** Who writes more blanks than this is not opening anything. */
const OPENING_LENGTH_MAX = 200;

export class AnswerUnwrapper {
  #state: 'before' | 'inside' | 'after' | 'plain' = 'before';
  /** Before the value: all that came. Inside: blanks that stand after it, or within. */
  #held = '';
  #depth = 0;
  #isInString = false;
  #isEscaped = false;

  /** What of the value this text brings. */
  read(text: string): string {
    if (this.#state === 'plain') return text;
    if (this.#state === 'after') return '';
    return this.#state === 'inside' ? this.#inside(text) : this.#before(text);
  }

  /** What was held back, when no more comes: the beginning of a wrapping that was cut off is no value. */
  end(): string {
    const rest =
      this.#state === 'before' && !OPENING_WITHOUT_BLANKS.startsWith(withoutBlanks(this.#held)) ? this.#held : '';
    this.#held = '';
    return rest;
  }

  #before(text: string): string {
    this.#held += text;
    const opening = OPENING.exec(this.#held);
    // More blanks may follow what was matched; they are held until the value begins.
    if (opening && opening[0].length < this.#held.length) {
      const value = this.#held.slice(opening[0].length);
      this.#held = '';
      this.#state = 'inside';
      return this.#inside(value);
    }
    const isPossible = OPENING_WITHOUT_BLANKS.startsWith(withoutBlanks(this.#held));
    if (isPossible && this.#held.length < OPENING_LENGTH_MAX) return '';
    const all = this.#held;
    this.#held = '';
    this.#state = 'plain';
    return all;
  }

  #inside(text: string): string {
    let position = 0;
    while (position < text.length && this.#isOfValue(text.charAt(position))) position += 1;
    if (position < text.length) this.#state = 'after';
    const value = this.#held + text.slice(0, position);
    if (this.#isInString || this.#depth > 0) {
      this.#held = '';
      return value;
    }
    const told = value.trimEnd();
    this.#held = this.#state === 'after' ? '' : value.slice(told.length);
    return told;
  }

  /** Reads one character; false for the one that ends the value: the brace around it, or another property. */
  #isOfValue(character: string): boolean {
    if (this.#isInString) {
      if (this.#isEscaped) this.#isEscaped = false;
      else if (character === '\\') this.#isEscaped = true;
      else if (character === '"') this.#isInString = false;
      return true;
    }
    if (character === '"') this.#isInString = true;
    else if (character === '{' || character === '[') this.#depth += 1;
    else if (character === '}' || character === ']') {
      if (this.#depth === 0) return false;
      this.#depth -= 1;
    } else if (character === ',' && this.#depth === 0) return false;
    return true;
  }
}

function withoutBlanks(text: string): string {
  return text.replace(/\s+/g, '');
}
