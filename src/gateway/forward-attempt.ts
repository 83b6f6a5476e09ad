// One attempt to get a chat answer from another node, with that node's own targets.

import type { ChatRequest } from '../model/chat.ts';
import type { StopSignal } from '../ports.ts';
import type { AnswerFrames } from './answer-frames.ts';
import type { AttemptResult } from './chain.ts';
import { attempted } from './chat-attempt.ts';
import { LocalFrames } from './frame-source.ts';
import type { ServingPeer } from './peers.ts';
import type { PipelineDeps, RequestContext } from './pipeline.ts';
import type { Target } from './target.ts';

export function attemptForward(
  request: ChatRequest,
  target: Target,
  peer: ServingPeer,
  { trace, principal }: RequestContext,
  { clock, peers }: PipelineDeps,
  signal: StopSignal,
): Promise<AttemptResult<AnswerFrames>> {
  return attempted(request, target, clock, signal, async (scope) => {
    if (!peers) return { failure: { code: 'unavailable', message: 'This node has left its mesh.' } };
    const result = await peers.forward(
      peer,
      {
        request: { ...request, model: peer.model },
        requestId: trace.requestId,
        attempt: trace.attemptCount,
        principal,
        remainingMs: Math.max(0, target.timeouts.totalMs - (clock.elapsed() - trace.startedAt)),
      },
      scope.signal,
    );
    if (!result.ok) return result;
    trace.target = `${peer.name}/${result.target}`;
    return { source: new LocalFrames(result.frames) };
  });
}
