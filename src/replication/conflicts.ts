// What lost against a truly concurrent edit, kept to be shown: the newest thousand. Each node keeps its own.

import type { Database } from '../storage/database.ts';
import type { Change } from './change.ts';

const CONFLICTS_MAX = 1_000;

export interface Conflict {
  readonly kind: string;
  readonly key: string;
  readonly origin: string;
  readonly hlc: string;
  /** JSON text; null when a deletion lost. */
  readonly body: string | null;
  readonly winnerOrigin: string;
  readonly winnerHlc: string;
  /** Milliseconds since 1970, by this node's clock. */
  readonly foundAt: number;
}

type Side = Omit<Change, 'signature'>;

export class Conflicts {
  readonly #insert;
  readonly #trim;
  readonly #list;
  readonly #count;

  constructor(database: Database, conflictsMax = CONFLICTS_MAX) {
    this.#insert = database.prepare(
      `INSERT INTO replication_conflict (kind, key, origin, hlc, body, winner_origin, winner_hlc, found_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#trim = database.prepare(
      `DELETE FROM replication_conflict WHERE id <= (SELECT max(id) FROM replication_conflict) - ${Math.floor(conflictsMax)}`,
    );
    this.#list = database.prepare<[number], Conflict>(
      `SELECT kind, key, origin, hlc, body, winner_origin AS winnerOrigin, winner_hlc AS winnerHlc, found_at AS foundAt
       FROM replication_conflict ORDER BY id DESC LIMIT ?`,
    );
    this.#count = database.prepare<[], number>('SELECT count(*) FROM replication_conflict').pluck();
  }

  add(loser: Side, winner: Side, now: number): void {
    this.#insert.run(
      loser.kind,
      loser.key,
      loser.origin,
      loser.hlc,
      loser.body,
      winner.origin,
      winner.hlc,
      Math.floor(now),
    );
    this.#trim.run();
  }

  /** Newest first. */
  list(limit = CONFLICTS_MAX): Conflict[] {
    return this.#list.all(limit);
  }

  get count(): number {
    return this.#count.get() ?? 0;
  }
}
