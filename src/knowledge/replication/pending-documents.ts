// Documents that the change log has and the brain has not yet taken over. Kept in the log's file: noted in the very
// transaction of the merge, so that none is forgotten.

import { REPLICATION_MIGRATIONS } from '../../replication/schema.ts';
import type { Database, Migrations, Statement } from '../../storage/database.ts';

const PENDING_MIGRATIONS: readonly string[] = [
  `CREATE TABLE pending_document (
     id INTEGER PRIMARY KEY AUTOINCREMENT,
     document TEXT NOT NULL UNIQUE
   );
   CREATE TABLE pending_state (
     name TEXT PRIMARY KEY,
     value TEXT NOT NULL
   ) WITHOUT ROWID;`,
];

/** Of knowledge-log.db. */
export const KNOWLEDGE_LOG_MIGRATIONS: Migrations = {
  replication: REPLICATION_MIGRATIONS,
  pending: PENDING_MIGRATIONS,
};

export interface PendingDocument {
  readonly id: number;
  readonly document: string;
}

export class PendingDocuments {
  readonly #database: Database;
  readonly #add: Statement<[string]>;
  readonly #remove: Statement<[string]>;
  readonly #list: Statement<[number, number, number], PendingDocument>;
  readonly #last: Statement<[], number>;
  readonly #count: Statement<[], number>;

  constructor(database: Database) {
    this.#database = database;
    this.#add = database.prepare('INSERT OR REPLACE INTO pending_document (document) VALUES (?)');
    this.#remove = database.prepare('DELETE FROM pending_document WHERE document = ?');
    this.#list = database.prepare(
      'SELECT id, document FROM pending_document WHERE id > ? AND id <= ? ORDER BY id LIMIT ?',
    );
    this.#last = database.prepare<[], number>('SELECT coalesce(max(id), 0) FROM pending_document').pluck();
    this.#count = database.prepare<[], number>('SELECT count(*) FROM pending_document').pluck();
  }

  /** At the end. */
  add(document: string): void {
    this.#add.run(document);
  }

  remove(document: string): void {
    this.#remove.run(document);
  }

  list(after: number, upTo: number, limit: number): PendingDocument[] {
    return this.#list.all(after, upTo, limit);
  }

  get last(): number {
    return this.#last.get() ?? 0;
  }

  get count(): number {
    return this.#count.get() ?? 0;
  }

  /** Everything the log has: the brain's file was lost, or is another one. */
  addAll(): void {
    this.#database.exec(
      'INSERT OR IGNORE INTO pending_document (document) SELECT DISTINCT key FROM replication_change ORDER BY id',
    );
  }

  /** Names this log towards the brain's file. */
  logId(fresh: () => string): string {
    const known = this.#database
      .prepare<[], string>("SELECT value FROM pending_state WHERE name = 'log'")
      .pluck()
      .get();
    if (known !== undefined) return known;
    const made = fresh();
    this.#database.prepare("INSERT INTO pending_state VALUES ('log', ?)").run(made);
    return made;
  }
}
