// A request that equals, byte for byte, one that a kept answer was given to. What was found out of that one still holds as
// long as its name leads to the same chain; who may ask, limits, the answer's age and clearings are looked at each time.

import type { CachedAnswer } from '../cache/cached-answer.ts';
import { LimitReached } from '../tenancy/limiter.ts';
import { type Asked, openFreeAccount, permit } from './admit.ts';
import type { CacheTicket } from './caching.ts';
import type { PipelineDeps, RequestContext } from './pipeline.ts';
import { noteHit, tellAtOnce } from './replay.ts';
import type { Chain } from './target.ts';

/** Of a request without rules, preferences, knowledge or explanation, where nothing had to be planned. */
export interface KnownHit {
  readonly tenant: string;
  readonly chain: Chain;
  readonly ticket: CacheTicket;
  readonly asked: Asked;
  readonly answer: CachedAnswer;
}

/**
 * Enters the request and tells its trace, when the same answer is still the one to give; else leaves it to `handle`.
 * @throws GatewayError as `handle` does
 */
export function isHitAgain(hit: KnownHit, context: RequestContext, deps: PipelineDeps): boolean {
  const { asked, ticket, answer } = hit;
  const { trace, principal } = context;
  if (context.isExplained || context.ownKeys.size > 0 || principal.tenant !== hit.tenant) return false;
  // Rules may look at anything.
  if (deps.router().rules.length > 0) return false;
  trace.model = asked.model;
  if (permit(asked.model, asked.model, context, deps) !== hit.chain || deps.caching.find(ticket) !== answer)
    return false;
  if (!isOpened(asked, context, deps)) return false;
  noteHit(answer, trace, deps);
  tellAtOnce(answer, trace);
  return true;
}

/** Other nodes may lend what a limit has no room for here; that is worth waiting for. */
function isOpened(asked: Asked, context: RequestContext, deps: PipelineDeps): boolean {
  try {
    openFreeAccount(asked, context, deps);
    return true;
  } catch (error) {
    if (error instanceof LimitReached && error.borrow) return false;
    throw error;
  }
}
