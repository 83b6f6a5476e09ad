// Legacy log probabilities, ids and finish reasons.

import type { FinishReason, TokenLogprob } from '../../model/chat.ts';
import type { JsonObject } from '../../model/json.ts';
import { renderFinishReason } from '../openai-chat/answer-fields.ts';

/** @param offset where the first token begins in the choice's text, UTF-16 code units */
export function renderLegacyLogprobs(logprobs: readonly TokenLogprob[], offset = 0): JsonObject {
  const offsets: number[] = [];
  let position = offset;
  for (const { token } of logprobs) {
    offsets.push(position);
    position += token.length;
  }
  return {
    tokens: logprobs.map((entry) => entry.token),
    token_logprobs: logprobs.map((entry) => entry.logprob),
    top_logprobs: logprobs.map((entry) =>
      Object.fromEntries((entry.topLogprobs ?? []).map((other) => [other.token, other.logprob])),
    ),
    text_offset: offsets,
  };
}

/** The wire has neither tool calls nor their finish reason. */
export function renderLegacyFinish(reason: FinishReason): string {
  return reason.unified === 'tool-calls' ? 'stop' : renderFinishReason(reason);
}

export function legacyAnswerId(id: string): string {
  return id.startsWith('cmpl-') ? id : `cmpl-${id.replace(/^chatcmpl-/, '')}`;
}
