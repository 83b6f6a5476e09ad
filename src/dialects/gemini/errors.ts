// Google's error bodies, both ways: `{error: {code, message, status, details}}`, at times inside an array.

import type { GatewayError, OriginalError } from '../../errors.ts';
import { asArray, asNumber, asObject, asString, isObject, type JsonObject } from '../../model/json.ts';
import type { UpstreamError } from '../../model/upstream-error.ts';
import { foreignError, originalError, retryAfterMs, upstreamError } from '../upstream-failure.ts';

const TYPE = 'type.googleapis.com/google.rpc.';

export function parseError(status: number, headers: Readonly<Record<string, string>>, text: string): UpstreamError {
  const body = parseBody(text);
  const error = asObject(body?.error);
  if (!body || !error) return foreignError(status, headers, text);
  return failure(status, error, originalError('gemini', status, body), retryAfterMs(headers));
}

/** An error inside an HTTP 200. */
export function errorInBody(body: JsonObject): UpstreamError | undefined {
  const error = asObject(body.error);
  if (!error) return undefined;
  const status = asNumber(error.code) ?? 500;
  return failure(status, error, originalError('gemini', status, body), undefined);
}

/** The prompt itself was refused: no candidates come. */
export function blockedError(body: JsonObject): UpstreamError | undefined {
  const feedback = asObject(body.promptFeedback);
  const reason = asString(feedback?.blockReason);
  if (!reason || asArray(body.candidates).length > 0) return undefined;
  const message = asString(feedback?.blockReasonMessage) ?? 'The upstream refused the prompt by its content policy.';
  return { code: 'content_filtered', message: `${message} (${reason})` };
}

/** A JSON object, or the first one of an array: Google wraps errors of streams so. */
export function parseBody(text: string): JsonObject | undefined {
  return parseBodies(text).bodies[0];
}

/** A JSON object, or those of an array. */
export function parseBodies(text: string): { readonly bodies: readonly JsonObject[]; readonly isArray: boolean } {
  try {
    const value: unknown = JSON.parse(text);
    return { bodies: (Array.isArray(value) ? value : [value]).filter(isObject), isArray: Array.isArray(value) };
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return { bodies: [], isArray: false };
    throw thrown;
  }
}

function failure(
  status: number,
  error: JsonObject,
  original: OriginalError,
  headerDelayMs: number | undefined,
): UpstreamError {
  const details = asArray(error.details).filter(isObject);
  const reasons = details.map((detail) => asString(detail.reason) ?? '');
  const word = asString(error.status) ?? '';
  const message = asString(error.message) ?? word;
  // "User location is not supported", "enable billing": our account's state, whatever the client wrote.
  const isAboutAccount = status === 400 && word === 'FAILED_PRECONDITION' && /location|billing/i.test(message);
  const facts = upstreamError({
    status: isAboutAccount ? 403 : status,
    message,
    words: [word, ...reasons].join(' '),
    retryAfterMs: retryDelayMs(details) ?? headerDelayMs,
    original,
  });
  return isAboutAccount ? { ...facts, status } : facts;
}

/** `RetryInfo.retryDelay` is a protobuf duration: `17s`, `0.5s`. */
function retryDelayMs(details: readonly JsonObject[]): number | undefined {
  for (const detail of details) {
    const seconds = /^(\d+(?:\.\d+)?)s$/.exec(asString(detail.retryDelay) ?? '')?.[1];
    if (seconds !== undefined) return Math.ceil(Number(seconds) * 1_000);
  }
  return undefined;
}

/** https://cloud.google.com/apis/design/errors#handling_errors */
const STATUS_WORDS: ReadonlyMap<number, string> = new Map([
  [400, 'INVALID_ARGUMENT'],
  [401, 'UNAUTHENTICATED'],
  [403, 'PERMISSION_DENIED'],
  [404, 'NOT_FOUND'],
  [408, 'DEADLINE_EXCEEDED'],
  [409, 'ABORTED'],
  [413, 'INVALID_ARGUMENT'],
  [422, 'INVALID_ARGUMENT'],
  [402, 'RESOURCE_EXHAUSTED'],
  [429, 'RESOURCE_EXHAUSTED'],
  [499, 'CANCELLED'],
  [500, 'INTERNAL'],
  [502, 'UNAVAILABLE'],
  [503, 'UNAVAILABLE'],
  [504, 'DEADLINE_EXCEEDED'],
  [529, 'UNAVAILABLE'],
]);

export function renderError(error: GatewayError, requestId: string): JsonObject {
  if (error.original?.dialect === 'gemini') return { ...error.original.body };
  return {
    error: {
      code: error.status,
      message: error.message,
      status: STATUS_WORDS.get(error.status) ?? (error.status < 500 ? 'INVALID_ARGUMENT' : 'INTERNAL'),
      details: [
        { '@type': `${TYPE}ErrorInfo`, reason: error.code.toUpperCase(), domain: 'flowmesh' },
        { '@type': `${TYPE}RequestInfo`, requestId },
        ...(error.param === undefined
          ? []
          : [
              {
                '@type': `${TYPE}BadRequest`,
                fieldViolations: [{ field: error.param, description: error.message }],
              },
            ]),
        ...(error.retryAfterMs === undefined
          ? []
          : [{ '@type': `${TYPE}RetryInfo`, retryDelay: `${Math.ceil(error.retryAfterMs) / 1_000}s` }]),
      ],
    },
  };
}
