// Token counts: Anthropic's `input_tokens` leaves out what the prompt cache read and wrote, ours includes both.

import type { Usage } from '../../model/chat.ts';
import { asNumber, asObject, type JsonObject } from '../../model/json.ts';

/** Adds up what the usage objects of one answer say: message_start has the prompt, message_delta the cumulative rest. */
export class UsageTotals {
  #input = 0;
  #cacheRead = 0;
  #cacheWrite = 0;
  #output = 0;
  #reasoning = 0;

  /**
   * Each number present replaces the earlier one; absent and null ones change nothing. Nor does a zero where the prompt
   * was counted already: compatible servers fill up their last event with it.
   */
  update(usage: JsonObject): Usage {
    this.#input = asNumber(usage.input_tokens) || this.#input;
    this.#cacheRead = asNumber(usage.cache_read_input_tokens) || this.#cacheRead;
    this.#cacheWrite = asNumber(usage.cache_creation_input_tokens) || this.#cacheWrite;
    this.#output = asNumber(usage.output_tokens) ?? this.#output;
    this.#reasoning = asNumber(asObject(usage.output_tokens_details)?.thinking_tokens) ?? this.#reasoning;
    return {
      inputTokens: this.#input + this.#cacheRead + this.#cacheWrite,
      cachedInputTokens: this.#cacheRead,
      cacheWriteTokens: this.#cacheWrite,
      outputTokens: this.#output,
      reasoningTokens: this.#reasoning,
      isEstimated: false,
    };
  }
}

/** Unknown counts are zeros: the official SDKs read these fields without asking. */
export function renderUsage(usage: Usage | undefined): JsonObject {
  const cacheRead = usage?.cachedInputTokens ?? 0;
  const cacheWrite = usage?.cacheWriteTokens ?? 0;
  return {
    input_tokens: Math.max(0, (usage?.inputTokens ?? 0) - cacheRead - cacheWrite),
    cache_creation_input_tokens: cacheWrite,
    cache_read_input_tokens: cacheRead,
    output_tokens: usage?.outputTokens ?? 0,
    ...(usage && usage.reasoningTokens > 0 && { output_tokens_details: { thinking_tokens: usage.reasoningTokens } }),
  };
}
