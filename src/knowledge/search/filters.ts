// What a search is restricted to beside its collections: attributes and titles of documents, and quoted phrases.

import type { JsonObject } from '../../model/json.ts';
import type { Database, Statement } from '../../storage/database.ts';
import { canonicalJson } from '../store/identity.ts';
import type { IndexReader } from './index-reader.ts';
import type { Query } from './query.ts';
import type { Scope } from './scope.ts';
import { intersect } from './sorted-ids.ts';

export interface Restriction {
  /** Documents that may be shown; undefined: all. */
  readonly documents: ReadonlySet<number> | undefined;
  /** Entries that may be found, ascending; undefined: all. */
  readonly entries: readonly number[] | undefined;
}

export class Filters {
  readonly #reader: IndexReader;
  readonly #withAttribute: Statement<[number, string, string], number>;
  readonly #entries: Statement<[string], number>;

  constructor(database: Database, reader: IndexReader) {
    this.#reader = reader;
    this.#withAttribute = database
      .prepare<[number, string, string], number>(
        'SELECT document FROM document_attribute WHERE collection = ? AND name = ? AND value = ? ORDER BY document',
      )
      .pluck();
    this.#entries = database
      .prepare<[string], number>(
        `SELECT DISTINCT entry FROM document_passage WHERE document IN (SELECT value FROM json_each(?)) ORDER BY entry`,
      )
      .pluck();
  }

  /** Attributes always hold. Titles and phrases that are nowhere are not insisted on: their words still count. */
  restrict(query: Query, attributes: JsonObject, scope: Scope): Restriction {
    const documents = this.#withTitle(query.title, this.#withAttributes(attributes, scope), scope);
    const entries = documents && this.#entries.all(JSON.stringify(documents));
    return { documents: documents && new Set(documents), entries: this.#withPhrases(query, entries, scope) };
  }

  #withAttributes(attributes: JsonObject, scope: Scope): readonly number[] | undefined {
    const wanted = Object.entries(attributes).filter(([, value]) => value !== undefined);
    if (wanted.length === 0) return undefined;
    const lists = wanted.map(([name, value]) =>
      [...scope.collections].flatMap((id) => this.#withAttribute.all(id, name, canonicalJson(value))),
    );
    return lists.reduce((all, list) => intersect(all, list));
  }

  #withTitle(title: string, documents: readonly number[] | undefined, scope: Scope): readonly number[] | undefined {
    if (title === '') return documents;
    const titled = this.#reader.list('documents', title, scope);
    const both = documents ? intersect(documents, titled) : titled;
    return both.length > 0 ? both : documents;
  }

  #withPhrases(
    { phrases }: Query,
    entries: readonly number[] | undefined,
    scope: Scope,
  ): readonly number[] | undefined {
    return phrases.reduce<readonly number[] | undefined>((allowed, { index, match }) => {
      const having = this.#reader.list(index, match, scope);
      const both = allowed ? intersect(allowed, having) : having;
      return both.length > 0 ? both : allowed;
    }, entries);
  }
}
