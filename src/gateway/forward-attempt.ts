// One attempt to get an answer from another node, with that node's own targets.

import type { ChatRequest } from '../model/chat.ts';
import type { EmbeddingRequest, EmbeddingResponse } from '../model/embedding.ts';
import type { UpstreamError } from '../model/upstream-error.ts';
import type { Clock, StopSignal } from '../ports.ts';
import { AbortScope } from './abort-scope.ts';
import type { AnswerFrames } from './answer-frames.ts';
import type { AttemptResult } from './chain.ts';
import { attempted } from './chat-attempt.ts';
import { LocalFrames } from './frame-source.ts';
import type { OpaqueRequest } from './opaque-request.ts';
import type { Forwarded, ServingPeer } from './peers.ts';
import type { PipelineDeps, RequestContext } from './pipeline.ts';
import type { Target } from './target.ts';
import { type FailedCall, failureOf, type OpenedCall } from './upstream-http.ts';

const LEFT: UpstreamError = { code: 'unavailable', message: 'This node has left its mesh.' };

export function attemptForward(
  request: ChatRequest,
  target: Target,
  peer: ServingPeer,
  context: RequestContext,
  { clock, peers }: PipelineDeps,
  signal: StopSignal,
): Promise<AttemptResult<AnswerFrames>> {
  return attempted(request, target, clock, signal, async (scope) => {
    if (!peers) return { failure: LEFT };
    const result = await peers.forward(peer, forwarded(request, target, peer, context, clock), scope.signal);
    if (!result.ok) return result;
    context.trace.target = `${peer.name}/${result.target}`;
    return { source: new LocalFrames(result.frames) };
  });
}

export async function attemptEmbed(
  request: EmbeddingRequest,
  target: Target,
  peer: ServingPeer,
  context: RequestContext,
  { clock, peers }: PipelineDeps,
  signal: StopSignal,
): Promise<AttemptResult<EmbeddingResponse>> {
  if (!peers) return { ok: false, failure: LEFT };
  const scope = new AbortScope(clock, signal);
  scope.deadline(target.timeouts.ttftMs, 'The other node did not answer');
  try {
    const result = await peers.embed(peer, forwarded(request, target, peer, context, clock), scope.signal);
    if (result.ok) context.trace.target = `${peer.name}/${result.target}`;
    return result;
  } catch (thrown) {
    return failureOf(scope.signal.aborted ? scope.signal.reason : thrown, signal);
  } finally {
    scope.end();
  }
}

/** An answer that is only passed on: open, within the deadlines of its reader. */
export async function openForward(
  request: OpaqueRequest,
  target: Target,
  peer: ServingPeer,
  context: RequestContext,
  { clock, peers }: PipelineDeps,
  signal: StopSignal,
): Promise<OpenedCall | FailedCall> {
  if (!peers) return { ok: false, failure: LEFT };
  const result = await peers.pass(peer, forwarded(request, target, peer, context, clock), signal);
  if (result.ok) context.trace.target = `${peer.name}/${result.target}`;
  return result;
}

function forwarded<Request>(
  request: Request,
  target: Target,
  peer: ServingPeer,
  { trace, principal }: RequestContext,
  clock: Clock,
): Forwarded<Request> {
  return {
    request: { ...request, model: peer.model },
    requestId: trace.requestId,
    attempt: trace.attemptCount,
    principal,
    remainingMs: Math.max(0, target.timeouts.totalMs - (clock.elapsed() - trace.startedAt)),
  };
}
