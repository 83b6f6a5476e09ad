// The tables of cache.db and every statement on them.

import type { JsonObject } from '../model/json.ts';
import type { ChangeRecorder } from '../storage/changes.ts';
import type { Database, Statement } from '../storage/database.ts';
import { bodyOf, type CachedAnswer, type CacheSpace, parseBody } from './cached-answer.ts';
import type { SureMoment } from './sure-time.ts';

/** Steps are only ever added at the end. */
export const CACHE_MIGRATIONS: readonly string[] = [
  `CREATE TABLE answer (
     key TEXT PRIMARY KEY,
     scope TEXT NOT NULL,
     namespace TEXT NOT NULL,
     epoch INTEGER NOT NULL,
     model TEXT NOT NULL,
     created_at INTEGER NOT NULL,
     max_age_ms INTEGER NOT NULL,
     used_at INTEGER NOT NULL,
     size INTEGER NOT NULL,
     body TEXT NOT NULL
   );
   CREATE INDEX answer_by_use ON answer (used_at, size);
   CREATE INDEX answer_by_space ON answer (scope, namespace, size);
   CREATE INDEX answer_by_end ON answer (created_at + max_age_ms);
   CREATE TABLE epoch (
     scope TEXT NOT NULL,
     namespace TEXT NOT NULL,
     epoch INTEGER NOT NULL,
     PRIMARY KEY (scope, namespace)
   ) WITHOUT ROWID;`,
  `CREATE TABLE time (id INTEGER PRIMARY KEY CHECK (id = 1), sure_ms INTEGER NOT NULL, wall_ms INTEGER NOT NULL);`,
];

/** What is there, or by how much that has changed. */
export interface Extent {
  readonly entries: number;
  readonly bytes: number;
}

export type SpaceExtent = Extent & CacheSpace;

/** Empty parts stand for anything. */
export type SpacePattern = CacheSpace;

interface Row {
  readonly scope: string;
  readonly namespace: string;
  readonly epoch: number;
  readonly model: string;
  readonly created_at: number;
  readonly max_age_ms: number;
  readonly body: string;
}

/** Under which changes are recorded. */
export const ANSWER_KIND = 'cached-answer';
export const EPOCH_KIND = 'cache-epoch';
/** Looked for at once: some milliseconds. */
const EXPIRED_MAX = 200;

export class CacheTable {
  readonly #database: Database;
  readonly #changes: ChangeRecorder;
  readonly #select: Statement<[string], Row>;
  readonly #insert: Statement<[string, string, string, number, string, number, number, number, number, string]>;
  readonly #delete: Statement<[string], { size: number }>;
  readonly #touch: Statement<[number, string]>;
  readonly #deleteOldest: Statement<[number], { size: number }>;
  readonly #deleteExpired: Statement<[number, number], { size: number }>;
  readonly #keepMoment: Statement<[number, number]>;

  constructor(database: Database, changes: ChangeRecorder) {
    this.#database = database;
    this.#changes = changes;
    this.#select = database.prepare(
      'SELECT scope, namespace, epoch, model, created_at, max_age_ms, body FROM answer WHERE key = ?',
    );
    this.#insert = database.prepare('INSERT INTO answer VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
    this.#delete = database.prepare('DELETE FROM answer WHERE key = ? RETURNING size');
    this.#touch = database.prepare('UPDATE answer SET used_at = ? WHERE key = ?');
    this.#deleteOldest = database.prepare(
      'DELETE FROM answer WHERE key IN (SELECT key FROM answer ORDER BY used_at LIMIT ?) RETURNING size',
    );
    this.#deleteExpired = database.prepare(
      `DELETE FROM answer WHERE key IN
         (SELECT key FROM answer WHERE created_at + max_age_ms <= ? LIMIT ?) RETURNING size`,
    );
    this.#keepMoment = database.prepare('INSERT OR REPLACE INTO time VALUES (1, ?, ?)');
  }

  transaction(work: () => void): void {
    this.#database.transaction(work)();
  }

  find(key: string): CachedAnswer | undefined {
    const row = this.#select.get(key);
    const body = row && parseBody(row.body);
    if (!row || !body) return undefined;
    const { scope, namespace, epoch, model } = row;
    return { key, scope, namespace, epoch, model, createdAt: row.created_at, maxAgeMs: row.max_age_ms, ...body };
  }

  /** In the place of an older one of that key. @param madeAtMs for other nodes, since 1970; undefined: it is one of theirs */
  put(answer: CachedAnswer, nowMs: number, madeAtMs?: number): Extent {
    const { key, scope, namespace, epoch, model, createdAt, maxAgeMs } = answer;
    const body = bodyOf(answer);
    const before = this.remove(key);
    this.#insert.run(key, scope, namespace, epoch, model, createdAt, maxAgeMs, nowMs, body.length, body);
    if (madeAtMs !== undefined) {
      this.#changes.put(ANSWER_KIND, key, { ...answer, createdAt: madeAtMs } as unknown as JsonObject);
    }
    return { entries: 1 + before.entries, bytes: body.length + before.bytes };
  }

  remove(key: string): Extent {
    return shrinkage(this.#delete.all(key));
  }

  touch(key: string, nowMs: number): void {
    this.#touch.run(nowMs, key);
  }

  /** Those used longest ago. */
  removeOldest(count: number): Extent {
    return shrinkage(this.#deleteOldest.all(count));
  }

  removeExpired(nowMs: number): Extent {
    return shrinkage(this.#deleteExpired.all(nowMs, EXPIRED_MAX));
  }

  /** Raises the epoch of the pattern and removes what is there. @param isForeign another node did so */
  clear({ scope, namespace }: SpacePattern, epoch: number, isForeign = false): Extent {
    let removed = shrinkage([]);
    this.transaction(() => {
      this.#database
        .prepare('INSERT OR REPLACE INTO epoch (scope, namespace, epoch) VALUES (?, ?, ?)')
        .run(scope, namespace, epoch);
      if (!isForeign) this.#changes.put(EPOCH_KIND, JSON.stringify([scope, namespace]), { scope, namespace, epoch });
      const rows = this.#database
        .prepare<string[], { size: number }>(
          "DELETE FROM answer WHERE ? IN ('', scope) AND ? IN ('', namespace) RETURNING size",
        )
        .all(scope, namespace);
      removed = shrinkage(rows);
    });
    return removed;
  }

  epochs(): readonly (SpacePattern & { readonly epoch: number })[] {
    return this.#database
      .prepare<[], SpacePattern & { epoch: number }>('SELECT scope, namespace, epoch FROM epoch')
      .all();
  }

  moment(): SureMoment | undefined {
    return this.#database.prepare<[], SureMoment>('SELECT sure_ms AS sureMs, wall_ms AS wallMs FROM time').get();
  }

  keepMoment({ sureMs, wallMs }: SureMoment): void {
    this.#keepMoment.run(Math.round(sureMs), Math.round(wallMs));
  }

  extent(): Extent {
    const row = this.#database
      .prepare<[], Extent>('SELECT COUNT(*) AS entries, COALESCE(SUM(size), 0) AS bytes FROM answer')
      .get();
    return row ?? { entries: 0, bytes: 0 };
  }

  spaces(): readonly SpaceExtent[] {
    return this.#database
      .prepare<[], SpaceExtent>(
        `SELECT scope, namespace, COUNT(*) AS entries, SUM(size) AS bytes FROM answer
         GROUP BY scope, namespace ORDER BY scope, namespace`,
      )
      .all();
  }

  close(): void {
    this.#database.close();
  }
}

/** What the file has shrunk by. */
function shrinkage(rows: readonly { readonly size: number }[]): Extent {
  return { entries: -rows.length, bytes: -rows.reduce((sum, { size }) => sum + size, 0) };
}
