// A version vector on disk: one row for each range, disjoint and never adjacent. What is remembered of it is what was
// read and what was added since, until a transaction is rolled back: that takes its additions along.

import type { Database } from '../storage/database.ts';
import type { OriginTable } from './origin-table.ts';
import { type Dot, type DotRange, VersionVector } from './version-vector.ts';

interface Bounds {
  first: number;
  last: number;
}

export class RangeTable {
  readonly #database: Database;
  readonly #origins: OriginTable;
  readonly #below;
  readonly #insert;
  readonly #delete;
  readonly #extend;
  readonly #within;
  readonly #all;
  /** Counts what this process has changed, whether it was rolled back afterwards or not. */
  generation = 0;

  #remembered: { readonly vector: VersionVector; readonly rollbacks: number } | undefined;
  /** Not in there yet. */
  #added = new VersionVector();

  constructor(database: Database, table: `replication_${string}`, origins: OriginTable) {
    this.#database = database;
    this.#origins = origins;
    this.#below = database.prepare<[number, number, number], Bounds>(
      `SELECT first, last FROM ${table} WHERE origin = ? AND epoch = ? AND first <= ? ORDER BY first DESC LIMIT 1`,
    );
    this.#insert = database.prepare(`INSERT INTO ${table} (origin, epoch, first, last) VALUES (?, ?, ?, ?)`);
    this.#delete = database.prepare(`DELETE FROM ${table} WHERE origin = ? AND epoch = ? AND first = ?`);
    this.#extend = database.prepare(`UPDATE ${table} SET last = ? WHERE origin = ? AND epoch = ? AND first = ?`);
    this.#within = database.prepare<[{ id: number; epoch: number; from: number; to: number }], Bounds>(
      `SELECT first, last FROM ${table} WHERE origin = $id AND epoch = $epoch AND first <= $to AND first >=
         COALESCE((SELECT max(first) FROM ${table} WHERE origin = $id AND epoch = $epoch AND first <= $from), $from)
       ORDER BY first`,
    );
    this.#all = database
      .prepare<[], [origin: string, epoch: number, first: number, last: number]>(
        `SELECT name, epoch, first, last FROM ${table} JOIN replication_origin ON id = ${table}.origin`,
      )
      .raw();
  }

  has({ origin, epoch, seq }: Dot): boolean {
    const id = this.#origins.find(origin);
    return id !== undefined && (this.#below.get(id, epoch, seq)?.last ?? 0) >= seq;
  }

  head(origin: string, epoch: number): number {
    const id = this.#origins.find(origin);
    return id === undefined ? 0 : (this.#below.get(id, epoch, Number.MAX_SAFE_INTEGER)?.last ?? 0);
  }

  add(range: DotRange): void {
    this.generation += 1;
    this.#store(range);
    if (this.#remembered) this.#added.add(range);
  }

  #store({ origin, epoch, first, last }: DotRange): void {
    const id = this.#origins.idOf(origin);
    let from = first;
    let to = last;
    for (;;) {
      const near = this.#below.get(id, epoch, to + 1);
      if (near === undefined || near.last < from - 1) break;
      if (near.first <= from) {
        if (near.last < to) this.#extend.run(to, id, epoch, near.first);
        return;
      }
      this.#delete.run(id, epoch, near.first);
      from = Math.min(from, near.first);
      to = Math.max(to, near.last);
    }
    this.#insert.run(id, epoch, from, to);
  }

  remove({ origin, epoch, seq }: Dot): void {
    const id = this.#origins.find(origin);
    const near = id === undefined ? undefined : this.#below.get(id, epoch, seq);
    if (id === undefined || near === undefined || near.last < seq) return;
    this.generation += 1;
    this.forget();
    this.#delete.run(id, epoch, near.first);
    if (near.first < seq) this.#insert.run(id, epoch, near.first, seq - 1);
    if (near.last > seq) this.#insert.run(id, epoch, seq + 1, near.last);
  }

  addAll(vector: VersionVector): void {
    for (const range of vector.ranges()) this.add(range);
  }

  /** Its part of one range. */
  within({ origin, epoch, first, last }: DotRange): DotRange[] {
    const id = this.#origins.find(origin);
    if (id === undefined) return [];
    return this.#within
      .all({ id, epoch, from: first, to: last })
      .map((row) => ({ origin, epoch, first: Math.max(first, row.first), last: Math.min(last, row.last) }))
      .filter((row) => row.first <= row.last);
  }

  /** All of it, read once. Shared: not to be changed. Other processes' additions are in it only after `forget`. */
  vector(): VersionVector {
    const { rollbacks } = this.#database;
    if (this.#remembered?.rollbacks !== rollbacks) {
      this.#remembered = { vector: this.load(), rollbacks };
    } else if (!this.#added.isEmpty) {
      const vector = this.#remembered.vector.copy();
      vector.merge(this.#added);
      this.#remembered = { vector, rollbacks };
    }
    if (!this.#added.isEmpty) this.#added = new VersionVector();
    return this.#remembered.vector;
  }

  forget(): void {
    this.#remembered = undefined;
  }

  load(): VersionVector {
    const ranges = this.#all.all();
    return VersionVector.of(ranges.map(([origin, epoch, first, last]) => ({ origin, epoch, first, last })));
  }
}
