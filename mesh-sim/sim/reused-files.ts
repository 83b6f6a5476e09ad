// SQLite files that one simulated machine uses after the other. A database that was opened anew reads its schema and
// compiles each statement again, which was a seventh of a world; of a file that is filled anew it has both already.

import { existsSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Database, type Migrations, openAsIs, openCopy } from '../../src/storage/database.ts';
import { makeRunDirectory, removeRunDirectory } from '../real/run-directory.ts';

/** Of one thread. Larger worlds have the rest in memory alone. */
const FILES_MAX = 90;
/** Where files are memory, if there is such a place. */
const DIRECTORY = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
/** Where a file counts its changes, and says at which of them it had the size that stands beside. */
const CHANGES_AT = 24;
const SIZED_AT = 92;

/** More than anybody writes between two fillings. */
const FILLING_CHANGES = 2 ** 20 + 1;

/** An open database with its content. */
export interface DatabaseFile {
  readonly database: Database;
  content(): Buffer;
  /** By then nothing that has used it is left; what belongs to a machine that dies reads it in its last breath. */
  giveBack(): void;
}

/** By their tables: those that nobody uses. */
const free = new Map<Migrations, ReusedFile[]>();
let count = 0;
let fillings = 0;

/** @param migrations what the content was made with */
export function openFile(content: Buffer, migrations: Migrations): DatabaseFile {
  const known = free.get(migrations)?.pop();
  if (known) {
    known.fill(content);
    return known;
  }
  if (count < FILES_MAX) return new ReusedFile(content, migrations);
  const database = openCopy(content);
  return { database, content: () => database.serialize(), giveBack: database.close.bind(database) };
}

class ReusedFile implements DatabaseFile {
  readonly database: Database;
  readonly #migrations: Migrations;
  readonly #descriptor: number;

  constructor(content: Buffer, migrations: Migrations) {
    const directory = makeRunDirectory('flowmesh-sim-', DIRECTORY);
    const path = join(directory, 'file.db');
    try {
      this.#descriptor = openSync(path, 'wx+', 0o600);
      this.#write(content);
      this.database = openAsIs(path);
      this.database.exec('PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF');
      this.#lock();
    } finally {
      // It has no name from here on: whatever ends this process later leaves nothing behind.
      removeRunDirectory(directory);
    }
    this.#migrations = migrations;
    count += 1;
  }

  content(): Buffer {
    const content = Buffer.allocUnsafe(fstatSync(this.#descriptor).size);
    readSync(this.#descriptor, content, 0, content.length, 0);
    return content;
  }

  giveBack(): void {
    const others = free.get(this.#migrations);
    if (others) others.push(this);
    else free.set(this.#migrations, [this]);
  }

  fill(content: Buffer): void {
    // Fails when somebody still reads its rows, or is in the middle of a transaction.
    this.database.exec('PRAGMA mmap_size = 0; PRAGMA locking_mode = NORMAL; BEGIN IMMEDIATE; COMMIT');
    this.#write(content);
    this.#lock();
  }

  /** Then SQLite need not look before each statement whether the file has changed. */
  #lock(): void {
    this.database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; COMMIT');
  }

  #write(content: Buffer): void {
    fillings += 1;
    const own = Buffer.from(content);
    // Another count than before, and after whatever was written meanwhile: so SQLite sees that the file has changed.
    const changes = (fillings * FILLING_CHANGES) >>> 0;
    own.writeUInt32BE(changes, CHANGES_AT);
    own.writeUInt32BE(changes, SIZED_AT);
    ftruncateSync(this.#descriptor, own.length);
    writeSync(this.#descriptor, own, 0, own.length, 0);
  }
}
