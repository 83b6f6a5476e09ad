// The error bodies of the Messages API, both ways: `{type: "error", error: {type, message}, request_id}`.

import type { ErrorCode, GatewayError } from '../../errors.ts';
import { asObject, asString, isObject, type JsonObject, parseObject } from '../../model/json.ts';
import type { UpstreamError } from '../../model/upstream-error.ts';
import { foreignError, originalError, retryAfterMs, upstreamError } from '../upstream-failure.ts';

const TYPES: Readonly<Record<ErrorCode, string>> = {
  bad_request: 'invalid_request_error',
  unsupported: 'invalid_request_error',
  context_length_exceeded: 'invalid_request_error',
  content_filtered: 'invalid_request_error',
  unauthenticated: 'authentication_error',
  forbidden: 'permission_error',
  not_found: 'not_found_error',
  model_not_found: 'not_found_error',
  method_not_allowed: 'invalid_request_error',
  request_timeout: 'timeout_error',
  body_too_large: 'request_too_large',
  unprocessable: 'invalid_request_error',
  rate_limited: 'rate_limit_error',
  budget_exhausted: 'billing_error',
  not_cached: 'timeout_error',
  client_closed: 'api_error',
  upstream_authentication: 'authentication_error',
  upstream_permission: 'permission_error',
  upstream_quota: 'billing_error',
  upstream_not_found: 'not_found_error',
  upstream_rate_limited: 'rate_limit_error',
  upstream_overloaded: 'overloaded_error',
  upstream_error: 'api_error',
  upstream_unreachable: 'api_error',
  upstream_timeout: 'timeout_error',
  upstream_cut: 'api_error',
  upstream_garbage: 'api_error',
  unavailable: 'overloaded_error',
  overloaded: 'overloaded_error',
  draining: 'overloaded_error',
  disk_full: 'api_error',
  internal: 'api_error',
};

/** The status that goes with each type where an error arrives inside an HTTP 200. */
const STATUSES: Readonly<Record<string, number>> = {
  invalid_request_error: 400,
  authentication_error: 401,
  billing_error: 402,
  permission_error: 403,
  not_found_error: 404,
  request_too_large: 413,
  rate_limit_error: 429,
  api_error: 500,
  timeout_error: 504,
  overloaded_error: 529,
};

/** An upstream's own Anthropic body is passed on; what was tried stands in it as `error.attempts`. */
export function renderError(error: GatewayError, requestId: string | null): JsonObject {
  const { original } = error;
  const body: JsonObject =
    original?.dialect === 'anthropic' && isObject(original.body)
      ? original.body
      : { type: 'error', error: errorFields(error), request_id: requestId };
  if (error.attempts.length === 0) return body;
  return { ...body, error: { ...asObject(body.error), attempts: error.attempts.map((attempt) => ({ ...attempt })) } };
}

/** On this detail the official SDK begins its thread anew, with the whole conversation. */
function errorFields(error: GatewayError): JsonObject {
  const isLostThread = error.code === 'unsupported' && error.param === 'thread';
  return {
    type: TYPES[error.code],
    message: messageOf(error),
    ...(isLostThread && { details: { error_code: 'thread_not_found' } }),
  };
}

/** Agents find out that they must shorten the conversation by Anthropic's own sentence for it. */
function messageOf(error: GatewayError): string {
  if (error.code !== 'context_length_exceeded' || /prompt is too long/i.test(error.message)) return error.message;
  return `prompt is too long: ${error.message}`;
}

export function parseError(status: number, headers: Readonly<Record<string, string>>, text: string): UpstreamError {
  const body = parseObject(text);
  const facts = body && errorFacts(body);
  if (!facts) return foreignError(status, headers, text);
  return upstreamError({
    status,
    message: facts.message,
    words: facts.words,
    retryAfterMs: retryAfterMs(headers),
    ...(body.type === 'error' && { original: originalError('anthropic', status, body) }),
  });
}

/** An error inside an HTTP 200: the `error` event of a stream, or an error body under the wrong status. */
export function parseErrorEvent(body: JsonObject): UpstreamError {
  const facts = errorFacts(body) ?? { message: 'The upstream failed without a message.', words: '' };
  return upstreamError({ ...facts, original: originalError('anthropic', STATUSES[facts.words] ?? 500, body) });
}

/** Anthropic's shape, and those of compatible servers: `{error: "text"}`, `{message}`, `{detail}`. */
function errorFacts(body: JsonObject): { readonly message: string; readonly words: string } | undefined {
  const error = asObject(body.error);
  const message =
    asString(error?.message) ?? asString(body.error) ?? asString(body.message) ?? asString(body.detail) ?? '';
  if (message === '') return undefined;
  return { message, words: asString(error?.type) ?? asString(error?.code) ?? '' };
}
