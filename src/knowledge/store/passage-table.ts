// Texts by their hash, and the entries that make them findable in a collection. Nothing here is visible to a search until a
// document refers to it: see document-table.ts.

import type { Clock } from '../../ports.ts';
import type { Database, Statement } from '../../storage/database.ts';
import { gramsOf } from '../search/grams.ts';
import { cleanHeadings, joinHeadings, passageHash, SPAN, splitHeadings } from './identity.ts';

/** A passage's text as it is named and sent around. */
export interface PassageText {
  readonly text: string;
  readonly headings: readonly string[];
}

interface PassageRow {
  readonly id: number;
  readonly text: string;
  readonly headings: string;
}

/** A passage that is on disk. */
export interface KeptPassage extends PassageText {
  readonly id: number;
  readonly joined: string;
}

/** An entry or passage that nobody refers to may belong to an import that is still running, here or in another process. */
const GRACE_MS = 3_600_000;
/** Texts wait so long: those fetched from peers for the rest of their document, replaced ones for being good again. */
const WAITING_MS = 86_400_000;

export class PassageTable {
  readonly #clock: Clock;
  readonly #onDrop: (entry: number) => void;
  readonly #idByHash: Statement<[Buffer], number>;
  readonly #textByHash: Statement<[Buffer], PassageRow>;
  readonly #insertPassage: Statement<[Buffer, string, string]>;
  readonly #findEntry: Statement<[number, number, number], number>;
  readonly #nextEntry: Statement<[number], number>;
  readonly #setNextEntry: Statement<[number, number]>;
  readonly #insertEntry: Statement<[number, number]>;
  readonly #indexWords: Statement<[number, string, string]>;
  readonly #indexGrams: Statement<[number, string]>;
  readonly #loosen: Statement<[number, number]>;
  readonly #await: Statement<[number, number]>;
  readonly #collectable: Statement<[number, number], number>;
  readonly #isReferred: Statement<[number], number>;
  readonly #fasten: Statement<[number]>;
  readonly #entryText: Statement<[number], { passage: number; text: string; headings: string }>;
  readonly #unindexWords: Statement<[number, string, string]>;
  readonly #unindexGrams: Statement<[number]>;
  readonly #deleteEntry: Statement<[number]>;
  readonly #deletePassage: Statement<[{ passage: number }]>;
  readonly #expired: Statement<[number, number], number>;
  readonly #stopWaiting: Statement<[number]>;
  readonly #awaitReplaced: Statement<[number, string]>;

  /** @param onDrop told of every entry that goes */
  constructor(database: Database, clock: Clock, onDrop: (entry: number) => void) {
    this.#clock = clock;
    this.#onDrop = onDrop;
    const prepare = database.prepare.bind(database);
    this.#idByHash = prepare<[Buffer], number>('SELECT id FROM passage WHERE hash = ?').pluck();
    this.#textByHash = prepare('SELECT id, text, headings FROM passage WHERE hash = ?');
    this.#insertPassage = prepare('INSERT INTO passage (hash, text, headings) VALUES (?, ?, ?)');
    this.#findEntry = prepare<[number, number, number], number>(
      'SELECT id FROM entry WHERE passage = ? AND id BETWEEN ? AND ?',
    ).pluck();
    this.#nextEntry = prepare<[number], number>('SELECT next_entry FROM collection WHERE id = ?').pluck();
    this.#setNextEntry = prepare('UPDATE collection SET next_entry = ? WHERE id = ?');
    this.#insertEntry = prepare('INSERT INTO entry (id, passage) VALUES (?, ?)');
    // Numbers beyond 2³¹ reach SQLite as floating point, which FTS5 does not take for a row id.
    this.#indexWords = prepare('INSERT INTO entry_words (rowid, text, headings) VALUES (CAST(? AS INTEGER), ?, ?)');
    this.#indexGrams = prepare('INSERT INTO entry_grams (rowid, grams) VALUES (CAST(? AS INTEGER), ?)');
    this.#loosen = prepare('INSERT OR REPLACE INTO loose_entry (entry, since) VALUES (?, ?)');
    this.#await = prepare('INSERT OR REPLACE INTO waiting_passage (passage, since) VALUES (?, ?)');
    this.#collectable = prepare<[number, number], number>(
      'SELECT entry FROM loose_entry WHERE since <= ? LIMIT ?',
    ).pluck();
    this.#isReferred = prepare<[number], number>('SELECT 1 FROM document_passage WHERE entry = ? LIMIT 1').pluck();
    this.#fasten = prepare('DELETE FROM loose_entry WHERE entry = ?');
    this.#entryText = prepare(
      `SELECT entry.passage, passage.text, passage.headings FROM entry JOIN passage ON passage.id = entry.passage
       WHERE entry.id = ?`,
    );
    this.#unindexWords = prepare(
      `INSERT INTO entry_words (entry_words, rowid, text, headings) VALUES ('delete', CAST(? AS INTEGER), ?, ?)`,
    );
    this.#unindexGrams = prepare('DELETE FROM entry_grams WHERE rowid = CAST(? AS INTEGER)');
    this.#deleteEntry = prepare('DELETE FROM entry WHERE id = ?');
    this.#deletePassage = prepare(
      `DELETE FROM passage WHERE id = @passage AND NOT EXISTS (SELECT 1 FROM entry WHERE passage = @passage)
       AND NOT EXISTS (SELECT 1 FROM waiting_passage WHERE passage = @passage)`,
    );
    this.#expired = prepare<[number, number], number>(
      'SELECT passage FROM waiting_passage WHERE since <= ? LIMIT ?',
    ).pluck();
    this.#stopWaiting = prepare('DELETE FROM waiting_passage WHERE passage = ?');
    this.#awaitReplaced = prepare(
      `INSERT OR REPLACE INTO waiting_passage SELECT DISTINCT entry.passage, ? FROM document
       JOIN document_passage ON document_passage.document = document.id JOIN entry ON entry.id = document_passage.entry
       WHERE document.key = ?`,
    );
  }

  /**
   * Makes texts findable in a collection once a document refers to them. Needs a transaction.
   * @returns their entries, in order
   */
  addEntries(collection: number, texts: readonly PassageText[]): { readonly entry: number; readonly hash: string }[] {
    const kept = texts.map(({ text, headings }) => ({ text, headings, ...this.#keep(text, headings) }));
    const entries = this.addKept(
      collection,
      kept.map(({ passage, ...rest }) => ({ ...rest, id: passage })),
    );
    return kept.map(({ hash }, index) => ({ entry: entries[index] ?? 0, hash }));
  }

  /** The same for texts that are on disk already. Needs a transaction. @returns their entries, in order */
  addKept(collection: number, passages: readonly KeptPassage[]): number[] {
    let sequence = this.#nextEntry.get(collection) ?? 1;
    const entries = passages.map(({ id, text, joined }) => {
      const known = this.#findEntry.get(id, collection * SPAN, (collection + 1) * SPAN - 1);
      if (known !== undefined) return known;
      const entry = collection * SPAN + sequence;
      sequence += 1;
      this.#insertEntry.run(entry, id);
      this.#index(entry, text, joined);
      return entry;
    });
    this.#setNextEntry.run(sequence, collection);
    return entries;
  }

  /** No document refers to these yet: they go if none does for long. Needs a transaction. */
  loosen(entries: readonly number[]): void {
    const since = this.#clock.now();
    for (const entry of entries) this.#loosen.run(entry, since);
  }

  text(hash: string): KeptPassage | undefined {
    const row = this.#textByHash.get(Buffer.from(hash, 'hex'));
    return row && { id: row.id, text: row.text, headings: splitHeadings(row.headings), joined: row.headings };
  }

  has(hash: string): boolean {
    return this.#idByHash.get(Buffer.from(hash, 'hex')) !== undefined;
  }

  /** Keeps texts until their document comes. Needs a transaction. */
  keepWaiting(texts: readonly PassageText[]): void {
    const since = this.#clock.now();
    for (const { text, headings } of texts) this.#await.run(this.#keep(text, headings).passage, since);
  }

  stopWaiting(passage: number): void {
    this.#stopWaiting.run(passage);
  }

  /**
   * Keeps the texts of a document that a peer's version is about to replace. When that peer turns out to be a thief its
   * version goes, and all may be told of the old one by a node that has no texts: they must be somewhere. Needs a
   * transaction.
   */
  keepReplaced(document: string): void {
    this.#awaitReplaced.run(this.#clock.now(), document);
  }

  /**
   * Drops up to `limit` entries and passages that nobody refers to. Needs a transaction.
   * @returns how many rows were looked at; fewer than `limit` means that nothing is left
   */
  collectGarbage(limit: number, now: number): number {
    const loose = this.#collectable.all(now - GRACE_MS, limit);
    for (const entry of loose) {
      this.#fasten.run(entry);
      if (this.#isReferred.get(entry) === undefined) this.#drop(entry);
    }
    const expired = this.#expired.all(now - WAITING_MS, limit - loose.length);
    for (const passage of expired) {
      this.#stopWaiting.run(passage);
      this.#deletePassage.run({ passage });
    }
    return loose.length + expired.length;
  }

  #keep(text: string, headings: readonly string[]): { hash: string; passage: number; joined: string } {
    const cleaned = cleanHeadings(headings);
    const hash = passageHash(text, cleaned);
    const bytes = Buffer.from(hash, 'hex');
    const joined = joinHeadings(cleaned);
    const passage = this.#idByHash.get(bytes) ?? Number(this.#insertPassage.run(bytes, text, joined).lastInsertRowid);
    return { hash, passage, joined };
  }

  #index(entry: number, text: string, headings: string): void {
    this.#indexWords.run(entry, text, headings);
    const grams = gramsOf(`${headings}\n${text}`);
    if (grams.length > 0) this.#indexGrams.run(entry, grams.join(' '));
  }

  #drop(entry: number): void {
    const row = this.#entryText.get(entry);
    if (!row) return;
    this.#unindexWords.run(entry, row.text, row.headings);
    this.#unindexGrams.run(entry);
    this.#onDrop(entry);
    this.#deleteEntry.run(entry);
    this.#deletePassage.run({ passage: row.passage });
  }
}
