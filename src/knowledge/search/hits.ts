// Reads entries with the document that each is found through.

import type { Database, Statement } from '../../storage/database.ts';
import { splitHeadings } from '../store/identity.ts';

/** What ranking needs first: hundreds are read for one search. */
export interface EntryText {
  readonly entry: number;
  readonly text: string;
  readonly headings: readonly string[];
}

/** The document that an entry is found through. */
export interface EntryPlace {
  /** The document's id in this database. */
  readonly document: number;
  readonly position: number;
  readonly title: string;
}

/** What a hit tells beyond that. */
export interface EntryFacts {
  readonly passageHash: string;
  readonly page: number | null;
  readonly documentId: string;
  readonly collection: string;
  readonly source: string;
  /** JSON. */
  readonly attributes: string;
}

/** Of a passage that many documents have: more are not looked at to say which one it is of. */
const PLACES_READ = 64;

type TextRow = readonly [entry: number, text: string, headings: string];

export class EntryReader {
  readonly #texts: Statement<[string], TextRow>;
  readonly #place: Statement<[number, number], EntryPlace>;
  readonly #places: Statement<[number], EntryPlace>;
  readonly #facts: Statement<[number, number], Omit<EntryFacts, 'passageHash'> & { readonly hash: Buffer }>;

  constructor(database: Database) {
    this.#texts = database
      .prepare<[string], TextRow>(
        `SELECT entry.id, passage.text, passage.headings FROM json_each(?) AS wanted
         CROSS JOIN entry ON entry.id = wanted.value CROSS JOIN passage ON passage.id = entry.passage`,
      )
      .raw();
    // Ordered by what is the same on every node.
    this.#place = database.prepare(
      `SELECT document.id AS document, placed.position, document.title
       FROM (SELECT document, position FROM document_passage WHERE entry = ? LIMIT ?) AS placed
       CROSS JOIN document ON document.id = placed.document ORDER BY document.key, placed.position LIMIT 1`,
    );
    this.#places = database.prepare(
      `SELECT document.id AS document, placed.position, document.title
       FROM document_passage AS placed CROSS JOIN document ON document.id = placed.document
       WHERE placed.entry = ? ORDER BY document.key, placed.position`,
    );
    this.#facts = database.prepare(
      `SELECT passage.hash, placed.page, document.key AS documentId, collection.name AS collection, document.source,
         document.attributes
       FROM document_passage AS placed JOIN entry ON entry.id = placed.entry
       JOIN passage ON passage.id = entry.passage
       JOIN document ON document.id = placed.document
       JOIN collection ON collection.id = document.collection
       WHERE placed.document = ? AND placed.position = ?`,
    );
  }

  /** In the order of the ids: one statement for many, which is twice as fast as one for each. Those that are gone are left out. */
  texts(entries: readonly number[]): EntryText[] {
    const rows = this.#texts.all(JSON.stringify(entries));
    return rows.map(([entry, text, headings]) => ({ entry, text, headings: splitHeadings(headings) }));
  }

  /** @returns undefined when no (allowed) document refers to it, as while it is being imported */
  place(entry: number, allowed: ReadonlySet<number> | undefined): EntryPlace | undefined {
    if (!allowed) return this.#place.get(entry, PLACES_READ);
    return this.#places.all(entry).find(({ document }) => allowed.has(document));
  }

  facts({ document, position }: EntryPlace): EntryFacts | undefined {
    const row = this.#facts.get(document, position);
    if (!row) return undefined;
    const { hash, ...rest } = row;
    return { ...rest, passageHash: hash.toString('hex') };
  }
}
