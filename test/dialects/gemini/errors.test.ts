// Google's errors, both ways.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gemini } from '../../../src/dialects/gemini/index.ts';
import { fromUpstreamError } from '../../../src/dialects/upstream-failure.ts';
import { GatewayError } from '../../../src/errors.ts';

const parseError = gemini.upstream!.parseError;
const body = (code: number, status: string, message: string, details: object[] = []) => ({
  error: { code, message, status, details },
});

test('the retry delay in the body of a 429 is read, before the header', () => {
  const original = body(
    429,
    'RESOURCE_EXHAUSTED',
    'You exceeded your current quota, please check your plan and billing details.',
    [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '17s' }],
  );
  assert.deepEqual(parseError(429, { 'retry-after': '3' }, JSON.stringify([original])), {
    code: 'upstream_rate_limited',
    message: 'You exceeded your current quota, please check your plan and billing details.',
    status: 429,
    retryAfterMs: 17_000,
    original: { dialect: 'gemini', status: 429, body: original },
  });
  const half = body(429, 'RESOURCE_EXHAUSTED', 'x', [{ retryDelay: '0.5s' }]);
  assert.equal(parseError(429, {}, JSON.stringify(half)).retryAfterMs, 500);
  assert.equal(
    parseError(429, { 'retry-after': '3' }, JSON.stringify(body(429, 'RESOURCE_EXHAUSTED', 'x'))).retryAfterMs,
    3_000,
  );
});

const CODES = [
  [400, 'INVALID_ARGUMENT', 'Invalid value', 'bad_request'],
  [400, 'INVALID_ARGUMENT', 'API key not valid. Please pass a valid API key.', 'upstream_authentication'],
  [
    400,
    'INVALID_ARGUMENT',
    'The input token count (2) exceeds the maximum number of tokens allowed (1).',
    'context_length_exceeded',
  ],
  [400, 'FAILED_PRECONDITION', 'User location is not supported for the API use.', 'upstream_permission'],
  [400, 'FAILED_PRECONDITION', 'The File x is not in an ACTIVE state.', 'bad_request'],
  [401, 'UNAUTHENTICATED', 'no', 'upstream_authentication'],
  [403, 'PERMISSION_DENIED', 'no', 'upstream_permission'],
  [404, 'NOT_FOUND', 'models/x is not found', 'upstream_not_found'],
  [500, 'INTERNAL', 'oops', 'upstream_error'],
  [503, 'UNAVAILABLE', 'The model is overloaded.', 'upstream_overloaded'],
  [504, 'DEADLINE_EXCEEDED', 'late', 'upstream_timeout'],
] as const;

for (const [status, word, message, code] of CODES) {
  test(`${status} ${word} "${message}" is ${code}`, () => {
    assert.equal(parseError(status, {}, JSON.stringify(body(status, word, message))).code, code);
  });
}

test('an error that is not Google’s is read as plain words', () => {
  assert.deepEqual(parseError(502, {}, '<html><title>Bad Gateway</title></html>'), {
    code: 'upstream_error',
    message: 'Bad Gateway',
    status: 502,
  });
});

test('our own errors have Google’s shape', () => {
  const error = new GatewayError('bad_request', "'contents' is required.", {
    param: 'contents',
    retryAfterMs: 1_499.000_000_3,
  });
  assert.deepEqual(gemini.client.renderError(error, 'req-1'), {
    error: {
      code: 400,
      message: "'contents' is required.",
      status: 'INVALID_ARGUMENT',
      details: [
        { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'BAD_REQUEST', domain: 'flowmesh' },
        { '@type': 'type.googleapis.com/google.rpc.RequestInfo', requestId: 'req-1' },
        {
          '@type': 'type.googleapis.com/google.rpc.BadRequest',
          fieldViolations: [{ field: 'contents', description: "'contents' is required." }],
        },
        { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '1.5s' },
      ],
    },
  });
});

const WORDS = [
  ['unauthenticated', 401, 'UNAUTHENTICATED'],
  ['forbidden', 403, 'PERMISSION_DENIED'],
  ['model_not_found', 404, 'NOT_FOUND'],
  ['method_not_allowed', 405, 'INVALID_ARGUMENT'],
  ['upstream_rate_limited', 429, 'RESOURCE_EXHAUSTED'],
  ['internal', 500, 'INTERNAL'],
  ['upstream_cut', 502, 'UNAVAILABLE'],
  ['unavailable', 503, 'UNAVAILABLE'],
  ['upstream_timeout', 504, 'DEADLINE_EXCEEDED'],
] as const;

for (const [code, status, word] of WORDS) {
  test(`${code} is told as ${status} ${word}`, () => {
    const rendered = gemini.client.renderError(new GatewayError(code, 'm'), 'r') as {
      error: { code: number; status: string };
    };
    assert.deepEqual([rendered.error.code, rendered.error.status], [status, word]);
  });
}

test('Google’s own words about the client’s request reach a Gemini client unchanged', () => {
  const original = body(400, 'INVALID_ARGUMENT', 'Invalid value', [{ '@type': 'x', fieldViolations: [] }]);
  const error = fromUpstreamError(parseError(400, {}, JSON.stringify(original)));
  assert.deepEqual(gemini.client.renderError(error, 'r'), original);
});
