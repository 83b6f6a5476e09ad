// What stands in streams of server-sent events and is none, so that its words are not lost: `error: {…}` lines, by which
// older llama.cpp servers fail, and whole JSON bodies under the label of a stream. However the text is cut, the result is
// the same.

const ERROR_FIELD = 'error:';

/** Turns each `error:` line into an event of that name. */
export class ErrorLines {
  #isAtLineStart = true;
  /** The beginning of a line that may become an `error:`. */
  #held = '';

  translate(chunk: string): string {
    let text = this.#held + chunk;
    this.#held = '';
    const lineStart = Math.max(text.lastIndexOf('\n'), text.lastIndexOf('\r')) + 1;
    const isTailOfLine = lineStart > 0 || this.#isAtLineStart;
    if (isTailOfLine && lineStart < text.length && ERROR_FIELD.startsWith(text.slice(lineStart, lineStart + 7))) {
      this.#held = text.slice(lineStart);
      text = text.slice(0, lineStart);
    }
    const wasAtLineStart = this.#isAtLineStart;
    if (text !== '') this.#isAtLineStart = lineStart === text.length;
    if (!text.includes(ERROR_FIELD)) return text;
    const lines = wasAtLineStart ? /(^|[\r\n])error:/g : /([\r\n])error:/g;
    return text.replace(lines, '$1event: error\ndata:');
  }

  flush(): string {
    const rest = this.#held;
    this.#held = '';
    return rest;
  }
}

/** No line of an event begins with a brace: a text that does is one JSON body. Undefined while only blanks came. */
export function isJsonBody(text: string): boolean | undefined {
  const start = text.trimStart();
  return start === '' ? undefined : start.startsWith('{');
}
