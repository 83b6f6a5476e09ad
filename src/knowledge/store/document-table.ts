// Documents and what they consist of. A document becomes visible, changes and goes in one transaction, because a search
// returns only entries that a document refers to.

import { type JsonObject, parseObject } from '../../model/json.ts';
import type { Database, Statement } from '../../storage/database.ts';
import type { CollectionRef, CollectionStats, DocumentInfo, Passage } from '../knowledge.ts';
import { canonicalJson, documentKey, SPAN, splitHeadings } from './identity.ts';
import type { DocumentFacts, ManifestPassage } from './manifest.ts';

export interface DocumentRow {
  readonly id: number;
  readonly key: string;
  readonly tenant: string;
  readonly name: string;
  readonly collection: number;
  readonly source: string;
  readonly title: string;
  readonly mime_type: string;
  readonly content_hash: string;
  readonly attributes: string;
  readonly passage_count: number;
  readonly length: number;
  readonly updated_at: number;
}

/** One passage of a document, by its entry in the index. */
export interface PlacedEntry extends ManifestPassage {
  readonly entry: number;
  /** Characters of its text. */
  readonly length: number;
}

interface PassageRow {
  readonly hash: Buffer;
  readonly text: string;
  readonly headings: string;
  readonly start: number;
  readonly end: number;
  readonly page: number | null;
}

const SELECT_DOCUMENT = `SELECT document.*, collection.tenant, collection.name FROM document
  JOIN collection ON collection.id = document.collection`;

export class DocumentTable {
  readonly #database: Database;
  readonly #collection: Statement<[string, string], number>;
  readonly #byKey: Statement<[string], DocumentRow>;
  readonly #page: Statement<[number, string, number], DocumentRow>;
  readonly #passages: Statement<[number], PassageRow>;
  readonly #nextDocument: Statement<[number], number>;
  readonly #setNextDocument: Statement<[number, number]>;
  readonly #insert: Statement<[Record<string, string | number>]>;
  readonly #update: Statement<[Record<string, string | number>]>;
  readonly #place: Statement<[number, number, number, number, number, number | null]>;
  readonly #fasten: Statement<[number]>;
  readonly #addAttribute: Statement<[number, string, string, number]>;
  readonly #indexWords: Statement<[number, string, string]>;
  readonly #unindexWords: Statement<[number, string, string]>;
  readonly #clear: readonly Statement<[number]>[];
  readonly #delete: Statement<[number]>;
  readonly #count: Statement<[number, number, number, number]>;

  constructor(database: Database) {
    this.#database = database;
    const prepare = database.prepare.bind(database);
    this.#collection = prepare<[string, string], number>(
      'SELECT id FROM collection WHERE tenant = ? AND name = ?',
    ).pluck();
    this.#byKey = prepare(`${SELECT_DOCUMENT} WHERE document.key = ?`);
    this.#page = prepare(
      `${SELECT_DOCUMENT} WHERE document.collection = ? AND document.source > ? ORDER BY document.source LIMIT ?`,
    );
    this.#passages = prepare(
      `SELECT passage.hash, passage.text, passage.headings, document_passage.start, document_passage.end,
         document_passage.page
       FROM document_passage JOIN entry ON entry.id = document_passage.entry
       JOIN passage ON passage.id = entry.passage
       WHERE document_passage.document = ? ORDER BY document_passage.position`,
    );
    // Not RETURNING: that opens a savepoint, at which FTS5 writes out what it has gathered.
    this.#nextDocument = prepare<[number], number>('SELECT next_document FROM collection WHERE id = ?').pluck();
    this.#setNextDocument = prepare('UPDATE collection SET next_document = ? WHERE id = ?');
    this.#insert = prepare(
      `INSERT INTO document (id, key, collection, source, title, mime_type, content_hash, attributes, passage_count,
         length, updated_at)
       VALUES (@id, @key, @collection, @source, @title, @mimeType, @contentHash, @attributes, @passageCount, @length,
         @updatedAt)`,
    );
    this.#update = prepare(
      `UPDATE document SET title = @title, mime_type = @mimeType, content_hash = @contentHash,
         attributes = @attributes, passage_count = @passageCount, length = @length, updated_at = @updatedAt
       WHERE id = @id`,
    );
    this.#place = prepare(
      'INSERT INTO document_passage (document, position, entry, start, end, page) VALUES (?, ?, ?, ?, ?, ?)',
    );
    this.#fasten = prepare(
      'DELETE FROM loose_entry WHERE entry IN (SELECT entry FROM document_passage WHERE document = ?)',
    );
    this.#addAttribute = prepare(
      'INSERT INTO document_attribute (collection, name, value, document) VALUES (?, ?, ?, ?)',
    );
    this.#indexWords = prepare('INSERT INTO document_words (rowid, title, source) VALUES (CAST(? AS INTEGER), ?, ?)');
    this.#unindexWords = prepare(
      `INSERT INTO document_words (document_words, rowid, title, source) VALUES ('delete', CAST(? AS INTEGER), ?, ?)`,
    );
    this.#clear = [
      // Others may refer to the same entries: garbage collection looks.
      // Those being staged anew keep their time.
      prepare('INSERT OR IGNORE INTO loose_entry SELECT DISTINCT entry, 0 FROM document_passage WHERE document = ?'),
      prepare('DELETE FROM document_passage WHERE document = ?'),
      prepare('DELETE FROM document_attribute WHERE document = ?'),
    ];
    this.#delete = prepare('DELETE FROM document WHERE id = ?');
    this.#count = prepare(
      `UPDATE collection SET documents = documents + ?, passages = passages + ?, length = length + ? WHERE id = ?`,
    );
  }

  /** @returns undefined when there is none */
  collection({ tenant, collection }: CollectionRef): number | undefined {
    return this.#collection.get(tenant, collection);
  }

  /** Makes it when there is none. Needs a transaction. */
  ensureCollection(ref: CollectionRef): number {
    const known = this.collection(ref);
    if (known !== undefined) return known;
    const made = this.#database
      .prepare('INSERT INTO collection (tenant, name) VALUES (?, ?)')
      .run(ref.tenant, ref.collection);
    return Number(made.lastInsertRowid);
  }

  bySource(ref: CollectionRef, source: string): DocumentRow | undefined {
    return this.byKey(documentKey(ref, source));
  }

  byKey(key: string): DocumentRow | undefined {
    return this.#byKey.get(key);
  }

  page(collection: number, after: string, limit: number): DocumentRow[] {
    return this.#page.all(collection, after, limit);
  }

  passages(document: number): (Passage & { readonly hash: string })[] {
    return this.#passages.all(document).map((row) => ({
      hash: row.hash.toString('hex'),
      text: row.text,
      headings: splitHeadings(row.headings),
      start: row.start,
      end: row.end,
      ...(row.page !== null && { page: row.page }),
    }));
  }

  /** Puts a document in the place of the one of the same source. Needs a transaction, and the entries to exist. */
  put(facts: DocumentFacts, placed: readonly PlacedEntry[], length: number, updatedAt: number): void {
    const collection = this.ensureCollection(facts);
    const key = documentKey(facts, facts.source);
    const old = this.byKey(key);
    const id = old?.id ?? this.#newId(collection);
    const row = {
      id,
      key,
      collection,
      source: facts.source,
      title: facts.title,
      mimeType: facts.mimeType,
      contentHash: facts.contentHash,
      attributes: JSON.stringify(facts.attributes),
      passageCount: placed.length,
      length,
      updatedAt,
    };
    if (old) {
      this.#unlink(old);
      const { key: _key, collection: _collection, source: _source, ...changes } = row;
      this.#update.run(changes);
    } else {
      this.#insert.run(row);
    }
    this.#indexWords.run(id, facts.title, facts.source);
    for (const [name, value] of Object.entries(facts.attributes)) {
      if (value !== undefined) this.#addAttribute.run(collection, name, canonicalJson(value), id);
    }
    for (const [position, { entry, start, end, page }] of placed.entries()) {
      this.#place.run(id, position, entry, start, end, page ?? null);
    }
    this.#fasten.run(id);
    this.#count.run(1, placed.length, length, collection);
  }

  /** Needs a transaction. */
  remove(row: DocumentRow): void {
    this.#unlink(row);
    this.#delete.run(row.id);
  }

  stats(tenant: string | undefined): CollectionStats[] {
    return this.#database
      .prepare<[string | null], CollectionStats>(
        `SELECT tenant, name AS collection, documents, passages, length FROM collection
         WHERE documents > 0 AND tenant = coalesce(?, tenant) ORDER BY tenant, name`,
      )
      .all(tenant ?? null);
  }

  #newId(collection: number): number {
    const sequence = this.#nextDocument.get(collection) ?? 1;
    this.#setNextDocument.run(sequence + 1, collection);
    return collection * SPAN + sequence;
  }

  #unlink(row: DocumentRow): void {
    this.#unindexWords.run(row.id, row.title, row.source);
    for (const statement of this.#clear) statement.run(row.id);
    this.#count.run(-1, -row.passage_count, -row.length, row.collection);
  }
}

export function documentInfo(row: DocumentRow): DocumentInfo {
  return {
    id: row.key,
    tenant: row.tenant,
    collection: row.name,
    source: row.source,
    title: row.title,
    mimeType: row.mime_type,
    contentHash: row.content_hash,
    attributes: attributesOf(row.attributes),
    passageCount: row.passage_count,
    length: row.length,
    updatedAt: row.updated_at,
  };
}

export function attributesOf(text: string): JsonObject {
  return parseObject(text) ?? {};
}
