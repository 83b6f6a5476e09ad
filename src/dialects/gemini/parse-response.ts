// A whole GenerateContentResponse → one frame: a stream of one chunk. A proxy that loses `alt=sse` on the way brings a
// whole stream as one JSON array instead: a stream of its elements, which is complete only when every candidate is.

import { asArray, asObject, type JsonObject } from '../../model/json.ts';
import type { Frame, StreamEvent } from '../../model/stream.ts';
import { garbageError } from '../upstream-failure.ts';
import { parseBodies } from './errors.ts';
import { GeminiStreamParser } from './stream-parser.ts';

export function parseResponse(text: string): Frame {
  const { bodies, isArray } = parseBodies(text);
  const [value] = bodies;
  if (value && isArray) return streamFrame(bodies, text);
  const original = { dialect: 'gemini', data: text, ...(value && { value }), isWhole: true } as const;
  if (!value) return { events: [{ type: 'error', error: garbageError(text) }], original };
  const parser = new GeminiStreamParser();
  const events = parser.read(value, text);
  if (events.some((event) => event.type === 'error')) return { events, original };
  const isAnswer = asArray(value.candidates).some((candidate) => asObject(candidate));
  const ending: StreamEvent[] = isAnswer ? parser.ending() : [{ type: 'error', error: garbageError(text) }];
  return { events: [...events, ...ending], original };
}

/** Has no original: the client of Gemini's own dialect did not ask for an array. */
function streamFrame(chunks: readonly JsonObject[], text: string): Frame {
  const parser = new GeminiStreamParser();
  const events = chunks.flatMap((chunk) => parser.read(chunk, text));
  return { events: [...events, ...(parser.end()?.events ?? [])] };
}
