// A stream of GenerateContentResponse chunks → frames. There is no terminal message: the answer is complete when every
// candidate has its finish reason, which is known only when the bytes end.

import { asArray, asNumber, asObject, asString, type JsonObject } from '../../model/json.ts';
import type { Frame, StreamEvent } from '../../model/stream.ts';
import type { StreamParser, WireMessage } from '../dialect.ts';
import { cutError, garbageError } from '../upstream-failure.ts';
import { CandidateParser } from './candidate-parser.ts';
import { blockedError, errorInBody, parseBody } from './errors.ts';
import { parseUsage } from './usage.ts';

export class GeminiStreamParser implements StreamParser {
  #isStarted = false;
  #hasFailed = false;
  #seed = '';
  readonly #candidates = new Map<number, CandidateParser>();

  parse(message: WireMessage): Frame {
    const value = parseBody(message.data);
    const original = { dialect: 'gemini', data: message.data, ...(value && { value }) } as const;
    return { events: value ? this.read(value, message.data) : [this.#failed(message.data)], original };
  }

  /** The events of one chunk, without those that wait for the end. */
  read(chunk: JsonObject, data: string): StreamEvent[] {
    if (this.#hasFailed) return [];
    const error = errorInBody(chunk) ?? blockedError(chunk);
    if (error) {
      this.#hasFailed = true;
      return [{ type: 'error', error }];
    }
    const events: StreamEvent[] = this.#start(chunk, data);
    for (const [position, value] of asArray(chunk.candidates).entries()) {
      const candidate = asObject(value) ?? {};
      events.push(...this.#candidate(asNumber(candidate.index) ?? position).parse(candidate));
    }
    const usage = asObject(chunk.usageMetadata);
    if (usage) events.push({ type: 'usage', usage: parseUsage(usage) });
    for (const { failure } of this.#candidates.values()) if (failure) events.push({ type: 'error', error: failure });
    const failure = events.findIndex((event) => event.type === 'error');
    if (failure < 0) return events;
    this.#hasFailed = true;
    return events.slice(0, failure + 1);
  }

  end(): Frame | undefined {
    if (this.#hasFailed) return undefined;
    const candidates = [...this.#candidates.values()];
    const isComplete = candidates.length > 0 && candidates.every((candidate) => candidate.isFinished);
    return { events: isComplete ? this.ending() : [{ type: 'error', error: cutError() }] };
  }

  ending(): StreamEvent[] {
    return [...[...this.#candidates.values()].flatMap((candidate) => candidate.end()), { type: 'response-end' }];
  }

  #start(chunk: JsonObject, data: string): StreamEvent[] {
    if (this.#isStarted) return [];
    this.#isStarted = true;
    const id = asString(chunk.responseId) ?? '';
    this.#seed = id || data;
    const createdAt = Math.floor(Date.parse(asString(chunk.createTime) ?? '') / 1_000);
    return [
      {
        type: 'response-start',
        id,
        model: asString(chunk.modelVersion) ?? '',
        ...(Number.isFinite(createdAt) && { createdAt }),
      },
    ];
  }

  #candidate(index: number): CandidateParser {
    let candidate = this.#candidates.get(index);
    if (!candidate) {
      candidate = new CandidateParser(index, this.#seed);
      this.#candidates.set(index, candidate);
    }
    return candidate;
  }

  #failed(data: string): StreamEvent {
    this.#hasFailed = true;
    return { type: 'error', error: garbageError(data) };
  }
}
