// Limits that hold under concurrency: an estimate is reserved before the work, and settled with the truth after it.
// Everything is synchronous, so between looking and taking nothing can slip in: what is admitted exceeds a limit by no
// more than one request's estimate was wrong.
//
// An estimate may be larger than a whole limit. Such a request is admitted when it is alone and something is left: one
// at a time, a small limit still serves.

import { GatewayError } from '../errors.ts';
import type { Clock } from '../ports.ts';
import { dayOf, monthOf, untilNext } from './calendar.ts';
import { type LimitSpec, matchesAny, type ScopedLimits } from './principal.ts';
import { SlidingMinute } from './sliding-minute.ts';

/** What a request will use, as far as one can tell before, or did use. */
export interface Amounts {
  readonly tokens: number;
  /** US dollars; 0 while the price is unknown. */
  readonly cost: number;
}

/** What the `x-ratelimit-*` headers tell: of all scopes, the one with least left. */
export interface RateLimitStatus {
  readonly limitRequests?: number;
  readonly remainingRequests?: number;
  readonly limitTokens?: number;
  readonly remainingTokens?: number;
  /** Milliseconds until the whole limit is free again. */
  readonly resetMs?: number;
}

export interface LimitReservation {
  readonly status: RateLimitStatus;
  /** Call once with what was really used. */
  settle(actual: Amounts): void;
}

/** Spent so far in the running day and month, e.g. read from the ledger at start. */
export interface Spent {
  readonly day: Amounts;
  readonly month: Amounts;
}

/** When the running requests of a scope hold the rest of its limit, looking again soon is worth while. */
const RUNNING_RETRY_MS = 1_000;

interface Meter {
  readonly requests: SlidingMinute;
  readonly tokens: SlidingMinute;
  running: number;
  day: string;
  month: string;
  dayUse: { tokens: number; cost: number };
  monthUse: { tokens: number; cost: number };
}

interface Held {
  readonly name: string;
  readonly spec: LimitSpec;
  readonly meter: Meter;
}

export class Limiter {
  readonly #clock: Clock;
  /** What a scope had spent when it is seen first after the start. */
  readonly #spentBefore: (scope: string) => Spent;
  /** One for each scope that has limits, so as many as there are tenants, keys and limited models. */
  readonly #meters = new Map<string, Meter>();

  constructor(clock: Clock, spentBefore: (scope: string) => Spent) {
    this.#clock = clock;
    this.#spentBefore = spentBefore;
  }

  /** @throws GatewayError `rate_limited` with a time to wait, or `budget_exhausted` */
  reserve(limits: readonly ScopedLimits[], model: string, estimate: Amounts): LimitReservation {
    const held = limits.flatMap(({ scope, spec }) => this.#held(scope, spec, model));
    const nowMs = this.#clock.now();
    for (const one of held) this.#check(one, estimate, nowMs);
    for (const { meter } of held) {
      meter.running += 1;
      meter.requests.add(1, nowMs, nowMs);
      this.#use(meter, estimate, nowMs, nowMs);
    }
    return {
      status: statusOf(held, nowMs),
      settle: (actual) => {
        const difference = { tokens: actual.tokens - estimate.tokens, cost: actual.cost - estimate.cost };
        for (const { meter } of held) {
          meter.running -= 1;
          this.#use(meter, difference, nowMs, this.#clock.now());
        }
      },
    };
  }

  #held(scope: string, spec: LimitSpec, model: string): Held[] {
    const held = [{ name: scope, spec, meter: this.#meter(scope) }];
    for (const [pattern, modelSpec] of Object.entries(spec.models ?? {})) {
      if (!matchesAny(model, [pattern])) continue;
      const name = `${scope} model:${pattern}`;
      held.push({ name, spec: modelSpec, meter: this.#meter(name) });
    }
    return held;
  }

  #check({ name, spec, meter }: Held, estimate: Amounts, nowMs: number): void {
    if (spec.concurrent !== undefined && meter.running >= spec.concurrent) {
      throw tooMany(name, `${spec.concurrent} requests at once`, RUNNING_RETRY_MS);
    }
    if (spec.requestsPerMinute !== undefined && meter.requests.sum(nowMs) + 1 > spec.requestsPerMinute) {
      throw tooMany(
        name,
        `${spec.requestsPerMinute} requests a minute`,
        meter.requests.waitUntil(spec.requestsPerMinute - 1, nowMs),
      );
    }
    if (spec.tokensPerMinute !== undefined) {
      const used = meter.tokens.sum(nowMs);
      if (!fits(used, estimate.tokens, spec.tokensPerMinute, meter)) {
        throw tooMany(
          name,
          `${spec.tokensPerMinute} tokens a minute (this request may need ${Math.ceil(estimate.tokens)})`,
          // What runs may turn out smaller than reserved at any moment.
          meter.running > 0 ? RUNNING_RETRY_MS : meter.tokens.waitUntil(spec.tokensPerMinute - 1, nowMs),
        );
      }
    }
    this.#turnPeriod(meter, nowMs);
    for (const [period, use, costMax, tokensMax] of [
      ['day', meter.dayUse, spec.costPerDay, spec.tokensPerDay],
      ['month', meter.monthUse, spec.costPerMonth, spec.tokensPerMonth],
    ] as const) {
      checkBudget(
        `${tokensMax} tokens a ${period} of ${name}`,
        use.tokens,
        estimate.tokens,
        tokensMax,
        meter,
        period,
        nowMs,
      );
      checkBudget(`$${costMax} a ${period} of ${name}`, use.cost, estimate.cost, costMax, meter, period, nowMs);
    }
  }

  /** @param atMs when the request was admitted: its tokens count in that second */
  #use(meter: Meter, amounts: Amounts, atMs: number, nowMs: number): void {
    meter.tokens.add(amounts.tokens, atMs, nowMs);
    this.#turnPeriod(meter, nowMs);
    for (const use of [meter.dayUse, meter.monthUse]) {
      use.tokens += amounts.tokens;
      use.cost += amounts.cost;
    }
  }

  #turnPeriod(meter: Meter, nowMs: number): void {
    const day = dayOf(nowMs);
    if (day === meter.day) return;
    meter.day = day;
    meter.dayUse = { tokens: 0, cost: 0 };
    const month = monthOf(nowMs);
    if (month === meter.month) return;
    meter.month = month;
    meter.monthUse = { tokens: 0, cost: 0 };
  }

  #meter(name: string): Meter {
    let meter = this.#meters.get(name);
    if (!meter) {
      const nowMs = this.#clock.now();
      const spent = this.#spentBefore(name);
      meter = {
        requests: new SlidingMinute(),
        tokens: new SlidingMinute(),
        running: 0,
        day: dayOf(nowMs),
        month: monthOf(nowMs),
        dayUse: { ...spent.day },
        monthUse: { ...spent.month },
      };
      this.#meters.set(name, meter);
    }
    return meter;
  }
}

function fits(used: number, estimate: number, max: number, { running }: Meter): boolean {
  return used + estimate <= max || (running === 0 && used < max);
}

function checkBudget(
  budget: string,
  used: number,
  estimate: number,
  max: number | undefined,
  meter: Meter,
  period: 'day' | 'month',
  nowMs: number,
): void {
  if (max === undefined) return;
  if (used >= max && meter.running === 0) {
    throw new GatewayError('budget_exhausted', `The budget of ${budget} is used up.`, {
      retryAfterMs: untilNext(period, nowMs),
    });
  }
  if (used >= max || !fits(used, estimate, max, meter)) {
    throw new GatewayError('rate_limited', `What is left of the budget of ${budget} is held by running requests.`, {
      retryAfterMs: RUNNING_RETRY_MS,
    });
  }
}

function tooMany(name: string, limit: string, waitMs: number): GatewayError {
  return new GatewayError('rate_limited', `The limit of ${limit} of ${name} is reached.`, {
    retryAfterMs: Math.max(1, waitMs),
  });
}

function statusOf(held: readonly Held[], nowMs: number): RateLimitStatus {
  const status: { -readonly [Key in keyof RateLimitStatus]: RateLimitStatus[Key] } = {};
  for (const { spec, meter } of held) {
    if (spec.requestsPerMinute !== undefined) {
      const remaining = Math.max(0, spec.requestsPerMinute - meter.requests.sum(nowMs));
      if (status.remainingRequests === undefined || remaining < status.remainingRequests) {
        status.limitRequests = spec.requestsPerMinute;
        status.remainingRequests = remaining;
        status.resetMs = Math.max(status.resetMs ?? 0, meter.requests.waitUntil(0, nowMs));
      }
    }
    if (spec.tokensPerMinute !== undefined) {
      const remaining = Math.max(0, Math.floor(spec.tokensPerMinute - meter.tokens.sum(nowMs)));
      if (status.remainingTokens === undefined || remaining < status.remainingTokens) {
        status.limitTokens = spec.tokensPerMinute;
        status.remainingTokens = remaining;
        status.resetMs = Math.max(status.resetMs ?? 0, meter.tokens.waitUntil(0, nowMs));
      }
    }
  }
  return status;
}
