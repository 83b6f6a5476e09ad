// When a chain's request is asked of a second target, which one that is, and how the attempt that was not needed is
// entered in the ledger: as an entry of its own, so that both upstreams' tokens are counted once each.

import type { HedgeConfig } from '../config/routing.ts';
import { GatewayError } from '../errors.ts';
import type { ChatRequest } from '../model/chat.ts';
import type { Ending, OpenAccount } from '../tenancy/accountant.ts';
import { priceOf } from './admit.ts';
import type { AnswerFrames } from './answer-frames.ts';
import type { Hedging, Loser, OpenHedge } from './hedge-race.ts';
import { heldInputTokens } from './held-tokens.ts';
import type { PipelineDeps, RequestContext } from './pipeline.ts';
import type { Chain, Target } from './target.ts';
import { estimateUsage } from './token-estimate.ts';

/** Fewer measurements tell nothing of the slowest twentieth. */
const LEARNED_SAMPLES_MIN = 20;

export interface HedgedRequest {
  readonly request: ChatRequest;
  /** With passages and without what is redundant: what the prompt of the one given up is counted by. */
  readonly sentTo: (target: Target) => ChatRequest;
  readonly inputTokens: number;
  readonly chain: Chain;
  /** The client's name for what a target serves: only targets of the same one stand in for each other. */
  readonly modelOf: (target: Target) => string;
}

/** Undefined where the chain does not hedge. Counts the request towards the chain's budget. */
export function hedgingFor(
  hedged: HedgedRequest,
  context: RequestContext,
  deps: PipelineDeps,
): Hedging<AnswerFrames> | undefined {
  const { request, chain, modelOf } = hedged;
  const { hedge } = chain;
  if (!hedge) return undefined;
  const budget = deps.routing.hedgeBudget(chain.name);
  budget.noteRequest();
  let hasHedged = false;
  return {
    delayMs: ({ id }) => hedgeDelay(hedge, id, request.isStream, deps).afterMs,
    async open(first, waitedMs, rest) {
      const { trace } = context;
      const target = hasHedged ? undefined : secondOf(first, rest, modelOf, deps);
      if (!target) return undefined;
      hasHedged = true;
      const skipped = { target: target.id, afterMs: waitedMs };
      const giveBack = budget.take(hedge.budgetPercent);
      if (!giveBack) {
        trace.hedge = { ...skipped, outcome: 'over-budget' };
        return undefined;
      }
      const account = openAccount(target, hedged, context, deps);
      if (account) return openHedge(target, hedged, account, giveBack);
      giveBack();
      trace.hedge = { ...skipped, outcome: 'over-limit' };
      return undefined;
    },
    discard: (answer) => answer.cancel(),
  };
}

/** What a chain's hedging would do now. */
export interface HedgeView {
  readonly first: string;
  /** Null: there is nobody who could be asked too. */
  readonly second: string | null;
  readonly afterMs: number;
  /** The p95 of the first target; else the setting, because too little is known of it. */
  readonly isLearned: boolean;
  readonly budgetPercent: number;
  /** Of the chain's last requests. */
  readonly requests: number;
  readonly hedges: number;
}

export function viewHedge(
  { hedge, name }: Chain,
  targets: readonly Target[],
  isStream: boolean,
  deps: PipelineDeps,
): HedgeView | undefined {
  const [first, ...rest] = targets;
  if (!hedge || !first) return undefined;
  return {
    first: first.id,
    second: secondOf(first, rest, () => name, deps)?.id ?? null,
    ...hedgeDelay(hedge, first.id, isStream, deps),
    budgetPercent: hedge.budgetPercent,
    ...deps.routing.hedgeBudget(name).state,
  };
}

export function describeHedge(view: HedgeView): string {
  const { first, second, afterMs, isLearned, budgetPercent, requests, hedges } = view;
  const delay = `${Math.round(afterMs)} ms (${isLearned ? `p95 of ${first}` : `too little is known of ${first}`})`;
  return second === null
    ? `hedge: ${first} alone, for nobody else could be asked now`
    : `hedge: after ${delay} ${second} is asked too; ${hedges} of the last ${requests} requests were asked twice, ${budgetPercent} % may be`;
}

/** What it waits for, and whether that was measured. */
function hedgeDelay(
  { afterMs }: HedgeConfig,
  targetId: string,
  isStream: boolean,
  { routing }: Pick<PipelineDeps, 'routing'>,
): { readonly afterMs: number; readonly isLearned: boolean } {
  const learned = routing.slowTtftMs(targetId, isStream, LEARNED_SAMPLES_MIN);
  return learned === undefined ? { afterMs, isLearned: false } : { afterMs: learned, isLearned: true };
}

/** The next target that could answer now. */
function secondOf(
  first: Target,
  rest: readonly Target[],
  modelOf: HedgedRequest['modelOf'],
  { health }: Pick<PipelineDeps, 'health'>,
): Target | undefined {
  return rest.find(
    (target) =>
      target.id !== first.id &&
      modelOf(target) === modelOf(first) &&
      // A probe that is cancelled tells nothing, so a half-open circuit is left alone.
      health.state(target.id) === 'closed' &&
      health.waitFor(target).waitMs === 0,
  );
}

/** Undefined when the client's limits leave no room for a second attempt. */
function openAccount(
  target: Target,
  { request, sentTo, inputTokens, modelOf }: HedgedRequest,
  { trace, principal, ownKeys }: RequestContext,
  deps: PipelineDeps,
): OpenAccount | undefined {
  try {
    return deps.accountant.open({
      kind: 'hedge',
      requestId: `${trace.requestId}~hedge`,
      principal,
      operation: 'hedge',
      model: modelOf(target),
      inputTokens,
      heldInputTokens: () => heldInputTokens(sentTo(target)),
      maxOutputTokens: request.sampling.maxOutputTokens,
      answerCount: request.sampling.candidateCount,
      price: priceOf(target, ownKeys, deps),
    });
  } catch (error) {
    if (error instanceof GatewayError) return undefined;
    throw error;
  }
}

function openHedge(
  target: Target,
  { sentTo, chain }: HedgedRequest,
  account: OpenAccount,
  giveBack: () => void,
): OpenHedge {
  // It is sent as soon as this returns. Which of the two is needed in the end, nobody knows yet.
  account.noteSent();
  return {
    target,
    settle: (loser) => {
      if (loser.attempts === 0) giveBack();
      account.settle({ ...endingOf(loser, sentTo), chain: chain.name });
    },
  };
}

function endingOf(
  { target, isSent, isOwnKey, attempts, durationMs, error }: Loser,
  sentTo: HedgedRequest['sentTo'],
): Ending {
  return {
    status: error === undefined ? 'aborted' : 'error',
    // Providers count the prompt of an answer that is given up.
    usage: isSent ? estimateUsage(sentTo(target), '') : undefined,
    target: target.id,
    provider: target.account.provider,
    account: target.account.name,
    targetModel: target.model,
    isOwnKey,
    attempts,
    durationMs,
    error,
  };
}
