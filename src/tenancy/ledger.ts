// The ledger: one entry a request, opened before anything is sent upstream and settled once with the truth.
//
// An entry is a line of the journal when `noteSent` returns, so that it survives the process once an upstream may have
// seen its request; a settled one follows before the next events are looked at, and becomes a row of gateway.db, many in
// one transaction, a moment later. At the next start, what the journal has settled and the table has not is entered, and
// what was sent and never settled is entered as `recovered`, with the estimate it was opened with. What was never sent
// cost nothing, and is forgotten with its process; so are kept answers of its last moment, which have no line.

import type { Usage } from '../model/chat.ts';
import type { Clock, Timer } from '../ports.ts';
import type { Database } from '../storage/database.ts';
import { type LineJournal, NO_JOURNAL } from '../storage/line-journal.ts';
import { DaySums, type Spending } from './day-sums.ts';
import { LedgerAge } from './ledger-age.ts';
import type { Spent } from './limiter.ts';
import { parseScope } from './usage-scope.ts';
import type { UsageShards } from './usage-shards.ts';

export interface OpenEntry {
  readonly requestId: string;
  readonly tenant: string;
  readonly keyId?: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
  readonly operation: string;
  readonly model: string;
  /** Names or fingerprints the prompt's template, never its text. */
  readonly prompt?: string | undefined;
  readonly estimatedInputTokens: number;
  readonly estimatedCost?: number | undefined;
}

/** `forwarded`: another node has answered, and has the usage in its own ledger. */
export type EntryStatus = 'done' | 'error' | 'aborted' | 'cached' | 'recovered' | 'forwarded';

export interface Settlement {
  readonly status: EntryStatus;
  readonly chain?: string | undefined;
  readonly target?: string | undefined;
  readonly provider?: string | undefined;
  readonly usage?: Usage | undefined;
  /** US dollars; absent while the price is unknown. */
  readonly cost?: number | undefined;
  readonly savedTokens?: number | undefined;
  readonly savedCost?: number | undefined;
  readonly attempts: number;
  readonly ttftMs?: number | undefined;
  readonly durationMs?: number | undefined;
  readonly error?: string | undefined;
}

export interface LedgerDeps {
  readonly database: Database;
  readonly clock: Clock;
  /** Absent: what is open when the process dies is forgotten. */
  readonly journal?: LineJournal;
  /** Sums that other nodes see. */
  readonly shards?: Pick<UsageShards, 'add'>;
  /** It cannot be written (a full disk, say). Requests go on, and it is tried again; somebody must be told. */
  readonly onFailure: (error: unknown) => void;
}

/** A row of the table, in the order of its columns. */
type Row = readonly (string | number | null)[];

interface Opened {
  /** Its first columns, then estimated tokens of the prompt and estimated cost. */
  readonly row: Row;
  /** It is in the journal. */
  readonly isSent: boolean;
}

const COLUMNS = 26;
const INSERT = `INSERT OR IGNORE INTO ledger
  (id, request_id, started_at, tenant, key_id, tags, operation, prompt, model, status, chain, target, provider,
   input_tokens, cached_tokens, cache_write_tokens, output_tokens, reasoning_tokens, is_estimated, cost, saved_tokens,
   saved_cost, attempts, ttft_ms, duration_ms, error)
  VALUES (${Array.from({ length: COLUMNS }, () => '?').join(', ')})`;

const PRUNE = 'DELETE FROM ledger WHERE id IN (SELECT id FROM ledger WHERE id <= ? ORDER BY id LIMIT ?)';
/** Deleted in some ten milliseconds, so that requests hardly wait. */
const PRUNED_MAX = 500;
/** How long a settled entry may wait for others to be entered with. */
const FLUSH_MS = 100;
/** A turn of the event loop may be long, and the process may die in it: more settlements than these do not wait for its end. */
const UNWRITTEN_MAX = 8;
/** How long to wait with a table that cannot be written. */
const RETRY_MS = 5_000;
/** Entered in about a millisecond. */
const FLUSHED_ROWS = 250;
/** Of a table that cannot be written, so many rows are held for the next try; all are in the journal. */
const HELD_ROWS_MAX = 50_000;
/** A journal longer than this, in characters, is written anew with what is still open. */
const JOURNAL_LENGTH_MAX = 4 * 1_048_576;

/** An open entry. */
export interface LedgerEntry {
  /** Its request is about to be written to an upstream. On disk when it returns, unless `onFailure` was told why not. */
  noteSent(): void;
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
  readonly #insert;
  readonly #prune;
  readonly #age: LedgerAge;
  readonly #sums: DaySums;
  readonly #open = new Map<number, Opened>();
  #settled: Row[] = [];
  /** What the journal does not have yet. */
  #lines = '';
  /** Settlements among them. */
  #unwritten = 0;
  #isTorn = false;
  /** A line of an open entry may be missing in the journal. */
  #isIncomplete = false;
  #timer: Timer | undefined;
  #lastId: number;

  constructor({ database, clock, journal = NO_JOURNAL, shards, onFailure }: LedgerDeps) {
    this.#database = database;
    this.#clock = clock;
    this.#journal = journal;
    this.#shards = shards;
    this.#onFailure = onFailure;
    this.#insert = database.prepare<(string | number | null)[]>(INSERT);
    this.#prune = database.prepare(PRUNE);
    this.#age = new LedgerAge(database, clock);
    this.#sums = new DaySums(database);
    const { rows, unreadable } = recover(journal.read());
    if (unreadable > 0) onFailure(new Error(`${unreadable} lines of the ledger's journal cannot be read.`));
    this.#settled = rows;
    const lastId = Math.max(lastIdOf(database), this.#age.lastId);
    this.#lastId = rows.reduce((last, [id]) => Math.max(last, Number(id)), lastId);
  }

  open(entry: OpenEntry): LedgerEntry {
    this.#lastId += 1;
    const id = this.#lastId;
    const columns = openColumns(id, this.#clock.now(), entry);
    this.#open.set(id, {
      row: [...columns, entry.estimatedInputTokens, entry.estimatedCost ?? null],
      isSent: false,
    });
    return {
      noteSent: () => this.#noteSent(id),
      moveTo: (model) => this.#moveTo(id, model),
      settle: (settlement) => this.#settle(id, settlement),
    };
  }

  /** The whole entry of a request that cost nothing, at its end. A crash may take it before it is in the table: no journal. */
  enter(entry: OpenEntry, settlement: Settlement): void {
    this.#lastId += 1;
    const startedAt = Math.round(this.#clock.now() - (settlement.durationMs ?? 0));
    const row = [...openColumns(this.#lastId, startedAt, entry), ...settledColumns(settlement)];
    this.#keep(row);
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
    if (this.#settled.length === 0) return;
    try {
      this.#database.transaction(() => {
        // What the table has already, it has from before a crash.
        const entered = this.#settled.filter((row) => this.#insert.run(...row).changes > 0);
        this.#sums.add(entered.map(spendingOf));
        this.#shards?.add(entered.map(([id]) => Number(id)));
      })();
      this.#settled = [];
      this.#forgetLines();
      this.#shortenJournal();
    } catch (error) {
      this.#onFailure(error);
      this.#write();
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

  /** Forgets entries older than this, the oldest first and at most so many; returns how many. */
  prune(retentionMs: number, entriesMax = PRUNED_MAX): number {
    this.#age.pass(this.#lastId);
    const lastId = this.#age.olderThan(retentionMs);
    if (lastId === undefined) return 0;
    const { changes } = this.#prune.run(lastId, entriesMax);
    if (changes === 0) {
      this.#age.forget(retentionMs);
      this.#sums.prune();
    }
    return changes;
  }

  #noteSent(id: number): void {
    const opened = this.#open.get(id);
    if (!opened || opened.isSent) return;
    this.#open.set(id, { ...opened, isSent: true });
    this.#note(opened.row);
    this.#write();
  }

  #moveTo(id: number, model: string): void {
    const opened = this.#open.get(id);
    if (!opened) return;
    const moved = { ...opened, row: opened.row.toSpliced(MODEL_COLUMN, 1, model) };
    this.#open.set(id, moved);
    if (!moved.isSent) return;
    this.#note(moved.row);
    this.#write();
  }

  #settle(id: number, settlement: Settlement): void {
    const opened = this.#open.get(id);
    if (!opened) return;
    this.#open.delete(id);
    const settled = settledColumns(settlement);
    const row = [...opened.row.slice(0, ESTIMATE_COLUMN), ...settled];
    this.#note(opened.isSent && !this.#isIncomplete ? [id, ...settled] : row);
    this.#keep(row);
  }

  #keep(row: Row): void {
    this.#settled.push(row);
    this.#writeSoon();
    if (this.#settled.length >= FLUSHED_ROWS && this.#timer) this.flush();
    else if (!this.#timer) this.#flushIn(FLUSH_MS);
  }

  #flushIn(delayMs: number): void {
    this.#timer = this.#clock.after(delayMs, () => this.flush());
  }

  #note(row: Row): void {
    if (this.#journal !== NO_JOURNAL) this.#lines += `${JSON.stringify(row)}\n`;
  }

  /** A few settlements of one turn of the event loop are one write; the next `noteSent` takes them along, too. */
  #writeSoon(): void {
    if (this.#lines === '') return;
    this.#unwritten += 1;
    if (this.#unwritten >= UNWRITTEN_MAX) this.#write();
    else if (this.#unwritten === 1) this.#clock.soon(() => this.#write());
  }

  #write(): void {
    if (this.#lines === '') return;
    try {
      // What an earlier write left unfinished must not swallow the line after it.
      this.#journal.append(this.#isTorn ? `\n${this.#lines}` : this.#lines);
      this.#isTorn = false;
    } catch (error) {
      this.#isTorn = true;
      this.#isIncomplete = true;
      this.#onFailure(error);
    }
    this.#forgetLines();
  }

  #forgetLines(): void {
    this.#lines = '';
    this.#unwritten = 0;
  }

  /** All that is settled is in the table: only what is open must stay. */
  #shortenJournal(): void {
    if (this.#open.size > 0 && this.#journal.length < JOURNAL_LENGTH_MAX) return;
    const sent = [...this.#open.values()].filter(({ isSent }) => isSent);
    this.#journal.replace(sent.map(({ row }) => `${JSON.stringify(row)}\n`).join(''));
    this.#isIncomplete = false;
  }
}

const STARTED_COLUMN = 2;
const TENANT_COLUMN = 3;
const KEY_COLUMN = 4;
const MODEL_COLUMN = 8;
const INPUT_COLUMN = 13;
const OUTPUT_COLUMN = 16;
const COST_COLUMN = 19;
/** Up to here an open entry and a settled one have the same columns. */
const ESTIMATE_COLUMN = 9;
const OPEN_COLUMNS = ESTIMATE_COLUMN + 2;
/** The id, and what is known only at the end. */
const SETTLED_COLUMNS = 1 + COLUMNS - ESTIMATE_COLUMN;

function spendingOf(row: Row): Spending {
  return {
    at: Number(row[STARTED_COLUMN]),
    tenant: String(row[TENANT_COLUMN]),
    keyId: String(row[KEY_COLUMN] ?? ''),
    model: String(row[MODEL_COLUMN]),
    tokens: Number(row[INPUT_COLUMN]) + Number(row[OUTPUT_COLUMN]),
    cost: Number(row[COST_COLUMN] ?? 0),
  };
}

function openColumns(id: number, startedAt: number, entry: OpenEntry): Row {
  return [
    id,
    entry.requestId,
    startedAt,
    entry.tenant,
    entry.keyId ?? null,
    tagsText(entry.tags),
    entry.operation,
    entry.prompt ?? null,
    entry.model,
  ];
}

function settledColumns(settlement: Settlement): Row {
  const { usage } = settlement;
  return [
    settlement.status,
    settlement.chain ?? null,
    settlement.target ?? null,
    settlement.provider ?? null,
    usage?.inputTokens ?? 0,
    usage?.cachedInputTokens ?? 0,
    usage?.cacheWriteTokens ?? 0,
    usage?.outputTokens ?? 0,
    usage?.reasoningTokens ?? 0,
    usage?.isEstimated ? 1 : 0,
    settlement.cost ?? null,
    settlement.savedTokens ?? 0,
    settlement.savedCost ?? null,
    settlement.attempts,
    settlement.ttftMs ?? null,
    settlement.durationMs ?? null,
    settlement.error ?? null,
  ];
}

/** What a journal holds of entries, as rows of the table; an entry's later line replaces or completes its earlier one. */
function recover(lines: readonly string[]): { readonly rows: Row[]; readonly unreadable: number } {
  const rows = new Map<unknown, Row>();
  let unreadable = 0;
  for (const line of lines) {
    if (line === '') continue;
    const noted = notedRow(line);
    const row = noted && completed(noted, rows.get(noted[0]));
    if (row) rows.set(row[0], row);
    else unreadable += 1;
  }
  return { rows: [...rows.values()], unreadable };
}

function completed(noted: Row, before: Row | undefined): Row | undefined {
  switch (noted.length) {
    case OPEN_COLUMNS:
      return recoveredRow(noted);
    case SETTLED_COLUMNS:
      return before && [...before.slice(0, ESTIMATE_COLUMN), ...noted.slice(1)];
    case COLUMNS:
      return noted;
    default:
      return undefined;
  }
}

function notedRow(line: string): Row | undefined {
  try {
    return JSON.parse(line) as Row;
  } catch {
    // The write was cut short; the caller counts it.
    return undefined;
  }
}

/** Nobody knows how it ended: the estimate is the best there is. */
function recoveredRow(opened: Row): Row {
  const [inputTokens = 0, cost = null] = opened.slice(ESTIMATE_COLUMN);
  return [
    ...opened.slice(0, ESTIMATE_COLUMN),
    ...['recovered', null, null, null, inputTokens, 0, 0, 0, 0, 1, cost, 0, null, 0, null, null, null],
  ];
}

function lastIdOf(database: Database): number {
  return database.prepare<[], { id: number }>('SELECT COALESCE(MAX(id), 0) AS id FROM ledger').get()?.id ?? 0;
}

function tagsText(tags: OpenEntry['tags']): string | null {
  for (const _ in tags) return JSON.stringify(tags);
  return null;
}
