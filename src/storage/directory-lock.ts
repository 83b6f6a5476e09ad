// One node a data directory: two would write over each other's journals and identities. The lock is SQLite's own on an
// empty file, which the operating system lets go of however the process ends.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { createPrivately } from './database.ts';

export class DirectoryInUse extends Error {
  override readonly name = 'DirectoryInUse';
}

/**
 * Returns what gives the directory free.
 * @throws DirectoryInUse when another process holds it
 */
export function lockDirectory(directory: string): () => void {
  const path = lockPath(directory);
  createPrivately(path);
  const lock = new BetterSqlite3(path, { timeout: 0 });
  try {
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    if (isHeldElsewhere(error)) {
      throw new DirectoryInUse(`Another flowmesh node uses the data directory ${directory}.`, { cause: error });
    }
    throw error;
  }
  return () => lock.close();
}

/** Does a node use this directory now? Leaves no trace in it. */
export function isDirectoryLocked(directory: string): boolean {
  const path = lockPath(directory);
  if (!existsSync(path)) return false;
  const lock = new BetterSqlite3(path, { timeout: 0, readonly: true });
  try {
    // Any read asks for a shared lock, which an exclusive one of another process refuses.
    lock.prepare('SELECT count(*) FROM sqlite_master').get();
    return false;
  } catch (error) {
    if (isHeldElsewhere(error)) return true;
    throw error;
  } finally {
    lock.close();
  }
}

function lockPath(directory: string): string {
  return join(directory, 'lock.db');
}

function isHeldElsewhere(error: unknown): boolean {
  return error instanceof BetterSqlite3.SqliteError && error.code === 'SQLITE_BUSY';
}
