// Shared reading of failed answers: status and words → one of our codes, and how long the upstream asks to wait.

import { type ErrorCode, GatewayError, type OriginalError } from '../errors.ts';
import type { DialectName } from '../model/chat.ts';
import type { JsonObject } from '../model/json.ts';
import type { UpstreamError } from '../model/upstream-error.ts';

const MESSAGE_LENGTH_MAX = 2_000;
/** Of a page that is not ours to understand; the patterns that strip it are quadratic on hostile input. */
const PAGE_LENGTH_MAX = 16_000;

// What the providers say, gathered from real answers; test/dialects/upstream-failure.test.ts has them all.
const CONTEXT_LENGTH =
  /context.?length|context window|maximum context|exceed context limit|exceed_context_size|too many tokens|(prompt|input) is too long|longer than the maximum model length|exceeds? the (maximum|available) (number of tokens|context)|input token count.*exceeds|reduce the length|max_tokens must be at least 1, got -/i;
const QUOTA =
  /insufficient.?(quota|credit|balance|funds)|credit balance is too low|exceeded your current quota|billing.?(error|not.?active|hard.?limit)|(requires|enable|check your) billing|payment required|out of credits|used all available credits|spending limit|specified API usage limits/i;
const CONTENT_FILTER =
  /content.?(filter|policy|management)|responsibleai|safety (system|reasons)|blocked by|flagged as potentially violating|input was flagged/i;
const RATE_LIMIT = /rate.?limit|too many requests|RESOURCE_EXHAUSTED/i;
/** Gemini says "exceeded your current quota" when a limit per minute is reached, in the words OpenAI has for no credit. */
const GEMINI_RATE_LIMIT = /RESOURCE_EXHAUSTED|gemini-api\/docs\/rate-limits/i;
const OVERLOADED = /overloaded|at capacity|no capacity|capacity exceeded|server busy|UNAVAILABLE/i;
const MODEL_UNKNOWN = /model_not_found|invalid.?model\b|not a valid model/i;

/** What the parsed error body says, in whichever fields its dialect has them. */
export interface UpstreamFailureFacts {
  /** Absent for an error inside an HTTP 200. */
  readonly status?: number;
  readonly message: string;
  /** The upstream's own type and code words, joined: they classify better than the status. */
  readonly words?: string;
  readonly retryAfterMs?: number | undefined;
  readonly original?: OriginalError;
}

/** The neutral error for what an upstream reported. */
export function upstreamError(facts: UpstreamFailureFacts): UpstreamError {
  const code = classify(facts.status, `${facts.words ?? ''} ${facts.message}`);
  // The upstream's own words about *our* credential or account are none of the client's business.
  const isAboutOurAccount =
    code === 'upstream_authentication' || code === 'upstream_permission' || code === 'upstream_quota';
  return {
    code,
    message: isAboutOurAccount ? ACCOUNT_MESSAGES[code] : trimMessage(facts.message.trim() || SILENT_MESSAGE),
    ...(facts.status !== undefined && { status: facts.status }),
    ...(facts.retryAfterMs !== undefined && { retryAfterMs: facts.retryAfterMs }),
    ...(facts.original && !isAboutOurAccount && { original: facts.original }),
  };
}

const SILENT_MESSAGE = 'The upstream failed without a message.';

const ACCOUNT_MESSAGES = {
  upstream_authentication:
    "The upstream refused flowmesh's credential for this target. Check the key of the account in flowmesh's configuration.",
  upstream_permission: "flowmesh's credential for this target may not use this model or feature.",
  upstream_quota: "flowmesh's account at this upstream has no credit or quota left.",
} as const;

function classify(status: number | undefined, words: string): ErrorCode {
  if (status === undefined) return classifyWords(words);
  if (status === 402 || (isAny(status, 400, 403, 429) && isQuota(words))) return 'upstream_quota';
  // llama.cpp has answered a too long prompt with 500.
  if (isAny(status, 400, 413, 422, 500) && CONTEXT_LENGTH.test(words)) return 'context_length_exceeded';
  if (isAny(status, 400, 422) && CONTENT_FILTER.test(words)) return 'content_filtered';
  switch (status) {
    case 400:
      // Google's and xAI's words for a wrong key.
      if (/api.?key not valid|API_KEY_INVALID|incorrect api.?key/i.test(words)) return 'upstream_authentication';
      return MODEL_UNKNOWN.test(words) ? 'upstream_not_found' : 'bad_request';
    case 401:
      return 'upstream_authentication';
    case 403:
      return /input was flagged/i.test(words) ? 'content_filtered' : 'upstream_permission';
    case 404:
      return 'upstream_not_found';
    // 524: Cloudflare waited for the server in vain.
    case 408:
    case 504:
    case 524:
      return 'upstream_timeout';
    case 413:
      return 'body_too_large';
    case 422:
      return 'unprocessable';
    case 429:
      return 'upstream_rate_limited';
    case 503:
    case 529:
      return 'upstream_overloaded';
  }
  if (status >= 400 && status < 500) return 'bad_request';
  // Gateways between hide a limit behind a 500.
  if (RATE_LIMIT.test(words)) return 'upstream_rate_limited';
  return OVERLOADED.test(words) ? 'upstream_overloaded' : 'upstream_error';
}

/** An error inside a 200 has nothing but its words. */
function classifyWords(words: string): ErrorCode {
  if (isQuota(words)) return 'upstream_quota';
  if (CONTEXT_LENGTH.test(words)) return 'context_length_exceeded';
  if (CONTENT_FILTER.test(words)) return 'content_filtered';
  if (RATE_LIMIT.test(words)) return 'upstream_rate_limited';
  if (/invalid.?(api.?key|authentication)|authentication_error|unauthorized|UNAUTHENTICATED/i.test(words)) {
    return 'upstream_authentication';
  }
  if (/permission_error|PERMISSION_DENIED/i.test(words)) return 'upstream_permission';
  if (OVERLOADED.test(words)) return 'upstream_overloaded';
  if (/timeout_error|DEADLINE_EXCEEDED/i.test(words)) return 'upstream_timeout';
  if (/not_found_error|NOT_FOUND\b/.test(words) || MODEL_UNKNOWN.test(words)) return 'upstream_not_found';
  if (/invalid.?request|invalid_argument|invalid_prompt/i.test(words)) return 'bad_request';
  return 'upstream_error';
}

function isQuota(words: string): boolean {
  return QUOTA.test(words) && !GEMINI_RATE_LIMIT.test(words);
}

function isAny(status: number, ...wanted: readonly number[]): boolean {
  return wanted.includes(status);
}

/** An error answer that is not the dialect's JSON: an HTML page of a proxy, plain text, nothing. */
export function foreignError(status: number, headers: Readonly<Record<string, string>>, text: string): UpstreamError {
  const plain = text
    .slice(0, PAGE_LENGTH_MAX)
    .replace(/<(style|script)[\s\S]*?<\/\1>/gi, ' ')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  const silent = plain === '' ? `The upstream answered with status ${status} and no message.` : plain;
  const message = redirection(status, headers) ?? silent;
  return upstreamError({ status, message, retryAfterMs: retryAfterMs(headers) });
}

/** Nobody follows it: the key would go to wherever it leads. Of the address, what may be a secret is left out. */
function redirection(status: number, { location }: Readonly<Record<string, string>>): string | undefined {
  if (status < 300 || status >= 400 || !location) return undefined;
  const place = location.split(/[?#]/, 1)[0]?.slice(0, 200) ?? '';
  return `The upstream redirects to ${place.replace(/\/\/[^/@]*@/, '//')}. Check the url of the account.`;
}

export function originalError(dialect: DialectName, status: number, body: JsonObject): OriginalError {
  return { dialect, status, body };
}

/**
 * `retry-after-ms`, then `retry-after` (seconds or an HTTP date, read against the answer's own `date` header so that
 * no clock is needed), milliseconds.
 */
export function retryAfterMs(headers: Readonly<Record<string, string>>): number | undefined {
  // An empty header would count as 0.
  const milliseconds = Number(headers['retry-after-ms'] || Number.NaN);
  if (milliseconds >= 0) return milliseconds;
  const value = headers['retry-after'];
  if (!value) return undefined;
  const seconds = Number(value);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1_000);
  const until = Date.parse(value) - Date.parse(headers.date ?? '');
  return Number.isFinite(until) ? Math.max(0, until) : undefined;
}

/** The error event for a stream that stopped before it was complete. */
export function cutError(): UpstreamError {
  return { code: 'upstream_cut', message: 'The upstream ended its stream before the answer was complete.' };
}

/** The error event for bytes that are not of the dialect. */
export function garbageError(data: string): UpstreamError {
  const shown = data.trim().slice(0, 100);
  const message =
    shown === '' ? 'The upstream sent an empty answer.' : `The upstream sent something unreadable: ${shown}`;
  return { code: 'upstream_garbage', message };
}

/** What the gateway throws for an upstream's error. */
export function fromUpstreamError(error: UpstreamError): GatewayError {
  return new GatewayError(error.code, error.message, {
    retryAfterMs: error.retryAfterMs,
    status: error.status === 529 ? 529 : undefined,
    original: error.original,
  });
}

function trimMessage(message: string): string {
  return message.length > MESSAGE_LENGTH_MAX ? `${message.slice(0, MESSAGE_LENGTH_MAX)}…` : message;
}
