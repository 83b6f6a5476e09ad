// Asks FTS5 for ids, nothing else: its own ranking visits every match of every word, which takes half a second for a
// common word among a million passages, while ids alone come at seven million a second.

import type { Database, Statement } from '../../storage/database.ts';
import type { Term } from './query.ts';
import { isInScope, type Scope } from './scope.ts';

export type IndexName = Term['index'] | 'documents';

type ListStatement = Statement<[string, number, number], number>;

interface IndexStatements {
  readonly list: ListStatement;
  readonly count: ListStatement;
  readonly some: Statement<[string, number, number, number], number>;
  readonly best: Statement<[string, number, number, number], number>;
}

const TABLES: Readonly<Record<IndexName, string>> = {
  words: 'entry_words',
  grams: 'entry_grams',
  documents: 'document_words',
};

/** How many terms' frequencies are remembered. */
const FREQUENCIES_MAX = 20_000;
/** A remembered frequency is good while the scope has not grown or shrunk by more than this part. */
const FREQUENCY_DRIFT = 0.1;

export class IndexReader {
  readonly #statements: Readonly<Record<IndexName, IndexStatements>>;
  readonly #frequencies = new Map<string, { readonly frequency: number; readonly passages: number }>();

  constructor(database: Database) {
    const forTable = (table: string): IndexStatements => {
      // FTS5 takes only integers for bounds of row ids, and large numbers are bound as floating point.
      const where = `${table} MATCH ? AND rowid BETWEEN CAST(? AS INTEGER) AND CAST(? AS INTEGER)`;
      return {
        list: database.prepare<[string, number, number], number>(`SELECT rowid FROM ${table} WHERE ${where}`).pluck(),
        count: database
          .prepare<[string, number, number], number>(`SELECT count(*) FROM ${table} WHERE ${where}`)
          .pluck(),
        some: database
          .prepare<[string, number, number, number], number>(`SELECT rowid FROM ${table} WHERE ${where} LIMIT ?`)
          .pluck(),
        best: database
          .prepare<[string, number, number, number], number>(
            `SELECT rowid FROM ${table} WHERE ${where} ORDER BY rank LIMIT ?`,
          )
          .pluck(),
      };
    };
    this.#statements = {
      words: forTable(TABLES.words),
      grams: forTable(TABLES.grams),
      documents: forTable(TABLES.documents),
    };
  }

  /** Ids that match, ascending, all of the scope. */
  list(index: IndexName, match: string, scope: Scope): number[] {
    const { list } = this.#statements[index];
    const [only] = scope.ranges;
    const ids =
      only && scope.ranges.length === 1
        ? list.all(match, only[0], only[1])
        : scope.ranges.flatMap(([first, last]) => list.all(match, first, last));
    return scope.isExact ? ids : ids.filter((id) => isInScope(scope, id));
  }

  /** Ids that match, or none when there are more than `limit` in one range. */
  listAtMost(index: IndexName, match: string, scope: Scope, limit: number): number[] {
    const { some } = this.#statements[index];
    const ids = scope.ranges.flatMap(([first, last]) => {
      const found = some.all(match, first, last, limit + 1);
      return found.length > limit ? [] : found;
    });
    return scope.isExact ? ids : ids.filter((id) => isInScope(scope, id));
  }

  /** The best by FTS5's own bm25, best first: visits all that match from `first` on. */
  best(index: IndexName, match: string, scope: Scope, first: number, limit: number): number[] {
    const { best } = this.#statements[index];
    return scope.ranges
      .filter(([, last]) => last >= first)
      .flatMap(([low, high]) => best.all(match, Math.max(low, first), high, limit))
      .filter((id) => isInScope(scope, id));
  }

  /** In how many passages of the scope a term is; near enough, when it was counted before. */
  frequency(term: Term, scope: Scope): number {
    const name = `${scope.key}\n${term.index}\n${term.match}`;
    const known = this.#frequencies.get(name);
    if (known && Math.abs(known.passages - scope.passages) <= FREQUENCY_DRIFT * known.passages) return known.frequency;
    const { count } = this.#statements[term.index];
    const frequency = scope.isExact
      ? scope.ranges.reduce((sum, [first, last]) => sum + (count.get(term.match, first, last) ?? 0), 0)
      : this.list(term.index, term.match, scope).length;
    if (this.#frequencies.size >= FREQUENCIES_MAX) this.#frequencies.clear();
    // A word that was nowhere may be in the next document.
    if (frequency > 0) this.#frequencies.set(name, { frequency, passages: scope.passages });
    return frequency;
  }
}
