// A whole unstreamed Response object → one frame.

import { asArray, asNumber, asObject, asString, type JsonObject, parseObject } from '../../model/json.ts';
import type { Frame, StreamEvent } from '../../model/stream.ts';
import { openAiEventError } from '../openai-error.ts';
import { garbageError } from '../upstream-failure.ts';
import { ItemReader } from './item-reader.ts';
import { outcomeEvents } from './outcome.ts';

export function parseResponse(text: string): Frame {
  const body = parseObject(text);
  const original = { dialect: 'openai-responses', data: text, isWhole: true, ...(body && { value: body }) } as const;
  return { events: body ? bodyEvents(body, text) : [{ type: 'error', error: garbageError(text) }], original };
}

function bodyEvents(body: JsonObject, text: string): StreamEvent[] {
  if (!Array.isArray(body.output)) {
    const error = asObject(body.error) ?? (typeof body.error === 'string' ? { message: body.error } : undefined);
    return [{ type: 'error', error: error ? openAiEventError('openai-responses', error) : garbageError(text) }];
  }
  const reader = new ItemReader();
  const items = asArray(body.output).flatMap((item, index) => reader.done(index, asObject(item) ?? {}));
  return [responseStart(body), ...items, ...outcomeEvents(body, reader.hasToolCalls)];
}

export function responseStart(response: JsonObject): StreamEvent {
  const createdAt = asNumber(response.created_at);
  return {
    type: 'response-start',
    id: asString(response.id) ?? '',
    model: asString(response.model) ?? '',
    ...(createdAt !== undefined && { createdAt }),
  };
}
