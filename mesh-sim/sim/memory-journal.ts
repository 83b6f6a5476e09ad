// The ledger's journal of a simulated machine.

import type { LineJournal } from '../../src/storage/line-journal.ts';

export class MemoryJournal implements LineJournal {
  #text: string;
  isFull = false;

  constructor(lines: readonly string[]) {
    this.#text = lines.map((line) => `${line}\n`).join('');
  }

  get length(): number {
    return this.#text.length;
  }

  read(): readonly string[] {
    return this.#text.split('\n').slice(0, -1);
  }

  append(lines: string): void {
    if (this.isFull) throw noSpace();
    this.#text += lines;
  }

  replace(lines: string): void {
    // Written anew beside the old one, and renamed.
    if (this.isFull) throw noSpace();
    this.#text = lines;
  }

  close(): void {
    // Nothing to let go of.
  }
}

function noSpace(): Error {
  return Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
}
