// Admits a request against its limits and budgets, opens its ledger entry, and settles both with the truth at its end.

import type { Usage } from '../model/chat.ts';
import type { EntryStatus, Ledger } from './ledger.ts';
import type { Amounts, Limiter, LimitReservation, RateLimitStatus } from './limiter.ts';
import { costOf, type ModelFacts, type Price } from './price.ts';
import type { Principal } from './principal.ts';

/** A request as it is known before it is sent. */
export interface Accountable {
  readonly requestId: string;
  readonly principal: Principal;
  readonly operation: string;
  readonly model: string;
  readonly prompt?: string | undefined;
  /** Rough: what it will be is known only at the end. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Of the target that will most likely answer. */
  readonly price: Price | undefined;
}

/** How it ended. */
export interface Ending {
  readonly status: EntryStatus;
  readonly usage?: Usage | undefined;
  readonly chain?: string | undefined;
  readonly target?: string | undefined;
  readonly provider?: string | undefined;
  /** The upstream's own name of the model that answered. */
  readonly targetModel?: string | undefined;
  readonly attempts: number;
  readonly ttftMs?: number | undefined;
  readonly durationMs?: number | undefined;
  readonly error?: string | undefined;
  readonly savedTokens?: number;
  readonly savedCost?: number | undefined;
}

export interface OpenAccount {
  readonly rateLimit: RateLimitStatus;
  /** Call once. Resolves with the cost in US dollars, undefined while the price is unknown. */
  settle(ending: Ending): Promise<number | undefined>;
}

export interface AccountantDeps {
  readonly ledger: Ledger;
  readonly limiter: Limiter;
  readonly facts: (provider: string, model: string) => ModelFacts | undefined;
}

export class Accountant {
  readonly #ledger: Ledger;
  readonly #limiter: Limiter;
  readonly #facts: AccountantDeps['facts'];

  constructor({ ledger, limiter, facts }: AccountantDeps) {
    this.#ledger = ledger;
    this.#limiter = limiter;
    this.#facts = facts;
  }

  /** @throws GatewayError `rate_limited` or `budget_exhausted`; nothing is held then */
  async open(request: Accountable): Promise<OpenAccount> {
    const { principal, price } = request;
    const estimate: Amounts = {
      tokens: request.inputTokens + request.outputTokens,
      cost: costOf(estimatedUsage(request), price) ?? 0,
    };
    const reservation = this.#limiter.reserve(principal.limits, request.model, estimate);
    try {
      await this.#ledger.open({
        requestId: request.requestId,
        tenant: principal.tenant,
        keyId: principal.keyId,
        tags: principal.tags,
        operation: request.operation,
        model: request.model,
        prompt: request.prompt,
        estimatedInputTokens: request.inputTokens,
        estimatedCost: price && estimate.cost,
      });
    } catch (error) {
      reservation.settle({ tokens: 0, cost: 0 });
      throw error;
    }
    return { rateLimit: reservation.status, settle: (ending) => this.#settle(request.requestId, reservation, ending) };
  }

  async #settle(requestId: string, reservation: LimitReservation, ending: Ending): Promise<number | undefined> {
    const { usage, provider, targetModel } = ending;
    const price = provider === undefined ? undefined : this.#facts(provider, targetModel ?? '')?.price;
    // A cached answer costs nothing; one whose price nobody knows costs an unknown amount.
    const cost = ending.status === 'cached' ? 0 : usage && costOf(usage, price);
    const isBilled = ending.status !== 'cached';
    reservation.settle({
      tokens: isBilled && usage ? usage.inputTokens + usage.outputTokens : 0,
      cost: cost ?? 0,
    });
    await this.#ledger.settle({ ...ending, requestId, cost });
    return cost;
  }
}

function estimatedUsage({ inputTokens, outputTokens }: Accountable): Usage {
  return {
    inputTokens,
    outputTokens,
    cachedInputTokens: 0,
    cacheWriteTokens: 0,
    reasoningTokens: 0,
    isEstimated: true,
  };
}
