// NDJSON lines of an upstream's /api/chat → frames. A whole unstreamed body is the same as one last line.

import type { Usage } from '../../model/chat.ts';
import { asArray, asNumber, asObject, asString, type JsonObject, parseObject } from '../../model/json.ts';
import type { Frame, StreamEvent } from '../../model/stream.ts';
import type { StreamParser, WireMessage } from '../dialect.ts';
import { madeToolCallId } from '../tool-call-id.ts';
import { cutError, garbageError } from '../upstream-failure.ts';
import { reportedError } from './errors.ts';
import { argumentsJson, finishReasonOf, parseLogprobs } from './wire.ts';

export class OllamaStreamParser implements StreamParser {
  #isStarted = false;
  /** Complete or failed: nothing that follows counts. */
  #isEnded = false;
  #toolCallCount = 0;

  parse(message: WireMessage): Frame {
    const value = parseObject(message.data);
    return {
      events: this.#isEnded ? [] : this.#events(value, message.data),
      original: { dialect: 'ollama', data: message.data, ...(value && { value }) },
    };
  }

  end(): Frame | undefined {
    if (this.#isEnded) return undefined;
    this.#isEnded = true;
    return { events: [{ type: 'error', error: cutError() }] };
  }

  #events(value: JsonObject | undefined, text: string): StreamEvent[] {
    const failed = value && 'error' in value;
    if (!value || failed || !('message' in value || 'done' in value)) {
      this.#isEnded = true;
      return [{ type: 'error', error: failed ? reportedError(value) : garbageError(text) }];
    }
    const events: StreamEvent[] = [];
    if (!this.#isStarted) events.push(startEvent(value));
    this.#isStarted = true;
    this.#addContent(value, events);
    if (value.done === true) this.#addEnd(value, events);
    return events;
  }

  #addContent(value: JsonObject, events: StreamEvent[]): void {
    const message = asObject(value.message);
    const thinking = asString(message?.thinking);
    if (thinking) events.push({ type: 'reasoning-delta', choice: 0, text: thinking });
    const content = asString(message?.content);
    if (content) events.push({ type: 'text-delta', choice: 0, text: content });
    const logprobs = parseLogprobs(value.logprobs);
    if (logprobs.length > 0) events.push({ type: 'logprobs-add', choice: 0, logprobs });
    for (const call of asArray(message?.tool_calls)) this.#addToolCall(asObject(call), value, events);
  }

  /** A call comes whole. Older servers give it no id; the answer's time keeps ours apart from earlier answers'. */
  #addToolCall(call: JsonObject | undefined, value: JsonObject, events: StreamEvent[]): void {
    const called = asObject(call?.function);
    const name = asString(called?.name);
    if (name === undefined) return;
    const json = argumentsJson(called?.arguments);
    const index = this.#toolCallCount;
    this.#toolCallCount += 1;
    const createdAt = asString(value.created_at) ?? '';
    const id = asString(call?.id) || madeToolCallId(index, `${createdAt} ${name} ${json}`);
    events.push({ type: 'tool-call-start', choice: 0, index, id, name });
    events.push({ type: 'tool-call-delta', choice: 0, index, argumentsDelta: json });
  }

  #addEnd(value: JsonObject, events: StreamEvent[]): void {
    this.#isEnded = true;
    const finishReason = finishReasonOf(asString(value.done_reason), this.#toolCallCount > 0);
    events.push({ type: 'finish', choice: 0, finishReason });
    const usage = usageOf(value);
    if (usage) events.push({ type: 'usage', usage });
    events.push({ type: 'response-end' });
  }
}

/** Ollama does not name its answers: the id is empty, and whoever renders it takes the gateway's. */
function startEvent(value: JsonObject): StreamEvent {
  const milliseconds = Date.parse(asString(value.created_at) ?? '');
  return {
    type: 'response-start',
    id: '',
    model: asString(value.model) ?? '',
    ...(Number.isFinite(milliseconds) && { createdAt: Math.floor(milliseconds / 1_000) }),
  };
}

/** A count of 0 is left out on the wire. */
function usageOf(value: JsonObject): Usage | undefined {
  const inputTokens = asNumber(value.prompt_eval_count);
  const outputTokens = asNumber(value.eval_count);
  if (inputTokens === undefined && outputTokens === undefined) return undefined;
  return {
    inputTokens: inputTokens ?? 0,
    cachedInputTokens: 0,
    cacheWriteTokens: 0,
    outputTokens: outputTokens ?? 0,
    reasoningTokens: 0,
    isEstimated: false,
  };
}
