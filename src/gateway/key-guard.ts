// Upstreams say back what they were sent: debugging proxies the whole request, some providers the key that they refused.
// What is said of a failure reaches clients and logs, so our credential is taken out of it first.

import type { StreamParser } from '../dialects/dialect.ts';
import type { Frame } from '../model/stream.ts';

const HIDDEN = '[redacted]';
/**
 * What is shorter is no secret but the filler that a local server is given (`x`, `EMPTY`, `none`), and stands in every
 * sentence and field name: taking it out would leave an error that nobody can read, ourselves included.
 */
const KEY_LENGTH_MIN = 8;

export function withoutKey(text: string, key: string): string {
  return key.length < KEY_LENGTH_MIN ? text : text.replaceAll(key, HIDDEN);
}

/** The same frames, but no error in them tells the key. */
export function guardedParser(parser: StreamParser, key: string): StreamParser {
  return {
    parse: (message) => frameWithoutKey(parser.parse(message), key),
    end: () => parser.end(),
  };
}

/** An error is the last event of its frame. */
export function frameWithoutKey(frame: Frame, key: string): Frame {
  const event = frame.events.at(-1);
  if (event?.type !== 'error' || key.length < KEY_LENGTH_MIN) return frame;
  const error = JSON.parse(withoutKey(JSON.stringify(event.error), key));
  return { ...frame, events: [...frame.events.slice(0, -1), { type: 'error', error }] };
}
