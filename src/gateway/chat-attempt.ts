// One attempt to get a chat answer from one target: ask, wait for the first content, hand the stream over.
//
// Before the commit point every failure is a value, so that the chain can go on; after it, `next` throws.

import { dialects } from '../dialects/registry.ts';
import { cutError, fromUpstreamError } from '../dialects/upstream-failure.ts';
import type { ChatRequest } from '../model/chat.ts';
import { type Frame, isContent } from '../model/stream.ts';
import type { UpstreamError } from '../model/upstream-error.ts';
import type { Clock, HttpClient } from '../ports.ts';
import { AbortScope } from './abort-scope.ts';
import type { AttemptResult } from './chain.ts';
import { type FrameSource, LocalFrames, StreamedFrames, WholeFrame } from './frame-source.ts';
import type { Target } from './target.ts';
import { ANSWER_BYTES_MAX, failureOf, openCall, readText, upstreamSide } from './upstream-http.ts';

export interface ChatAttemptDeps {
  readonly http: HttpClient;
  readonly clock: Clock;
  /** Answers of the builtin account, made in this process. */
  readonly builtin: (request: ChatRequest, model: string) => AsyncIterable<readonly Frame[]>;
}

export async function attemptChat(
  request: ChatRequest,
  target: Target,
  key: string,
  deps: ChatAttemptDeps,
  signal: AbortSignal,
): Promise<AttemptResult<CommittedFrames>> {
  const scope = new AbortScope(deps.clock, signal);
  scope.deadline(target.timeouts.ttftMs, 'The upstream sent no content');
  try {
    const opened = await openFrames(request, target, key, deps, scope);
    if ('failure' in opened) {
      scope.end();
      return { ok: false, failure: opened.failure };
    }
    const head = await untilContent(opened.source);
    if (!head.ok) {
      opened.source.cancel();
      scope.end();
      return { ok: false, failure: head.failure };
    }
    scope.deadline(target.timeouts.idleMs, 'The upstream fell silent and sent nothing');
    return { ok: true, answer: new CommittedFrames(head.frames, opened.source, scope) };
  } catch (thrown) {
    const reason = scope.signal.aborted ? scope.signal.reason : thrown;
    scope.end();
    return failureOf(reason, signal);
  }
}

async function openFrames(
  request: ChatRequest,
  target: Target,
  key: string,
  deps: ChatAttemptDeps,
  scope: AbortScope,
): Promise<{ readonly source: FrameSource } | { readonly failure: UpstreamError }> {
  const { account, model, traits } = target;
  if (account.isBuiltin) return { source: new LocalFrames(deps.builtin(request, model)) };
  const upstream = upstreamSide(target);
  const call = upstream.renderRequest(request, { model, isStream: request.isStream, traits });
  const opened = await openCall(deps.http, target, key, call, scope);
  if (!opened.ok) return opened;
  const { framing } = dialects[account.dialect];
  // Some servers ignore `stream` and answer whole.
  const isWhole = !request.isStream || (framing === 'sse' && isJson(opened.response.headers['content-type']));
  if (!isWhole) return { source: new StreamedFrames(opened.response, framing, upstream.streamParser(), deps.clock) };
  const text = await readText(opened.response, ANSWER_BYTES_MAX, 'fail');
  return { source: new WholeFrame(upstream.parseResponse(text)) };
}

function isJson(contentType: string | undefined): boolean {
  return contentType?.startsWith('application/json') ?? false;
}

/** Holds frames back until one has content: up to there the answer may still come from elsewhere. */
async function untilContent(
  source: FrameSource,
): Promise<
  { readonly ok: true; readonly frames: readonly Frame[] } | { readonly ok: false; readonly failure: UpstreamError }
> {
  const held: Frame[] = [];
  for (;;) {
    const batch = await source.next();
    if (!batch) return { ok: false, failure: cutError() };
    for (const frame of batch) {
      held.push(frame);
    }
    for (const frame of batch) {
      for (const event of frame.events) {
        if (event.type === 'error') return { ok: false, failure: event.error };
        if (isContent(event)) return { ok: true, frames: held };
      }
    }
  }
}

/** A running answer. Ends by itself at the terminal mark; `next` throws the GatewayError that broke it. */
export class CommittedFrames {
  #head: readonly Frame[] | undefined;
  readonly #source: FrameSource;
  readonly #scope: AbortScope;

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
      const batch = await this.#source.next();
      if (batch) this.#scope.touch();
      else this.#scope.end();
      return batch;
    } catch (thrown) {
      const reason = this.#scope.signal.aborted ? this.#scope.signal.reason : thrown;
      this.#scope.end();
      // Nothing can move on any more: what would be a failed attempt is the answer's end.
      throw fromUpstreamError(failureOf(reason, this.#scope.signal).failure);
    }
  }

  cancel(): void {
    this.#source.cancel();
    this.#scope.end();
  }
}
