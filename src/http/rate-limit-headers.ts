// The usual headers that tell a client how much of its limits is left.

import type { RateLimitStatus } from '../tenancy/rate-limit-status.ts';

/**
 * As OpenAI names them. `reset-requests` and `reset-tokens` have its form (`6m0s`), `reset` is in seconds, as others
 * have it: when all of the limits named here are free again.
 */
export function addRateLimitHeaders(headers: Record<string, string>, status: RateLimitStatus): void {
  const { limitRequests, remainingRequests, resetRequestsMs, limitTokens, remainingTokens, resetTokensMs } = status;
  if (limitRequests !== undefined) headers['x-ratelimit-limit-requests'] = String(limitRequests);
  if (remainingRequests !== undefined) headers['x-ratelimit-remaining-requests'] = String(remainingRequests);
  if (resetRequestsMs !== undefined) headers['x-ratelimit-reset-requests'] = durationText(resetRequestsMs);
  if (limitTokens !== undefined) headers['x-ratelimit-limit-tokens'] = String(limitTokens);
  if (remainingTokens !== undefined) headers['x-ratelimit-remaining-tokens'] = String(remainingTokens);
  if (resetTokensMs !== undefined) headers['x-ratelimit-reset-tokens'] = durationText(resetTokensMs);
  if (resetRequestsMs !== undefined || resetTokensMs !== undefined) {
    headers['x-ratelimit-reset'] = String(Math.ceil(Math.max(resetRequestsMs ?? 0, resetTokensMs ?? 0) / 1_000));
  }
}

/** `0s`, `250ms`, `12s`, `1m0s`; rounded up, so that nobody comes too early. */
function durationText(durationMs: number): string {
  if (durationMs > 0 && durationMs < 1_000) return `${Math.ceil(durationMs)}ms`;
  const seconds = Math.ceil(durationMs / 1_000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
