// The ledger: one entry a request, opened before anything is sent upstream and settled once with the truth.
//
// An entry is noted in the journal when `noteSent` returns, so that it survives the process once an upstream may have
// seen its request; a settled one follows before the next events are looked at, and is entered in gateway.db, many in
// one row, a moment later. At the next start, what the journal has settled and the table has not is entered, and
// what was sent and never settled is entered as `recovered`, with the estimate it was opened with. What was never sent
// cost nothing, and is forgotten with its process; so are kept answers of its last moment, which have no line.

import type { Clock, Timer } from '../ports.ts';
import type { Database } from '../storage/database.ts';
import { type LineJournal, NO_JOURNAL } from '../storage/line-journal.ts';
import { DaySums } from './day-sums.ts';
import { LedgerAge } from './ledger-age.ts';
import { LedgerBlocks } from './ledger-blocks.ts';
import {
  type Columns,
  endingOf,
  idOf,
  joined,
  type OpenEntry,
  openingNote,
  openingOf,
  recoverRows,
  type Settlement,
  settledEntry,
} from './ledger-row.ts';
import type { Spent } from './limiter.ts';
import { type NamesOf, ONLY_ITSELF, parseScope } from './usage-scope.ts';
import type { UsageShards } from './usage-shards.ts';

export interface LedgerDeps {
  readonly database: Database;
  readonly clock: Clock;
  /** Absent: what is open when the process dies is forgotten. */
  readonly journal?: LineJournal;
  /** Sums that other nodes see. */
  readonly shards?: Pick<UsageShards, 'add'>;
  /** What models are called that single limits hold for. */
  readonly namesOf?: NamesOf;
  /** It cannot be written (a full disk, say). Requests go on, and it is tried again; somebody must be told. */
  readonly onFailure: (error: unknown) => void;
}

/** An entry that is not settled. */
interface Running {
  opening: Columns;
  readonly entry: OpenEntry;
  /** Among those in the journal; undefined before it is there. */
  place: number | undefined;
  isSettled: boolean;
}

/** Deleted in some ten milliseconds, so that requests hardly wait. */
const PRUNED_MAX = 500;
/** How long a settled entry may wait for others to be entered with. */
const FLUSH_MS = 100;
/** How long to wait with a table that cannot be written. */
const RETRY_MS = 5_000;
/** A block of the table; entered in a fraction of a millisecond. */
const FLUSHED_ROWS = 250;
/** Of a table that cannot be written, so many rows are held for the next try; all are in the journal. */
const HELD_ROWS_MAX = 50_000;
/** A journal longer than this, in characters, is written anew with what is still open. */
const JOURNAL_LENGTH_MAX = 4 * 1_048_576;

/** An open entry. */
export interface LedgerEntry {
  /**
   * Its request is about to be written to an upstream. On disk when it returns, unless `onFailure` was told why not.
   * @param isMore the same of another entry follows at once, which writes down both
   */
  noteSent(isMore?: boolean): void;
  /** The request goes on under another model name of its client. */
  moveTo(model: string): void;
  /** Call once; a second settlement changes nothing. */
  settle(settlement: Settlement): void;
}

export class Ledger {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #journal: LineJournal;
  readonly #shards: LedgerDeps['shards'];
  readonly #onFailure: (error: unknown) => void;
  readonly #blocks: LedgerBlocks;
  readonly #age: LedgerAge;
  readonly #sums: DaySums;
  /** Those in the journal whose requests still run. A list: the tables of a set that comes and goes are garbage. */
  readonly #sent: Running[] = [];
  /** In the journal, and not in the table yet; the same as text. */
  #settled: Columns[] = [];
  #texts: string[] = [];
  /** The table may have some of the settled ones: from before a crash, or of a commit that seemed to fail. */
  #isUncertain = true;
  /** What the journal does not have yet. */
  #openings: Columns[] = [];
  #ended: Columns[] = [];
  #isTorn = false;
  #timer: Timer | undefined;
  #lastId: number;

  constructor({ database, clock, journal = NO_JOURNAL, shards, namesOf = ONLY_ITSELF, onFailure }: LedgerDeps) {
    this.#database = database;
    this.#clock = clock;
    this.#journal = journal;
    this.#shards = shards;
    this.#onFailure = onFailure;
    this.#blocks = new LedgerBlocks(database);
    this.#age = new LedgerAge(database, clock);
    this.#sums = new DaySums(database, namesOf);
    const { rows, unreadable } = recoverRows(journal.read());
    if (unreadable > 0) onFailure(new Error(`${unreadable} lines of the ledger's journal cannot be read.`));
    this.#settled = rows;
    const lastId = Math.max(this.#blocks.lastId(), this.#age.lastId);
    this.#lastId = rows.reduce((last, row) => Math.max(last, idOf(row)), lastId);
  }

  open(entry: OpenEntry): LedgerEntry {
    this.#lastId += 1;
    const id = this.#lastId;
    const startedAt = this.#clock.now();
    const opening = openingOf(id, startedAt, entry);
    const running: Running = { opening, entry, place: undefined, isSettled: false };
    return {
      noteSent: (isMore = false) => this.#noteSent(running, isMore),
      moveTo: (model) => this.#move(running, openingOf(id, startedAt, entry, model)),
      settle: (settlement) => this.#settle(running, settlement),
    };
  }

  /** The whole entry of a request that cost nothing, at its end: nothing had to be on disk before it. */
  enter(entry: OpenEntry, settlement: Settlement): void {
    this.#lastId += 1;
    const startedAt = Math.round(this.#clock.now() - (settlement.durationMs ?? 0));
    this.#end(openingOf(this.#lastId, startedAt, entry), settlement);
  }

  /**
   * What a scope (`tenant:acme`, `key:k`, `key:k model:gpt-*`) has used in the running day and month. Entries of a time
   * when the clock was ahead belong to their own day.
   */
  spent(name: string): Spent {
    this.flush();
    return this.#sums.spent(parseScope(name), this.#clock.now());
  }

  /** The part of it since then. */
  spentSince(name: string, sinceMs: number): Spent {
    this.flush();
    return this.#sums.spentSince(parseScope(name), sinceMs, this.#clock.now());
  }

  /** Enters what is settled in the table. Call it when the node is built: then what a crash left can be told to others. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#write();
    if (this.#settled.length === 0) return;
    try {
      this.#database.transaction(() => {
        const rows = this.#isUncertain ? this.#blocks.lackingOf(this.#settled) : this.#settled;
        if (rows.length === 0) return;
        const entries = rows.map(settledEntry);
        this.#blocks.add(entries, this.#isUncertain ? JSON.stringify(rows) : joined(this.#texts));
        this.#sums.add(entries);
        this.#shards?.add(entries);
      })();
      this.#settled = [];
      this.#texts = [];
      this.#isUncertain = false;
      this.#shortenJournal();
    } catch (error) {
      this.#isUncertain = true;
      this.#onFailure(error);
      this.#texts = [];
      this.#settled.splice(0, this.#settled.length - HELD_ROWS_MAX);
      this.#flushIn(RETRY_MS);
    }
  }

  /** Enters what is settled; what is open stays in the journal for the next start. */
  close(): void {
    this.flush();
    this.#timer?.cancel();
    this.#journal.close();
  }

  /** Forgets entries older than this, the oldest first and at most so many, but for a block of more; returns how many. */
  prune(retentionMs: number, entriesMax = PRUNED_MAX): number {
    this.#age.pass(this.#lastId);
    const lastId = this.#age.olderThan(retentionMs);
    if (lastId === undefined) return 0;
    const count = this.#blocks.prune(lastId, entriesMax);
    if (count === 0) {
      this.#age.forget(retentionMs);
      this.#sums.prune(this.#blocks.oldestAt());
    }
    return count;
  }

  #noteSent(running: Running, isMore: boolean): void {
    if (running.place === undefined && !running.isSettled) {
      running.place = this.#sent.push(running) - 1;
      this.#noteOpening(running);
    }
    if (!isMore) this.#write();
  }

  #move(running: Running, opening: Columns): void {
    if (running.isSettled) return;
    running.opening = opening;
    if (running.place === undefined) return;
    this.#noteOpening(running);
    this.#write();
  }

  #settle(running: Running, settlement: Settlement): void {
    if (running.isSettled) return;
    running.isSettled = true;
    if (running.place !== undefined) this.#leave(running.place);
    this.#end(running.opening, settlement);
  }

  /** The last one takes its place. */
  #leave(place: number): void {
    const last = this.#sent.pop();
    if (!last || last.place === place) return;
    last.place = place;
    this.#sent[place] = last;
  }

  #noteOpening({ opening, entry }: Running): void {
    this.#openings.push(openingNote(opening, entry));
  }

  /** The journal gets the whole entry once more: then its text is the table's, too. */
  #end(opening: Columns, settlement: Settlement): void {
    // All settlements of one turn of the event loop are one write; the next `noteSent` takes them along, too.
    if (this.#ended.length === 0) this.#clock.soon(() => this.#write(), 'journal');
    this.#ended.push([...opening, ...endingOf(settlement)]);
    if (!this.#timer) this.#flushIn(FLUSH_MS);
    else if (this.#settled.length + this.#ended.length === FLUSHED_ROWS) this.#clock.soon(() => this.flush());
  }

  #flushIn(delayMs: number): void {
    this.#timer = this.#clock.after(delayMs, () => this.flush());
  }

  #write(): void {
    const lines: string[] = [];
    if (this.#openings.length > 0) lines.push(JSON.stringify(this.#openings));
    if (this.#ended.length > 0) {
      const text = JSON.stringify(this.#ended);
      lines.push(text);
      this.#texts.push(text);
      this.#settled.push(...this.#ended);
    }
    if (lines.length === 0) return;
    this.#openings = [];
    this.#ended = [];
    try {
      // What an earlier write left unfinished must not swallow the line after it.
      this.#journal.append(`${this.#isTorn ? '\n' : ''}${lines.join('\n')}\n`);
      this.#isTorn = false;
    } catch (error) {
      this.#isTorn = true;
      this.#onFailure(error);
    }
  }

  /** All that is settled is in the table: only what is open must stay. */
  #shortenJournal(): void {
    if (this.#sent.length > 0 && this.#journal.length < JOURNAL_LENGTH_MAX) return;
    const notes = this.#sent.map(({ opening, entry }) => openingNote(opening, entry));
    this.#journal.replace(notes.length === 0 ? '' : `${JSON.stringify(notes)}\n`);
  }
}
