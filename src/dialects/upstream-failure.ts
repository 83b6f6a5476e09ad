// Shared reading of failed answers: status and words → one of our codes, and how long the upstream asks to wait.

import { type ErrorCode, GatewayError, type OriginalError } from '../errors.ts';
import type { DialectName } from '../model/chat.ts';
import type { JsonObject } from '../model/json.ts';
import type { UpstreamError } from '../model/upstream-error.ts';

const MESSAGE_LENGTH_MAX = 2_000;

const CONTEXT_LENGTH =
  /context.?length|context window|maximum context|too many tokens|prompt is too long|input is too long|exceeds? the (maximum|available) (number of tokens|context)|input token count.*exceeds|reduce the length/i;
const QUOTA =
  /insufficient.?(quota|credit|balance|funds)|credit balance is too low|exceeded your current quota|billing|payment required|out of credits/i;
const CONTENT_FILTER = /content.?(filter|policy|management)|responsibleai|safety (system|reasons)|blocked by/i;
const OVERLOADED = /overloaded|at capacity|no capacity|server busy/i;

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
    message: isAboutOurAccount ? ACCOUNT_MESSAGES[code] : trimMessage(facts.message),
    ...(facts.status !== undefined && { status: facts.status }),
    ...(facts.retryAfterMs !== undefined && { retryAfterMs: facts.retryAfterMs }),
    ...(facts.original && !isAboutOurAccount && { original: facts.original }),
  };
}

const ACCOUNT_MESSAGES = {
  upstream_authentication:
    "The upstream refused flowmesh's credential for this target. Check the key of the account in flowmesh's configuration.",
  upstream_permission: "flowmesh's credential for this target may not use this model or feature.",
  upstream_quota: "flowmesh's account at this upstream has no credit or quota left.",
} as const;

function classify(status: number | undefined, words: string): ErrorCode {
  if (
    status === 402 ||
    ((status === undefined || status === 400 || status === 403 || status === 429) && QUOTA.test(words))
  ) {
    return 'upstream_quota';
  }
  if (status === 400 || status === 413 || status === 422 || status === undefined) {
    if (CONTEXT_LENGTH.test(words)) return 'context_length_exceeded';
    if (CONTENT_FILTER.test(words)) return 'content_filtered';
  }
  switch (status) {
    case 400:
      return /api.?key not valid|API_KEY_INVALID/i.test(words) ? 'upstream_authentication' : 'bad_request';
    case 401:
      return 'upstream_authentication';
    case 403:
      return 'upstream_permission';
    case 404:
      return 'upstream_not_found';
    case 408:
    case 504:
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
  if (status !== undefined && status >= 400 && status < 500) return 'bad_request';
  if (/rate.?limit|too many requests|RESOURCE_EXHAUSTED/i.test(words)) return 'upstream_rate_limited';
  if (/invalid.?(api.?key|authentication)|authentication_error|unauthorized/i.test(words))
    return 'upstream_authentication';
  if (OVERLOADED.test(words)) return 'upstream_overloaded';
  if (status === undefined && /invalid.?request|invalid_argument/i.test(words)) return 'bad_request';
  return 'upstream_error';
}

/** An error answer that is not the dialect's JSON: an HTML page of a proxy, plain text, nothing. */
export function foreignError(status: number, headers: Readonly<Record<string, string>>, text: string): UpstreamError {
  const plain = text
    .replace(/<(style|script)[\s\S]*?<\/\1>/gi, ' ')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  const message = plain === '' ? `The upstream answered with status ${status} and no message.` : plain;
  return upstreamError({ status, message, retryAfterMs: retryAfterMs(headers) });
}

export function originalError(dialect: DialectName, status: number, body: JsonObject): OriginalError {
  return { dialect, status, body };
}

/**
 * `retry-after-ms`, then `retry-after` (seconds or an HTTP date, read against the answer's own `date` header so that
 * no clock is needed), milliseconds.
 */
export function retryAfterMs(headers: Readonly<Record<string, string>>): number | undefined {
  const milliseconds = Number(headers['retry-after-ms']);
  if (headers['retry-after-ms'] !== undefined && milliseconds >= 0) return milliseconds;
  const value = headers['retry-after'];
  if (value === undefined) return undefined;
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
  return {
    code: 'upstream_garbage',
    message: `The upstream sent something unreadable: ${trimMessage(data).slice(0, 100)}`,
  };
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
