// A chat request's way through the gateway, top to bottom. Nothing is registered or hooked in: what happens, stands here.

import type { ChatRequest } from '../model/chat.ts';
import type { Clock, HttpClient, Random } from '../ports.ts';
import type { Accountant, AccountantDeps } from '../tenancy/accountant.ts';
import type { Principal } from '../tenancy/principal.ts';
import { AbortScope } from './abort-scope.ts';
import { Answer } from './answer.ts';
import { type Attempt, walkChain } from './chain.ts';
import { attemptChat, type ChatAttemptDeps, type CommittedFrames } from './chat-attempt.ts';
import { hedgingFor } from './hedging.ts';
import { openLegs } from './legs.ts';
import { planRequest } from './plan-request.ts';
import { promptName } from './prompt-name.ts';
import type { Router } from './router.ts';
import type { RoutingState } from './routing-state.ts';
import type { ShadowRunner } from './shadow.ts';
import { shadowTap } from './shadow-tap.ts';
import type { TargetHealth, VisitOutcome } from './target-health.ts';
import { roughInputTokens } from './token-estimate.ts';
import type { RequestTrace } from './trace.ts';

export interface PipelineDeps extends ChatAttemptDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly http: HttpClient;
  readonly health: TargetHealth;
  readonly routing: RoutingState;
  readonly accountant: Accountant;
  /** What is known of a model: its price, its context length. */
  readonly facts: AccountantDeps['facts'];
  /** Asks elsewhere too, where a chain wants that. Absent: nobody does. */
  readonly shadows?: Pick<ShadowRunner, 'offer'>;
  /** Keeps what clients ask, while the operator wants that. */
  readonly keepPrompt?: (entryId: string, tenant: string, request: ChatRequest) => void;
  /** The current one: a reload replaces it whole. */
  readonly router: () => Router;
}

export interface RequestContext {
  readonly trace: RequestTrace;
  readonly principal: Principal;
  /** The client's own credentials, by provider. Used for that provider only; never stored, never logged. */
  readonly ownKeys: ReadonlyMap<string, string>;
  /** The client's headers under their lower-case names, read only when a rule or an affinity may ask. */
  readonly headers: () => Readonly<Record<string, string>>;
  /** The client wants to know how its request was routed. */
  readonly isExplained: boolean;
  /** A copy of a request, asked elsewhere to compare the answers: no rules, no second copy, spare limits only. */
  readonly isShadow?: boolean;
  /** Aborts when the client has left. */
  readonly signal: AbortSignal;
}

/** @throws GatewayError when no target answered; after that, errors come from the answer's frames */
export async function handle(request: ChatRequest, context: RequestContext, deps: PipelineDeps): Promise<Answer> {
  const { trace } = context;
  trace.model = request.model;
  trace.isStream = request.isStream;
  const inputTokens = roughInputTokens(request);
  const plan = planRequest(request, inputTokens, context, deps);
  const { maxOutputTokens } = request.sampling;
  const asked = { inputTokens, maxOutputTokens, prompt: promptName(request) };
  const { chain, modelOf, refusalOf } = openLegs(plan, asked, context, deps);
  if (trace.account && !context.isShadow) deps.keepPrompt?.(trace.requestId, context.principal.tenant, request);
  const scope = new AbortScope(deps.clock, context.signal);
  scope.deadline(chain.totalMs, 'The answer was not complete');
  try {
    const { signal } = scope;
    const attempt: Attempt<CommittedFrames> = (target, key, attemptSignal) =>
      deps.routing.watch(target, request.isStream, deps.clock, () =>
        attemptChat(plan.requestFor(target), target, key, deps, attemptSignal),
      );
    const walk = { ...deps, signal, trace, ownKeys: context.ownKeys, ...(refusalOf && { refusalOf }) };
    const hedging = context.isShadow ? undefined : hedgingFor({ request, inputTokens, chain, modelOf }, context, deps);
    const answered = await walkChain(chain, attempt, walk, hedging);
    trace.ttftMs = deps.clock.elapsed() - trace.startedAt;
    const onEnd = (outcome: VisitOutcome): void => {
      // The client's leaving and the request's own deadline say nothing of the target.
      answered.release(signal.aborted ? 'unknown' : outcome);
      scope.end();
    };
    return new Answer(request, answered.answer, trace, onEnd, shadowTap(request, chain, context, deps));
  } catch (error) {
    scope.end();
    throw error;
  }
}
