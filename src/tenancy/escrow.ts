// Budgets that hold across a mesh, also while it is cut. What all nodes have spent is known a moment late, so no node may
// spend all that seems to be left: each has an equal share of it, and what it has spent since the others surely know of
// its spending counts against that share. With everything known, shares are made anew every moment. A node that does
// not see some of the others stays with the share of the last moment in which it saw all.
//
// Let a be what a node had spent when the others last knew of it surely, K what it knows of theirs, n the number of
// nodes. It may spend up to a + (budget − a − K) / n. Each node's K holds at least the a of every other node; so the sum
// over all nodes stays within the budget.

import type { Cancellable, Clock } from '../ports.ts';
import { dayOf } from './calendar.ts';
import type { Ledger } from './ledger.ts';
import type { Amounts, Spent } from './limiter.ts';
import type { UsageShards } from './usage-shards.ts';

/** How much of its mesh a node sees. */
export interface MeshSight {
  /** Nodes that may be spending, this one included. */
  readonly members: number;
  readonly isWhole: boolean;
}

export interface EscrowDeps {
  readonly clock: Clock;
  readonly sight: () => MeshSight;
  /** What is kept of spending: this node's, whichever of its processes it was, and all others' that is known here. */
  readonly spending: EscrowSpending;
}

export interface EscrowSpending {
  readonly ownSpent: (scope: string) => Spent;
  /** A part of it: since that moment, in wall milliseconds. */
  readonly ownSpentSince: (scope: string, sinceMs: number) => Spent;
  readonly othersSpent: (scope: string) => Spent;
  /** The moment until which all others knew of it when the process before this one ended, in wall milliseconds. */
  readonly knownUntil: number;
  readonly keepKnownUntil: (atMs: number) => void;
}

/**
 * Others know of spending that is older than this, while all see each other: it has been entered (0.1 s) and sent (1 s,
 * after a lost message 7.5 s), and a cut in between has been noticed (6 s).
 */
export const SETTLED_AFTER_MS = 15_000;
const LOOK_MS = 250;
/** The others' spending is summed up anew after this at the earliest. */
const REREAD_MS = 1_000;
const TICK_MS = 1_000;
/** How often it is kept until when all is known, so that a restart of a node that is cut off earns it no new share. */
const KEEP_MS = 10_000;
/** A request that began before that moment may have ended after it. */
const REQUEST_MS = 600_000;

export class Escrow {
  readonly #clock: Clock;
  readonly #sight: EscrowDeps['sight'];
  readonly #spending: EscrowDeps['spending'];
  #members = 1;
  /** Absent while some are not seen. */
  #wholeSince: number | undefined;
  #lookedAt = Number.NEGATIVE_INFINITY;
  /** Spending until then is known to all. */
  #horizon = Number.NEGATIVE_INFINITY;
  /** How often the mesh was seen to fall apart, and what the generation was then. */
  #separation = 0;
  #generationLeft = 0;
  /** Counts how often others have told of spending. */
  #generation = 0;
  #keptAt = Number.NEGATIVE_INFINITY;
  #timer: Cancellable | undefined;

  constructor({ clock, sight, spending }: EscrowDeps) {
    this.#clock = clock;
    this.#sight = sight;
    this.#spending = spending;
  }

  /** A cut must be noticed also while nobody asks. */
  start(): void {
    this.#timer = this.#clock.every(TICK_MS, () => this.#look(this.#clock.elapsed()));
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** Others have told of what they spent. */
  noteUsage(): void {
    this.#generation += 1;
  }

  /** Opened when a scope is limited first. */
  account(scope: string): EscrowAccount {
    const { ownSpent, ownSpentSince, othersSpent, knownUntil } = this.#spending;
    return new EscrowAccount({
      clock: this.#clock,
      ownSpent: () => ownSpent(scope),
      recent: ownSpentSince(scope, knownUntil - REQUEST_MS),
      view: () => this.#view(),
      othersSpent: () => othersSpent(scope),
    });
  }

  #view(): EscrowView {
    const now = this.#clock.elapsed();
    if (now - this.#lookedAt >= LOOK_MS) this.#look(now);
    return {
      members: this.#members,
      isWhole: this.#wholeSince !== undefined,
      horizon: this.#horizon,
      separation: this.#separation,
      generation: this.#generation,
      generationLeft: this.#generationLeft,
    };
  }

  #look(now: number): void {
    this.#lookedAt = now;
    const { members, isWhole } = this.#sight();
    if (isWhole) {
      this.#wholeSince ??= now;
      this.#members = members;
      if (now - this.#wholeSince >= SETTLED_AFTER_MS) this.#advance(now);
      return;
    }
    if (this.#wholeSince !== undefined) {
      this.#separation += 1;
      this.#generationLeft = this.#generation;
    }
    this.#wholeSince = undefined;
    this.#members = Math.max(this.#members, members);
  }

  #advance(now: number): void {
    this.#horizon = now - SETTLED_AFTER_MS;
    if (now - this.#keptAt < KEEP_MS) return;
    this.#keptAt = now;
    this.#spending.keepKnownUntil(this.#clock.now() - SETTLED_AFTER_MS);
  }
}

interface EscrowView extends MeshSight {
  readonly horizon: number;
  readonly separation: number;
  readonly generation: number;
  /** That of the moment when others were lost last. */
  readonly generationLeft: number;
}

interface AccountDeps {
  readonly ownSpent: () => Spent;
  /** The part of it that others may not know. */
  readonly recent: Spent;
  readonly clock: Clock;
  readonly view: () => EscrowView;
  readonly othersSpent: () => Spent;
}

/** What this node may spend of one budget. */
export interface Share {
  /** Of all that it has spent and holds in the period: no more than this. */
  readonly max: number;
  /** Spent by all others in the period, as far as it is known. */
  readonly others: number;
  /** Nodes that are not seen hold the rest. */
  readonly isCut: boolean;
}

export type Period = 'day' | 'month';

interface Spending extends Amounts {
  /** Monotonic. */
  readonly at: number;
  readonly day: string;
}

/** Spending that is not yet known to all is kept to this many moments; later ones are put together. */
const MOMENTS_MAX = 64;
const MOMENT_MS = 1_000;

/** The escrow's view of one scope. */
export class EscrowAccount {
  readonly #clock: Clock;
  readonly #view: AccountDeps['view'];
  readonly #readOthers: AccountDeps['othersSpent'];
  /** Oldest first. */
  #recent: Spending[];
  #known: { readonly day: string; dayUse: Amounts; monthUse: Amounts };
  #others:
    | { readonly spent: Spent; readonly day: string; readonly readAt: number; readonly of: EscrowView }
    | undefined;

  /** What this node has spent in the running periods, by what is kept of it. */
  readonly ownSpent: () => Spent;

  constructor({ ownSpent, recent, clock, view, othersSpent }: AccountDeps) {
    this.ownSpent = ownSpent;
    const own = ownSpent();
    this.#clock = clock;
    this.#view = view;
    this.#readOthers = othersSpent;
    const day = dayOf(clock.now());
    const at = clock.elapsed();
    this.#known = { day, dayUse: less(own.day, recent.day), monthUse: less(own.month, recent.month) };
    this.#recent = [
      { ...less(recent.month, recent.day), at, day: `${day.slice(0, 7)}-01` },
      { ...recent.day, at, day },
    ];
  }

  /** This node has spent so much, on a request of that day. */
  spent(amounts: Amounts, day = dayOf(this.#clock.now())): void {
    const at = this.#clock.elapsed();
    const last = this.#recent.at(-1);
    const isOneMoment = last && last.day === day && (at - last.at < MOMENT_MS || this.#recent.length >= MOMENTS_MAX);
    // The later time counts: it takes longer until others are taken to know it.
    if (isOneMoment) this.#recent.pop();
    this.#recent.push({ ...(isOneMoment ? more(last, amounts) : amounts), at, day });
  }

  share(period: Period, unit: keyof Amounts, budget: number): Share {
    const view = this.#view();
    const day = dayOf(this.#clock.now());
    this.#turnPeriod(day);
    this.#forget(view.horizon, day);
    const known = (period === 'day' ? this.#known.dayUse : this.#known.monthUse)[unit];
    const others = this.#othersNow(view, day)[period][unit];
    const left = Math.max(0, budget - known - others);
    return { max: known + left / view.members, others, isCut: !view.isWhole };
  }

  #turnPeriod(day: string): void {
    const { day: before, monthUse } = this.#known;
    if (day === before) return;
    this.#known = { day, dayUse: NOTHING, monthUse: day.slice(0, 7) === before.slice(0, 7) ? monthUse : NOTHING };
  }

  /** What is older than the horizon is known to all. */
  #forget(horizon: number, day: string): void {
    const firstRecent = this.#recent.findIndex(({ at }) => at > horizon);
    const settled = this.#recent.splice(0, firstRecent < 0 ? this.#recent.length : firstRecent);
    for (const spending of settled) {
      if (spending.day === day) this.#known.dayUse = more(this.#known.dayUse, spending);
      if (spending.day.slice(0, 7) === day.slice(0, 7)) this.#known.monthUse = more(this.#known.monthUse, spending);
    }
  }

  /** While some are not seen, what was known when they were lost: else what one side spends would shrink its own shares. */
  #othersNow(view: EscrowView, day: string): Spent {
    const now = this.#clock.elapsed();
    const last = this.#others;
    if (last && last.day === day) {
      const isOfCut = !last.of.isWhole && last.of.separation === view.separation;
      const isUsable = view.isWhole
        ? last.of.generation === view.generation || now - last.readAt < REREAD_MS
        : isOfCut || last.of.generation === view.generationLeft;
      if (isUsable) return last.spent;
    }
    const spent = this.#readOthers();
    this.#others = { spent, day, readAt: now, of: view };
    return spent;
  }
}

const NOTHING: Amounts = { tokens: 0, cost: 0 };

function more(one: Amounts, other: Amounts): Amounts {
  return { tokens: one.tokens + other.tokens, cost: one.cost + other.cost };
}

function less(one: Amounts, other: Amounts): Amounts {
  return { tokens: one.tokens - other.tokens, cost: one.cost - other.cost };
}

/** Spending as ledger and shards have it. */
export function escrowSpending(
  ledger: Pick<Ledger, 'flush' | 'spentSince'>,
  shards: UsageShards,
  clock: Pick<Clock, 'now'>,
): EscrowSpending {
  return {
    ownSpent: (scope) => {
      ledger.flush();
      return shards.ownSpent(scope, clock.now());
    },
    ownSpentSince: (scope, sinceMs) => ledger.spentSince(scope, sinceMs),
    othersSpent: (scope) => shards.othersSpent(scope, clock.now()),
    knownUntil: shards.knownUntil(),
    keepKnownUntil: (atMs) => shards.keepKnownUntil(atMs),
  };
}
