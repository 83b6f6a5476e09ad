// What was spent by day, tenant, key and model: a row for each, kept up with the ledger. Budgets are read from here at the
// start: summing up a month of entries for each key would hold up everybody for seconds.

import type { Database } from '../storage/database.ts';
import { DAY_MS, dayOf, monthOf, startOfDay, startOfMonth } from './calendar.ts';
import { entriesBetween } from './ledger-blocks.ts';
import type { SettledEntry } from './ledger-row.ts';
import type { Amounts, Spent } from './limiter.ts';
import { boundScope, IN_MONTH, IN_SCOPE, isInScope, type NamesOf, type UsageScope } from './usage-scope.ts';

const ADD = `INSERT INTO ledger_day (day, tenant, key_id, model, tokens, cost) VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET tokens = tokens + excluded.tokens, cost = cost + excluded.cost`;

/** Only of days after a day. */
const SUM = `SELECT
    COALESCE(SUM(CASE WHEN day = @day THEN tokens END), 0) AS dayTokens,
    COALESCE(SUM(CASE WHEN day = @day THEN cost END), 0) AS dayCost,
    COALESCE(SUM(tokens), 0) AS monthTokens, COALESCE(SUM(cost), 0) AS monthCost
  FROM ledger_day WHERE ${IN_MONTH} AND day > @after AND ${IN_SCOPE}`;

/** Of days whose entries have gone. */
const PRUNE = 'DELETE FROM ledger_day WHERE day < ?';

interface Sum extends Pick<SettledEntry, 'tenant' | 'keyId' | 'model'> {
  readonly day: string;
  tokens: number;
  cost: number;
}

export class DaySums {
  readonly #database: Database;
  readonly #add;
  readonly #sum;
  readonly #prune;
  readonly #namesOf: NamesOf;

  constructor(database: Database, namesOf: NamesOf) {
    this.#database = database;
    this.#namesOf = namesOf;
    this.#add = database.prepare<(string | number)[]>(ADD);
    this.#sum = database.prepare<[object], Record<string, number>>(SUM);
    this.#prune = database.prepare<[string]>(PRUNE);
  }

  /** Inside the transaction that has entered these in the ledger. */
  add(entries: readonly SettledEntry[]): void {
    const sums = new Map<string, Sum>();
    let sum: Sum | undefined;
    for (const entry of entries) {
      const { inputTokens, outputTokens, cost } = entry;
      const tokens = inputTokens + outputTokens;
      if (tokens === 0 && !cost) continue;
      const day = dayOf(entry.startedAt);
      // Mostly that of the entry before: a name of its own for each costs more than all the rest.
      if (!sum || !isOf(sum, entry, day)) {
        const { tenant, keyId, model } = entry;
        const name = [day, tenant, keyId, model].join('\n');
        sum = sums.get(name) ?? { day, tenant, keyId, model, tokens: 0, cost: 0 };
        sums.set(name, sum);
      }
      sum.tokens += tokens;
      sum.cost += cost ?? 0;
    }
    for (const { day, tenant, keyId, model, tokens, cost } of sums.values()) {
      this.#add.run(day, tenant, keyId, model, tokens, cost);
    }
  }

  /** In the day and the month of a moment. */
  spent(scope: UsageScope, nowMs: number): Spent {
    return this.#spentAfter('', scope, nowMs);
  }

  /** The part of it since then: of a day's rest entry by entry, and of whole days what they are known to come to. */
  spentSince(scope: UsageScope, sinceMs: number, nowMs: number): Spent {
    if (sinceMs <= startOfMonth(monthOf(nowMs))) return this.spent(scope, nowMs);
    const firstDay = dayOf(sinceMs);
    const { day, month } = this.#spentAfter(firstDay, scope, nowMs);
    const rest = { tokens: 0, cost: 0 };
    for (const entry of entriesBetween(this.#database, sinceMs, startOfDay(firstDay) + DAY_MS)) {
      if (!isInScope(scope, entry, this.#namesOf)) continue;
      rest.tokens += entry.inputTokens + entry.outputTokens;
      rest.cost += entry.cost ?? 0;
    }
    const withRest = ({ tokens, cost }: Amounts): Amounts => ({ tokens: tokens + rest.tokens, cost: cost + rest.cost });
    return { day: firstDay === dayOf(nowMs) ? withRest(day) : day, month: withRest(month) };
  }

  #spentAfter(after: string, scope: UsageScope, nowMs: number): Spent {
    const bound = boundScope(this.#database, 'ledger_day', scope, monthOf(nowMs), this.#namesOf);
    const {
      dayTokens = 0,
      dayCost = 0,
      monthTokens = 0,
      monthCost = 0,
    } = this.#sum.get({ ...bound, day: dayOf(nowMs), after }) ?? {};
    return { day: { tokens: dayTokens, cost: dayCost }, month: { tokens: monthTokens, cost: monthCost } };
  }

  /** @param oldestAt when the oldest entry began: earlier days go */
  prune(oldestAt: number | undefined): void {
    if (oldestAt !== undefined) this.#prune.run(dayOf(oldestAt));
  }
}

function isOf(sum: Sum, { tenant, keyId, model }: SettledEntry, day: string): boolean {
  return sum.day === day && sum.tenant === tenant && sum.keyId === keyId && sum.model === model;
}
