// What was spent by day, tenant, key and model: a row for each, kept up with the ledger. Budgets are read from here at the
// start: summing up a month of entries for each key would hold up everybody for seconds.

import type { Database } from '../storage/database.ts';
import { dayOf, monthOf, startOfDay, startOfMonth, untilNext } from './calendar.ts';
import type { Amounts, Spent } from './limiter.ts';
import { IN_SCOPE, type UsageScope } from './usage-scope.ts';

export interface Spending extends Amounts {
  /** When its request was admitted. */
  readonly at: number;
  readonly tenant: string;
  /** Empty for anonymous clients. */
  readonly keyId: string;
  readonly model: string;
}

const ADD = `INSERT INTO ledger_day (day, tenant, key_id, model, tokens, cost) VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET tokens = tokens + excluded.tokens, cost = cost + excluded.cost`;

/** Days of a month, as text, lie between its name and this. */
const SUM = `SELECT
    COALESCE(SUM(CASE WHEN day = @day THEN tokens END), 0) AS dayTokens,
    COALESCE(SUM(CASE WHEN day = @day THEN cost END), 0) AS dayCost,
    COALESCE(SUM(tokens), 0) AS monthTokens, COALESCE(SUM(cost), 0) AS monthCost
  FROM ledger_day WHERE day >= @month AND day < @month || '-99' AND ${IN_SCOPE}`;

/** From the entries themselves. */
const SUM_BETWEEN = `SELECT COALESCE(SUM(input_tokens + output_tokens), 0) AS tokens, COALESCE(SUM(cost), 0) AS cost
  FROM ledger WHERE started_at >= @since AND started_at < @until AND ${IN_SCOPE}`;

/** Of days whose entries have gone. */
const PRUNE = `DELETE FROM ledger_day
  WHERE day < (SELECT strftime('%Y-%m-%d', MIN(started_at) / 1000, 'unixepoch') FROM ledger)`;

export class DaySums {
  readonly #add;
  readonly #sum;
  readonly #sumBetween;
  readonly #prune;

  constructor(database: Database) {
    this.#add = database.prepare<(string | number)[]>(ADD);
    this.#sum = database.prepare<[object], Record<string, number>>(SUM);
    this.#sumBetween = database.prepare<[object], Amounts>(SUM_BETWEEN);
    this.#prune = database.prepare(PRUNE);
  }

  /** Inside the transaction that has entered these in the ledger. */
  add(spendings: readonly Spending[]): void {
    const sums = new Map<string, { readonly of: readonly string[]; tokens: number; cost: number }>();
    for (const { at, tenant, keyId, model, tokens, cost } of spendings) {
      if (tokens === 0 && cost === 0) continue;
      const of = [dayOf(at), tenant, keyId, model];
      const name = of.join('\n');
      const sum = sums.get(name) ?? { of, tokens: 0, cost: 0 };
      sum.tokens += tokens;
      sum.cost += cost;
      sums.set(name, sum);
    }
    for (const { of, tokens, cost } of sums.values()) this.#add.run(...of, tokens, cost);
  }

  /** In the day and the month of a moment. */
  spent(scope: UsageScope, nowMs: number): Spent {
    const {
      dayTokens = 0,
      dayCost = 0,
      monthTokens = 0,
      monthCost = 0,
    } = this.#sum.get({ ...scope, day: dayOf(nowMs), month: monthOf(nowMs) }) ?? {};
    return { day: { tokens: dayTokens, cost: dayCost }, month: { tokens: monthTokens, cost: monthCost } };
  }

  /** The part of it since then: reads as many entries as there are. */
  spentSince(scope: UsageScope, sinceMs: number, nowMs: number): Spent {
    const sum = (start: number, leftMs: number): Amounts =>
      this.#sumBetween.get({ ...scope, since: Math.max(sinceMs, start), until: nowMs + leftMs }) ?? NOTHING;
    return {
      day: sum(startOfDay(dayOf(nowMs)), untilNext('day', nowMs)),
      month: sum(startOfMonth(monthOf(nowMs)), untilNext('month', nowMs)),
    };
  }

  prune(): void {
    this.#prune.run();
  }
}

const NOTHING: Amounts = { tokens: 0, cost: 0 };
