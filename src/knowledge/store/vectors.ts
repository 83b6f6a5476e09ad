// Optional vectors of passages, in sqlite-vec's tables: one for each dimension, partitioned by collection. The extension is
// loaded at the first use; without it everything but vectors works.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { getLoadablePath } from 'sqlite-vec';
import { GatewayError } from '../../errors.ts';
import type { Database } from '../../storage/database.ts';
import type { Restriction } from '../search/filters.ts';
import type { Scope } from '../search/scope.ts';
import { collectionOf, SPAN } from './identity.ts';

const DIMENSION_MAX = 8_192;

export interface MissingEmbedding {
  readonly hash: string;
  readonly text: string;
}

export class Vectors {
  readonly #database: Database;
  #isLoaded = false;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Passages of a collection that have no vector yet. */
  missing(collection: number, limit: number): MissingEmbedding[] {
    return this.#database
      .prepare<[number, number, number], { hash: Buffer; text: string }>(
        `SELECT passage.hash, passage.text FROM entry JOIN passage ON passage.id = entry.passage
         WHERE entry.id BETWEEN ? AND ? AND entry.has_vector = 0 LIMIT ?`,
      )
      .all(collection * SPAN, (collection + 1) * SPAN - 1, limit)
      .map(({ hash, text }) => ({ hash: hash.toString('hex'), text }));
  }

  /**
   * Keeps the vectors of passages, one after the other in `values`. Needs a transaction.
   * @throws GatewayError `bad_request` when the collection's vectors have another dimension
   */
  put(collection: number, hashes: readonly string[], values: Float32Array): void {
    const dimension = values.length / hashes.length;
    if (!Number.isInteger(dimension) || dimension < 1 || dimension > DIMENSION_MAX) {
      throw new GatewayError('bad_request', `${values.length} numbers are not ${hashes.length} vectors.`);
    }
    const table = this.#tableFor(collection, dimension);
    const find = this.#database
      .prepare<[Buffer, number, number], number>(
        `SELECT entry.id FROM entry JOIN passage ON passage.id = entry.passage
         WHERE passage.hash = ? AND entry.id BETWEEN ? AND ?`,
      )
      .pluck();
    const remove = this.#database.prepare(`DELETE FROM ${table} WHERE rowid = CAST(? AS INTEGER)`);
    const insert = this.#database.prepare(
      `INSERT INTO ${table} (rowid, collection, embedding) VALUES (CAST(? AS INTEGER), CAST(? AS INTEGER), ?)`,
    );
    const mark = this.#database.prepare('UPDATE entry SET has_vector = 1 WHERE id = ?');
    for (const [index, hash] of hashes.entries()) {
      const entry = find.get(Buffer.from(hash, 'hex'), collection * SPAN, (collection + 1) * SPAN - 1);
      if (entry === undefined) continue;
      remove.run(entry);
      insert.run(entry, collection, bytesOf(values.subarray(index * dimension, (index + 1) * dimension)));
      mark.run(entry);
    }
  }

  /** Forgets a collection's vectors, as when another model is to make them. Needs a transaction. */
  clear(collection: number): void {
    const dimension = this.#dimensionOf(collection);
    if (dimension === undefined) return;
    this.#load();
    this.#database
      .prepare(`DELETE FROM vector_${dimension} WHERE rowid BETWEEN CAST(? AS INTEGER) AND CAST(? AS INTEGER)`)
      .run(collection * SPAN, (collection + 1) * SPAN - 1);
    this.#database
      .prepare('UPDATE entry SET has_vector = 0 WHERE id BETWEEN ? AND ?')
      .run(collection * SPAN, (collection + 1) * SPAN - 1);
    this.#database.prepare('UPDATE collection SET dimension = NULL WHERE id = ?').run(collection);
  }

  /** The entry is going. Needs a transaction. */
  remove(entry: number): void {
    const dimension = this.#dimensionOf(collectionOf(entry));
    if (dimension === undefined) return;
    this.#load();
    this.#database.prepare(`DELETE FROM vector_${dimension} WHERE rowid = CAST(? AS INTEGER)`).run(entry);
  }

  /** Entries nearest to the vector, of the collections that have vectors of its dimension. */
  nearest(embedding: readonly number[], scope: Scope, { entries }: Restriction, limit: number): number[] {
    const vector = bytesOf(new Float32Array(embedding));
    const collections = [...scope.collections].filter((id) => this.#dimensionOf(id) === embedding.length);
    if (collections.length === 0) return [];
    this.#load();
    const among = entries ? 'AND rowid IN (SELECT value FROM json_each(@entries))' : '';
    const statement = this.#database.prepare<[Record<string, unknown>], { id: number; distance: number }>(
      `SELECT rowid AS id, distance FROM vector_${embedding.length}
       WHERE embedding MATCH @vector AND k = CAST(@limit AS INTEGER) AND collection = CAST(@collection AS INTEGER) ${among}`,
    );
    return collections
      .flatMap((collection) =>
        statement.all({ vector, limit, collection, ...(entries && { entries: JSON.stringify(entries) }) }),
      )
      .sort((left, right) => left.distance - right.distance || left.id - right.id)
      .slice(0, limit)
      .map(({ id }) => id);
  }

  #tableFor(collection: number, dimension: number): string {
    const known = this.#dimensionOf(collection);
    if (known !== undefined && known !== dimension) {
      throw new GatewayError(
        'bad_request',
        `The collection's vectors have ${known} dimensions, these have ${dimension}. Clear them first.`,
      );
    }
    this.#load();
    const table = `vector_${dimension}`;
    if (known === undefined) {
      this.#database.exec(
        `CREATE VIRTUAL TABLE IF NOT EXISTS ${table} USING vec0 (
           collection INTEGER PARTITION KEY, embedding FLOAT[${dimension}] distance_metric=cosine)`,
      );
      this.#database.prepare('UPDATE collection SET dimension = ? WHERE id = ?').run(dimension, collection);
    }
    return table;
  }

  #dimensionOf(collection: number): number | undefined {
    return (
      this.#database
        .prepare<[number], number | null>('SELECT dimension FROM collection WHERE id = ?')
        .pluck()
        .get(collection) ?? undefined
    );
  }

  #load(): void {
    if (this.#isLoaded) return;
    // A release carries the extension beside the bundle; a checkout has the package.
    const beside = ['so', 'dylib', 'dll']
      .map((suffix) => join(import.meta.dirname, `vec0.${suffix}`))
      .find((path) => existsSync(path));
    try {
      this.#database.loadExtension(beside ?? getLoadablePath());
    } catch (cause) {
      throw new GatewayError('unsupported', 'Vectors need sqlite-vec, which cannot be loaded on this machine.', {
        cause,
      });
    }
    this.#isLoaded = true;
  }
}

function bytesOf(vector: Float32Array): Buffer {
  return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength);
}
