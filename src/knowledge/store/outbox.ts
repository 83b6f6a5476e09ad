// Which documents were changed here and are not in the change log yet. The log lives in a file and a thread of its own, so
// a change is noted in the transaction that makes it, and handed over afterwards: at least once, never lost.

import type { ChangeRecorder } from '../../storage/changes.ts';
import type { Database, Statement } from '../../storage/database.ts';

export class Outbox implements ChangeRecorder {
  readonly #database: Database;
  readonly #note: Statement<[string]>;
  readonly #list: Statement<[number], { id: number; document: string }>;
  readonly #has: Statement<[string], number>;
  readonly #settle: Statement<[number]>;

  constructor(database: Database) {
    this.#database = database;
    // Without a mesh nobody would ever empty it.
    this.#note = database.prepare(
      `INSERT OR REPLACE INTO document_outbox (document)
       SELECT ? WHERE EXISTS (SELECT 1 FROM knowledge_state WHERE name = 'log')`,
    );
    this.#list = database.prepare('SELECT id, document FROM document_outbox ORDER BY id LIMIT ?');
    this.#has = database.prepare<[string], number>('SELECT 1 FROM document_outbox WHERE document = ?').pluck();
    this.#settle = database.prepare('DELETE FROM document_outbox WHERE id <= ?');
  }

  put(_kind: string, document: string): void {
    this.#note.run(document);
  }

  remove(_kind: string, document: string): void {
    this.#note.run(document);
  }

  /** Needs a transaction. @returns whether the file belonged to another log, or to none: then all documents are noted */
  link(log: string): boolean {
    const known = this.#database
      .prepare<[], string>("SELECT value FROM knowledge_state WHERE name = 'log'")
      .pluck()
      .get();
    if (known === log) return false;
    this.#database.prepare("INSERT OR REPLACE INTO knowledge_state VALUES ('log', ?)").run(log);
    this.#database.exec('INSERT OR IGNORE INTO document_outbox (document) SELECT key FROM document ORDER BY id');
    return true;
  }

  list(limit: number): { readonly id: number; readonly document: string }[] {
    return this.#list.all(limit);
  }

  has(document: string): boolean {
    return this.#has.get(document) !== undefined;
  }

  settle(upTo: number): void {
    this.#settle.run(upTo);
  }
}
