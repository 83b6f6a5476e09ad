// The error bodies that both OpenAI dialects share.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openAiEventError, parseOpenAiError, renderOpenAiError } from '../../src/dialects/openai-error.ts';
import { GatewayError } from '../../src/errors.ts';

const parse = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  parseOpenAiError('openai-chat', status, headers, typeof body === 'string' ? body : JSON.stringify(body));

test('errors are rendered in OpenAI words', () => {
  assert.deepEqual(renderOpenAiError(new GatewayError('bad_request', 'Bad.', { param: 'model' }), []), {
    error: { message: 'Bad.', type: 'invalid_request_error', param: 'model', code: null },
  });
  const wordsOf = (code: ConstructorParameters<typeof GatewayError>[0]) => {
    const { error } = renderOpenAiError(new GatewayError(code, 'x'), []) as any;
    return [error.type, error.code];
  };
  assert.deepEqual(wordsOf('unauthenticated'), ['authentication_error', 'invalid_api_key']);
  assert.deepEqual(wordsOf('context_length_exceeded'), ['invalid_request_error', 'context_length_exceeded']);
  assert.deepEqual(wordsOf('model_not_found'), ['invalid_request_error', 'model_not_found']);
  assert.deepEqual(wordsOf('upstream_rate_limited'), ['rate_limit_error', 'rate_limit_exceeded']);
  assert.deepEqual(wordsOf('upstream_quota'), ['insufficient_quota', 'insufficient_quota']);
  assert.deepEqual(wordsOf('upstream_overloaded'), ['server_error', 'server_is_overloaded']);
  assert.deepEqual(wordsOf('internal'), ['server_error', 'internal']);
});

test("an upstream's own body is passed on verbatim to its dialects only, with what was tried", () => {
  const body = { error: { message: 'Own.', type: 't', odd: 1 } };
  const attempts = [{ target: 'a/m', code: 'bad_request', message: 'Own.', durationMs: 3 }] as const;
  const original = { dialect: 'openai-chat', status: 400, body };
  const error = new GatewayError('bad_request', 'Own.', { original, attempts });
  assert.deepEqual(renderOpenAiError(error, ['openai-chat']), { error: { ...body.error, attempts } });
  assert.deepEqual(renderOpenAiError(error, ['anthropic']), {
    error: { message: 'Own.', type: 'invalid_request_error', param: null, code: null, attempts },
  });
});

test('every shape that OpenAI-like servers send is understood', () => {
  const own = { error: { message: 'No.', type: 'invalid_request_error', code: null, param: 'x' } };
  assert.deepEqual(parse(400, own), {
    code: 'bad_request',
    message: 'No.',
    status: 400,
    original: { dialect: 'openai-chat', status: 400, body: own },
  });
  const messageOf = (body: unknown) => parse(400, body).message;
  assert.equal(messageOf({ error: 'plain' }), 'plain');
  assert.equal(messageOf({ object: 'error', message: 'vllm', code: 400 }), 'vllm');
  assert.equal(messageOf({ detail: 'fastapi' }), 'fastapi');
  assert.equal(messageOf({ detail: [{ loc: ['body', 'model'], msg: 'missing' }] }), 'body.model: missing');
  assert.equal(messageOf([{ error: { message: 'gemini', status: 'INVALID_ARGUMENT' } }]), 'gemini');
  assert.equal(messageOf('<html><body>Bad <b>Gateway</b></body></html>'), 'Bad Gateway');
  assert.equal(messageOf({ nothing: 1 }), '{"nothing":1}');
});

test('only a body in the shape of OpenAI is kept as the original', () => {
  assert.equal(parse(400, { error: 'plain' }).original, undefined);
  assert.equal(parse(400, { message: 'x' }).original, undefined);
});

test('the wait is read from the headers, else from the RetryInfo of Gemini', () => {
  const details = [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '12.5s' }];
  const body = [{ error: { code: 429, message: 'slow', status: 'RESOURCE_EXHAUSTED', details } }];
  assert.equal(parse(429, body).retryAfterMs, 12_500);
  assert.equal(parse(429, body, { 'retry-after': '3' }).retryAfterMs, 3_000);
  assert.equal(parse(429, body).code, 'upstream_rate_limited');
});

test('an error inside a stream is classified by its words and has no status', () => {
  assert.deepEqual(openAiEventError('openai-chat', { message: 'x', code: 'context_length_exceeded' }), {
    code: 'context_length_exceeded',
    message: 'x',
    original: {
      dialect: 'openai-chat',
      status: 200,
      body: { error: { message: 'x', code: 'context_length_exceeded' } },
    },
  });
  assert.deepEqual(openAiEventError('openai-chat', {}), {
    code: 'upstream_error',
    message: 'The upstream failed without a message.',
  });
});
