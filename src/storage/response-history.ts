// What /v1/responses remembers, so that a client may go on with `previous_response_id`, or with references to single
// items of answers: the conversation's items and the answer, bounded in age and number. Each entry belongs to a tenant,
// and no other one can read, continue, replace or delete it, whatever ids upstreams give.

import { parseJson } from '../model/exact-json.ts';
import { asArray, isObject, type JsonObject } from '../model/json.ts';
import type { Clock } from '../ports.ts';
import type { Database, Statement } from './database.ts';

export const RESPONSE_HISTORY_MIGRATIONS: readonly string[] = [
  `CREATE TABLE response_history (
     id TEXT PRIMARY KEY,
     created_at INTEGER NOT NULL,
     items TEXT NOT NULL,
     response TEXT NOT NULL
   ) WITHOUT ROWID;
   CREATE INDEX response_history_by_age ON response_history (created_at);`,
  `CREATE TABLE response_item (
     id TEXT PRIMARY KEY,
     response_id TEXT NOT NULL REFERENCES response_history (id) ON DELETE CASCADE
   ) WITHOUT ROWID;
   CREATE INDEX response_item_by_response ON response_item (response_id);`,
];

/**
 * Later steps, to be run after those of tenancy. Entries from before cannot be told apart: where there are keys, and so
 * perhaps several tenants, they are forgotten; where there are none, everything was the default tenant's.
 */
export const RESPONSE_OWNER_MIGRATIONS: readonly string[] = [
  `DROP TABLE response_item;
   ALTER TABLE response_history RENAME TO response_history_unowned;
   DROP INDEX response_history_by_age;
   CREATE TABLE response_history (
     tenant TEXT NOT NULL,
     id TEXT NOT NULL,
     created_at INTEGER NOT NULL,
     items TEXT NOT NULL,
     response TEXT NOT NULL,
     PRIMARY KEY (tenant, id)
   ) WITHOUT ROWID;
   CREATE INDEX response_history_by_age ON response_history (created_at);
   INSERT INTO response_history (tenant, id, created_at, items, response)
     SELECT 'default', id, created_at, items, response FROM response_history_unowned
     WHERE NOT EXISTS (SELECT 1 FROM virtual_key);
   CREATE TABLE response_item (
     tenant TEXT NOT NULL,
     id TEXT NOT NULL,
     response_id TEXT NOT NULL,
     PRIMARY KEY (tenant, id),
     FOREIGN KEY (tenant, response_id) REFERENCES response_history (tenant, id) ON DELETE CASCADE
   ) WITHOUT ROWID;
   CREATE INDEX response_item_by_response ON response_item (tenant, response_id);
   INSERT OR REPLACE INTO response_item (tenant, id, response_id)
     SELECT tenant, json_extract(item.value, '$.id'), response_history.id
     FROM response_history, json_each(response_history.response, '$.output') AS item
     WHERE json_type(item.value, '$.id') = 'text';
   DROP TABLE response_history_unowned;`,
];

const DAY_MS = 86_400_000;
/** Old entries are looked for once in this many writes. */
const PRUNE_PERIOD = 100;

export interface StoredResponse {
  /** The whole conversation up to and with this answer, ready to be sent as `input`. */
  readonly items: readonly JsonObject[];
  /** The answer's body as the client saw it. */
  readonly response: JsonObject;
}

export interface HistoryLimits {
  readonly retentionDays: number;
  readonly entriesMax: number;
}

export class ResponseHistory {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #limits: () => HistoryLimits;
  readonly #insert: Statement<[string, string, number, string, string]>;
  readonly #select: Statement<[string, string, number], { items: string; response: string }>;
  readonly #insertItem: Statement<[string, string, string]>;
  readonly #selectByItem: Statement<[string, string, number], { response: string }>;
  #writes = 0;

  constructor(database: Database, clock: Clock, limits: () => HistoryLimits) {
    this.#database = database;
    this.#clock = clock;
    this.#limits = limits;
    this.#insert = database.prepare(
      'INSERT OR REPLACE INTO response_history (tenant, id, created_at, items, response) VALUES (?, ?, ?, ?, ?)',
    );
    this.#select = database.prepare(
      'SELECT items, response FROM response_history WHERE tenant = ? AND id = ? AND created_at >= ?',
    );
    this.#insertItem = database.prepare(
      'INSERT OR REPLACE INTO response_item (tenant, id, response_id) VALUES (?, ?, ?)',
    );
    this.#selectByItem = database.prepare(
      `SELECT response FROM response_item
         JOIN response_history ON response_history.tenant = response_item.tenant AND response_history.id = response_id
       WHERE response_item.tenant = ? AND response_item.id = ? AND created_at >= ?`,
    );
  }

  put(tenant: string, id: string, stored: StoredResponse): void {
    this.#database.transaction(() => {
      const { items, response } = stored;
      this.#insert.run(tenant, id, this.#clock.now(), JSON.stringify(items), JSON.stringify(response));
      for (const item of outputOf(response)) if (typeof item.id === 'string') this.#insertItem.run(tenant, item.id, id);
    })();
    this.#writes += 1;
    if (this.#writes % PRUNE_PERIOD === 1) this.#prune();
  }

  get(tenant: string, id: string): StoredResponse | undefined {
    const row = this.#select.get(tenant, id, this.#oldest());
    if (!row) return undefined;
    const items: unknown = parseJson(row.items);
    const response: unknown = parseJson(row.response);
    return Array.isArray(items) && isObject(response) ? { items, response } : undefined;
  }

  /** An item of an answer's output, which clients may name instead of sending it. */
  item(tenant: string, id: string): JsonObject | undefined {
    const row = this.#selectByItem.get(tenant, id, this.#oldest());
    const response: unknown = row && parseJson(row.response);
    return isObject(response) ? outputOf(response).find((item) => item.id === id) : undefined;
  }

  delete(tenant: string, id: string): boolean {
    return (
      this.#database.prepare('DELETE FROM response_history WHERE tenant = ? AND id = ?').run(tenant, id).changes > 0
    );
  }

  #prune(): void {
    this.#database.prepare('DELETE FROM response_history WHERE created_at < ?').run(this.#oldest());
    this.#database
      .prepare(
        `DELETE FROM response_history WHERE (tenant, id) IN
           (SELECT tenant, id FROM response_history ORDER BY created_at DESC LIMIT -1 OFFSET ?)`,
      )
      .run(this.#limits().entriesMax);
  }

  #oldest(): number {
    return this.#clock.now() - this.#limits().retentionDays * DAY_MS;
  }
}

function outputOf(response: JsonObject): JsonObject[] {
  return asArray(response.output).filter(isObject);
}
