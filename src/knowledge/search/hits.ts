// Reads entries with the document that each is found through.

import type { Database, Statement } from '../../storage/database.ts';
import { splitHeadings } from '../store/identity.ts';

/** What ranking needs of an entry: hundreds are read for one search. */
export interface EntryText {
  readonly entry: number;
  readonly text: string;
  readonly headings: readonly string[];
  readonly title: string;
  /** The document's id in this database, and the place in it. */
  readonly document: number;
  readonly position: number;
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

type TextRow = readonly [text: string, headings: string, title: string, document: number, position: number];

export class EntryReader {
  readonly #texts: Statement<[number], TextRow>;
  readonly #facts: Statement<[number, number], Omit<EntryFacts, 'passageHash'> & { readonly hash: Buffer }>;

  constructor(database: Database) {
    this.#texts = database
      .prepare<[number], TextRow>(
        `SELECT passage.text, passage.headings, document.title, document.id, placed.position
         FROM entry JOIN passage ON passage.id = entry.passage
         JOIN document_passage AS placed ON placed.entry = entry.id
         JOIN document ON document.id = placed.document
         WHERE entry.id = ? ORDER BY placed.document, placed.position`,
      )
      .raw();
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

  /** @returns undefined when no (allowed) document refers to it, as while it is being imported */
  read(entry: number, allowed: ReadonlySet<number> | undefined): EntryText | undefined {
    const row = allowed
      ? this.#texts.all(entry).find(([, , , document]) => allowed.has(document))
      : this.#texts.get(entry);
    if (!row) return undefined;
    const [text, headings, title, document, position] = row;
    return { entry, text, headings: splitHeadings(headings), title, document, position };
  }

  facts({ document, position }: EntryText): EntryFacts | undefined {
    const row = this.#facts.get(document, position);
    if (!row) return undefined;
    const { hash, ...rest } = row;
    return { ...rest, passageHash: hash.toString('hex') };
  }
}
