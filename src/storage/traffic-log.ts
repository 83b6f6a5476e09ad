// Kept traffic: entries of one kind, bounded in size, number and age. Written together once a turn of the event loop, so
// that no request waits for the disk.

import { isObject, type JsonObject } from '../model/json.ts';
import type { Clock } from '../ports.ts';
import type { Database, Statement } from './database.ts';

const TRAFFIC_TABLES = ['prompt_log', 'shadow_log'] as const;
export type TrafficTable = (typeof TRAFFIC_TABLES)[number];

export const TRAFFIC_MIGRATIONS: readonly string[] = [
  TRAFFIC_TABLES.map(
    (table) => `CREATE TABLE ${table} (
      id TEXT PRIMARY KEY,
      at INTEGER NOT NULL,
      tenant TEXT NOT NULL,
      name TEXT NOT NULL,
      body TEXT NOT NULL
    );
    CREATE INDEX ${table}_by_time ON ${table} (at);`,
  ).join('\n'),
];

const DAY_MS = 86_400_000;
const PRUNE_PERIOD_MS = 6 * 3_600_000;
/** The number is looked at once in this many entries. */
const PRUNE_ENTRIES = 100;

export interface TrafficEntry {
  /** Of the ledger's entry. */
  readonly id: string;
  readonly tenant: string;
  /** The model or chain that was asked. */
  readonly name: string;
  readonly body: JsonObject;
}

export interface StoredTraffic extends TrafficEntry {
  /** Milliseconds since 1970. */
  readonly at: number;
}

export interface TrafficBounds {
  readonly retentionDays: number;
  readonly entriesMax: number;
  readonly entryBytesMax: number;
}

export interface TrafficLogDeps {
  readonly clock: Clock;
  /** The current ones. */
  readonly bounds: () => TrafficBounds;
  /** It could not be written (a full disk, say). Requests go on. */
  readonly onFailure: (error: unknown) => void;
}

interface Row extends Omit<StoredTraffic, 'body'> {
  /** As JSON. */
  readonly body: string;
}

export class TrafficLog {
  readonly #database: Database;
  readonly #table: TrafficTable;
  readonly #deps: TrafficLogDeps;
  readonly #insert: Statement<[Row]>;
  #queue: Row[] = [];
  #writes = 0;

  constructor(database: Database, table: TrafficTable, deps: TrafficLogDeps) {
    this.#database = database;
    this.#table = table;
    this.#deps = deps;
    this.#insert = database.prepare(
      // Clients may choose a request's id: nobody's entry takes the place of another one.
      `INSERT INTO ${table} (id, at, tenant, name, body)
       SELECT CASE WHEN EXISTS (SELECT 1 FROM ${table} WHERE id = @id)
         THEN @id || '~' || (SELECT MAX(rowid) + 1 FROM ${table}) ELSE @id END, @at, @tenant, @name, @body`,
    );
  }

  /** Returns whether it is kept: one that is too large is not. */
  add({ id, tenant, name, body }: Omit<TrafficEntry, 'body'> & { readonly body: object }): boolean {
    const { clock, bounds } = this.#deps;
    const text = JSON.stringify(body);
    if (Buffer.byteLength(text) > bounds().entryBytesMax) return false;
    if (this.#queue.push({ id, at: clock.now(), tenant, name, body: text }) === 1) clock.soon(() => this.flush());
    return true;
  }

  /** Writes what is queued now. */
  flush(): void {
    const queue = this.#queue;
    if (queue.length === 0) return;
    this.#queue = [];
    try {
      this.#database.transaction(() => {
        for (const row of queue) this.#insert.run(row);
      })();
      this.#writes += queue.length;
      if (this.#writes >= PRUNE_ENTRIES) this.prune();
    } catch (error) {
      this.#deps.onFailure(error);
    }
  }

  /** Forgets what is too old or too much. */
  prune(): void {
    this.#writes = 0;
    const { retentionDays, entriesMax } = this.#deps.bounds();
    // Of a time when the clock was ahead: they would stay until it is there again.
    this.#database.prepare(`UPDATE ${this.#table} SET at = @now WHERE at > @now`).run({ now: this.#deps.clock.now() });
    this.#database
      .prepare(`DELETE FROM ${this.#table} WHERE at < ?`)
      .run(this.#deps.clock.now() - retentionDays * DAY_MS);
    this.#database
      .prepare(
        `DELETE FROM ${this.#table} WHERE rowid IN
           (SELECT rowid FROM ${this.#table} ORDER BY at DESC, rowid DESC LIMIT -1 OFFSET ?)`,
      )
      .run(entriesMax);
  }

  /** Prunes now and every few hours, also when nothing is added any more. Returns what ends it. */
  keepPruned(): () => void {
    const prune = (): void => {
      try {
        this.prune();
      } catch (error) {
        this.#deps.onFailure(error);
      }
    };
    const timer = this.#deps.clock.every(PRUNE_PERIOD_MS, prune);
    prune();
    return () => timer.cancel();
  }
}

export interface TrafficQuery {
  /** Milliseconds since 1970; inclusive. */
  readonly since?: number | undefined;
  readonly tenant?: string | undefined;
  readonly name?: string | undefined;
  /** None whose id begins like this. */
  readonly exceptIds?: string | undefined;
  /** The newest ones. */
  readonly limit: number;
}

/** In the order in which they came. */
export function readTraffic(database: Database, table: TrafficTable, query: TrafficQuery): StoredTraffic[] {
  const rows = database
    .prepare<unknown[], Row>(
      `SELECT id, at, tenant, name, body FROM ${table}
       WHERE at >= @since AND (@tenant IS NULL OR tenant = @tenant) AND (@name IS NULL OR name = @name)
         AND (@exceptIds IS NULL OR substr(id, 1, length(@exceptIds)) <> @exceptIds)
       ORDER BY at DESC, rowid DESC LIMIT @limit`,
    )
    .all({
      since: query.since ?? 0,
      tenant: query.tenant ?? null,
      name: query.name ?? null,
      exceptIds: query.exceptIds ?? null,
      limit: query.limit,
    });
  return rows.reverse().flatMap(({ body, ...row }) => {
    const parsed: unknown = JSON.parse(body);
    return isObject(parsed) ? { ...row, body: parsed } : [];
  });
}
