// Admits a request against its limits and budgets, opens its ledger entry, and settles both with the truth at its end.

import type { Usage } from '../model/chat.ts';
import { AnswerLengths } from './answer-lengths.ts';
import type { Ledger, LedgerEntry } from './ledger.ts';
import type { EntryStatus, OpenEntry, Settlement } from './ledger-row.ts';
import type { Estimate, Limiter, LimitReservation, ReservationKind } from './limiter.ts';
import { FIRST_OUTPUT_TOKENS, type ModelExperience, ModelExperiences } from './model-experience.ts';
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

export class Accountant {
  /** What answers really had, for routing by cost. */
  readonly answerLengths = new AnswerLengths();
  readonly #ledger: Ledger;
  readonly #limiter: Limiter;
  readonly #facts: AccountantDeps['facts'];
  readonly #experiences = new ModelExperiences();

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
    let experience = this.#experiences.of(model);
    const held = isLimited ? heldBy(request, heldInputTokens, experience) : NOTHING;
    const reservation = this.#limiter.reserve(principal.limits, model, held, kind);
    const entry = this.#ledger.open(estimatedEntry(request, experience));
    let current = request;
    return {
      rateLimit: reservation.status,
      promptUsage: request.inputTokens > 0 ? estimatedUsage(request.inputTokens, 0) : undefined,
      noteSent: (isMore) => entry.noteSent(isMore),
      moveTo: (otherModel, price) => {
        const moved = { ...current, model: otherModel, price };
        const other = this.#experiences.of(otherModel);
        reservation.moveTo(otherModel, heldBy(moved, heldInputTokens, other));
        [current, experience] = [moved, other];
        entry.moveTo(otherModel);
      },
      settle: (ending) => {
        if (isLimited) learnExcess(experience, heldInputTokens, ending);
        return this.#settle(current, experience, entry, reservation, ending);
      },
    };
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

  #settle(
    request: Accountable,
    experience: ModelExperience,
    entry: LedgerEntry,
    reservation: LimitReservation,
    ending: Ending,
  ): number | undefined {
    const { usage } = ending;
    const isBilled = ending.status !== 'cached' && usage !== undefined;
    // A cached answer costs nothing; one whose price nobody knows costs an unknown amount.
    const cost = ending.status === 'cached' || ending.isOwnKey ? 0 : usage && costOf(usage, this.#priceOf(ending));
    // What writes nothing by its nature says nothing of the answers of a chain that serves chats, too.
    const hasAnswer = isBilled && request.kind !== 'hedge' && request.maxOutputTokens !== 0;
    if (hasAnswer) {
      const isDone = ending.status === 'done';
      const ofOne = usage.outputTokens / countOf(request);
      experience.noteAnswer(ofOne, isDone && ofOne < (request.maxOutputTokens ?? Number.POSITIVE_INFINITY));
      if (isDone) {
        this.answerLengths.note(ending.chain ?? '', usage.outputTokens);
        experience.usual.note(ofOne);
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

/** What nobody knows the price of counts as nothing in a budget of dollars. */
function heldBy(request: Accountable, heldInputTokens: number, experience: ModelExperience): Estimate {
  const inputTokens = heldInputTokens + (heldInputTokens > 0 ? experience.excessTokens : 0);
  const usage = estimatedUsage(inputTokens, bounded(experience.longestTokens, request));
  return {
    tokens: usage.inputTokens + usage.outputTokens,
    cost: costOf(usage, request.price) ?? 0,
    isPaidByClient: request.price === PAID_BY_CLIENT,
  };
}

function learnExcess(experience: ModelExperience, heldInputTokens: number, { usage, status }: Ending): void {
  if (!usage || usage.isEstimated || status === 'cached' || heldInputTokens === 0) return;
  experience.noteExcess(usage.inputTokens - heldInputTokens);
}

function estimatedEntry(request: Accountable, { usual }: ModelExperience): OpenEntry {
  const outputTokens = Math.round(bounded(usual.tokens, request));
  return entryOf(request, outputTokens, costOf(estimatedUsage(request.inputTokens, outputTokens), request.price));
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
