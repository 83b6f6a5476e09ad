// The events of a streamed Message → frames. Strict about what must not pass for success: a second message_start (two
// answers spliced into one), content without a message, an end before message_stop.

import { asNumber, asObject, asString, type JsonObject, parseObject } from '../../model/json.ts';
import type { Frame, StreamEvent } from '../../model/stream.ts';
import type { UpstreamError } from '../../model/upstream-error.ts';
import type { StreamParser, WireMessage } from '../dialect.ts';
import { cutError, garbageError } from '../upstream-failure.ts';
import { BlockReader } from './block-reader.ts';
import { parseErrorEvent } from './errors.ts';
import { stopEvents } from './stop-reason.ts';
import { UsageTotals } from './usage.ts';

export class AnthropicStreamParser implements StreamParser {
  /** Absent before message_start. */
  #reader: BlockReader | undefined;
  readonly #usage = new UsageTotals();
  #isFinished = false;
  #isOver = false;

  parse(message: WireMessage): Frame {
    // Whatever follows the end is not part of this answer and must not be written either.
    if (this.#isOver) return { events: [] };
    const value = parseObject(message.data);
    const events = value ? this.#events(value, message) : [this.#failed(garbageError(message.data))];
    return {
      events,
      original: {
        dialect: 'anthropic',
        ...(message.event !== undefined && { event: message.event }),
        data: message.data,
        ...(value && { value }),
      },
    };
  }

  end(): Frame | undefined {
    return this.#isOver ? undefined : { events: [this.#failed(cutError())] };
  }

  #events(value: JsonObject, message: WireMessage): readonly StreamEvent[] {
    const type = asString(value.type) ?? message.event;
    switch (type) {
      case 'message_start':
        return this.#start(asObject(value.message) ?? {});
      case 'error':
        return [this.#failed(parseErrorEvent(value))];
      case 'content_block_start':
      case 'content_block_delta':
      case 'content_block_stop':
      case 'message_delta':
      case 'message_stop':
        if (!this.#reader) return [this.#failed(unexpected(`${type} came before message_start`))];
        return this.#continue(type, value, this.#reader);
      default:
        // A body without a type but with an error is how some proxies fail.
        return asObject(value.error) ? [this.#failed(parseErrorEvent(value))] : [];
    }
  }

  #start(message: JsonObject): readonly StreamEvent[] {
    if (this.#reader) return [this.#failed(unexpected('a second message_start came inside one answer'))];
    const id = asString(message.id) ?? '';
    this.#reader = new BlockReader(id);
    const usage = asObject(message.usage);
    return [
      {
        type: 'response-start',
        id,
        model: asString(message.model) ?? '',
        ...(usage && { usage: this.#usage.update(usage) }),
      },
    ];
  }

  #continue(type: string, value: JsonObject, reader: BlockReader): readonly StreamEvent[] {
    const index = asNumber(value.index) ?? 0;
    switch (type) {
      case 'content_block_start':
        return reader.start(index, asObject(value.content_block) ?? {});
      case 'content_block_delta':
        return reader.delta(index, asObject(value.delta) ?? {});
      case 'content_block_stop':
        return reader.stop(index);
      case 'message_delta':
        return this.#messageDelta(value, reader);
      default:
        return this.#stop(reader);
    }
  }

  #messageDelta(value: JsonObject, reader: BlockReader): readonly StreamEvent[] {
    const usage = asObject(value.usage);
    const delta = asObject(value.delta) ?? {};
    return [
      ...(asString(delta.stop_reason) === undefined ? [] : this.#finish(delta, reader)),
      ...(usage ? [{ type: 'usage', usage: this.#usage.update(usage) } as const] : []),
    ];
  }

  #stop(reader: BlockReader): readonly StreamEvent[] {
    this.#isOver = true;
    return [...this.#finish({}, reader), { type: 'response-end' }];
  }

  /** Only the first reason counts. */
  #finish(delta: JsonObject, reader: BlockReader): readonly StreamEvent[] {
    if (this.#isFinished) return [];
    this.#isFinished = true;
    return [...reader.stopAll(), ...stopEvents(delta)];
  }

  #failed(error: UpstreamError): StreamEvent {
    this.#isOver = true;
    return { type: 'error', error };
  }
}

function unexpected(what: string): UpstreamError {
  return { code: 'upstream_garbage', message: `The upstream broke its stream's order: ${what}.` };
}
