// The disk of a simulated machine: real SQLite in memory and a journal of lines. A crash keeps what was committed; an
// earlier copy can be put back, as people do with SD cards.

import type { NodeDisk } from '../../src/node-files.ts';
import { type Database, type Migrations, openDatabase } from '../../src/storage/database.ts';
import { MemoryJournal } from './memory-journal.ts';
import { type DatabaseFile, openFile } from './reused-files.ts';

/** What a disk holds at one moment. */
export interface DiskImage {
  /** By name. */
  readonly files: ReadonlyMap<string, Buffer>;
  readonly lines: readonly string[];
}

/** Flowmesh was installed on it and never started. */
export const EMPTY_DISK: DiskImage = { files: new Map(), lines: [] };

/** New files, by their tables. Migrated once: each machine copies them. */
const made = new Map<Migrations, Buffer>();

function newFile(migrations: Migrations): Buffer {
  const known = made.get(migrations);
  if (known) return known;
  const database = openDatabase(':memory:', migrations);
  const content = database.serialize();
  database.close();
  made.set(migrations, content);
  return content;
}

export class SimDisk implements NodeDisk {
  readonly journal: MemoryJournal;
  /** Of closed files. */
  readonly #contents: Map<string, Buffer>;
  readonly #opened = new Map<string, DatabaseFile>();
  readonly #closed: DatabaseFile[] = [];

  isFull = false;
  #isGone = false;

  constructor({ files, lines }: DiskImage) {
    this.#contents = new Map(files);
    this.journal = new MemoryJournal(lines);
  }

  readonly open = (file: string, migrations: Migrations): Database => {
    const opened = openFile(this.#contents.get(file) ?? newFile(migrations), migrations);
    const { database } = opened;
    database.close = () => {
      if (this.#isGone || !this.#opened.delete(file)) return database;
      this.#contents.set(file, opened.content());
      this.#closed.push(opened);
      return database;
    };
    this.#opened.set(file, opened);
    limit(database, this.isFull);
    return database;
  };

  /** What is free within the files may still be used, as on a real disk. */
  setFull(isFull: boolean): void {
    if (isFull === this.isFull) return;
    this.isFull = isFull;
    this.journal.isFull = isFull;
    for (const { database } of this.#opened.values()) limit(database, isFull);
  }

  /** For those who look at what a node has written; undefined when the file is not open. */
  file(name: string): Database | undefined {
    return this.#opened.get(name)?.database;
  }

  image(): DiskImage {
    const files = new Map(this.#contents);
    for (const [file, opened] of this.#opened) files.set(file, opened.content());
    return { files, lines: this.journal.read() };
  }

  /** Nobody will look at it any more. */
  close(): void {
    this.#isGone = true;
    for (const file of [...this.#opened.values(), ...this.#closed]) file.giveBack();
  }
}

/** Of 4 KiB each: as good as unlimited. */
const PAGES_MAX = 1_000_000;

/** SQLite's own error for a full disk: it allows as many pages as there are, however few are asked for. */
function limit(database: Database, isFull: boolean): void {
  database.pragma(`max_page_count = ${isFull ? 1 : PAGES_MAX}`);
}
