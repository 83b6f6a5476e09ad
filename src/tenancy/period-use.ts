// What a scope has used and holds in the running day and month. A request belongs to the day and month in which it was
// admitted, as in the ledger: what it held is given back there, and what it used is charged there, also when they are
// over by then. The wall clock may be set: periods that were left are remembered, so that going back to one of them is no
// new budget.

import { dayOf, monthOf } from './calendar.ts';
import type { Period } from './escrow.ts';
import type { Amounts, Spent } from './limiter.ts';

/** Names of the day and the month of one moment. */
export type Periods = Readonly<Record<Period, string>>;

let lastPeriods: Periods = { day: '', month: '' };

/** Nearly always those asked for last. */
export function periodsOf(nowMs: number): Periods {
  const day = dayOf(nowMs);
  if (day !== lastPeriods.day) lastPeriods = { day, month: monthOf(nowMs) };
  return lastPeriods;
}

interface Use {
  tokens: number;
  cost: number;
}

/** Days and months together; a running request may be of the day before. */
const REMEMBERED_MAX = 8;

export class PeriodUse {
  readonly #spentBefore: () => Spent;
  /** By day (`2026-11-22`) and by month (`2026-11`), those begun last at the end. */
  readonly #uses = new Map<string, Use>();
  readonly #newest: Record<Period, string>;

  /** @param spentBefore in the running periods, as kept elsewhere */
  constructor(now: Periods, spentBefore: () => Spent) {
    this.#spentBefore = spentBefore;
    this.#newest = { ...now };
    const { day, month } = spentBefore();
    this.#uses.set(now.month, { ...month });
    this.#uses.set(now.day, { ...day });
  }

  /** In a running period. */
  of(period: Period, now: Periods): Amounts {
    const name = now[period];
    return this.#known(period, name) ?? this.#begin(name, this.#spentBefore()[period]);
  }

  /** Adds to the periods of a moment; those that are forgotten are read anew when the clock is back in them. */
  add(amounts: Amounts, at: Periods): void {
    this.#addTo('day', amounts, at);
    this.#addTo('month', amounts, at);
  }

  #addTo(period: Period, { tokens, cost }: Amounts, at: Periods): void {
    const use = this.#known(period, at[period]);
    if (!use) return;
    use.tokens += tokens;
    use.cost += cost;
  }

  #known(period: Period, name: string): Use | undefined {
    const use = this.#uses.get(name);
    if (use || name <= this.#newest[period]) return use;
    this.#newest[period] = name;
    return this.#begin(name, { tokens: 0, cost: 0 });
  }

  #begin(name: string, { tokens, cost }: Amounts): Use {
    const use = { tokens, cost };
    this.#uses.set(name, use);
    for (const oldest of this.#uses.keys()) {
      if (this.#uses.size <= REMEMBERED_MAX) break;
      this.#uses.delete(oldest);
    }
    return use;
  }
}
