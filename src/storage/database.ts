// Opens SQLite files: the only place that knows better-sqlite3. Each component that keeps something in a file has its own
// list of migrations; the table `schema_version` says how many of each the file has had.

import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { LRUCache } from 'lru-cache';
import { atMost } from '../model/at-most.ts';
import { LazyStatement } from './lazy-statement.ts';
import { steadySql } from './steady-sql.ts';

export interface Database extends BetterSqlite3.Database {
  /**
   * How often this connection has taken back what it had written. Whoever remembers what he has read inside a transaction
   * must read it anew when this number is another one.
   */
  readonly rollbacks: number;
}
export type Statement<Bind extends unknown[], Row = unknown> = BetterSqlite3.Statement<Bind, Row>;

/** Steps by component, each only ever added to at its end. A plain list is one component's. */
export type Migrations = readonly string[] | Readonly<Record<string, readonly string[]>>;

/** Opens or creates a file by its path and brings it to the newest schema. */
export type FileOpener = (path: string, migrations: Migrations) => Database;

/** How long a statement waits for another process's write, milliseconds. */
const BUSY_TIMEOUT_MS = 5_000;
/** Each fails only when another process changes the file just then, and one that has changed it is enough. */
const WAL_TRIES = 100;
/** Pages of 4 KiB that the write-ahead log may hold before they are moved into the file: 32 MiB. */
const CHECKPOINT_PAGES = 8_192;
/** Copied in one go: 8 MiB. */
const COPIED_PAGES = 2_048;

/** Some texts are put together for one question: they must not pile up. */
const STATEMENTS_MAX = 500;

/** Of this thread. */
const openDatabases = new Set<LazyDatabase>();

type Work = Parameters<BetterSqlite3.Database['transaction']>[0];

/**
 * Compiles its statements when they are used, and once for each text. What nobody here uses of a statement or a
 * transaction, those of this class do not have.
 */
class LazyDatabase extends BetterSqlite3 {
  readonly #statements = new LRUCache<string, LazyStatement<unknown[], unknown>>(atMost(STATEMENTS_MAX));
  rollbacks = 0;

  constructor(content: string | Buffer, options?: BetterSqlite3.Options) {
    super(content, options);
    openDatabases.add(this);
  }

  override close(): this {
    openDatabases.delete(this);
    return super.close();
  }

  override prepare(source: string) {
    return this.#lazy(source) as unknown as BetterSqlite3.Statement<never, never>;
  }

  #lazy(source: string): LazyStatement<unknown[], unknown> {
    let statement = this.#statements.get(source);
    if (!statement) {
      statement = new LazyStatement(() => super.prepare(steadySql(source)));
      this.#statements.set(source, statement);
    }
    return statement;
  }

  /** better-sqlite3's own makes four functions with a ring of properties of each piece of work, and these are small. */
  override transaction<Kind extends Work>(work: Kind): BetterSqlite3.Transaction<Kind> {
    const within =
      (begin: string) =>
      (...values: Parameters<Kind>) =>
        this.#within(begin, () => work(...values));
    const transaction = Object.assign(within('BEGIN'), { immediate: within('BEGIN IMMEDIATE') });
    return transaction as unknown as BetterSqlite3.Transaction<Kind>;
  }

  /** In a transaction of its own, or as a part of the running one that can be undone alone. */
  #within(begin: string, work: () => unknown): unknown {
    const isPart = this.inTransaction;
    this.#lazy(isPart ? 'SAVEPOINT part' : begin).run();
    try {
      const result = work();
      if (result instanceof Promise) throw new TypeError('What a promise does later would be outside the transaction');
      this.#lazy(isPart ? 'RELEASE part' : 'COMMIT').run();
      return result;
    } catch (error) {
      this.rollbacks += 1;
      // SQLite itself has undone all of it after some failures, as of a full disk.
      if (this.inTransaction) {
        this.#lazy(isPart ? 'ROLLBACK TO part' : 'ROLLBACK').run();
        if (isPart) this.#lazy('RELEASE part').run();
      }
      throw error;
    }
  }
}

/** The file is damaged, or was written by a newer flowmesh: nothing in it can be used. */
export class UnusableFile extends Error {
  override readonly name = 'UnusableFile';
}

/**
 * Opens or creates the file and brings it to the newest schema.
 * @param path a file, or `:memory:`
 * @throws UnusableFile
 */
export function openDatabase(path: string, migrations: Migrations): Database {
  if (path !== ':memory:') createPrivately(path);
  const database = new LazyDatabase(path, { timeout: BUSY_TIMEOUT_MS });
  try {
    useWriteAheadLog(database);
    // WAL survives a crash of the process; only a power cut may lose the last commits, never the file.
    database.pragma('synchronous = NORMAL');
    // A checkpoint waits for the disk, and the event loop with it: seldom and large beats often and small.
    database.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    migrate(database, path, migrations);
  } catch (error) {
    database.close();
    if (isDamage(error)) {
      throw new UnusableFile(`The database ${path} is damaged (${error.message}). Move it away or restore a backup.`, {
        cause: error,
      });
    }
    throw error;
  }
  return database;
}

/**
 * Of processes that create a file together one makes this change, and the others find it made. SQLite waits for no other
 * process while it does so: who meets one waits for the file to be free, for which it does wait, and tries anew.
 */
function useWriteAheadLog(database: Database): void {
  for (let triesLeft = WAL_TRIES; ; triesLeft -= 1) {
    try {
      database.pragma('journal_mode = WAL');
      return;
    } catch (error) {
      if (!isBusy(error) || triesLeft === 1) throw error;
    }
    database.exec('BEGIN EXCLUSIVE; ROLLBACK');
  }
}

/** Frees what this thread's databases keep of their files in memory, up to 16 MiB each: the machine has it in its own. */
export function forgetPages(): void {
  for (const database of openDatabases) database.pragma('shrink_memory');
}

/** A database in memory that begins as a copy of another one, as `serialize` gave it. */
export function openCopy(content: Buffer): Database {
  return new LazyDatabase(content);
}

/** A file with the schema that it has, and without the settings of a node's files. */
export function openAsIs(path: string): Database {
  return new LazyDatabase(path);
}

/** Does SQLite say that the file is no sound database? */
export function isDamage(error: unknown): error is Error {
  return error instanceof BetterSqlite3.SqliteError && /SQLITE_(CORRUPT|NOTADB)/.test(error.code);
}

function isBusy(error: unknown): boolean {
  return error instanceof BetterSqlite3.SqliteError && error.code.startsWith('SQLITE_BUSY');
}

/** Conversations are in there: nobody else on the machine may read them. SQLite gives its side files the same mode. */
export function createPrivately(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  closeSync(openSync(path, 'a', 0o600));
}

/** A database as it is at one moment, while others go on writing to it. */
export interface DatabaseSnapshot {
  /** The copy is one file that only its owner can read. */
  copyTo(path: string): Promise<void>;
  close(): void;
}

export function snapshotOf(path: string): DatabaseSnapshot {
  const database = new BetterSqlite3(path, { readonly: true, timeout: BUSY_TIMEOUT_MS });
  database.exec('BEGIN');
  // The first statement that reads is what holds the moment.
  database.prepare('SELECT COUNT(*) FROM sqlite_schema').get();
  return {
    async copyTo(copy) {
      createPrivately(copy);
      // Page by page. VACUUM INTO would number the rows anew that vector tables find by their numbers.
      await database.backup(copy, { progress: () => COPIED_PAGES });
      const written = new BetterSqlite3(copy);
      written.pragma('journal_mode = DELETE');
      written.close();
      chmodSync(copy, 0o600);
    },
    close: () => void database.close(),
  };
}

/**
 * Reads the whole file.
 * @throws UnusableFile when it is damaged, or newer than `migrations`
 */
export function checkDatabase(path: string, migrations?: Migrations): void {
  const database = new BetterSqlite3(path, { readonly: true });
  try {
    const problems = database.prepare<[], string>('PRAGMA integrity_check(3)').pluck().all();
    if (problems.join() !== 'ok') throw new UnusableFile(`The database ${path} is damaged (${problems.join('; ')}).`);
    if (migrations) refuseNewer(database, path, componentsOf(migrations));
  } catch (error) {
    if (isDamage(error))
      throw new UnusableFile(`The database ${path} is damaged (${error.message}).`, { cause: error });
    throw error;
  } finally {
    database.close();
  }
}

function migrate(database: Database, path: string, migrations: Migrations): void {
  const steps = componentsOf(migrations);
  const work = database.transaction(() => {
    database.exec('CREATE TABLE IF NOT EXISTS schema_version (component TEXT PRIMARY KEY, version INTEGER NOT NULL)');
    const versions = refuseNewer(database, path, steps);
    for (const [component, list] of steps) {
      const version = versions.get(component);
      if (version === list.length) continue;
      for (const statements of list.slice(version ?? 0)) database.exec(statements);
      database.prepare('INSERT OR REPLACE INTO schema_version VALUES (?, ?)').run(component, list.length);
    }
  });
  // One that only read at first could not write when another process has written meanwhile.
  work.immediate();
}

type Components = readonly (readonly [component: string, steps: readonly string[]])[];

function componentsOf(migrations: Migrations): Components {
  return Object.entries(isPlain(migrations) ? { main: migrations } : migrations);
}

/** Returns how many steps of each component the file has had. */
function refuseNewer(database: BetterSqlite3.Database, path: string, steps: Components): ReadonlyMap<string, number> {
  const versions = new Map(
    database.prepare<[], [string, number]>('SELECT component, version FROM schema_version').raw().all(),
  );
  const known = new Map(steps.map(([component, { length }]) => [component, length]));
  for (const [component, version] of versions) {
    if (version <= (known.get(component) ?? 0)) continue;
    throw new UnusableFile(
      `The database ${path} was written by a newer flowmesh. Start that version, or use another data directory.`,
    );
  }
  return versions;
}

function isPlain(migrations: Migrations): migrations is readonly string[] {
  return Array.isArray(migrations);
}
