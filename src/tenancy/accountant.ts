// Admits a request against its limits and budgets, opens its ledger entry, and settles both with the truth at its end.

import { LRUCache } from 'lru-cache';
import { atMost } from '../model/at-most.ts';
import type { Usage } from '../model/chat.ts';
import { AnswerLengths } from './answer-lengths.ts';
import type { Ledger, LedgerEntry } from './ledger.ts';
import type { EntryStatus, OpenEntry, Settlement } from './ledger-row.ts';
import type { Estimate, Limiter, LimitReservation, ReservationKind } from './limiter.ts';
import { costOf, type ModelFacts, PAID_BY_CLIENT, type Price } from './price.ts';
import type { Principal } from './principal.ts';
import type { RateLimitStatus } from './rate-limit-status.ts';

/** A request as it is known before it is sent. */
export interface Accountable {
  readonly requestId: string;
  readonly principal: Principal;
  readonly operation: string;
  readonly model: string;
  readonly prompt?: string | undefined;
  /** Rough: what it will be is known only at the end. */
  readonly inputTokens: number;
  /** Hardly ever less than it will be: what its limits hold. Asked only where there are limits; absent: `inputTokens`. */
  readonly heldInputTokens?: (() => number) | undefined;
  /** The client's own bound of the answer. */
  readonly maxOutputTokens?: number | undefined;
  /** How many answers it wants, each as long. Default: one. */
  readonly answerCount?: number | undefined;
  /** Of the target that will most likely answer. */
  readonly price: Price | undefined;
  /** Default: a client's request. Others are entries of their own, under an id and an operation of their own. */
  readonly kind?: ReservationKind;
}

/** How it ended. */
export interface Ending {
  readonly status: EntryStatus;
  readonly usage?: Usage | undefined;
  readonly chain?: string | undefined;
  readonly target?: string | undefined;
  readonly provider?: string | undefined;
  /** Account and the upstream's own name of the model that answered. */
  readonly account?: string | undefined;
  readonly targetModel?: string | undefined;
  /** The client's own credential paid: tokens count, money does not. */
  readonly isOwnKey?: boolean | undefined;
  /** Another node has answered and entered the usage: here it counts for the limits alone. */
  readonly isForwarded?: boolean | undefined;
  readonly attempts: number;
  readonly ttftMs?: number | undefined;
  readonly durationMs?: number | undefined;
  readonly error?: string | undefined;
  /** What was not bought: of a kept answer all of it, of a compacted prompt what was left out. */
  readonly savedUsage?: Usage | undefined;
}

export interface OpenAccount {
  readonly rateLimit: RateLimitStatus;
  /** What an upstream counts at least that has read it; undefined where there is no prompt to count. */
  readonly promptUsage: Usage | undefined;
  /**
   * Its request is about to be written to an upstream: from now on it is entered, whatever becomes of this process.
   * @param isMore the same of another one follows at once, and is early enough to write both down
   */
  noteSent(isMore?: boolean): void;
  /**
   * The request goes on under another model name of its client.
   * @throws GatewayError `rate_limited` or `budget_exhausted`; it is then held and entered as before
   */
  moveTo(model: string, price: Price | undefined): void;
  /** Call once. Returns the cost in US dollars, undefined while the price is unknown. */
  settle(ending: Ending): number | undefined;
}

export interface AccountantDeps {
  readonly ledger: Ledger;
  readonly limiter: Limiter;
  readonly facts: (provider: string, model: string, account: string) => ModelFacts | undefined;
}

/** Models whose answers' lengths are remembered. */
const REMEMBERED_MODELS_MAX = 10_000;
/** What an answer may need while nothing is known of the model's answers. */
const FIRST_OUTPUT_TOKENS = 1_000;
/** How fast a long answer is forgotten, with each shorter one. */
const FORGETTING = 0.95;

export class Accountant {
  /** What answers really had, for routing by cost. */
  readonly answerLengths = new AnswerLengths();
  /** The same by the clients' names for models: what a crash leaves open is entered with. */
  readonly #usualOutputs = new AnswerLengths();
  readonly #ledger: Ledger;
  readonly #limiter: Limiter;
  readonly #facts: AccountantDeps['facts'];
  /** A slowly falling maximum of each model's answers: estimates that are rarely too small, so that limits hold. */
  readonly #outputs = new LRUCache<string, number>(atMost(REMEMBERED_MODELS_MAX));
  /** The same of what prompts had beyond what was held: some upstreams add a prompt of their own. */
  readonly #excesses = new LRUCache<string, number>(atMost(REMEMBERED_MODELS_MAX));

  constructor({ ledger, limiter, facts }: AccountantDeps) {
    this.#ledger = ledger;
    this.#limiter = limiter;
    this.#facts = facts;
  }

  /**
   * @throws GatewayError `rate_limited` or `budget_exhausted`; nothing is held then
   */
  open(request: Accountable): OpenAccount {
    const { principal, model, kind } = request;
    const isLimited = principal.limits.length > 0;
    const heldInputTokens = (isLimited ? request.heldInputTokens?.() : undefined) ?? request.inputTokens;
    const held = isLimited ? this.#held(request, heldInputTokens) : NOTHING;
    const reservation = this.#limiter.reserve(principal.limits, model, held, kind);
    const entry = this.#ledger.open(this.#estimatedEntry(request));
    let current = request;
    return {
      rateLimit: reservation.status,
      promptUsage: request.inputTokens > 0 ? estimatedUsage(request.inputTokens, 0) : undefined,
      noteSent: (isMore) => entry.noteSent(isMore),
      moveTo: (otherModel, price) => {
        const moved = { ...current, model: otherModel, price };
        reservation.moveTo(otherModel, this.#held(moved, heldInputTokens));
        current = moved;
        entry.moveTo(otherModel);
      },
      settle: (ending) => {
        if (isLimited) this.#learnExcess(current.model, heldInputTokens, ending);
        return this.#settle(current, entry, reservation, ending);
      },
    };
  }

  /** What nobody knows the price of counts as nothing in a budget of dollars. */
  #held(request: Accountable, heldInputTokens: number): Estimate {
    const excess = this.#excesses.get(request.model) ?? 0;
    const inputTokens = heldInputTokens + (heldInputTokens > 0 ? excess : 0);
    const usage = estimatedUsage(inputTokens, bounded(this.#outputs.get(request.model), request));
    return {
      tokens: usage.inputTokens + usage.outputTokens,
      cost: costOf(usage, request.price) ?? 0,
      isPaidByClient: request.price === PAID_BY_CLIENT,
    };
  }

  #learnExcess(model: string, heldInputTokens: number, { usage, status }: Ending): void {
    if (!usage || usage.isEstimated || status === 'cached' || heldInputTokens === 0) return;
    learn(this.#excesses, model, Math.max(0, usage.inputTokens - heldInputTokens), 0, FORGETTING);
  }

  #estimatedEntry(request: Accountable): OpenEntry {
    const outputTokens = Math.round(bounded(this.#usualOutputs.usual(request.model), request));
    return entryOf(request, outputTokens, costOf(estimatedUsage(request.inputTokens, outputTokens), request.price));
  }

  /**
   * For an answer that is already here: counts as a request and costs nothing, so it is given under used-up budgets, too.
   * Nothing has to be on disk before it.
   * @throws GatewayError as `open` does
   */
  openFree(request: Accountable): OpenAccount {
    const reservation = this.#limiter.reserve(request.principal.limits, request.model, NOTHING, 'kept');
    return {
      rateLimit: reservation.status,
      promptUsage: undefined,
      noteSent: () => undefined,
      moveTo: () => undefined,
      settle: (ending) => {
        reservation.settle(NOTHING);
        this.#ledger.enter(entryOf(request), { ...ending, ...this.#saved(ending), cost: 0 });
        return 0;
      },
    };
  }

  #settle(request: Accountable, entry: LedgerEntry, reservation: LimitReservation, ending: Ending): number | undefined {
    const { usage } = ending;
    const isBilled = ending.status !== 'cached' && usage !== undefined;
    // A cached answer costs nothing; one whose price nobody knows costs an unknown amount.
    const cost = ending.status === 'cached' || ending.isOwnKey ? 0 : usage && costOf(usage, this.#priceOf(ending));
    // What writes nothing by its nature says nothing of the answers of a chain that serves chats, too.
    const hasAnswer = isBilled && request.kind !== 'hedge' && request.maxOutputTokens !== 0;
    if (hasAnswer) {
      const isDone = ending.status === 'done';
      // What its client has cut, by a bound or by leaving, does not tell that answers are short.
      const ofOne = usage.outputTokens / countOf(request);
      const isWhole = isDone && ofOne < (request.maxOutputTokens ?? Number.POSITIVE_INFINITY);
      learn(this.#outputs, request.model, ofOne, FIRST_OUTPUT_TOKENS, isWhole ? FORGETTING : 1);
      if (isDone) {
        this.answerLengths.note(ending.chain ?? '', usage.outputTokens);
        this.#usualOutputs.note(request.model, ofOne);
      }
    }
    const used = { tokens: isBilled ? usage.inputTokens + usage.outputTokens : 0, cost: cost ?? 0 };
    reservation.settle(used, ending.isForwarded);
    const settlement = { ...ending, ...this.#saved(ending), cost };
    entry.settle(ending.isForwarded ? { ...settlement, status: 'forwarded', usage: undefined, cost: 0 } : settlement);
    return cost;
  }

  #saved(ending: Ending): Pick<Settlement, 'savedTokens' | 'savedCost'> | undefined {
    const { savedUsage, isOwnKey } = ending;
    if (!savedUsage) return undefined;
    const savedTokens = savedUsage.inputTokens + savedUsage.outputTokens;
    return { savedTokens, savedCost: isOwnKey ? 0 : costOf(savedUsage, this.#priceOf(ending)) };
  }

  #priceOf({ provider, targetModel = '', account = '' }: Ending): Price | undefined {
    return provider === undefined ? undefined : this.#facts(provider, targetModel, account)?.price;
  }
}

/** A maximum that a larger value raises at once, and smaller ones let fall slowly, from what was supposed at first. */
function learn(
  maxima: LRUCache<string, number>,
  model: string,
  value: number,
  first: number,
  forgetting: number,
): void {
  const known = maxima.get(model);
  const learned = Math.max(value, (known ?? first) * forgetting);
  if (learned !== known) maxima.set(model, learned);
}

/** @param outputTokens of one answer */
function bounded(outputTokens = FIRST_OUTPUT_TOKENS, request: Accountable): number {
  return Math.max(0, Math.min(outputTokens, request.maxOutputTokens ?? outputTokens)) * countOf(request);
}

function countOf({ answerCount = 1 }: Accountable): number {
  return Math.max(1, answerCount);
}

const NOTHING = { tokens: 0, cost: 0 };

function entryOf(request: Accountable, estimatedOutputTokens = 0, estimatedCost?: number): OpenEntry {
  const { principal } = request;
  return {
    requestId: request.requestId,
    tenant: principal.tenant,
    keyId: principal.keyId,
    tags: principal.tags,
    operation: request.operation,
    model: request.model,
    prompt: request.prompt,
    estimatedInputTokens: request.inputTokens,
    estimatedOutputTokens,
    estimatedCost,
  };
}

function estimatedUsage(inputTokens: number, outputTokens: number): Usage {
  return {
    inputTokens,
    outputTokens,
    cachedInputTokens: 0,
    cacheWriteTokens: 0,
    reasoningTokens: 0,
    isEstimated: true,
  };
}
