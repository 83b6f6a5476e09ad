// What a model costs and can do, and what an answer cost.

import type { Capability } from '../model/capability.ts';
import type { Usage } from '../model/chat.ts';

export type { Capability };

/** US dollars for one million tokens. */
export interface Rates {
  readonly input: number;
  readonly output: number;
  /** Tokens read from the provider's prompt cache. Absent: as `input`. */
  readonly cacheRead?: number;
  /** Tokens written to it. Absent: as `input`. */
  readonly cacheWrite?: number;
  /** Tokens of reasoning. Absent: as `output`, as nearly every provider bills them. */
  readonly reasoning?: number;
}

/** What every token of a request costs whose prompt is longer than this. */
export interface PriceTier {
  readonly aboveInputTokens: number;
  readonly price: Rates;
}

/** Absent where a price may stand: unknown, which is never the same as free. */
export interface Price extends Rates {
  /** Shortest prompt first. */
  readonly tiers?: readonly PriceTier[];
}

/** A price that was announced for later. */
export interface PriceChange {
  /** The first day it holds, YYYY-MM-DD (UTC). */
  readonly from: string;
  readonly price: Price;
}

/** One row of the table: facts about one model at one provider. */
export interface ModelFacts {
  /** Preset name. */
  readonly provider: string;
  /** The upstream's model name; `*` at its end stands for dated variants. */
  readonly model: string;
  readonly price?: Price;
  /** In the order of their days. */
  readonly changes?: readonly PriceChange[];
  /** Tokens of prompt and answer together. */
  readonly contextLength?: number;
  readonly maxOutputTokens?: number;
  readonly capabilities: readonly Capability[];
  /** 0–100, for `minQuality`; a published composite index, see `source`. Absent: unknown. */
  readonly quality?: number;
  /** What the numbers leave out, in a sentence. */
  readonly remark?: string;
  /** Where the row can be checked. */
  readonly source: string;
  /** When it was read, YYYY-MM-DD. */
  readonly date: string;
}

/** Of whatever the client's own credential pays: to us it is nothing, and a budget of ours does not hold it up. */
export const PAID_BY_CLIENT: Price = { input: 0, output: 0 };

/** Dollars; undefined while the price is unknown. */
export function costOf(usage: Usage, price: Price | undefined): number | undefined {
  if (!price) return undefined;
  const rates = ratesFor(usage.inputTokens, price);
  const { input, output, cacheRead = input, cacheWrite = input, reasoning = output } = rates;
  // Upstreams count by themselves: a part may come out larger than its whole.
  const plainInput = Math.max(0, usage.inputTokens - usage.cachedInputTokens - usage.cacheWriteTokens);
  const plainOutput = Math.max(0, usage.outputTokens - usage.reasoningTokens);
  return (
    (plainInput * input +
      usage.cachedInputTokens * cacheRead +
      usage.cacheWriteTokens * cacheWrite +
      plainOutput * output +
      Math.min(usage.reasoningTokens, usage.outputTokens) * reasoning) /
    1_000_000
  );
}

/** Providers bill a long prompt's every token by the tier it reaches, not only those beyond the threshold. */
function ratesFor(inputTokens: number, price: Price): Rates {
  return price.tiers?.findLast(({ aboveInputTokens }) => inputTokens > aboveInputTokens)?.price ?? price;
}

/** The row as it holds on a day: with the last change that has come into force. */
export function factsOn(day: string, facts: ModelFacts): ModelFacts {
  const change = facts.changes?.findLast(({ from }) => from <= day);
  return change ? { ...facts, price: change.price } : facts;
}
