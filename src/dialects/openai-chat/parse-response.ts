// A whole chat completion body → one frame.

import { type JsonObject, parseObject } from '../../model/json.ts';
import type { Frame, StreamEvent } from '../../model/stream.ts';
import { garbageError } from '../upstream-failure.ts';
import { AnswerReader } from './answer-reader.ts';
import { errorInside } from './errors.ts';

export function parseResponse(text: string): Frame {
  const body = parseObject(text);
  if (!body) return wholeFrame([{ type: 'error', error: garbageError(text) }], text);
  const error = errorInside(body);
  if (error) return wholeFrame([{ type: 'error', error }], text, body);
  const reader = new AnswerReader();
  const { events, value } = reader.read(body);
  if (!reader.hasChoices) return wholeFrame([{ type: 'error', error: garbageError(text) }], text, body);
  events.push(...reader.finishRest());
  const failure = events.find((event) => event.type === 'error');
  if (failure) return wholeFrame([failure], text, body);
  events.push({ type: 'response-end' });
  return wholeFrame(events, value === body ? text : JSON.stringify(value), value);
}

function wholeFrame(events: StreamEvent[], data: string, value?: JsonObject): Frame {
  return { events, original: { dialect: 'openai-chat', data, isWhole: true, ...(value && { value }) } };
}
