// Opens SQLite files: the only place that knows better-sqlite3. Migrations are a list; a file's user_version says how
// many it has had.

import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';

export type Database = BetterSqlite3.Database;
export type Statement<Bind extends unknown[], Row = unknown> = BetterSqlite3.Statement<Bind, Row>;

/** How long a statement waits for another process's write, milliseconds. */
const BUSY_TIMEOUT_MS = 5_000;
/** Pages of 4 KiB that the write-ahead log may hold before they are moved into the file: 32 MiB. */
const CHECKPOINT_PAGES = 8_192;

/**
 * Opens or creates the file and brings it to the newest schema.
 * @param path a file, or `:memory:`
 * @throws Error when the file is damaged, or was written by a newer flowmesh
 */
export function openDatabase(path: string, migrations: readonly string[]): Database {
  if (path !== ':memory:') createPrivately(path);
  const database = new BetterSqlite3(path, { timeout: BUSY_TIMEOUT_MS });
  try {
    database.pragma('journal_mode = WAL');
    // WAL survives a crash of the process; only a power cut may lose the last commits, never the file.
    database.pragma('synchronous = NORMAL');
    // A checkpoint waits for the disk, and the event loop with it: seldom and large beats often and small.
    database.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    migrate(database, path, migrations);
  } catch (error) {
    database.close();
    if (error instanceof BetterSqlite3.SqliteError && /SQLITE_(CORRUPT|NOTADB)/.test(error.code)) {
      throw new Error(`The database ${path} is damaged (${error.message}). Move it away or restore a backup.`, {
        cause: error,
      });
    }
    throw error;
  }
  return database;
}

/** Conversations are in there: nobody else on the machine may read them. SQLite gives its side files the same mode. */
export function createPrivately(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  closeSync(openSync(path, 'a', 0o600));
}

function migrate(database: Database, path: string, migrations: readonly string[]): void {
  const version = Number(database.pragma('user_version', { simple: true }));
  if (version > migrations.length) {
    throw new Error(
      `The database ${path} was written by a newer flowmesh. Start that version, or use another data directory.`,
    );
  }
  database.transaction(() => {
    for (const statements of migrations.slice(version)) database.exec(statements);
    database.pragma(`user_version = ${migrations.length}`);
  })();
}
