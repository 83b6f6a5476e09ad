// Token counts on the wire ↔ neutrally. OpenAI's input and output counts include their details.

import type { Usage } from '../../model/chat.ts';
import { asNumber, asObject, type JsonObject, type JsonValue } from '../../model/json.ts';

export function parseUsage(value: JsonValue | undefined): Usage | undefined {
  const wire = asObject(value);
  const inputTokens = asNumber(wire?.input_tokens);
  const outputTokens = asNumber(wire?.output_tokens);
  if (inputTokens === undefined || outputTokens === undefined) return undefined;
  const details = asObject(wire?.input_tokens_details);
  return {
    inputTokens,
    cachedInputTokens: asNumber(details?.cached_tokens) ?? 0,
    cacheWriteTokens: asNumber(details?.cache_write_tokens) ?? 0,
    outputTokens,
    reasoningTokens: asNumber(asObject(wire?.output_tokens_details)?.reasoning_tokens) ?? 0,
    isEstimated: false,
  };
}

const NOTHING: Usage = {
  inputTokens: 0,
  cachedInputTokens: 0,
  cacheWriteTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  isEstimated: true,
};

/** Always an object: the AI SDK ignores a `response.completed` without usage. */
export function renderUsage(usage: Usage = NOTHING): JsonObject {
  return {
    input_tokens: usage.inputTokens,
    input_tokens_details: { cached_tokens: usage.cachedInputTokens, cache_write_tokens: usage.cacheWriteTokens },
    output_tokens: usage.outputTokens,
    output_tokens_details: { reasoning_tokens: usage.reasoningTokens },
    total_tokens: usage.inputTokens + usage.outputTokens,
  };
}
