// How far the limits of a minute are used, as clients are told of them.

import type { LimitSpec } from './principal.ts';
import type { RateShare } from './rate-share.ts';

/** What the `x-ratelimit-*` headers tell: of all scopes, the one with least left. */
export interface RateLimitStatus {
  readonly limitRequests?: number;
  readonly remainingRequests?: number;
  readonly limitTokens?: number;
  readonly remainingTokens?: number;
  /** Milliseconds until the whole limit is free again. */
  readonly resetRequestsMs?: number;
  readonly resetTokensMs?: number;
}

/** The limits of one scope, and what is used of them. */
interface RateLimit {
  readonly spec: LimitSpec;
  readonly meter: { readonly requests: RateShare; readonly tokens: RateShare };
}

/** @param nowMs of the monotonic clock */
export function rateLimitStatus(limits: readonly RateLimit[], nowMs: number): RateLimitStatus {
  const status: { -readonly [Key in keyof RateLimitStatus]: RateLimitStatus[Key] } = {};
  for (const { spec, meter } of limits) {
    if (spec.requestsPerMinute !== undefined) {
      const remaining = Math.floor(meter.requests.left(spec.requestsPerMinute, nowMs));
      if (status.remainingRequests === undefined || remaining < status.remainingRequests) {
        status.limitRequests = spec.requestsPerMinute;
        status.remainingRequests = remaining;
        status.resetRequestsMs = meter.requests.used.waitUntil(0, nowMs);
      }
    }
    if (spec.tokensPerMinute !== undefined) {
      const remaining = Math.floor(meter.tokens.left(spec.tokensPerMinute, nowMs));
      if (status.remainingTokens === undefined || remaining < status.remainingTokens) {
        status.limitTokens = spec.tokensPerMinute;
        status.remainingTokens = remaining;
        status.resetTokensMs = meter.tokens.used.waitUntil(0, nowMs);
      }
    }
  }
  return status;
}
