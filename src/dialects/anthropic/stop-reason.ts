// Why an answer ended: Anthropic's words ↔ ours.

import type { FinishReason } from '../../model/chat.ts';
import { asObject, asString, type JsonObject } from '../../model/json.ts';
import type { StreamEvent } from '../../model/stream.ts';

const UNIFIED: Readonly<Record<string, FinishReason['unified']>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  tool_use: 'tool-calls',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  // The server stopped a long turn half way: like `length`, the answer is unfinished and may be continued.
  pause_turn: 'length',
  refusal: 'content-filter',
};

const WORDS: Readonly<Record<FinishReason['unified'], string>> = {
  stop: 'end_turn',
  length: 'max_tokens',
  'tool-calls': 'tool_use',
  'content-filter': 'refusal',
  other: 'end_turn',
};

function parseStopReason(raw: string): FinishReason {
  return { unified: UNIFIED[raw] ?? 'other', raw };
}

/** Why it was refused, which only `stop_details` tells, and the reason itself. */
export function stopEvents(holder: JsonObject): StreamEvent[] {
  const raw = asString(holder.stop_reason) ?? '';
  const explanation = raw === 'refusal' ? (asString(asObject(holder.stop_details)?.explanation) ?? '') : '';
  return [
    ...(explanation === '' ? [] : [{ type: 'refusal-delta', choice: 0, text: explanation } as const]),
    { type: 'finish', choice: 0, finishReason: parseStopReason(raw) },
  ];
}

/**
 * Anthropic's own word is kept. Some upstreams end an answer of tool calls with a plain "stop"; agents run the tools
 * only after `tool_use`, so the calls themselves decide then.
 */
export function renderStopReason(finishReason: FinishReason | undefined, hasToolCalls: boolean): string {
  if (finishReason && Object.hasOwn(UNIFIED, finishReason.raw)) return finishReason.raw;
  const unified = finishReason?.unified ?? 'other';
  if (hasToolCalls && (unified === 'stop' || unified === 'other')) return 'tool_use';
  return WORDS[unified];
}
