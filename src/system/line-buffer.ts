// Log lines wait until there is a page of them, or a moment has passed: so that a line costs no system call.
//
// SonicBoom, pino's writer, can wait too, but measures all that it holds again at every line.

/** What a pipe holds. Each write wakes a thread. */
const PAGE_LENGTH = 64 * 1_024;
const WAIT_MAX_MS = 250;

export interface LineSink {
  write(text: string): unknown;
  flushSync(): void;
}

export class LineBuffer {
  readonly #sink: LineSink;
  #lines: string[] = [];
  #length = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(sink: LineSink) {
    this.#sink = sink;
  }

  write(line: string): void {
    this.#lines.push(line);
    this.#length += line.length;
    if (this.#length >= PAGE_LENGTH) this.#pass();
    else this.#timer ??= setTimeout(() => this.#pass(), WAIT_MAX_MS).unref();
  }

  /** Before the process ends. */
  flushSync(): void {
    this.#pass();
    this.#sink.flushSync();
  }

  #pass(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#lines.length === 0) return;
    const text = this.#lines.join('');
    this.#lines = [];
    this.#length = 0;
    this.#sink.write(text);
  }
}
