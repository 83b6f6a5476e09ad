// A whole GenerateContentResponse → one frame: a stream of one chunk.

import { asArray, asObject } from '../../model/json.ts';
import type { Frame, StreamEvent } from '../../model/stream.ts';
import { garbageError } from '../upstream-failure.ts';
import { parseBody } from './errors.ts';
import { GeminiStreamParser } from './stream-parser.ts';

export function parseResponse(text: string): Frame {
  const value = parseBody(text);
  const original = { dialect: 'gemini', data: text, ...(value && { value }), isWhole: true } as const;
  if (!value) return { events: [{ type: 'error', error: garbageError(text) }], original };
  const parser = new GeminiStreamParser();
  const events = parser.read(value, text);
  if (events.some((event) => event.type === 'error')) return { events, original };
  const isAnswer = asArray(value.candidates).some((candidate) => asObject(candidate));
  const ending: StreamEvent[] = isAnswer ? parser.ending() : [{ type: 'error', error: garbageError(text) }];
  return { events: [...events, ...ending], original };
}
