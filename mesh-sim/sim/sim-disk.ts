// The disk of a simulated machine: real SQLite in memory and a journal of lines. A crash keeps what was committed; an
// earlier copy can be put back, as people do with SD cards.

import { GATEWAY_MIGRATIONS, type NodeDisk } from '../../src/node.ts';
import { type Database, openCopy, openDatabase } from '../../src/storage/database.ts';
import type { LineJournal } from '../../src/storage/line-journal.ts';

/** What a disk holds at one moment. */
export interface DiskImage {
  readonly database: Buffer;
  readonly lines: readonly string[];
}

let emptyDatabase: Buffer | undefined;

/** A disk on which flowmesh was installed and never started. Migrated once: each simulated machine copies it. */
export function emptyDisk(): DiskImage {
  if (!emptyDatabase) {
    const database = openDatabase(':memory:', GATEWAY_MIGRATIONS);
    emptyDatabase = database.serialize();
    database.close();
  }
  return { database: emptyDatabase, lines: [] };
}

export class SimDisk implements NodeDisk {
  readonly database: Database;
  readonly journal: MemoryJournal;

  constructor(image: DiskImage) {
    this.database = openCopy(image.database);
    // Costs nothing in memory but the hope that it survives a power cut.
    this.database.pragma('synchronous = OFF');
    this.journal = new MemoryJournal(image.lines);
  }

  image(): DiskImage {
    return { database: this.database.serialize(), lines: this.journal.read() };
  }

  close(): void {
    this.database.close();
  }
}

class MemoryJournal implements LineJournal {
  #text: string;

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
    this.#text += lines;
  }

  replace(lines: string): void {
    this.#text = lines;
  }

  close(): void {
    // Nothing to let go of.
  }
}
