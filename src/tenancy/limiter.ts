// Limits that hold under concurrency: an estimate is reserved before the work, and settled with the truth after it.
// Everything is synchronous, so between looking and taking nothing can slip in: what is admitted exceeds a limit by no
// more than one request's estimate was wrong.
//
// An estimate may be larger than a whole limit. Such a request is admitted when it is alone and something is left: one
// at a time, a small limit still serves.

import { GatewayError } from '../errors.ts';
import type { Clock } from '../ports.ts';
import { untilNext } from './calendar.ts';
import type { Escrow, Period } from './escrow.ts';
import { type Meter, Meters } from './meters.ts';
import { type Periods, periodsOf } from './period-use.ts';
import type { LimitSpec, ScopedLimits } from './principal.ts';
import { type RateLimitStatus, rateLimitStatus } from './rate-limit-status.ts';
import type { RateShares } from './rate-shares.ts';
import { isMeant, type NamesOf, ONLY_ITSELF } from './usage-scope.ts';

/** What a request will use, as far as one can tell before, or did use. */
export interface Amounts {
  readonly tokens: number;
  /** US dollars; 0 while the price is unknown. */
  readonly cost: number;
}

/** Before it is known. */
export interface Estimate extends Amounts {
  /** The client's own credential pays: a budget of dollars that is used up does not refuse it. */
  readonly isPaidByClient?: boolean;
}

/** A limit or a budget has no room, and this is how the limits stand. */
export class LimitReached extends GatewayError {
  readonly rateLimit: RateLimitStatus;
  /** Other nodes may have what is lacking: asks them for it. It is worth while to try again then. */
  readonly borrow: (() => Promise<void>) | undefined;

  constructor(
    { code, message, retryAfterMs }: GatewayError,
    rateLimit: RateLimitStatus,
    borrow: (() => Promise<void>) | undefined,
  ) {
    super(code, message, { retryAfterMs });
    this.rateLimit = rateLimit;
    this.borrow = borrow;
  }
}

/**
 * request: counts as one, and holds a place.
 * kept: the same for an answer that is already here, which needs no tokens and no money, so none need be left.
 * forwarded: one that another node has admitted, whose minute has it; here it holds a place and counts in budgets.
 * hedge: a second attempt of a request that counts already; only its tokens and its money count.
 * shadow: a copy that nobody waits for; counts like a hedge, and only while half of every limit is free, so that the
 * requests of clients find room.
 */
export type ReservationKind = 'request' | 'kept' | 'forwarded' | 'hedge' | 'shadow';

const SHADOW_SHARE = 0.5;

export interface LimitReservation {
  readonly status: RateLimitStatus;
  /**
   * The same request goes on under another model name: what single models are limited to changes.
   * @throws GatewayError `rate_limited` or `budget_exhausted`; everything is then held as before
   */
  moveTo(model: string, estimate: Estimate): void;
  /**
   * Call once with what was really used.
   * @param isElsewhere another node has answered: what it enters counts in the budgets of all
   */
  settle(actual: Amounts, isElsewhere?: boolean): void;
}

/** Spent so far in the running day and month, e.g. read from the ledger at start. */
export interface Spent {
  readonly day: Amounts;
  readonly month: Amounts;
}

const UNLIMITED: LimitReservation = { status: {}, moveTo: () => undefined, settle: () => undefined };

/** When the running requests of a scope hold the rest of its limit, looking again soon is worth while. */
const RUNNING_RETRY_MS = 1_000;
/** A node that is cut off may see the others again at any moment. */
const CUT_RETRY_MS = 60_000;

/** Minutes are counted by the monotonic clock, budgets by the calendar. */
interface Moment {
  readonly elapsedMs: number;
  readonly wallMs: number;
  readonly periods: Periods;
}

interface Held {
  readonly name: string;
  readonly spec: LimitSpec;
  readonly meter: Meter;
}

export class Limiter {
  readonly #clock: Clock;
  readonly #rates: RateShares | undefined;
  readonly #namesOf: NamesOf;
  readonly #meters: Meters;

  /**
   * @param spentBefore what a scope had spent when it is seen first
   * @param escrow of a mesh whose nodes share their budgets
   * @param rates the same of what is limited a minute
   * @param namesOf what models are called that single limits hold for
   */
  constructor(
    clock: Clock,
    spentBefore: (scope: string) => Spent,
    escrow?: Escrow,
    rates?: RateShares,
    namesOf = ONLY_ITSELF,
  ) {
    this.#clock = clock;
    this.#rates = rates;
    this.#meters = new Meters({ clock, spentBefore, escrow, rates });
    this.#namesOf = namesOf;
  }

  /** @throws LimitReached `rate_limited` with a time to wait, or `budget_exhausted` */
  reserve(
    limits: readonly ScopedLimits[],
    model: string,
    estimate: Estimate,
    kind: ReservationKind = 'request',
  ): LimitReservation {
    if (limits.length === 0) return UNLIMITED;
    this.#meters.forgetIdle();
    let held = this.#allHeld(limits, model);
    let reserved = estimate;
    let at = this.#now();
    try {
      for (const one of held) check(one, estimate, at, kind);
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      const borrow = isCounted(kind) ? this.#borrowing(held, estimate, at) : undefined;
      throw new LimitReached(error, rateLimitStatus(held, at.elapsedMs), borrow);
    }
    this.#take(held, estimate, at, kind);
    if (isCounted(kind)) countRequest(held, at);
    return {
      status: rateLimitStatus(held, at.elapsedMs),
      moveTo: (otherModel, otherEstimate) => {
        const others = this.#allHeld(limits, otherModel);
        const now = this.#now();
        const fresh = others.filter(({ meter }) => !held.some((one) => one.meter === meter));
        this.#giveBack(held, reserved, at, kind);
        try {
          for (const one of others) check(one, otherEstimate, now, kind, !fresh.includes(one));
        } catch (error) {
          this.#take(held, reserved, at, kind);
          throw error;
        }
        this.#take(others, otherEstimate, now, kind);
        if (isCounted(kind)) countRequest(fresh, now);
        [held, reserved, at] = [others, otherEstimate, now];
      },
      settle: (actual, isElsewhere = false) => {
        for (const { meter } of held) this.#settle(meter, reserved, actual, at, kind, isElsewhere);
      },
    };
  }

  /** Undefined when other nodes have nothing that would help. */
  #borrowing(held: readonly Held[], { tokens }: Amounts, { elapsedMs }: Moment): (() => Promise<void>) | undefined {
    const rates = this.#rates;
    if (!rates) return undefined;
    const needs = held.flatMap(({ spec: { requestsPerMinute, tokensPerMinute }, meter }) => [
      { share: meter.requests, limit: requestsPerMinute, amount: 1 },
      { share: meter.tokens, limit: tokensPerMinute, amount: tokens },
    ]);
    const lacking = needs.flatMap(({ share, limit, amount }) =>
      limit !== undefined && !share.hasRoom(limit, amount, elapsedMs) && share.mayGrow(limit, amount, elapsedMs)
        ? [{ share, limit, amount }]
        : [],
    );
    if (lacking.length === 0) return undefined;
    return async () => {
      await Promise.all(lacking.map(({ share, limit, amount }) => rates.borrow(share, limit, amount)));
    };
  }

  #now(): Moment {
    const wallMs = this.#clock.now();
    return { elapsedMs: this.#clock.elapsed(), wallMs, periods: periodsOf(wallMs) };
  }

  #take(held: readonly Held[], amounts: Amounts, at: Moment, kind: ReservationKind): void {
    for (const { meter } of held) {
      meter.open += 1;
      if (holdsPlace(kind)) meter.running += 1;
      this.#use(meter, amounts, at, kind);
    }
  }

  #giveBack(held: readonly Held[], reserved: Amounts, at: Moment, kind: ReservationKind): void {
    for (const { meter } of held) {
      meter.open -= 1;
      if (holdsPlace(kind)) meter.running -= 1;
      this.#use(meter, change(reserved, NOTHING), at, kind);
    }
  }

  #allHeld(limits: readonly ScopedLimits[], model: string): Held[] {
    const held: Held[] = [];
    for (const { scope, spec } of limits) {
      held.push({ name: scope, spec, meter: this.#meters.of(scope) });
      if (!spec.models) continue;
      for (const [pattern, modelSpec] of Object.entries(spec.models)) {
        if (!isMeant(model, pattern, this.#namesOf)) continue;
        const name = `${scope} model:${pattern}`;
        held.push({ name, spec: modelSpec, meter: this.#meters.of(name) });
      }
    }
    return held;
  }

  /** @param at when the request was admitted: it counts in that second, that day and that month */
  #use(meter: Meter, amounts: Amounts, at: Moment, kind: ReservationKind): void {
    if (kind !== 'forwarded') meter.tokens.used.add(amounts.tokens, at.elapsedMs, this.#clock.elapsed());
    meter.use.add(amounts, at.periods);
  }

  /** Gives back what is held and charges what was used, as one change. */
  #settle(
    meter: Meter,
    reserved: Amounts,
    actual: Amounts,
    at: Moment,
    kind: ReservationKind,
    isElsewhere: boolean,
  ): void {
    meter.open -= 1;
    if (holdsPlace(kind)) meter.running -= 1;
    // Without a mesh nobody else could have answered.
    if (meter.escrow && isElsewhere) {
      this.#use(meter, change(reserved, NOTHING), at, kind);
      meter.tokens.used.add(actual.tokens, at.elapsedMs, this.#clock.elapsed());
      return;
    }
    this.#use(meter, change(reserved, actual), at, kind);
    meter.escrow?.spent(actual, at.periods.day);
  }
}

const NOTHING: Amounts = { tokens: 0, cost: 0 };

function change(from: Amounts, to: Amounts): Amounts {
  return { tokens: to.tokens - from.tokens, cost: to.cost - from.cost };
}

/** Somebody waits for it, so it is one of the requests that run at once. */
function holdsPlace(kind: ReservationKind): boolean {
  return kind === 'request' || kind === 'kept' || kind === 'forwarded';
}

/** It is one of the requests of its minute. */
function isCounted(kind: ReservationKind): boolean {
  return kind === 'request' || kind === 'kept';
}

/** @param wasCounted it is one of the requests of this minute already */
function check(held: Held, estimate: Estimate, now: Moment, kind: ReservationKind, wasCounted = false): void {
  const { spec } = held;
  if (holdsPlace(kind)) checkPlace(held);
  if (isCounted(kind) && !wasCounted) checkCount(held, now.elapsedMs);
  if (kind === 'kept') return;
  if (kind !== 'forwarded') checkTokens(held, estimate.tokens, now.elapsedMs, kind);
  checkBudget(held, estimate, { period: 'day', unit: 'tokens', max: spec.tokensPerDay }, now, kind);
  checkBudget(held, estimate, { period: 'day', unit: 'cost', max: spec.costPerDay }, now, kind);
  checkBudget(held, estimate, { period: 'month', unit: 'tokens', max: spec.tokensPerMonth }, now, kind);
  checkBudget(held, estimate, { period: 'month', unit: 'cost', max: spec.costPerMonth }, now, kind);
}

function countRequest(held: readonly Held[], { elapsedMs }: Moment): void {
  for (const { meter } of held) meter.requests.used.add(1, elapsedMs, elapsedMs);
}

function checkPlace({ name, spec, meter }: Held): void {
  if (spec.concurrent !== undefined && meter.running >= spec.concurrent) {
    throw tooMany(name, `${spec.concurrent} requests at once`, RUNNING_RETRY_MS);
  }
}

function checkCount({ name, spec: { requestsPerMinute: limit }, meter: { requests } }: Held, nowMs: number): void {
  if (limit === undefined || requests.hasRoom(limit, 1, nowMs)) return;
  const waitMs = requests.used.waitUntil(requests.max(limit, nowMs) - 1, nowMs);
  throw tooMany(name, `${limit} requests a minute`, waitMs, requests.isCut());
}

function checkTokens({ name, spec, meter }: Held, estimate: number, nowMs: number, kind: ReservationKind): void {
  const { tokensPerMinute: limit } = spec;
  const { tokens, running } = meter;
  if (limit === undefined) return;
  const max = tokens.max(limit, nowMs);
  const isLenient = isAlone(meter, kind) && tokens.neverFits(limit, estimate);
  if (fits(tokens.used.sum(nowMs), estimate, max, kind, isLenient)) return;
  // What runs may turn out smaller than reserved at any moment.
  const waitMs = running > 0 ? RUNNING_RETRY_MS : tokens.used.waitUntil(max - 1, nowMs);
  const text = `${limit} tokens a minute (this request may need ${Math.ceil(estimate)})`;
  throw tooMany(name, text, waitMs, tokens.isCut());
}

/** @param isLenient it is served while anything is left, however much it may need */
function fits(used: number, estimate: number, max: number, kind: ReservationKind, isLenient: boolean): boolean {
  if (used + estimate <= max * (kind === 'shadow' ? SHADOW_SHARE : 1)) return true;
  return isLenient && used < max;
}

/** Nobody needs what is none of the clients' own requests. */
function isAlone({ running }: Meter, kind: ReservationKind): boolean {
  return holdsPlace(kind) && running === 0;
}

interface Budget {
  readonly period: Period;
  readonly unit: keyof Amounts;
  readonly max: number | undefined;
}

function checkBudget(held: Held, estimates: Estimate, budget: Budget, now: Moment, kind: ReservationKind): void {
  const { period, unit, max } = budget;
  if (max === undefined || (unit === 'cost' && estimates.isPaidByClient)) return;
  const { meter } = held;
  const used = meter.use.of(period, now.periods)[unit];
  const share = meter.escrow?.share(period, unit, max) ?? { max, others: 0, isCut: false };
  if (used < share.max && fits(used, estimates[unit], share.max, kind, isAlone(meter, kind))) return;
  const name = `${unit === 'cost' ? `$${max}` : `${max} tokens`} a ${period} of ${held.name}`;
  if (meter.running === 0 && used + share.others >= max) {
    throw new GatewayError('budget_exhausted', `The budget of ${name} is used up.`, {
      retryAfterMs: untilNext(period, now.wallMs),
    });
  }
  if (meter.running === 0 && used >= share.max && share.isCut) {
    const reason = 'is used up until this node sees all others of its mesh again';
    throw new GatewayError('budget_exhausted', `This node's share of the budget of ${name} ${reason}.`, {
      retryAfterMs: CUT_RETRY_MS,
    });
  }
  const holders = meter.escrow ? 'running requests, or by other nodes' : 'running requests';
  throw new GatewayError('rate_limited', `What is left of the budget of ${name} is held by ${holders}.`, {
    retryAfterMs: RUNNING_RETRY_MS,
  });
}

function tooMany(name: string, limit: string, waitMs: number, isCut = false): GatewayError {
  const whose = isCut ? "This node's share of the limit" : 'The limit';
  return new GatewayError('rate_limited', `${whose} of ${limit} of ${name} is reached.`, {
    retryAfterMs: Math.max(1, waitMs),
  });
}
