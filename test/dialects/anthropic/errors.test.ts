// Error bodies, both ways.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromUpstreamError } from '../../../src/dialects/upstream-failure.ts';
import { ERROR_TABLE, type ErrorCode, GatewayError } from '../../../src/errors.ts';
import { client, upstream } from './support.ts';

test("our errors have Anthropic's shape and type", () => {
  const error = new GatewayError('upstream_rate_limited', 'Slow down');
  assert.deepEqual(client.renderError(error, 'req_1'), {
    type: 'error',
    error: { type: 'rate_limit_error', message: 'Slow down' },
    request_id: 'req_1',
  });
});

test('every code has a type that fits its status', () => {
  const fitting: Record<number, string[]> = {
    400: ['invalid_request_error'],
    401: ['authentication_error'],
    402: ['billing_error'],
    403: ['permission_error'],
    404: ['not_found_error'],
    405: ['invalid_request_error'],
    408: ['timeout_error'],
    413: ['request_too_large'],
    422: ['invalid_request_error'],
    429: ['rate_limit_error', 'billing_error'],
    499: ['api_error'],
    500: ['api_error'],
    502: ['api_error'],
    503: ['overloaded_error'],
    504: ['timeout_error'],
    507: ['api_error'],
  };
  for (const code of Object.keys(ERROR_TABLE) as ErrorCode[]) {
    const { error } = client.renderError(new GatewayError(code, 'm'), 'r') as { error: { type: string } };
    assert.ok(fitting[ERROR_TABLE[code].status]?.includes(error.type), `${code} is told as ${error.type}`);
  }
});

test('a prompt that is too long is said in the words that agents know', () => {
  const message = (text: string) =>
    (client.renderError(new GatewayError('context_length_exceeded', text), 'r') as { error: { message: string } }).error
      .message;
  assert.equal(message('Maximum context length is 8k'), 'prompt is too long: Maximum context length is 8k');
  assert.equal(message('prompt is too long: 9 > 8'), 'prompt is too long: 9 > 8');
});

test("an upstream's own body is passed on, with what was tried in it", () => {
  const body = {
    type: 'error',
    error: { type: 'invalid_request_error', message: 'bad', details: { a: 1 } },
    request_id: 'req_up',
  };
  const failure = upstream.parseError(400, {}, JSON.stringify(body));
  assert.deepEqual(client.renderError(fromUpstreamError(failure), 'req_ours'), body);
  const attempts = [{ target: 'a/b', code: 'bad_request', message: 'bad', durationMs: 3 }] as const;
  const tried = new GatewayError('bad_request', 'bad', { original: failure.original, attempts });
  assert.deepEqual(client.renderError(tried, 'req_ours'), { ...body, error: { ...body.error, attempts } });
});

test('error answers of every shape are understood', () => {
  const read = (status: number, text: string, headers = {}) => {
    const { code, message, retryAfterMs } = upstream.parseError(status, headers, text);
    return [code, message, retryAfterMs];
  };
  const own = (type: string, message: string) => JSON.stringify({ type: 'error', error: { type, message } });
  assert.deepEqual(read(429, own('rate_limit_error', 'Slow'), { 'retry-after': '3' }), [
    'upstream_rate_limited',
    'Slow',
    3_000,
  ]);
  assert.deepEqual(read(529, own('overloaded_error', 'Overloaded')), ['upstream_overloaded', 'Overloaded', undefined]);
  assert.equal(read(400, own('invalid_request_error', 'Your credit balance is too low'))[0], 'upstream_quota');
  assert.deepEqual(read(400, '{"error":{"message":"m","type":"t"}}'), ['bad_request', 'm', undefined]);
  assert.deepEqual(read(400, '{"detail":"d"}'), ['bad_request', 'd', undefined]);
  assert.deepEqual(read(502, '<html><h1>Bad Gateway</h1></html>'), ['upstream_error', 'Bad Gateway', undefined]);
});

test('what an upstream says of our own credential is not passed on', () => {
  const text = JSON.stringify({ type: 'error', error: { type: 'authentication_error', message: 'invalid x-api-key' } });
  const failure = upstream.parseError(401, {}, text);
  assert.equal(failure.code, 'upstream_authentication');
  assert.equal(failure.original, undefined);
});

test('a thread that is unknown here is told so that the official SDK sends the whole conversation', () => {
  const { error } = client.renderError(new GatewayError('unsupported', 'm', { param: 'thread' }), 'r');
  assert.deepEqual(error, {
    type: 'invalid_request_error',
    message: 'm',
    details: { error_code: 'thread_not_found' },
  });
});
