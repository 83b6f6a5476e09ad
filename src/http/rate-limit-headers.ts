// The usual headers that tell a client how much of its limits is left.

import type { RateLimitStatus } from '../tenancy/limiter.ts';

/** As OpenAI names them; durations are `1m2.5s`-like text there, seconds here, which their SDKs take as well. */
export function rateLimitHeaders(status: RateLimitStatus): Record<string, string> {
  const headers: Record<string, string> = {};
  const set = (name: string, value: number | undefined): void => {
    if (value !== undefined) headers[`x-ratelimit-${name}`] = String(value);
  };
  set('limit-requests', status.limitRequests);
  set('remaining-requests', status.remainingRequests);
  set('limit-tokens', status.limitTokens);
  set('remaining-tokens', status.remainingTokens);
  if (status.resetMs !== undefined) headers['x-ratelimit-reset'] = String(Math.ceil(status.resetMs / 1_000));
  return headers;
}
