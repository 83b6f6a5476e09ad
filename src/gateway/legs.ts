// A request whose client named several models: limits and ledger follow the one that is being asked. Where the limits of
// one leave no room, the next is asked.

import { GatewayError } from '../errors.ts';
import type { UpstreamError } from '../model/upstream-error.ts';
import { type Asked, heldPrice, openAccount } from './admit.ts';
import type { ChainWalk } from './chain.ts';
import type { PipelineDeps, RequestContext } from './pipeline.ts';
import type { Leg, RequestPlan } from './plan-request.ts';
import type { Chain, Target } from './target.ts';

export interface OpenRequest {
  /** The targets of all legs that are left, one after the other. */
  readonly chain: Chain;
  /** The client's name for what a target serves. */
  readonly modelOf: (target: Target) => string;
  /** Moves the account to the leg of a target; why it may not, when it may not. */
  readonly refusalOf?: ChainWalk['refusalOf'];
}

/** @throws GatewayError `rate_limited` or `budget_exhausted`, of the first model, when none has room */
export function openLegs(
  { legs }: RequestPlan,
  asked: Omit<Asked, 'model'>,
  context: RequestContext,
  deps: PipelineDeps,
): OpenRequest {
  let refusal: GatewayError | undefined;
  for (const [index, leg] of legs.entries()) {
    try {
      openAccount({ ...asked, model: leg.model }, leg.chain, context, deps);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      refusal ??= error;
      continue;
    }
    follow(leg, context);
    return legs.length === 1 ? oneLeg(leg) : severalLegs(leg, legs.slice(index), context, deps);
  }
  throw refusal;
}

function oneLeg({ model, chain }: Leg): OpenRequest {
  return { chain, modelOf: () => model };
}

function severalLegs(open: Leg, legs: readonly Leg[], context: RequestContext, deps: PipelineDeps): OpenRequest {
  const legOf = new Map(legs.flatMap((leg) => leg.chain.targets.map((target) => [target, leg] as const)));
  let current = open;
  return {
    chain: { ...open.chain, targets: [...legOf.keys()] },
    modelOf: (target) => (legOf.get(target) ?? current).model,
    refusalOf: (target) => {
      // Targets of a detour belong to the leg that led to it.
      const leg = legOf.get(target) ?? current;
      if (leg === current) return undefined;
      try {
        context.trace.account?.moveTo(leg.model, heldPrice(leg.chain, target, context.ownKeys, deps));
      } catch (error) {
        if (isRefusal(error)) return refusalAsFailure(error);
        throw error;
      }
      current = leg;
      follow(leg, context);
      return undefined;
    },
  };
}

function follow({ model, chain }: Leg, { trace }: RequestContext): void {
  trace.model = model;
  trace.chain = chain.name;
}

function isRefusal(error: unknown): error is GatewayError {
  return error instanceof GatewayError && (error.code === 'rate_limited' || error.code === 'budget_exhausted');
}

function refusalAsFailure({ code, message, retryAfterMs }: GatewayError): UpstreamError {
  return { code, message, ...(retryAfterMs !== undefined && { retryAfterMs }) };
}
