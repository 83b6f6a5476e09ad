// The small fields of answers, both ways: usage, finish reason, log probabilities, annotations. Legacy completions
// share the first two.

import type { Annotation, FinishReason, TokenLogprob, Usage } from '../../model/chat.ts';
import { asArray, asNumber, asObject, asString, isObject, type JsonObject, type JsonValue } from '../../model/json.ts';

/**
 * Some servers (xAI, Gemini's compatible endpoint) leave reasoning out of `completion_tokens` but count it in
 * `total_tokens`: the output is what the total says.
 */
export function readUsage(wire: JsonObject): Usage {
  const inputTokens = asNumber(wire.prompt_tokens) ?? 0;
  const completionTokens = asNumber(wire.completion_tokens) ?? 0;
  const outputTokens = Math.max(completionTokens, (asNumber(wire.total_tokens) ?? 0) - inputTokens);
  const inputDetails = asObject(wire.prompt_tokens_details) ?? {};
  const outputDetails = asObject(wire.completion_tokens_details) ?? {};
  return {
    inputTokens,
    // DeepSeek has its own name for it.
    cachedInputTokens: asNumber(inputDetails.cached_tokens) ?? asNumber(wire.prompt_cache_hit_tokens) ?? 0,
    cacheWriteTokens: asNumber(inputDetails.cache_write_tokens) ?? 0,
    outputTokens,
    reasoningTokens: asNumber(outputDetails.reasoning_tokens) ?? outputTokens - completionTokens,
    isEstimated: false,
  };
}

export function renderUsage(usage: Usage): JsonObject {
  return {
    prompt_tokens: usage.inputTokens,
    completion_tokens: usage.outputTokens,
    total_tokens: usage.inputTokens + usage.outputTokens,
    prompt_tokens_details: {
      cached_tokens: usage.cachedInputTokens,
      ...(usage.cacheWriteTokens > 0 && { cache_write_tokens: usage.cacheWriteTokens }),
    },
    completion_tokens_details: { reasoning_tokens: usage.reasoningTokens },
  };
}

/** OpenAI's own words and those seen on servers that speak its dialect. */
const UNIFIED: Readonly<Record<string, FinishReason['unified']>> = {
  stop: 'stop',
  end_turn: 'stop',
  stop_sequence: 'stop',
  eos: 'stop',
  eos_token: 'stop',
  complete: 'stop',
  length: 'length',
  max_tokens: 'length',
  model_length: 'length',
  model_context_window_exceeded: 'length',
  tool_calls: 'tool-calls',
  tool_use: 'tool-calls',
  function_call: 'tool-calls',
  content_filter: 'content-filter',
  safety: 'content-filter',
  sensitive: 'content-filter',
  refusal: 'content-filter',
};

/** A forced tool call ends with `stop` at OpenAI, and some servers always say so. */
export function readFinishReason(raw: string, hasToolCalls: boolean): FinishReason {
  const unified = UNIFIED[raw.toLowerCase()] ?? 'other';
  return { unified: hasToolCalls && (unified === 'stop' || unified === 'other') ? 'tool-calls' : unified, raw };
}

const FINISH_WORDS: Readonly<Record<FinishReason['unified'], string>> = {
  stop: 'stop',
  length: 'length',
  'tool-calls': 'tool_calls',
  'content-filter': 'content_filter',
  other: 'stop',
};

export function renderFinishReason(reason: FinishReason): string {
  return FINISH_WORDS[reason.unified];
}

export function readLogprobs(wire: JsonValue | undefined): TokenLogprob[] {
  return asArray(asObject(wire)?.content).flatMap((item) => {
    if (!isObject(item)) return [];
    const alternatives = asArray(item.top_logprobs).flatMap((other) =>
      isObject(other) ? [readTokenLogprob(other)] : [],
    );
    return [{ ...readTokenLogprob(item), ...(alternatives.length > 0 && { topLogprobs: alternatives }) }];
  });
}

function readTokenLogprob(wire: JsonObject): Omit<TokenLogprob, 'topLogprobs'> {
  const bytes = Array.isArray(wire.bytes) ? wire.bytes.filter((byte) => typeof byte === 'number') : undefined;
  return { token: asString(wire.token) ?? '', logprob: asNumber(wire.logprob) ?? 0, ...(bytes && { bytes }) };
}

export function renderLogprobs(logprobs: readonly TokenLogprob[]): JsonObject {
  const content = logprobs.map((entry) => ({
    ...renderTokenLogprob(entry),
    top_logprobs: (entry.topLogprobs ?? []).map(renderTokenLogprob),
  }));
  return { content, refusal: null };
}

function renderTokenLogprob(entry: Omit<TokenLogprob, 'topLogprobs'>): JsonObject {
  return { token: entry.token, logprob: entry.logprob, bytes: entry.bytes ? [...entry.bytes] : null };
}

export function readAnnotation(wire: JsonObject): Annotation {
  const citation = asObject(wire.url_citation) ?? {};
  const url = asString(citation.url);
  const title = asString(citation.title);
  const quote = asString(citation.content);
  const start = asNumber(citation.start_index);
  const end = asNumber(citation.end_index);
  return {
    ...(url !== undefined && { url }),
    ...(title !== undefined && { title }),
    ...(quote !== undefined && { quote }),
    ...(start !== undefined && { start }),
    ...(end !== undefined && { end }),
    extensions: { 'openai-chat': wire },
  };
}

/** Undefined for a source without URL: the wire has only `url_citation`. */
export function renderAnnotation(annotation: Annotation): JsonObject | undefined {
  const own = annotation.extensions?.['openai-chat'];
  if (own) return own;
  if (annotation.url === undefined) return undefined;
  return {
    type: 'url_citation',
    url_citation: {
      url: annotation.url,
      title: annotation.title ?? '',
      start_index: annotation.start ?? 0,
      end_index: annotation.end ?? 0,
    },
  };
}
