// A kept answer told again, in pieces that a client can show as they come.

import type { CachedAnswer } from '../cache/cached-answer.ts';
import type { ChatRequest } from '../model/chat.ts';
import type { Frame, StreamEvent } from '../model/stream.ts';
import { Answer } from './answer.ts';
import { noteAnswering } from './caching.ts';
import type { FrameSource } from './frame-source.ts';
import type { KnownHit } from './known-hit.ts';
import type { PipelineDeps } from './pipeline.ts';
import type { RequestTrace } from './trace.ts';

/** About fifty tokens: a page comes in a few pieces, and no piece is cut out of a word. */
const PIECE_LENGTH = 200;
/** Frames written at once; then the client must have taken them. */
const BATCH_FRAMES = 16;

/** A kept answer on its way to a client. */
export class ReplayedAnswer extends Answer {
  readonly kept: CachedAnswer;
  /** Absent where a request that equals this one has to be looked at anew. */
  readonly hit: KnownHit | undefined;
  readonly #trace: RequestTrace;
  #isTold = false;

  constructor(kept: CachedAnswer, request: ChatRequest, trace: RequestTrace, hit: KnownHit | undefined) {
    super(request, new ReplayedFrames(kept.events, request.isStream), trace, () => undefined);
    this.kept = kept;
    this.hit = hit;
    this.#trace = trace;
  }

  /** Its text is here already: there are no frames to read, and the trace gets what they would have told. */
  tellAtOnce(): void {
    tellAtOnce(this.kept, this.#trace);
    this.#isTold = true;
  }

  override next(): Promise<readonly Frame[] | undefined> {
    return this.#isTold ? Promise.resolve(undefined) : super.next();
  }
}

export function noteHit(kept: CachedAnswer, trace: RequestTrace, { caching, clock }: PipelineDeps): void {
  caching.note(trace, 'hit');
  trace.cacheAgeMs = caching.ageOf(kept);
  noteAnswering(trace, kept.answeredBy);
  trace.ttftMs = clock.elapsed() - trace.startedAt;
}

/** What a kept answer's frames would have told one by one. */
export function tellAtOnce({ usage, events }: CachedAnswer, trace: RequestTrace): void {
  const finish = events.findLast((event) => event.type === 'finish');
  trace.usage = usage;
  if (finish) trace.finishReason = finish.finishReason.unified;
}

class ReplayedFrames implements FrameSource {
  readonly #frames: Iterator<Frame>;

  constructor(events: readonly StreamEvent[], isStream: boolean) {
    this.#frames = isStream ? pieces(events) : [{ events }].values();
  }

  next(): Promise<readonly Frame[] | undefined> {
    const batch: Frame[] = [];
    while (batch.length < BATCH_FRAMES) {
      const { value, done } = this.#frames.next();
      if (done) break;
      batch.push(value);
    }
    return Promise.resolve(batch.length > 0 ? batch : undefined);
  }

  cancel(): void {
    this.#frames.return?.();
  }
}

function* pieces(events: readonly StreamEvent[]): Generator<Frame> {
  for (const event of events) {
    if ('text' in event && event.text.length > PIECE_LENGTH) {
      for (const text of cutText(event.text)) yield { events: [{ ...event, text }] };
    } else if (event.type === 'tool-call-delta' && event.argumentsDelta.length > PIECE_LENGTH) {
      for (const argumentsDelta of cutText(event.argumentsDelta)) yield { events: [{ ...event, argumentsDelta }] };
    } else {
      yield { events: [event] };
    }
  }
}

/** After white space where there is some, and never between the halves of a character. */
function* cutText(text: string): Generator<string> {
  let start = 0;
  while (text.length - start > PIECE_LENGTH) {
    const space = text.lastIndexOf(' ', start + PIECE_LENGTH - 1);
    let end = space > start ? space + 1 : start + PIECE_LENGTH;
    if (/[\uD800-\uDBFF]/.test(text.charAt(end - 1))) end -= 1;
    yield text.slice(start, end);
    start = end;
  }
  yield text.slice(start);
}
