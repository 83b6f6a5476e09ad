// Typed server-sent events of a Responses upstream → frames.

import { asArray, asNumber, asObject, asString, type JsonObject, parseObject } from '../../model/json.ts';
import type { Frame, StreamEvent } from '../../model/stream.ts';
import type { StreamParser, WireMessage } from '../dialect.ts';
import { openAiEventError } from '../openai-error.ts';
import { cutError, garbageError } from '../upstream-failure.ts';
import { ItemReader } from './item-reader.ts';
import { outcomeEvents } from './outcome.ts';
import { responseStart } from './parse-response.ts';

/** Belongs to an item, but says nothing that its deltas and its `done` do not say. */
const SILENT = /^response\.(content_part|reasoning_summary_part|reasoning_part)\./;

export class ResponsesStreamParser implements StreamParser {
  readonly #items = new ItemReader();
  #isStarted = false;
  #isEnded = false;

  parse(message: WireMessage): Frame {
    const value = parseObject(message.data);
    const original = {
      dialect: 'openai-responses',
      data: message.data,
      ...(message.event !== undefined && { event: message.event }),
      ...(value && { value }),
    } as const;
    const events = this.#isEnded ? [] : this.#events(message, value);
    this.#isEnded ||= events.some((event) => event.type === 'error' || event.type === 'response-end');
    return { events, original };
  }

  end(): Frame | undefined {
    if (this.#isEnded) return undefined;
    this.#isEnded = true;
    return { events: [{ type: 'error', error: cutError() }] };
  }

  #events(message: WireMessage, value: JsonObject | undefined): StreamEvent[] {
    if (!value) {
      // Some compatible servers close with it after the terminal event, as the chat dialect does.
      return message.data === '[DONE]' ? [] : [{ type: 'error', error: garbageError(message.data) }];
    }
    const type = asString(value.type) ?? message.event ?? '';
    if (type === 'error' || (type === '' && value.error != null)) {
      const error = asObject(value.error) ?? (typeof value.error === 'string' ? { message: value.error } : value);
      return [{ type: 'error', error: openAiEventError('openai-responses', error) }];
    }
    const response = asObject(value.response);
    return response ? this.#responseEvents(type, response) : this.#itemEvents(type, value);
  }

  #responseEvents(type: string, response: JsonObject): StreamEvent[] {
    const start = this.#isStarted ? [] : [responseStart(response)];
    this.#isStarted = true;
    switch (type) {
      case 'response.completed':
      case 'response.incomplete':
      case 'response.failed':
      case 'response.cancelled': {
        const output = this.#items.isEmpty ? asArray(response.output) : [];
        const items = output.flatMap((item, index) => this.#items.done(index, asObject(item) ?? {}));
        // The event's name decides: servers have sent `response.failed` with a stale status inside.
        const status = type.slice('response.'.length);
        return [...start, ...items, ...outcomeEvents({ ...response, status }, this.#items.hasToolCalls)];
      }
      default:
        return start;
    }
  }

  #itemEvents(type: string, value: JsonObject): StreamEvent[] {
    const index = asNumber(value.output_index) ?? 0;
    const item = { index, id: asString(value.item_id) ?? '' };
    const content = { ...item, section: asNumber(value.content_index) ?? 0 };
    const summary = { ...item, section: asNumber(value.summary_index) ?? 0 };
    const delta = asString(value.delta) ?? '';
    const text = asString(value.text) ?? '';
    switch (type) {
      case 'response.output_item.added':
        return this.#items.added(index, asObject(value.item) ?? {});
      case 'response.output_item.done':
        return this.#items.done(index, asObject(value.item) ?? {});
      case 'response.output_text.delta':
        return this.#items.text(content, delta, value.logprobs);
      case 'response.output_text.done':
        return this.#items.textDone(content, text, value.logprobs);
      case 'response.output_text.annotation.added':
        return this.#items.annotation(content, asObject(value.annotation) ?? {});
      case 'response.refusal.delta':
        return this.#items.refusal(content, delta);
      case 'response.refusal.done':
        return this.#items.refusalDone(content, asString(value.refusal) ?? '');
      case 'response.function_call_arguments.delta':
        return this.#items.arguments(item, delta);
      case 'response.function_call_arguments.done':
        return this.#items.argumentsDone(item, asString(value.arguments) ?? '');
      case 'response.reasoning_summary_text.delta':
        return this.#items.reasoning(summary, 'summary', delta);
      case 'response.reasoning_summary_text.done':
        return this.#items.reasoningDone(summary, 'summary', text);
      case 'response.reasoning_text.delta':
        return this.#items.reasoning(content, 'content', delta);
      case 'response.reasoning_text.done':
        return this.#items.reasoningDone(content, 'content', text);
      default:
        // Progress of hosted and custom tools.
        return value.output_index !== undefined && !SILENT.test(type) ? [{ type: 'opaque-delta' }] : [];
    }
  }
}
