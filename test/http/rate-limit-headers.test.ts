import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addRateLimitHeaders } from '../../src/http/rate-limit-headers.ts';
import type { RateLimitStatus } from '../../src/tenancy/rate-limit-status.ts';

function rateLimitHeaders(status: RateLimitStatus): Record<string, string> {
  const headers = {};
  addRateLimitHeaders(headers, status);
  return headers;
}

test('the headers tell limit, rest and reset of requests and tokens, and the later reset in seconds', () => {
  const requests = { limitRequests: 10, remainingRequests: 3, resetRequestsMs: 59_001 };
  const tokens = { limitTokens: 500, remainingTokens: 0, resetTokensMs: 250.5 };
  assert.deepEqual(rateLimitHeaders({ ...requests, ...tokens }), {
    'x-ratelimit-limit-requests': '10',
    'x-ratelimit-remaining-requests': '3',
    'x-ratelimit-reset-requests': '1m0s',
    'x-ratelimit-limit-tokens': '500',
    'x-ratelimit-remaining-tokens': '0',
    'x-ratelimit-reset-tokens': '251ms',
    'x-ratelimit-reset': '60',
  });
});

test('where only tokens are limited nothing is said of requests, and without limits nothing at all', () => {
  assert.deepEqual(rateLimitHeaders({ limitTokens: 5, remainingTokens: 5, resetTokensMs: 0 }), {
    'x-ratelimit-limit-tokens': '5',
    'x-ratelimit-remaining-tokens': '5',
    'x-ratelimit-reset-tokens': '0s',
    'x-ratelimit-reset': '0',
  });
  assert.deepEqual(rateLimitHeaders({}), {});
});
