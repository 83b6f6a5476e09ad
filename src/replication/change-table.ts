// The changes that are held: for each row its newest, live or a tombstone. Reads and writes them, decides nothing.

import type { Database } from '../storage/database.ts';
import { type Change, parseBase, renderBase } from './change.ts';
import type { OriginTable } from './origin-table.ts';
import type { Dot, DotRange } from './version-vector.ts';

export interface HeldChange extends Omit<Change, 'signature'> {
  readonly id: number;
  /** Everything of this row that was merged here: base, itself, and what lost against it. */
  readonly context: readonly Dot[];
  /** Null until this node has signed its own change. */
  readonly signature: Uint8Array | null;
  /** Held and passed on, but not given to the store: its kind or body is of a newer flowmesh. */
  readonly isParked: boolean;
  /** When it came here, by this node's clock. */
  readonly storedAt: number;
}

export interface RowKey {
  readonly kind: string;
  readonly key: string;
}

interface Row {
  id: number;
  kind: string;
  key: string;
  origin: string;
  epoch: number;
  seq: number;
  hlc: string;
  base: string;
  context: string | null;
  body: string | null;
  signature: Buffer | null;
  stored_at: number;
  is_parked: number;
}

/** CROSS JOIN: the planner must look up the change first, whatever it thinks of the number of origins. */
const COLUMNS = `SELECT c.id, kind, key, o.name AS origin, epoch, seq, hlc, base, context, body, signature, stored_at, is_parked
  FROM replication_change c CROSS JOIN replication_origin o ON o.id = c.origin`;

export class ChangeTable {
  readonly #origins: OriginTable;
  readonly #byKey;
  readonly #inRange;
  readonly #insert;
  readonly #delete;
  readonly #setContext;
  readonly #unpark;
  readonly #unsigned;
  readonly #hasUnsigned;
  readonly #sign;
  readonly #tombstones;
  readonly #parkedKeys;
  readonly #page;
  readonly #counts;
  readonly #sizes;

  constructor(database: Database, origins: OriginTable) {
    this.#origins = origins;
    this.#byKey = database.prepare<[string, string], Row>(`${COLUMNS} WHERE kind = ? AND key = ?`);
    this.#inRange = database.prepare<[number, number, number, number, number], Row>(
      `${COLUMNS} WHERE c.origin = ? AND epoch = ? AND seq >= ? AND seq <= ? ORDER BY seq LIMIT ?`,
    );
    this.#insert = database.prepare(
      `INSERT INTO replication_change
         (kind, key, origin, epoch, seq, hlc, base, context, body, signature, stored_at, is_parked)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#delete = database.prepare('DELETE FROM replication_change WHERE id = ?');
    this.#setContext = database.prepare('UPDATE replication_change SET context = ? WHERE id = ?');
    this.#unpark = database.prepare('UPDATE replication_change SET is_parked = 0 WHERE id = ?');
    this.#unsigned = database.prepare<[number], Row>(`${COLUMNS} WHERE signature IS NULL ORDER BY c.id LIMIT ?`);
    this.#hasUnsigned = database
      .prepare<[], number>('SELECT EXISTS (SELECT 1 FROM replication_change WHERE signature IS NULL)')
      .pluck();
    this.#sign = database.prepare('UPDATE replication_change SET signature = ? WHERE id = ? AND epoch = ? AND seq = ?');
    this.#tombstones = database.prepare<[number, number], Row>(
      `${COLUMNS} WHERE body IS NULL AND (stored_at <= ? OR stored_at > ?) ORDER BY c.id`,
    );
    this.#parkedKeys = database.prepare<[string], RowKey>(
      'SELECT DISTINCT kind, key FROM replication_change WHERE is_parked = 1 AND kind = ?',
    );
    this.#page = database.prepare<[string, string, string, string, number], Row>(
      `${COLUMNS} WHERE (kind, key) > (?, ?) AND (kind, key) <= (?, ?) AND body IS NOT NULL
       ORDER BY kind, key, o.name, epoch, seq LIMIT ?`,
    );
    // octet_length looks at the row's head only, not at the text.
    this.#sizes = database.prepare<[string], Dot & { id: number; bytes: number }>(
      `SELECT c.id, o.name AS origin, epoch, seq, octet_length(body) AS bytes
       FROM replication_change c CROSS JOIN replication_origin o ON o.id = c.origin
       WHERE kind = ? AND body IS NOT NULL ORDER BY c.id DESC`,
    );
    this.#counts = database.prepare<[], { rows: number; tombstones: number; parked: number }>(
      `SELECT (SELECT count(*) FROM replication_change) AS rows,
         (SELECT count(*) FROM replication_change WHERE body IS NULL) AS tombstones,
         (SELECT count(*) FROM replication_change WHERE is_parked = 1) AS parked`,
    );
  }

  /** Usually one. */
  byKey(kind: string, key: string): HeldChange[] {
    return this.#byKey.all(kind, key).map(heldOf);
  }

  /** Ordered by number. */
  inRange({ origin, epoch, first, last }: DotRange, limit: number): HeldChange[] {
    const id = this.#origins.find(origin);
    return id === undefined ? [] : this.#inRange.all(id, epoch, first, last, limit).map(heldOf);
  }

  insert(
    change: Omit<Change, 'signature'> & { readonly signature: Uint8Array | null },
    facts: { readonly context?: readonly Dot[] | undefined; readonly storedAt: number; readonly isParked: boolean },
  ): void {
    this.#insert.run(
      change.kind,
      change.key,
      this.#origins.idOf(change.origin),
      change.epoch,
      change.seq,
      change.hlc,
      JSON.stringify(renderBase(change.base)),
      facts.context === undefined ? null : JSON.stringify(renderBase(facts.context)),
      change.body,
      change.signature,
      Math.floor(facts.storedAt),
      facts.isParked ? 1 : 0,
    );
  }

  delete(id: number): void {
    this.#delete.run(id);
  }

  setContext(id: number, context: readonly Dot[]): void {
    this.#setContext.run(JSON.stringify(renderBase(context)), id);
  }

  unpark(id: number): void {
    this.#unpark.run(id);
  }

  /** This node's own changes that may not be sent yet. */
  unsigned(limit: number): HeldChange[] {
    return this.#unsigned.all(limit).map(heldOf);
  }

  get hasUnsigned(): boolean {
    return this.#hasUnsigned.get() === 1;
  }

  /** Does nothing when the change has been superseded meanwhile. */
  sign({ id, epoch, seq }: HeldChange, signature: Uint8Array): void {
    this.#sign.run(signature, id, epoch, seq);
  }

  /** Stored until the one moment or, by a clock that was wrong, after the other. */
  tombstones(until: number, after: number): HeldChange[] {
    return this.#tombstones.all(until, after).map(heldOf);
  }

  parkedKeys(kind: string): RowKey[] {
    return this.#parkedKeys.all(kind);
  }

  /** Live rows after one row up to and including another, in order. */
  liveBetween(after: RowKey, to: RowKey, limit: number): HeldChange[] {
    return this.#page.all(after.kind, after.key, to.kind, to.key, limit).map(heldOf);
  }

  /** Live rows of a kind, those that came last first. */
  sizes(kind: string): (Dot & { readonly id: number; readonly bytes: number })[] {
    return this.#sizes.all(kind);
  }

  counts(): { readonly rows: number; readonly tombstones: number; readonly parked: number } {
    return this.#counts.get() ?? { rows: 0, tombstones: 0, parked: 0 };
  }
}

function heldOf(row: Row): HeldChange {
  const { stored_at: storedAt, is_parked: isParked, ...rest } = row;
  const base = parseBase(JSON.parse(row.base)) ?? [];
  const context = row.context === null ? base : (parseBase(JSON.parse(row.context)) ?? base);
  return { ...rest, base, context, storedAt, isParked: isParked === 1 };
}
