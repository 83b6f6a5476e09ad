// Walks a chain: one target after the other until one answers, by the rules of failure-policy.ts.

import { type AttemptSummary, GatewayError } from '../errors.ts';
import type { UpstreamError } from '../model/upstream-error.ts';
import type { Clock, Random, StopSignal } from '../ports.ts';
import { policyOf, usefulness } from './failure-policy.ts';
import { asResult, type Hedging, tryHedged } from './hedge-race.ts';
import type { Chain, Target } from './target.ts';
import type { TargetHealth, VisitOutcome } from './target-health.ts';
import type { RequestTrace } from './trace.ts';

/** A probe under way ends soon, but asking again at once is no use. */
const RETRY_AFTER_MIN_MS = 1_000;

export type AttemptResult<Answer> =
  | { readonly ok: true; readonly answer: Answer }
  | { readonly ok: false; readonly failure: UpstreamError };

/** One try at one target with one credential. Never rejects but for a defect or the request's own abort. */
export type Attempt<Answer> = (target: Target, key: string, signal: StopSignal) => Promise<AttemptResult<Answer>>;

export interface ChainWalk {
  readonly health: TargetHealth;
  readonly clock: Clock;
  readonly random: Random;
  /** Aborted when the client leaves or the total deadline is over; its reason is a GatewayError. */
  readonly signal: StopSignal;
  readonly trace: RequestTrace;
  /** The client's own credentials, by provider: they take the place of ours there. */
  readonly ownKeys: ReadonlyMap<string, string>;
  /** Asked before each target: why this request may not go there. Absent: it may go everywhere. */
  readonly refusalOf?: ((target: Target) => UpstreamError | undefined) | undefined;
}

export interface Answered<Answer> {
  readonly answer: Answer;
  readonly target: Target;
  /** Call once when the answer has ended: frees the target and tells its health. */
  release(outcome: VisitOutcome): void;
}

/**
 * @param hedging absent: one target at a time
 * @throws GatewayError the most useful failure with all attempts, or the signal's reason
 */
export async function walkChain<Answer>(
  chain: Chain,
  attempt: Attempt<Answer>,
  walk: ChainWalk,
  hedging?: Hedging<Answer>,
): Promise<Answered<Answer>> {
  const failures: TargetFailure[] = [];
  let rest = [...chain.targets];
  let { overflow } = chain;
  const next = (): Target | undefined => {
    if (rest.length === 0 && overflow) {
      rest = [...overflow()];
      overflow = undefined;
    }
    return rest.shift();
  };
  let isDetoured = false;
  for (let target = next(); target; target = next()) {
    const refusal = walk.refusalOf?.(target);
    if (refusal) {
      failures.push({ target, failure: refusal });
      continue;
    }
    let outcome: Answered<Answer> | readonly TargetFailure[];
    try {
      outcome = hedging
        ? await tryHedged(target, rest, (one, lane) => tryTarget(one, attempt, lane), walk, hedging)
        : asResult(await tryTarget(target, attempt, walk));
    } catch (error) {
      throw walk.signal.aborted ? endOf(walk) : error;
    }
    if ('answer' in outcome) return outcome;
    failures.push(...outcome);
    const final = outcome.find(({ failure }) => policyOf(failure.code).proceed === 'final');
    if (final) throw failedWith(final, failures, walk);
    for (const failed of outcome) {
      const detour = detourAfter(failed, chain);
      if (detour === 'none') throw allFailed(failures, walk);
      if (!detour || isDetoured) continue;
      isDetoured = true;
      rest = [...detour];
    }
  }
  throw allFailed(failures, walk);
}

/** Why the whole request was given up; at its deadline the attempts tell what the time went into. */
function endOf({ signal, trace }: ChainWalk): unknown {
  const reason: unknown = signal.reason;
  if (!(reason instanceof GatewayError) || reason.code !== 'upstream_timeout') return reason;
  return new GatewayError(reason.code, reason.message, { attempts: trace.failures });
}

export interface TargetFailure {
  readonly target: Target;
  readonly failure: UpstreamError;
}

/** The chain's own list for this kind of failure; 'none' ends the walk. */
function detourAfter({ failure }: TargetFailure, chain: Chain): readonly Target[] | 'none' | undefined {
  if (failure.code === 'context_length_exceeded' && chain.onContextLength.length > 0) return chain.onContextLength;
  if (failure.code === 'content_filtered') return chain.onContentFilter.length > 0 ? chain.onContentFilter : 'none';
  return undefined;
}

async function tryTarget<Answer>(
  target: Target,
  attempt: Attempt<Answer>,
  walk: ChainWalk,
): Promise<Answered<Answer> | TargetFailure> {
  const { health, trace } = walk;
  const triedKeys = new Set<number>();
  let retries = 0;
  let last: UpstreamError | undefined;
  for (;;) {
    const ownKey = walk.ownKeys.get(target.account.provider);
    const key =
      ownKey === undefined ? health.pickKey(target, (index) => triedKeys.has(index)) : { index: 0, key: ownKey };
    const visit = key && health.enter(target.id);
    if (!key || !visit) return { target, failure: last ?? coolingDown(target, walk) };
    const startedAt = walk.clock.elapsed();
    trace.attemptCount += 1;
    trace.target = target.id;
    trace.provider = target.account.provider;
    trace.accountName = target.account.name;
    trace.targetModel = target.model;
    trace.isOwnKey = ownKey !== undefined;
    if (target.peer) trace.isForwarded = true;
    let result: AttemptResult<Answer>;
    try {
      result = await attempt(target, key.key, walk.signal);
    } catch (error) {
      health.leave(visit, 'unknown');
      throw error;
    }
    const durationMs = walk.clock.elapsed() - startedAt;
    trace.waitedMs += durationMs;
    if (result.ok) {
      health.answered(visit);
      return { answer: result.answer, target, release: (outcome) => health.leave(visit, outcome) };
    }
    last = ownKey === undefined ? result.failure : aboutOwnKey(result.failure, target);
    const policy = policyOf(last.code);
    health.leave(visit, policy.cools === 'target' ? 'failure' : 'unknown');
    trace.failures.push(summary(target, last, durationMs));
    if (target.peer) trace.isForwarded = false;
    if (ownKey !== undefined && policy.cools === 'key-model') return { target, failure: last };
    if (policy.cools === 'key' || policy.cools === 'key-model') {
      health.coolKey(target, key.index, policy.cools, last);
      triedKeys.add(key.index);
      continue;
    }
    const isLongWait = (last.retryAfterMs ?? 0) > target.retries.backoffMaxMs;
    if (isLongWait && policy.cools === 'target') health.coolTarget(target.id, last.retryAfterMs ?? 0);
    if (policy.proceed !== 'retry' || retries >= target.retries.max || health.state(target.id) === 'open') {
      return { target, failure: last };
    }
    retries += 1;
    await backOff(target, retries, last.retryAfterMs, walk);
  }
}

/** The client's own key was refused: its fault, and no other target's business. */
function aboutOwnKey(failure: UpstreamError, { account }: Target): UpstreamError {
  if (policyOf(failure.code).cools !== 'key') return failure;
  return {
    code: failure.code === 'upstream_quota' ? 'budget_exhausted' : 'unauthenticated',
    message: `Your own key for ${account.provider} was refused by it${failure.code === 'upstream_quota' ? ': no credit is left' : ''}.`,
  };
}

/** Exponential with full jitter over its upper half, but never sooner than the upstream asks. */
async function backOff(
  target: Target,
  retry: number,
  retryAfterMs: number | undefined,
  walk: ChainWalk,
): Promise<void> {
  const { backoffMs, backoffMaxMs } = target.retries;
  const exponential = Math.min(backoffMaxMs, backoffMs * 2 ** (retry - 1));
  const jittered = exponential * (0.5 + walk.random.next() / 2);
  const delayMs = Math.min(backoffMaxMs, Math.max(jittered, retryAfterMs ?? 0));
  walk.trace.waitedMs += delayMs;
  await walk.clock.sleep(delayMs, walk.signal);
}

function coolingDown(target: Target, walk: ChainWalk): UpstreamError {
  const { waitMs, code } = walk.health.waitFor(target);
  return {
    code,
    message: `${target.id} is cooling down after failing.`,
    retryAfterMs: Math.max(RETRY_AFTER_MIN_MS, waitMs),
  };
}

function summary(target: Target, failure: UpstreamError, durationMs: number): AttemptSummary {
  return { target: target.id, code: failure.code, message: failure.message, durationMs: Math.round(durationMs) };
}

function allFailed(failures: readonly TargetFailure[], walk: ChainWalk): GatewayError {
  const [best] = [...failures].sort((a, b) => usefulness(a.failure) - usefulness(b.failure));
  if (!best) return new GatewayError('internal', 'The chain has no targets.');
  return failedWith(best, failures, walk);
}

/** One failure speaks for all. */
function failedWith(
  { failure }: TargetFailure,
  failures: readonly TargetFailure[],
  { health, trace }: ChainWalk,
): GatewayError {
  const waits = failures.flatMap((failed) => waitOf(failed, health) ?? []);
  const hasEveryoneAWait = waits.length === failures.length;
  return new GatewayError(failure.code, failure.message, {
    retryAfterMs: hasEveryoneAWait ? Math.min(...waits) : failure.retryAfterMs,
    status: failure.status === 529 ? 529 : undefined,
    param: failure.param,
    original: failure.original,
    attempts: trace.failures,
  });
}

/** What the upstream said, or what our own cooldown adds up to; of several keys the one that is usable soonest counts. */
function waitOf({ target, failure }: TargetFailure, health: TargetHealth): number | undefined {
  const { waitMs } = health.waitFor(target);
  const isOwnWaitBetter = failure.retryAfterMs === undefined || target.account.keys.length > 1;
  return isOwnWaitBetter && waitMs > 0 ? waitMs : failure.retryAfterMs;
}
