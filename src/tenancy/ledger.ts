// The ledger: one entry a request, opened before anything is sent upstream and settled once with the truth.
//
// All writes of one turn of the event loop make one transaction, so a busy node pays for one commit, not for hundreds.
// An opened entry is on disk before its request leaves; whatever a crash leaves open is settled as `recovered` at the
// next start, with the estimate it was opened with.

import type { Usage } from '../model/chat.ts';
import type { Clock } from '../ports.ts';
import type { Database } from '../storage/database.ts';
import { dayOf, monthOf, startOfDay, startOfMonth } from './calendar.ts';
import type { Amounts, Spent } from './limiter.ts';

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

export type EntryStatus = 'done' | 'error' | 'aborted' | 'cached' | 'recovered';

export interface Settlement {
  readonly requestId: string;
  readonly status: EntryStatus;
  readonly chain?: string | undefined;
  readonly target?: string | undefined;
  readonly provider?: string | undefined;
  readonly usage?: Usage | undefined;
  /** US dollars; absent while the price is unknown. */
  readonly cost?: number | undefined;
  readonly savedTokens?: number;
  readonly savedCost?: number | undefined;
  readonly attempts: number;
  readonly ttftMs?: number | undefined;
  readonly durationMs?: number | undefined;
  readonly error?: string | undefined;
}

const OPEN = `INSERT OR IGNORE INTO ledger
  (request_id, started_at, status, tenant, key_id, tags, operation, prompt, model, input_tokens, is_estimated, cost)
  VALUES (?, ?, 'open', ?, ?, ?, ?, ?, ?, ?, 1, ?)`;

/** `status = 'open'` is what makes settling happen once. */
const SETTLE = `UPDATE ledger SET status = ?, chain = ?, target = ?, provider = ?, input_tokens = ?, cached_tokens = ?,
  cache_write_tokens = ?, output_tokens = ?, reasoning_tokens = ?, is_estimated = ?, cost = ?, saved_tokens = ?,
  saved_cost = ?, attempts = ?, ttft_ms = ?, duration_ms = ?, error = ? WHERE request_id = ? AND status = 'open'`;

const PRUNE = `DELETE FROM ledger WHERE request_id IN
  (SELECT request_id FROM ledger WHERE started_at < ? AND status <> 'open' ORDER BY started_at LIMIT ?)`;
/** Deleted in some ten milliseconds, so that requests hardly wait. */
const PRUNED_MAX = 500;

export class Ledger {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #open;
  readonly #settle;
  readonly #prune;
  #queue: (() => void)[] = [];
  #waiting: { resolve(): void; reject(error: unknown): void }[] = [];
  #isScheduled = false;
  /** Tells apart what one process enters under the same request id. */
  #repeats = 0;

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
    this.#open = database.prepare(OPEN);
    this.#settle = database.prepare(SETTLE);
    this.#prune = database.prepare(PRUNE);
    database.prepare("UPDATE ledger SET status = 'recovered' WHERE status = 'open'").run();
  }

  /**
   * Resolves with the entry's id when it is on disk; rejects when it cannot be (disk full). Clients may choose request
   * ids: one that is taken gets an ending, or the second request of an id would go unrecorded.
   */
  async open(entry: OpenEntry): Promise<string> {
    const startedAt = this.#clock.now();
    let { requestId } = entry;
    const insert = (): number =>
      this.#open.run(
        requestId,
        startedAt,
        entry.tenant,
        entry.keyId ?? null,
        Object.keys(entry.tags).length === 0 ? null : JSON.stringify(entry.tags),
        entry.operation,
        entry.prompt ?? null,
        entry.model,
        entry.estimatedInputTokens,
        entry.estimatedCost ?? null,
      ).changes;
    await this.#write(() => {
      if (insert() > 0) return;
      this.#repeats += 1;
      requestId = `${entry.requestId}~${startedAt.toString(36)}${this.#repeats.toString(36)}`;
      insert();
    });
    return requestId;
  }

  /** Resolves when it is on disk. A second settlement of the same request changes nothing. */
  settle(settlement: Settlement): Promise<void> {
    const { usage } = settlement;
    return this.#write(() => {
      this.#settle.run(
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
        settlement.requestId,
      );
    });
  }

  /** What a scope (`tenant:acme`, `key:k`, `key:k model:gpt-*`) has used in the running day and month. */
  spent(name: string): Spent {
    const scope = parseScope(name);
    const now = this.#clock.now();
    return {
      day: this.#sum(scope, startOfDay(dayOf(now))),
      month: this.#sum(scope, startOfMonth(monthOf(now))),
    };
  }

  /** Writes what is queued now. */
  flush(): void {
    const queue = this.#queue;
    const waiting = this.#waiting;
    this.#queue = [];
    this.#waiting = [];
    this.#isScheduled = false;
    if (queue.length === 0) return;
    try {
      this.#database.transaction(() => {
        for (const write of queue) write();
      })();
      for (const { resolve } of waiting) resolve();
    } catch (error) {
      for (const { reject } of waiting) reject(error);
    }
  }

  /** Forgets entries older than this, the oldest first and at most so many; returns how many. */
  prune(retentionMs: number, entriesMax = PRUNED_MAX): number {
    return this.#prune.run(this.#clock.now() - retentionMs, entriesMax).changes;
  }

  #write(write: () => void): Promise<void> {
    this.#queue.push(write);
    if (!this.#isScheduled) {
      this.#isScheduled = true;
      this.#clock.soon(() => this.flush());
    }
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  #sum(scope: Scope, since: number): Amounts {
    const row = this.#database
      .prepare<unknown[], { tokens: number; cost: number }>(
        `SELECT COALESCE(SUM(input_tokens + output_tokens), 0) AS tokens, COALESCE(SUM(cost), 0) AS cost FROM ledger
         WHERE started_at >= ? AND (? IS NULL OR tenant = ?) AND (? IS NULL OR key_id = ?) AND (? IS NULL OR model GLOB ?)`,
      )
      .get(
        since,
        scope.tenant ?? null,
        scope.tenant ?? null,
        scope.keyId ?? null,
        scope.keyId ?? null,
        scope.model ?? null,
        scope.model ?? null,
      );
    return { tokens: row?.tokens ?? 0, cost: row?.cost ?? 0 };
  }
}

interface Scope {
  readonly tenant?: string;
  readonly keyId?: string;
  /** A name, or a beginning followed by `*`. */
  readonly model?: string;
}

function parseScope(name: string): Scope {
  const [, kind, id = '', model] = /^(tenant|key):(\S+)(?: model:(.+))?$/.exec(name) ?? [];
  return { ...(kind === 'tenant' ? { tenant: id } : { keyId: id }), ...(model !== undefined && { model }) };
}
