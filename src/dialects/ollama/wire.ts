// Pieces of Ollama's wire that both directions share.

import type { FinishReason, TokenLogprob } from '../../model/chat.ts';
import { asArray, asNumber, asObject, asString, type JsonObject, type JsonValue } from '../../model/json.ts';

/** Ollama gives arguments as an object. */
export function argumentsJson(value: JsonValue | undefined): string {
  if (value === undefined || value === null || value === '') return '{}';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Ollama has no word for tool calls: it says `stop` after them. `load` and `unload` answer a request without messages. */
export function finishReasonOf(doneReason: string | undefined, hasToolCalls: boolean): FinishReason {
  const raw = doneReason ?? '';
  if (hasToolCalls && (raw === 'stop' || raw === '')) return { unified: 'tool-calls', raw };
  switch (raw) {
    case 'stop':
    case 'load':
    case 'unload':
    case '':
      return { unified: 'stop', raw };
    case 'length':
      return { unified: 'length', raw };
    default:
      return { unified: 'other', raw };
  }
}

/** Ollama filters nothing and so has no word for it, but a withheld answer must not look like a complete one. */
export function doneReasonOf(finishReason: FinishReason | undefined): string {
  switch (finishReason?.unified) {
    case 'length':
      return 'length';
    case 'content-filter':
      return 'content_filter';
    default:
      return 'stop';
  }
}

export function parseLogprobs(value: JsonValue | undefined): TokenLogprob[] {
  return asArray(value).flatMap((entry) => {
    const logprob = parseLogprob(asObject(entry));
    if (!logprob) return [];
    const top = asArray(asObject(entry)?.top_logprobs).flatMap((item) => parseLogprob(asObject(item)) ?? []);
    return [{ ...logprob, ...(top.length > 0 && { topLogprobs: top }) }];
  });
}

function parseLogprob(entry: JsonObject | undefined): Omit<TokenLogprob, 'topLogprobs'> | undefined {
  const token = asString(entry?.token);
  const logprob = asNumber(entry?.logprob);
  if (token === undefined || logprob === undefined) return undefined;
  const bytes = entry?.bytes;
  const isBytes = Array.isArray(bytes) && bytes.every((byte) => typeof byte === 'number');
  return { token, logprob, ...(isBytes && { bytes: bytes as number[] }) };
}

export function renderLogprobs(logprobs: readonly TokenLogprob[]): JsonValue[] {
  return logprobs.map(({ topLogprobs, ...logprob }) => ({
    ...renderLogprob(logprob),
    ...(topLogprobs && { top_logprobs: topLogprobs.map(renderLogprob) }),
  }));
}

function renderLogprob({ token, logprob, bytes }: Omit<TokenLogprob, 'topLogprobs'>): JsonObject {
  return { token, logprob, ...(bytes && { bytes: [...bytes] }) };
}
