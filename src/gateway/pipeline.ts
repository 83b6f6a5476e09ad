// A chat request's way through the gateway, top to bottom. Nothing is registered or hooked in: what happens, stands here.

import { withOutputBound } from '../dialects/output-bound.ts';
import { hideKeys } from '../key-shapes.ts';
import type { ChatRequest } from '../model/chat.ts';
import { roughInputTokens } from '../model/rough-tokens.ts';
import type { Frame } from '../model/stream.ts';
import type { Clock, HttpClient, Random, StopSignal } from '../ports.ts';
import type { Passage as QuotablePassage } from '../providers/extractive-material.ts';
import type { Accountant, AccountantDeps } from '../tenancy/accountant.ts';
import type { Principal } from '../tenancy/principal.ts';
import { AbortScope } from './abort-scope.ts';
import { openFreeAccount, withShares } from './admit.ts';
import { Answer } from './answer.ts';
import type { AnswerFrames } from './answer-frames.ts';
import { type Augmentation, type AugmentationDeps, augment, quotable, searchAll } from './augmentation.ts';
import { answeringTarget, type CacheTicket, type Caching, notCached, noteAnswering } from './caching.ts';
import { type Attempt, type ChainWalk, walkChain } from './chain.ts';
import { attemptChat, type ChatAttemptDeps } from './chat-attempt.ts';
import { compactedFor } from './compacting.ts';
import type { Departure } from './flight.ts';
import { attemptForward } from './forward-attempt.ts';
import { hedgingFor } from './hedging.ts';
import { heldInputTokens } from './held-tokens.ts';
import { type KnowledgeWish, knowledgeWish, readWish, withoutKnowledgeField } from './knowledge-wish.ts';
import { type OpenRequest, openLegs } from './legs.ts';
import { type AskedOfPeers, withPeers } from './peer-targets.ts';
import type { Peers } from './peers.ts';
import { planRequest, type RequestPlan } from './plan-request.ts';
import { promptName } from './prompt-name.ts';
import { noteHit, ReplayedAnswer } from './replay.ts';
import type { Router } from './router.ts';
import { affinityKeyOf } from './routing/affinity.ts';
import type { RoutingState } from './routing-state.ts';
import type { ShadowRunner } from './shadow.ts';
import { shadowTap } from './shadow-tap.ts';
import type { Target } from './target.ts';
import type { TargetHealth } from './target-health.ts';
import type { RequestTrace } from './trace.ts';
import { noting } from './upstream-http.ts';

export interface PipelineDeps extends Omit<ChatAttemptDeps, 'builtin'>, AugmentationDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly http: HttpClient;
  readonly health: TargetHealth;
  readonly routing: RoutingState;
  readonly accountant: Accountant;
  readonly caching: Caching;
  /** What is known of a model: its price, its context length. */
  readonly facts: AccountantDeps['facts'];
  /** Asks elsewhere too, where a chain wants that. Absent: nobody does. */
  readonly shadows?: Pick<ShadowRunner, 'offer'>;
  /** Keeps what clients ask, while the operator wants that. */
  readonly keepPrompt?: (entryId: string, tenant: string, request: ChatRequest) => void;
  /** Other nodes; absent while there is no mesh. */
  readonly peers?: Peers;
  /** What to wait for before a name can be placed: lists of models, at the start. Absent: nothing ever. */
  readonly listing?: (model: string) => Promise<void> | undefined;
  /** The current one: a reload replaces it whole. */
  readonly router: () => Router;
  /** The builtin account's answer; `find` searches for what it may quote. */
  readonly builtin: (
    request: ChatRequest,
    find: () => Promise<readonly QuotablePassage[]>,
  ) => AsyncIterable<readonly Frame[]>;
}

export interface RequestContext {
  readonly trace: RequestTrace;
  readonly principal: Principal;
  /** The client's own credentials, by provider. Used for that provider only; never stored, never logged. */
  readonly ownKeys: ReadonlyMap<string, string>;
  /** The client's headers under their lower-case names, read only when a rule or an affinity may ask. */
  readonly headers: () => Readonly<Record<string, string>>;
  /** The client's `x-flowmesh-knowledge`: collections to search, or `none`. */
  readonly knowledgeHeader?: string | undefined;
  /** The client wants to know how its request was routed. */
  readonly isExplained: boolean;
  /** A copy of a request, asked elsewhere to compare the answers: no rules, no second copy, spare limits only. */
  readonly isShadow?: boolean;
  /** Another node has sent it: it is answered here or not at all. */
  readonly isForwarded?: boolean;
  /** This node is full: only another one may answer. */
  readonly isSpilledOver?: boolean;
  /** Aborts when the client has left. */
  readonly signal: StopSignal;
}

/** Who joins others holds nothing of its limits: the tokens are theirs. */
const NOTHING_HELD = { inputTokens: 0, heldInputTokens: () => 0, maxOutputTokens: 0 };

/** @throws GatewayError when no target answered; after that, errors come from the answer's frames */
export async function handle(asked: ChatRequest, context: RequestContext, deps: PipelineDeps): Promise<Answer> {
  const { caching, clock } = deps;
  const { trace, principal } = context;
  trace.model = hideKeys(asked.model);
  trace.isStream = asked.isStream;
  const ownWish = readWish(asked, context.knowledgeHeader);
  const request = withoutKnowledgeField(asked);
  const inputTokens = roughInputTokens(request);
  const search = context.isForwarded ? undefined : deps.peers?.find(asked.model);
  if (search) await search;
  const listing = deps.listing?.(asked.model);
  if (listing) await listing;
  const plan = planRequest(request, inputTokens, context, deps);
  // What another node has sent has its passages already.
  const wish = context.isForwarded
    ? undefined
    : knowledgeWish(ownWish, plan.configured.knowledge, principal, deps.knowledgeConfig?.());
  const augmentation = wish && (await augment(request, wish, { trace, principal, signal: context.signal }, deps));
  const held = {
    inputTokens: inputTokens + (wish?.maxTokens ?? 0),
    heldInputTokens: () => heldInputTokens(request) + (wish?.maxTokens ?? 0),
    maxOutputTokens: request.sampling.maxOutputTokens,
    answerCount: request.sampling.candidateCount,
    prompt: promptName(request),
  };
  const hashes = trace.knowledge?.passageHashes;
  const ticket =
    context.isShadow || context.isForwarded ? undefined : caching.ticketFor(request, plan.configured, context, hashes);
  const kept = ticket && caching.find(ticket);
  if (ticket?.wish.isOnlyCached && !kept) throw notCached();
  if (kept) {
    plan.takeBackTurn();
    const entered = { ...held, model: plan.legs[0].model };
    await withShares(() => openFreeAccount(entered, context, deps));
    noteHit(kept, trace, deps);
    const { isPlain, configured } = plan;
    const isKnown = isPlain && ownWish === undefined && !configured.knowledge;
    const hit = { tenant: principal.tenant, chain: configured, ticket, asked: entered, answer: kept };
    return new ReplayedAnswer(kept, request, trace, isKnown ? hit : undefined);
  }
  const openNow = (): OpenRequest => {
    const isJoining = ticket !== undefined && caching.flight(ticket) !== undefined;
    if (isJoining) plan.takeBackTurn();
    try {
      return openLegs(plan, isJoining ? { ...held, ...NOTHING_HELD } : held, context, deps);
    } catch (error) {
      plan.takeBackTurn();
      throw error;
    }
  };
  const opened = withShares(openNow);
  const open = opened instanceof Promise ? await opened : opened;
  if (trace.account && !context.isShadow) deps.keepPrompt?.(trace.requestId, principal.tenant, request);
  const ready = { request, inputTokens, plan, open, context, augmentation, wish, ownWish };
  if (ticket) return readAlong(ticket, ready, deps);
  const { source, sent, release } = await ask(ready, context.signal, deps);
  trace.ttftMs = clock.elapsed() - trace.startedAt;
  return new Answer(sent, source, trace, release, shadowTap(request, open.chain, context, deps));
}

/** A request that is planned and entered, and may go to its targets. */
interface ReadyRequest {
  readonly request: ChatRequest;
  readonly inputTokens: number;
  readonly plan: RequestPlan;
  readonly open: OpenRequest;
  readonly context: RequestContext;
  readonly augmentation: Augmentation | undefined;
  /** Passages of these collections were wanted. */
  readonly wish: KnowledgeWish | undefined;
  /** What the client itself said of it; `false`: it wants none. */
  readonly ownWish: ReturnType<typeof readWish>;
}

/**
 * @param client aborts when nobody waits for the answer any more
 * @throws GatewayError when no target answered
 */
async function ask(
  { request, inputTokens, plan, open, context, augmentation, wish, ownWish }: ReadyRequest,
  client: StopSignal,
  deps: PipelineDeps,
): Promise<Departure & { readonly sent: ChatRequest }> {
  const { trace, principal, ownKeys } = context;
  const { modelOf, refusalOf } = open;
  const chain = deps.peers
    ? withPeers(open.chain, askedOfPeers(request, context), context, deps.peers, deps)
    : open.chain;
  const requestFor = compactedFor(chain, plan.requestFor, trace);
  const madeFor = (target: Target): ChatRequest => {
    const sent = augmentation ? augmentation.requestFor(requestFor(target), target) : requestFor(target);
    if (sent.sampling.maxOutputTokens === undefined) return sent;
    const { account, model } = target;
    return withOutputBound(sent, deps.facts(account.provider, model, account.name)?.maxOutputTokens);
  };
  let last: { readonly target: Target; readonly sent: ChatRequest } | undefined;
  // Asked for an attempt, and once more for the answer that came of it.
  const sentTo = (target: Target): ChatRequest => {
    if (last?.target !== target) last = { target, sent: madeFor(target) };
    return last.sent;
  };
  const scope = new AbortScope(deps.clock, client);
  scope.deadline(chain.totalMs, 'The answer was not complete');
  try {
    const { signal } = scope;
    const find = async (): Promise<readonly QuotablePassage[]> =>
      augmentation || wish || ownWish === false
        ? quotable(augmentation)
        : quotable(await searchAll(request, { trace, principal, signal }, deps));
    const attemptDeps: ChatAttemptDeps = {
      http: noting(deps.http, trace),
      clock: deps.clock,
      builtin: (sent) => deps.builtin(sent, find),
    };
    const attempt: Attempt<AnswerFrames> = (target, key, attemptSignal) =>
      deps.routing.watch(target, request.isStream, deps.clock, () =>
        target.peer
          ? attemptForward(sentTo(target), target, target.peer, context, deps, attemptSignal)
          : attemptChat(sentTo(target), target, key, attemptDeps, attemptSignal),
      );
    const { health, clock, random } = deps;
    const walk: ChainWalk = { health, clock, random, signal, trace, ownKeys, refusalOf };
    const hedging = context.isShadow
      ? undefined
      : hedgingFor({ request, sentTo, inputTokens, chain, modelOf }, context, deps);
    const { answer, target, release } = await walkChain(chain, attempt, walk, hedging);
    return {
      source: augmentation ? augmentation.citing(answer, requestFor(target), target) : answer,
      sent: sentTo(target),
      answeredBy: answeringTarget(trace),
      release: (outcome) => {
        // The client's leaving and the request's own deadline say nothing of the target.
        release(signal.aborted ? 'unknown' : outcome);
        scope.end();
      },
    };
  } catch (error) {
    scope.end();
    throw error;
  }
}

function askedOfPeers(request: ChatRequest, context: RequestContext): AskedOfPeers {
  const { model, isStream } = request;
  return { model, isStream, affinity: () => affinityKeyOf(request, context.headers())?.value };
}

/** Equal requests read one answer: the first one asks for it, and whoever comes while it is made reads it, too. */
async function readAlong(ticket: CacheTicket, ready: ReadyRequest, deps: PipelineDeps): Promise<Answer> {
  const { request, open, context } = ready;
  const { caching, clock } = deps;
  const { trace } = context;
  const running = caching.flight(ticket);
  const flight = running ?? caching.launch(ticket, request, (signal) => ask(ready, signal, deps));
  caching.note(trace, running ? 'shared' : 'miss');
  const reader = flight.join(context.signal, running !== undefined);
  const joinedAt = clock.elapsed();
  const answeredBy = await reader.departed().catch((error: unknown) => {
    // It has left before the answer began; who waits on pays.
    if (!reader.isPayer) trace.cache = 'shared';
    throw error;
  });
  if (running) {
    trace.waitedMs = clock.elapsed() - joinedAt;
    noteAnswering(trace, answeredBy);
  }
  trace.ttftMs = clock.elapsed() - trace.startedAt;
  const onEnd = (): void => {
    // Whoever the answer was bought for pays for it whole, however much of it was read.
    trace.cache = reader.isPayer ? 'miss' : 'shared';
    if (reader.isPayer && reader.usage) trace.usage = reader.usage;
    reader.cancel();
  };
  const tap = running ? undefined : shadowTap(request, open.chain, context, deps);
  return new Answer(request, reader, trace, onEnd, tap);
}
