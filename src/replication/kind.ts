// What a kind of row must tell so that its changes can travel. Adding one is one file with one value of this type.

import type { JsonObject } from '../model/json.ts';
import type { Database } from '../storage/database.ts';
import type { Hlc } from './hlc.ts';

export interface AppliedMeta {
  readonly origin: string;
  readonly hlc: Hlc;
  /** Written here, or brought by a merge. */
  readonly isLocal: boolean;
}

export interface KeyedRow {
  readonly key: string;
  readonly body: JsonObject;
}

export interface Kind {
  /** Lower-case letters, digits, dots and dashes; part of the wire, never changed. */
  readonly name: string;
  /** Of the body's JSON text. Larger ones are refused where they are written and set aside where they arrive. */
  readonly bodyBytesMax: number;
  /** What an origin must be allowed to do, e.g. `config:write`. */
  readonly capability: string;
  /** Is the body one that `apply` can store? A newer flowmesh may send others: they wait for the upgrade. */
  isValid(key: string, body: JsonObject): boolean;
  /**
   * Brings the store's row to this value; undefined deletes it. Runs inside the merge's transaction: synchronous, no
   * other I/O. Rows arrive in any order, so it must not depend on another row being there (no immediate foreign keys).
   */
  apply(database: Database, key: string, body: JsonObject | undefined, meta: AppliedMeta): void;
  /**
   * What a member has written is dropped when it is evicted; rows of this kind are not, as it would be worse to be
   * without them. Whoever holds them writes them anew as its own.
   */
  readonly isKeptOfEvicted?: boolean;
  /** Rows that were written before anybody recorded changes. */
  rows?(database: Database): Iterable<KeyedRow>;
  /**
   * For grow-only kinds: least upper bound of two bodies (commutative, associative, idempotent), instead of last writer
   * wins. Such rows cannot be removed.
   */
  join?(left: JsonObject, right: JsonObject): JsonObject;
}
