// What stands in the files of nodes: whether they hold the same, and how much.

import { createHash } from 'node:crypto';
import BetterSqlite3 from 'better-sqlite3';

export type Database = BetterSqlite3.Database;

export function openForReading(path: string): Database {
  return new BetterSqlite3(path, { readonly: true, timeout: 5_000 });
}

/** Documents of the brain: what each is and of which passages it consists. */
const DOCUMENTS = `SELECT document.key, title, mime_type, content_hash, attributes, length, updated_at,
    group_concat(hex(passage.hash), ',' ORDER BY position)
  FROM document LEFT JOIN document_passage ON document_passage.document = document.id
  LEFT JOIN entry ON entry.id = document_passage.entry LEFT JOIN passage ON passage.id = entry.passage
  GROUP BY document.id ORDER BY document.key`;

/** Live rows of a change log, to the last byte. */
const ROWS = `SELECT kind, key, o.name, epoch, seq, hlc, body, hex(signature) FROM replication_change
  JOIN replication_origin o ON o.id = origin WHERE body IS NOT NULL ORDER BY kind, key, o.name, epoch, seq`;

export function digestOfDocuments(brain: Database): string {
  return digestOf(brain, DOCUMENTS);
}

export function digestOfRows(log: Database): string {
  return digestOf(log, ROWS);
}

export function count(database: Database, table: string, where = '1'): number {
  return database.prepare<[], number>(`SELECT count(*) FROM ${table} WHERE ${where}`).pluck().get() ?? 0;
}

/** Is the file sound, and does its index hold what its texts say? Returns what is wrong. */
export function damageOf(path: string): string {
  const database = new BetterSqlite3(path, { timeout: 5_000 });
  try {
    const found = database.prepare<[], string>('PRAGMA integrity_check(3)').pluck().all();
    const tables = database
      .prepare<[], string>("SELECT name FROM sqlite_schema WHERE sql LIKE '%USING fts5%'")
      .pluck()
      .all();
    for (const table of tables) database.exec(`INSERT INTO ${table} (${table}) VALUES ('integrity-check')`);
    return found.join() === 'ok' ? '' : found.join('; ');
  } catch (error) {
    return String(error);
  } finally {
    database.close();
  }
}

function digestOf(database: Database, query: string): string {
  const hash = createHash('sha256');
  for (const row of database.prepare<[], unknown[]>(query).raw().iterate()) hash.update(`${JSON.stringify(row)}\n`);
  return hash.digest('hex').slice(0, 16);
}
