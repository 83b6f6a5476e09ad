// One attempt to get a chat answer from one target: ask, wait for the first content, hand the stream over.
//
// Before the commit point every failure is a value, so that the chain can go on; after it, `next` throws.

import { cross } from '../dialects/crossing.ts';
import type { Dialect } from '../dialects/dialect.ts';
import { FRAME_LENGTH_MAX } from '../dialects/framing.ts';
import { dialects } from '../dialects/registry.ts';
import { cutError, fromUpstreamError, garbageError } from '../dialects/upstream-failure.ts';
import type { ChatRequest } from '../model/chat.ts';
import { type Frame, isContent } from '../model/stream.ts';
import type { UpstreamError } from '../model/upstream-error.ts';
import type { Clock, HttpClient, HttpResponse, StopSignal } from '../ports.ts';
import { AbortScope } from './abort-scope.ts';
import type { AnswerFrames } from './answer-frames.ts';
import type { AttemptResult } from './chain.ts';
import { type FrameSource, LocalFrames, StreamedFrames, WholeAnswer } from './frame-source.ts';
import { frameWithoutKey, guardedParser } from './key-guard.ts';
import { alreadyRead, beginsAsEvents, peeked } from './mislabelled.ts';
import { spokenTo } from './spoken-dialect.ts';
import type { Target } from './target.ts';
import { ANSWER_BYTES_MAX, failureOf, openCall, readText, upstreamSide } from './upstream-http.ts';

export interface ChatAttemptDeps {
  readonly http: HttpClient;
  readonly clock: Clock;
  /** Answers of the builtin account, made in this process. */
  readonly builtin: (request: ChatRequest) => AsyncIterable<readonly Frame[]>;
}

export function attemptChat(
  request: ChatRequest,
  target: Target,
  key: string,
  deps: ChatAttemptDeps,
  signal: StopSignal,
): Promise<AttemptResult<AnswerFrames>> {
  return attempted(request, target, deps.clock, signal, (scope) =>
    openFrames(request, spokenTo(target, request), key, deps, scope),
  );
}

export type Opened = { readonly source: FrameSource } | { readonly whole: Frame } | { readonly failure: UpstreamError };

/** Opens an answer and waits for its first content, within the target's deadlines. */
export async function attempted(
  request: ChatRequest,
  target: Target,
  clock: Clock,
  signal: StopSignal,
  open: (scope: AbortScope) => Promise<Opened>,
): Promise<AttemptResult<AnswerFrames>> {
  const scope = new AbortScope(clock, signal);
  scope.deadline(contentDeadlineMs(request, target), 'The upstream sent no content');
  try {
    const opened = await open(scope);
    if ('source' in opened) return await committed(opened.source, target, scope);
    scope.end();
    return 'whole' in opened ? wholeAnswer(opened.whole) : { ok: false, failure: opened.failure };
  } catch (thrown) {
    const reason = scope.signal.aborted ? scope.signal.reason : thrown;
    // Whatever was thrown, the upstream's connection must not stay open with nobody reading.
    scope.abort(reason);
    scope.end();
    return failureOf(reason, signal);
  }
}

async function committed(source: FrameSource, target: Target, scope: AbortScope): Promise<AttemptResult<AnswerFrames>> {
  const head = await untilContent(source);
  if (!head.ok) {
    source.cancel();
    scope.end();
    return { ok: false, failure: head.failure };
  }
  scope.deadline(target.timeouts.idleMs, 'The upstream fell silent and sent nothing');
  scope.rest();
  return { ok: true, answer: new CommittedFrames(head.frames, source, scope) };
}

function wholeAnswer(frame: Frame): AttemptResult<AnswerFrames> {
  const failure = verdict(frame) ?? cutError();
  return failure === 'content' ? { ok: true, answer: new WholeAnswer(frame) } : { ok: false, failure };
}

/** An unstreamed answer's first content comes with its last, so it has as many times longer. */
const WHOLE_ANSWER_FACTOR = 4;

function contentDeadlineMs(request: ChatRequest, { timeouts }: Target): number {
  return request.isStream ? timeouts.ttftMs : timeouts.ttftMs * WHOLE_ANSWER_FACTOR;
}

async function openFrames(
  request: ChatRequest,
  target: Target,
  key: string,
  deps: ChatAttemptDeps,
  scope: AbortScope,
): Promise<Opened> {
  const { account, model, traits } = target;
  const crossing = cross(request, dialects[account.dialect]);
  if (account.isBuiltin) return { source: new LocalFrames(deps.builtin(request)) };
  const upstream = upstreamSide(target);
  const call = upstream.renderRequest(crossing.request, { model, isStream: request.isStream, traits });
  const opened = await openCall(deps.http, target, key, call, scope);
  if (!opened.ok) return opened;
  const { framing } = dialects[account.dialect];
  const readWhole = (text: string): Frame => frameWithoutKey(crossing.translated(upstream.parseResponse(text)), key);
  const streamed = (response: HttpResponse): Opened => {
    const parser = guardedParser(crossing.translating(upstream.streamParser()), key);
    return { source: new StreamedFrames(response, framing, parser, deps.clock, readWhole) };
  };
  let { response } = opened;
  if (!isWholeAnswer(request, framing, response.headers['content-type'])) return streamed(response);
  if (request.isStream && framing === 'sse') {
    const { start, response: unread } = await peeked(response);
    if (beginsAsEvents(start)) return streamed(unread);
    response = unread;
  }
  const text = await readText(response, ANSWER_BYTES_MAX, 'fail');
  if (framing === 'sse' && beginsAsEvents(text)) return streamed(alreadyRead(response, text));
  return { whole: readWhole(text) };
}

/** Some servers ignore `stream` and answer whole, others stream unasked. Their labels tell, where they are plain. */
function isWholeAnswer(request: ChatRequest, framing: Dialect['framing'], contentType = ''): boolean {
  if (framing === 'sse' && /^application\/json\b/i.test(contentType)) return true;
  return !request.isStream && !/^text\/event-stream\b/i.test(contentType);
}

/** Held frames may make up this many characters, each counting at least as much as it costs to keep. */
const HELD_LENGTH_MAX = FRAME_LENGTH_MAX;
const HELD_FRAME_LENGTH_MIN = 200;

type Head =
  | { readonly ok: true; readonly frames: readonly Frame[] }
  | { readonly ok: false; readonly failure: UpstreamError };

/** Holds frames back until one has content: up to there the answer may still come from elsewhere. */
async function untilContent(source: FrameSource): Promise<Head> {
  let held: readonly Frame[] = [];
  let heldLength = 0;
  for (;;) {
    const batch = await source.next();
    if (!batch) return { ok: false, failure: cutError() };
    held = held.length === 0 ? batch : [...held, ...batch];
    for (const frame of batch) {
      const found = verdict(frame);
      if (found) return found === 'content' ? { ok: true, frames: held } : { ok: false, failure: found };
      heldLength += Math.max(HELD_FRAME_LENGTH_MIN, frame.original?.data.length ?? 0);
    }
    if (heldLength > HELD_LENGTH_MAX) {
      return { ok: false, failure: garbageError('nothing but frames without content, without end') };
    }
  }
}

/** What decides an attempt: content, or an error before it. */
function verdict({ events }: Frame): 'content' | UpstreamError | undefined {
  for (const event of events) {
    if (event.type === 'error') return event.error;
    if (isContent(event)) return 'content';
  }
  return undefined;
}

/** A running answer. Ends by itself at the terminal mark; `next` throws the GatewayError that broke it. */
class CommittedFrames implements AnswerFrames {
  #head: readonly Frame[] | undefined;
  readonly #source: FrameSource;
  readonly #scope: AbortScope;
  /** An upstream that sends comments while its model thinks is not silent; the total deadline ends it in any case. */
  readonly #hearSign = (): void => this.#scope.restart();

  constructor(head: readonly Frame[], source: FrameSource, scope: AbortScope) {
    this.#head = head;
    this.#source = source;
    this.#scope = scope;
  }

  /** The next batch, or undefined at the end. A batch with an error event is the last one. */
  async next(): Promise<readonly Frame[] | undefined> {
    const head = this.#head;
    if (head) {
      this.#head = undefined;
      return head;
    }
    try {
      // Only the upstream's silence counts, not the time a slow client takes to read what came.
      this.#scope.restart();
      const batch = await this.#source.next(this.#hearSign);
      if (batch) this.#scope.rest();
      else this.#scope.end();
      return batch;
    } catch (thrown) {
      const reason = this.#scope.signal.aborted ? this.#scope.signal.reason : thrown;
      this.cancel();
      // Nothing can move on any more: what would be a failed attempt is the answer's end.
      throw fromUpstreamError(failureOf(reason, this.#scope.signal).failure);
    }
  }

  cancel(): void {
    this.#source.cancel();
    this.#scope.end();
  }
}
