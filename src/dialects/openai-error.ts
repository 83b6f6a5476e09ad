// The error bodies of OpenAI's endpoints, both ways: `{error: {message, type, param, code}}`. Both OpenAI dialects share them.

import type { ErrorCode, GatewayError } from '../errors.ts';
import type { DialectName } from '../model/chat.ts';
import { asArray, asObject, asString, isObject, type JsonObject, type JsonValue } from '../model/json.ts';
import type { UpstreamError } from '../model/upstream-error.ts';
import { foreignError, originalError, retryAfterMs, upstreamError } from './upstream-failure.ts';

/** OpenAI's own words for each of our codes: SDKs and agents branch on them. */
const WORDS: Readonly<Record<ErrorCode, readonly [type: string, code: string | null]>> = {
  bad_request: ['invalid_request_error', null],
  unsupported: ['invalid_request_error', 'unsupported_parameter'],
  context_length_exceeded: ['invalid_request_error', 'context_length_exceeded'],
  content_filtered: ['invalid_request_error', 'content_filter'],
  unauthenticated: ['authentication_error', 'invalid_api_key'],
  forbidden: ['permission_error', 'permission_denied'],
  not_found: ['not_found_error', 'not_found'],
  model_not_found: ['invalid_request_error', 'model_not_found'],
  method_not_allowed: ['invalid_request_error', 'method_not_allowed'],
  request_timeout: ['invalid_request_error', 'request_timeout'],
  body_too_large: ['invalid_request_error', 'request_too_large'],
  unprocessable: ['invalid_request_error', 'unprocessable'],
  rate_limited: ['rate_limit_error', 'rate_limit_exceeded'],
  budget_exhausted: ['insufficient_quota', 'budget_exhausted'],
  not_cached: ['invalid_request_error', 'not_cached'],
  client_closed: ['invalid_request_error', 'client_closed'],
  upstream_authentication: ['authentication_error', 'upstream_authentication'],
  upstream_permission: ['permission_error', 'upstream_permission'],
  upstream_quota: ['insufficient_quota', 'insufficient_quota'],
  upstream_not_found: ['not_found_error', 'model_not_found'],
  upstream_rate_limited: ['rate_limit_error', 'rate_limit_exceeded'],
  upstream_overloaded: ['server_error', 'server_is_overloaded'],
  upstream_error: ['server_error', 'upstream_error'],
  upstream_unreachable: ['server_error', 'upstream_unreachable'],
  upstream_timeout: ['server_error', 'upstream_timeout'],
  upstream_cut: ['server_error', 'upstream_cut'],
  upstream_garbage: ['server_error', 'upstream_garbage'],
  unavailable: ['server_error', 'unavailable'],
  overloaded: ['server_error', 'server_is_overloaded'],
  disk_full: ['server_error', 'disk_full'],
  draining: ['server_error', 'draining'],
  internal: ['server_error', 'internal'],
};

/** `{error: {message, type, param, code}}`: what stands inside an error event of a stream, too. */
interface OpenAiErrorFields {
  readonly message: string;
  readonly type: string;
  readonly param: string | null;
  readonly code: string | null;
}

/** The inner fields, in our own words. */
function openAiErrorFields(error: GatewayError): OpenAiErrorFields {
  const [type, code] = WORDS[error.code];
  return { message: error.message, type, param: error.param ?? null, code };
}

/**
 * The body of an error answer. An upstream's own body is passed on verbatim when it came in one of these dialects; what
 * was tried stands in it as `error.attempts`, which SDKs hand to their users with the rest of `error`.
 */
export function renderOpenAiError(error: GatewayError, dialectNames: readonly DialectName[]): JsonObject {
  const { original } = error;
  const isOwn = original !== undefined && dialectNames.some((name) => name === original.dialect);
  const body: JsonObject =
    isOwn && isObject(original.body) ? original.body : { error: { ...openAiErrorFields(error) } };
  if (error.attempts.length === 0) return body;
  return { ...body, error: { ...asObject(body.error), attempts: error.attempts.map((attempt) => ({ ...attempt })) } };
}

/**
 * Reads the error bodies that OpenAI-like servers send: `{error: {…}}`, `{error: "text"}`, `{message, …}`, `{detail}`,
 * and the array around `{error}` of Gemini's compatible endpoint. Anything else goes by its status and text.
 */
export function parseOpenAiError(
  dialect: DialectName,
  status: number,
  headers: Readonly<Record<string, string>>,
  text: string,
): UpstreamError {
  const facts = errorFacts(parseBody(text));
  if (!facts) return foreignError(status, headers, text);
  return upstreamError({
    status,
    message: facts.message,
    words: facts.words,
    retryAfterMs: retryAfterMs(headers) ?? retryInfoMs(facts.details),
    ...(facts.isOpenAiShape && { original: originalError(dialect, status, facts.body) }),
  });
}

/** The error object of an event inside a stream or of a failed response: `{message, code, type}`. */
export function openAiEventError(dialect: DialectName, error: JsonObject): UpstreamError {
  const facts = errorFacts({ error });
  // OpenRouter and vLLM put there the HTTP status that they would have answered with.
  const status = Number(error.code);
  return upstreamError({
    ...(status >= 400 && status <= 599 && { status }),
    message: facts?.message ?? 'The upstream failed without a message.',
    words: facts?.words ?? '',
    ...(facts && { original: originalError(dialect, 200, facts.body) }),
  });
}

interface ErrorFacts {
  readonly message: string;
  readonly words: string;
  readonly details: JsonValue | undefined;
  readonly body: JsonObject;
  /** The body is what an OpenAI SDK reads, so it may be passed on as it is. */
  readonly isOpenAiShape: boolean;
}

function parseBody(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return asObject(Array.isArray(value) ? value[0] : value);
  } catch {
    return undefined;
  }
}

function errorFacts(body: JsonObject | undefined): ErrorFacts | undefined {
  if (!body) return undefined;
  const inner = asObject(body.error);
  const message = inner
    ? asString(inner.message)
    : (asString(body.error) ??
      asString(body.message) ??
      asString(body.detail) ??
      detailText(body.detail) ??
      // Mistral wraps them once more.
      detailText(asObject(body.message)?.detail));
  if (message === undefined || message === '') return undefined;
  const source = inner ?? body;
  const words = [source.type, source.code, source.status].filter((word) => typeof word === 'string').join(' ');
  return { message, words, details: source.details, body, isOpenAiShape: inner !== undefined };
}

/** FastAPI's validation errors, as vLLM and others send them: `[{loc, msg}, …]`. */
function detailText(detail: JsonValue | undefined): string | undefined {
  const sentences = asArray(detail).flatMap((entry) => {
    const message = asString(asObject(entry)?.msg);
    const place = asArray(asObject(entry)?.loc).join('.');
    return message === undefined ? [] : [place === '' ? message : `${place}: ${message}`];
  });
  return sentences.length === 0 ? undefined : sentences.join('; ');
}

/** Google's `RetryInfo` inside `details`: `{retryDelay: "12.5s"}`. */
function retryInfoMs(details: JsonValue | undefined): number | undefined {
  for (const detail of asArray(details)) {
    const seconds = /^([\d.]+)s$/.exec(asString(asObject(detail)?.retryDelay) ?? '')?.[1];
    if (seconds !== undefined) return Math.round(Number(seconds) * 1_000);
  }
  return undefined;
}
