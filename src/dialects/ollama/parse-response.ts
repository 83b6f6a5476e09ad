// A whole unstreamed body of an upstream's /api/chat → one frame.

import { parseObject } from '../../model/json.ts';
import type { Frame } from '../../model/stream.ts';
import { OllamaStreamParser } from './stream-parser.ts';

export function parseResponse(text: string): Frame {
  const parser = new OllamaStreamParser();
  const { events } = parser.parse({ data: text });
  const end = parser.end();
  const value = parseObject(text);
  return {
    events: end ? [...events, ...end.events] : events,
    original: { dialect: 'ollama', data: text, isWhole: true, ...(value && { value }) },
  };
}
