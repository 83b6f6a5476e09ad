// A file of lines that survives the death of its process: what is appended is with the operating system when the call
// returns. A line that was cut in the middle of being written is left out when the file is read.

import { closeSync, ftruncateSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs';

export interface LineJournal {
  /** Characters in it, about. */
  readonly length: number;
  /** Of the process before, oldest first; each without its line end. */
  read(): readonly string[];
  /**
   * @param lines each with its line end
   * @throws the system's error, or one of our own when only a part was written, as happens on a disk that is just full
   */
  append(lines: string): void;
  /** These lines and no others, at once or not at all. */
  replace(lines: string): void;
  close(): void;
}

/** What is kept nowhere: for a node that keeps no state. */
export const NO_JOURNAL: LineJournal = {
  length: 0,
  read: () => [],
  append: () => undefined,
  replace: () => undefined,
  close: () => undefined,
};

export class FileJournal implements LineJournal {
  readonly #path: string;
  readonly #write: (file: number, text: string) => number;
  #file: number;
  #length = 0;

  /** @param write of `node:fs`: how many bytes it has written */
  constructor(path: string, write: (file: number, text: string) => number = writeSync) {
    this.#path = path;
    this.#write = write;
    this.#file = openSync(path, 'a+', 0o600);
  }

  get length(): number {
    return this.#length;
  }

  read(): readonly string[] {
    const text = readFileSync(this.#path, 'utf8');
    this.#length = text.length;
    // What follows the last line end was never finished.
    return text.split('\n').slice(0, -1);
  }

  append(lines: string): void {
    const written = this.#write(this.#file, lines);
    this.#length += lines.length;
    if (written < Buffer.byteLength(lines)) throw partly(this.#path);
  }

  replace(lines: string): void {
    if (lines === '') {
      ftruncateSync(this.#file);
    } else {
      const next = `${this.#path}.next`;
      writeFileSync(next, lines, { mode: 0o600 });
      renameSync(next, this.#path);
      const before = this.#file;
      this.#file = openSync(this.#path, 'a+', 0o600);
      closeSync(before);
    }
    this.#length = lines.length;
  }

  close(): void {
    closeSync(this.#file);
  }
}

function partly(path: string): Error {
  return Object.assign(new Error(`ENOSPC: only a part of a line could be written, '${path}'`), { code: 'ENOSPC' });
}
