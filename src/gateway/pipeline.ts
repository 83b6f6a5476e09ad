// A chat request's way through the gateway, top to bottom. Nothing is registered or hooked in: what happens, stands here.

import type { ChatRequest } from '../model/chat.ts';
import type { Clock, HttpClient, Random } from '../ports.ts';
import type { Accountant, AccountantDeps } from '../tenancy/accountant.ts';
import type { Principal } from '../tenancy/principal.ts';
import { AbortScope } from './abort-scope.ts';
import { admit } from './admit.ts';
import { Answer } from './answer.ts';
import { walkChain } from './chain.ts';
import { attemptChat, type ChatAttemptDeps } from './chat-attempt.ts';
import { promptName } from './prompt-name.ts';
import type { Router } from './router.ts';
import type { TargetHealth } from './target-health.ts';
import { roughInputTokens } from './token-estimate.ts';
import type { RequestTrace } from './trace.ts';

export interface PipelineDeps extends ChatAttemptDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly http: HttpClient;
  readonly health: TargetHealth;
  readonly accountant: Accountant;
  /** What is known of a model: its price, its context length. */
  readonly facts: AccountantDeps['facts'];
  /** The current one: a reload replaces it whole. */
  readonly router: () => Router;
}

export interface RequestContext {
  readonly trace: RequestTrace;
  readonly principal: Principal;
  /** The client's own credentials, by provider. Used for that provider only; never stored, never logged. */
  readonly ownKeys: ReadonlyMap<string, string>;
  /** Aborts when the client has left. */
  readonly signal: AbortSignal;
}

/** @throws GatewayError when no target answered; after that, errors come from the answer's frames */
export async function handle(request: ChatRequest, context: RequestContext, deps: PipelineDeps): Promise<Answer> {
  const { trace } = context;
  trace.isStream = request.isStream;
  const chain = await admit(
    {
      model: request.model,
      inputTokens: roughInputTokens(request),
      maxOutputTokens: request.sampling.maxOutputTokens,
      prompt: promptName(request),
    },
    context,
    deps,
  );
  const scope = new AbortScope(deps.clock, context.signal);
  scope.deadline(chain.totalMs, 'The answer was not complete');
  try {
    const { signal } = scope;
    const answered = await walkChain(chain, (target, key) => attemptChat(request, target, key, deps, signal), {
      ...deps,
      signal,
      trace,
      ownKeys: context.ownKeys,
    });
    trace.ttftMs = deps.clock.elapsed() - trace.startedAt;
    return new Answer(request, answered.answer, trace, (outcome) => {
      // The client's leaving and the request's own deadline say nothing of the target.
      answered.release(signal.aborted ? 'unknown' : outcome);
      scope.end();
    });
  } catch (error) {
    scope.end();
    throw error;
  }
}
