// The server-sent events of a streamed chat completion → frames.

import { parseObject } from '../../model/json.ts';
import type { Frame, StreamEvent } from '../../model/stream.ts';
import type { UpstreamError } from '../../model/upstream-error.ts';
import type { StreamParser, WireMessage } from '../dialect.ts';
import { cutError, garbageError } from '../upstream-failure.ts';
import { AnswerReader } from './answer-reader.ts';
import { errorInside } from './errors.ts';

export class ChatStreamParser implements StreamParser {
  readonly #reader = new AnswerReader();
  #isEnded = false;

  parse({ event, data }: WireMessage): Frame {
    // What comes after the end means nothing, and must not follow it on the client's wire either.
    if (this.#isEnded) return { events: [] };
    if (data.trim() === '[DONE]') return this.#done(data);
    const value = parseObject(data);
    if (!value) return this.#fail(garbageError(data));
    const chunk = this.#reader.read(value, true);
    const error = errorInside(value, event) ?? failureIn(chunk.events);
    if (error) return this.#fail(error, chunk.events);
    const text = chunk.value === value ? data : JSON.stringify(chunk.value);
    return { events: chunk.events, original: { dialect: 'openai-chat', data: text, value: chunk.value } };
  }

  /** Servers that forget `[DONE]` are forgiven when every choice told why it finished. */
  end(): Frame | undefined {
    if (this.#isEnded) return undefined;
    if (!this.#reader.isFinished) return this.#fail(cutError());
    this.#isEnded = true;
    return { events: [{ type: 'response-end' }] };
  }

  #done(data: string): Frame {
    if (!this.#reader.hasChoices) return this.#fail(cutError());
    this.#isEnded = true;
    const rest = this.#reader.finishRest();
    const events: StreamEvent[] = [...rest, { type: 'response-end' }];
    // Forgotten finish reasons are told to every client: such a frame is not the wire's own any more.
    return rest.length > 0 ? { events } : { events, original: { dialect: 'openai-chat', data } };
  }

  /** What the failing chunk still told (usage, say) counts; that a choice finished does not. */
  #fail(error: UpstreamError, events: readonly StreamEvent[] = []): Frame {
    this.#isEnded = true;
    const told = events.filter((event) => event.type !== 'error' && event.type !== 'finish');
    return { events: [...told, { type: 'error', error }] };
  }
}

function failureIn(events: readonly StreamEvent[]): UpstreamError | undefined {
  return events.find((event) => event.type === 'error')?.error;
}
