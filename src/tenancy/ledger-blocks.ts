// Settled entries in gateway.db, as many in a row as were settled in a moment: one JSON list, which costs each of them a
// tenth of a row of its own. Whoever reads them goes through all of the time asked for; the SQL view `ledger` shows them
// as rows to other tools.

import type { Database } from '../storage/database.ts';
import { type Columns, idOf, type SettledEntry, settledEntry, startedAtOf } from './ledger-row.ts';

interface Bounds {
  readonly lastId: number;
  readonly count: number;
}

/** In the order of the index by time. */
interface BlockOfTime {
  readonly lastAt: number;
  readonly firstAt: number;
  readonly lastId: number;
  readonly entries: string;
}

const INSERT = 'INSERT INTO ledger_block (last_id, count, first_at, last_at, entries) VALUES (?, ?, ?, ?, ?)';
const OLDEST = 'SELECT last_id AS lastId, count FROM ledger_block WHERE last_id <= ? ORDER BY last_id LIMIT ?';

const LAST_ID = 'SELECT COALESCE(MAX(last_id), 0) FROM ledger_block';
const BLOCK = 'SELECT last_at AS lastAt, first_at AS firstAt, last_id AS lastId, entries FROM ledger_block';
/**
 * Those of a span of time, from where the last of them was: the rest of its moment, then what is later. As one comparison
 * all blocks of a moment would be gone through for each step within it.
 */
const NEXT = `SELECT * FROM (${BLOCK}
    WHERE last_at = @lastAt AND first_at = @firstAt AND last_id > @lastId AND first_at < @until AND last_id <= @lastIdMax
    ORDER BY last_id LIMIT @blocksMax)
  UNION ALL SELECT * FROM (${BLOCK}
    WHERE (last_at, first_at) > (@lastAt, @firstAt) AND first_at < @until AND last_id <= @lastIdMax
    ORDER BY last_at, first_at, last_id LIMIT @blocksMax)
  LIMIT @blocksMax`;
/** Of at most 250 entries each, but for those of a table that could not be written for long. */
const SLICE_BLOCKS = 12;

export class LedgerBlocks {
  readonly #database: Database;
  readonly #insert;

  constructor(database: Database) {
    this.#database = database;
    this.#insert = database.prepare<(number | string)[]>(INSERT);
  }

  /**
   * One block.
   * @param text the entries' rows as JSON
   */
  add(entries: readonly SettledEntry[], text: string): void {
    let [lastId, firstAt, lastAt] = [0, Number.MAX_SAFE_INTEGER, 0];
    for (const { id, startedAt } of entries) {
      lastId = Math.max(lastId, id);
      firstAt = Math.min(firstAt, startedAt);
      lastAt = Math.max(lastAt, startedAt);
    }
    this.#insert.run(lastId, entries.length, firstAt, lastAt, text);
  }

  /** Those of them that are not in the table. */
  lackingOf(rows: readonly Columns[]): Columns[] {
    const firstId = rows.reduce((first, row) => Math.min(first, idOf(row)), Number.MAX_SAFE_INTEGER);
    const known = new Set<unknown>();
    const later = this.#database
      .prepare<[number], string>('SELECT entries FROM ledger_block WHERE last_id >= ?')
      .pluck();
    for (const block of later.iterate(firstId)) for (const [id] of columnsOf(block)) known.add(id);
    return rows.filter((row) => !known.has(idOf(row)));
  }

  /** Of all entries that there are. */
  lastId(): number {
    return this.#database.prepare<[], number>(LAST_ID).pluck().get() ?? 0;
  }

  /** When the oldest entry began; undefined when there is none. */
  oldestAt(): number | undefined {
    return (
      this.#database.prepare<[], number | null>('SELECT MIN(first_at) FROM ledger_block').pluck().get() ?? undefined
    );
  }

  /** Deletes blocks that end with this entry or an earlier one: one, or several of so many entries; returns how many. */
  prune(lastId: number, entriesMax: number): number {
    let pruned: Bounds = { lastId: 0, count: 0 };
    for (const block of this.#database.prepare<number[], Bounds>(OLDEST).all(lastId, entriesMax)) {
      const count = pruned.count + block.count;
      if (pruned.count > 0 && count > entriesMax) break;
      pruned = { lastId: block.lastId, count };
    }
    if (pruned.count > 0) this.#database.prepare('DELETE FROM ledger_block WHERE last_id <= ?').run(pruned.lastId);
    return pruned.count;
  }
}

/** The entries whose requests began at this time or later, and before the other. */
export function* entriesBetween(database: Database, since: number, until: number): Generator<SettledEntry> {
  for (const slice of entriesInSlices(database, since, until)) yield* slice;
}

/**
 * The same, so many at a time as take some milliseconds. Between two slices others may work, and write to the ledger: what
 * is entered then may be left out.
 */
export function* entriesInSlices(database: Database, since: number, until: number): Generator<SettledEntry[]> {
  for (const slice of rowsInSlices(database, since, until)) yield slice.map(settledEntry);
}

/**
 * The same with all of their columns.
 * @param blocksMax of a slice
 */
export function* rowsInSlices(
  database: Database,
  since: number,
  until: number,
  blocksMax = SLICE_BLOCKS,
): Generator<Columns[]> {
  const next = database.prepare<object[], BlockOfTime>(NEXT);
  const lastIdMax = database.prepare<[], number>(LAST_ID).pluck().get() ?? 0;
  let place: Omit<BlockOfTime, 'entries'> = { lastAt: since, firstAt: Number.MIN_SAFE_INTEGER, lastId: 0 };
  for (;;) {
    const blocks = next.all({ ...place, until, lastIdMax, blocksMax });
    const last = blocks.at(-1);
    if (!last) return;
    place = { lastAt: last.lastAt, firstAt: last.firstAt, lastId: last.lastId };
    const isAsked = (columns: Columns): boolean => startedAtOf(columns) >= since && startedAtOf(columns) < until;
    yield blocks.flatMap(({ entries }) => columnsOf(entries).filter(isAsked));
  }
}

function columnsOf(block: string): readonly Columns[] {
  return JSON.parse(block) as Columns[];
}
