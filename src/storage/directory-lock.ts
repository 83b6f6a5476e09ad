// One node a data directory: two would write over each other's journals and identities. The lock is SQLite's own on an
// empty file, which the operating system lets go of however the process ends.

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
  const path = join(directory, 'lock.db');
  createPrivately(path);
  const lock = new BetterSqlite3(path, { timeout: 0 });
  try {
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    if (error instanceof BetterSqlite3.SqliteError && error.code === 'SQLITE_BUSY') {
      throw new DirectoryInUse(`Another flowmesh node uses the data directory ${directory}.`, { cause: error });
    }
    throw error;
  }
  return () => lock.close();
}
