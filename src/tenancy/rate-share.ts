// What this node may use of one limit a minute that holds for a whole mesh. Each node has an equal share, and lends what
// it does not need to nodes that need more. A share that is lent counts here as gone until whoever borrowed it can no
// longer be using it. So the shares of all nodes together never exceed the limit, whoever sees whom; and as no node uses
// more than its share in any minute, all together use no more than the limit.
//
// Only state and arithmetic: `rate-shares.ts` asks other nodes.

import { MINUTE_MS, SlidingMinute } from './sliding-minute.ts';

/** What is borrowed is given up after this, unless it is asked for again. */
export const LOAN_MS = 30_000;
/** Whoever has given a loan up may have used it a moment before; and monotonic clocks differ by less than the rest. */
const LENT_MS = LOAN_MS + MINUTE_MS + 10_000;
/** A node that was short lends nothing for so long. */
const SHORT_MS = 60_000;
/** Borrowed on top of what is needed, of the whole limit: else each request would have to wait for another node. */
const HEADROOM = 0.1;
/** What sums of fractions may be off. */
const EPSILON = 1e-6;

/** Among how many a limit is shared. */
export interface ShareView {
  readonly members: number;
  /** All of them are seen. */
  readonly isWhole: boolean;
}

interface Loan {
  amount: number;
  /** Monotonic: from then on it counts where it came from. */
  until: number;
}

/** One that a certain node has, by its word. */
interface Lent extends Loan {
  /** Of the borrower's last message: what overtakes each other on the way is not taken for new. */
  number: number;
}

export class RateShare {
  readonly used = new SlidingMinute();
  readonly #view: () => ShareView;
  /** A node cut off may use so much, however small its share. */
  readonly #least: number;
  readonly #lent = new Map<string, Lent>();
  /** Taken back from those who may just have used it. */
  #fading: Loan[] = [];
  /** By lender. */
  readonly #borrowed = new Map<string, Loan>();
  #shortUntil = Number.NEGATIVE_INFINITY;
  /** Nobody has anything to lend until then, as far as one knows. */
  #dryUntil = Number.NEGATIVE_INFINITY;

  /** @param least of a node that is cut off: it serves a little, however small its share */
  constructor(view: () => ShareView, least = 0) {
    this.#view = view;
    this.#least = least;
  }

  /** No more than this in any minute. */
  max(limit: number, nowMs: number): number {
    if (this.#lent.size === 0 && this.#borrowed.size === 0 && this.#fading.length === 0) return this.#own(limit);
    return this.#own(limit) - this.#lentAt(nowMs) + this.#borrowedAt(nowMs);
  }

  /** What seems to be left of the limit; what others use of their own shares is not known here. */
  left(limit: number, nowMs: number): number {
    const { members, isWhole } = this.#view();
    const max = members === 1 || !isWhole ? this.max(limit, nowMs) : limit - this.#lentAt(nowMs);
    return Math.max(0, max - this.used.sum(nowMs));
  }

  hasRoom(limit: number, amount: number, nowMs: number): boolean {
    return this.used.sum(nowMs) + amount <= this.max(limit, nowMs) + EPSILON;
  }

  /** Could other nodes give what is lacking? */
  mayGrow(limit: number, amount: number, nowMs: number): boolean {
    return this.#view().members > 1 && amount <= limit && nowMs >= this.#dryUntil;
  }

  /** However long it waits, other nodes cannot make room for it. */
  neverFits(limit: number, amount: number): boolean {
    const { members, isWhole } = this.#view();
    return members === 1 || !isWhole || amount > limit;
  }

  /** Some members are not seen: this node keeps to its share. */
  isCut(): boolean {
    return !this.#view().isWhole;
  }

  noteDry(untilMs: number): void {
    this.#dryUntil = untilMs;
  }

  /** How much more has to be borrowed for this; nothing or less: none. */
  lacks(limit: number, amount: number, nowMs: number): number {
    this.#shortUntil = nowMs + SHORT_MS;
    const wanted = this.used.sum(nowMs) + amount - this.max(limit, nowMs);
    return wanted <= EPSILON ? 0 : wanted + limit * HEADROOM;
  }

  /**
   * Another node wants to hold `wanted` of this node's share, all in all.
   * @returns what it holds from now on
   */
  lend(borrower: string, number: number, wanted: number, limit: number, nowMs: number): number {
    const loan = this.#lent.get(borrower) ?? { amount: 0, until: 0, number: -1 };
    if (loan.until <= nowMs) loan.amount = 0;
    if (number <= loan.number) return 0;
    const isShort = nowMs < this.#shortUntil;
    if (wanted <= loan.amount) {
      // Whoever says that it needs less uses no more than that already.
      loan.amount = wanted;
      if (isShort && wanted > 0) {
        // Our answer may get lost: then it is used until the loan ends by itself.
        this.#fading.push({ amount: wanted, until: loan.until });
        loan.amount = 0;
      }
    } else if (!isShort) loan.amount += Math.min(wanted - loan.amount, this.#spare(limit, nowMs));
    this.#lent.set(borrower, { amount: loan.amount, until: nowMs + LENT_MS, number });
    return loan.amount;
  }

  /** What this node holds of a lender's share. */
  borrowedOf(lender: string, nowMs: number): number {
    const loan = this.#borrowed.get(lender);
    return loan && loan.until > nowMs ? loan.amount : 0;
  }

  /** @param askedAtMs monotonic: the loan ends `LOAN_MS` later, wherever the answer was meanwhile */
  setBorrowed(lender: string, amount: number, askedAtMs: number): void {
    this.#borrowed.set(lender, { amount, until: askedAtMs + LOAN_MS });
  }

  /**
   * The loans that have to be asked for again, or can be given back, with what is needed of each. What is not needed
   * is given up with this call.
   */
  duties(limit: number, nowMs: number): readonly { readonly lender: string; readonly wanted: number }[] {
    const borrowed = this.#borrowedAt(nowMs);
    if (borrowed === 0) return [];
    const needed = this.used.sum(nowMs) + limit * HEADROOM - (this.max(limit, nowMs) - borrowed);
    const part = Math.min(1, Math.max(0, needed) / borrowed);
    const isTooMuch = borrowed * (1 - part) > limit * HEADROOM;
    const duties: { readonly lender: string; readonly wanted: number }[] = [];
    for (const [lender, loan] of this.#borrowed) {
      if (!isTooMuch && loan.until - nowMs > LOAN_MS / 2) continue;
      loan.amount *= part;
      duties.push({ lender, wanted: loan.amount });
    }
    return duties;
  }

  /** Nothing is known here that a new one would not know. */
  isIdle(nowMs: number): boolean {
    return this.#lentAt(nowMs) === 0 && this.#borrowedAt(nowMs) === 0 && this.used.sum(nowMs) === 0;
  }

  #own(limit: number): number {
    const { members, isWhole } = this.#view();
    const share = limit / members;
    return isWhole ? share : Math.max(share, Math.min(this.#least, limit));
  }

  /** Of its own share alone: what was borrowed is given up earlier than a loan of ours would be. */
  #spare(limit: number, nowMs: number): number {
    const used = this.used.sum(nowMs);
    const { members } = this.#view();
    const free = Math.min(limit / members - this.#lentAt(nowMs), this.max(limit, nowMs) - used);
    // A node with clients of its own keeps something for the next ones.
    return Math.max(0, used > 0 ? free / 2 : free);
  }

  #lentAt(nowMs: number): number {
    let sum = 0;
    for (const [borrower, { amount, until }] of this.#lent) {
      if (until > nowMs) sum += amount;
      else this.#lent.delete(borrower);
    }
    if (this.#fading.length === 0) return sum;
    this.#fading = this.#fading.filter(({ until }) => until > nowMs);
    return this.#fading.reduce((total, { amount }) => total + amount, sum);
  }

  #borrowedAt(nowMs: number): number {
    let sum = 0;
    for (const [lender, { amount, until }] of this.#borrowed) {
      if (until > nowMs) sum += amount;
      else this.#borrowed.delete(lender);
    }
    return sum;
  }
}
