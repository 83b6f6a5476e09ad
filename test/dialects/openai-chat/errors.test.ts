import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import OpenAI from 'openai';
import { openaiChat } from '../../../src/dialects/openai-chat/index.ts';
import { fromUpstreamError } from '../../../src/dialects/upstream-failure.ts';
import { type ErrorCode, GatewayError } from '../../../src/errors.ts';

const render = (error: GatewayError) => openaiChat.client.renderError(error, 'request-1');

describe('openai-chat errors', () => {
  it('writes the four fields that SDKs read', () => {
    assert.deepEqual(render(new GatewayError('bad_request', 'No.', { param: 'messages' })), {
      error: { message: 'No.', type: 'invalid_request_error', param: 'messages', code: null },
    });
    assert.deepEqual(render(new GatewayError('context_length_exceeded', 'Long.')), {
      error: { message: 'Long.', type: 'invalid_request_error', param: null, code: 'context_length_exceeded' },
    });
  });

  it('tells what was tried inside the error', () => {
    const attempts = [{ target: 'a/m', code: 'upstream_error' as const, message: 'x', durationMs: 5 }];
    assert.deepEqual(
      (render(new GatewayError('upstream_error', 'All failed.', { attempts })).error as any).attempts,
      attempts,
    );
  });

  it('passes an upstream body of this dialect on as it was, with what was tried', () => {
    const body = { error: { message: 'm', type: 't', param: 'p', code: 'c', extra: 1 }, more: 2 };
    const error = openaiChat.upstream!.parseError(400, {}, JSON.stringify(body));
    assert.deepEqual(render(fromUpstreamError(error)), body);
  });

  it('makes the official SDK raise its own class for every kind of failure', async () => {
    const cases: [ErrorCode, new (...args: any[]) => Error][] = [
      ['bad_request', OpenAI.BadRequestError],
      ['unauthenticated', OpenAI.AuthenticationError],
      ['forbidden', OpenAI.PermissionDeniedError],
      ['model_not_found', OpenAI.NotFoundError],
      ['unprocessable', OpenAI.UnprocessableEntityError],
      ['upstream_rate_limited', OpenAI.RateLimitError],
      ['upstream_error', OpenAI.InternalServerError],
    ];
    for (const [code, type] of cases) {
      const error = new GatewayError(code, 'Because.');
      const client = new OpenAI({
        apiKey: 'k',
        baseURL: 'http://gateway.invalid/v1',
        maxRetries: 0,
        fetch: async () => new Response(JSON.stringify(render(error)), { status: error.status }),
      });
      const call = client.chat.completions.create({ model: 'm', messages: [{ role: 'user', content: 'x' }] });
      await assert.rejects(call, (thrown: unknown) => thrown instanceof type && /Because\./.test(String(thrown)), code);
    }
  });

  it('reads the error bodies of many servers', () => {
    const parse = (status: number, text: string, headers = {}) =>
      openaiChat.upstream!.parseError(status, headers, text);
    const cases: [number, string, string, string][] = [
      [
        429,
        '{"error":{"message":"Slow","type":"tokens","code":"rate_limit_exceeded"}}',
        'upstream_rate_limited',
        'Slow',
      ],
      [
        400,
        '{"object":"error","message":"This model\'s maximum context length is 10","code":400}',
        'context_length_exceeded',
        "This model's maximum context length is 10",
      ],
      [422, '{"detail":[{"loc":["body","n"],"msg":"wrong","type":"x"}]}', 'unprocessable', 'body.n: wrong'],
      [404, '{"detail":"Not Found"}', 'upstream_not_found', 'Not Found'],
      [500, '{"error":"boom"}', 'upstream_error', 'boom'],
      [400, '[{"error":{"code":400,"message":"Bad","status":"INVALID_ARGUMENT"}}]', 'bad_request', 'Bad'],
      [502, '<html><body><h1>502 Bad Gateway</h1></body></html>', 'upstream_error', '502 Bad Gateway'],
      [429, 'slow down', 'upstream_rate_limited', 'slow down'],
    ];
    for (const [status, text, code, message] of cases) {
      const error = parse(status, text);
      assert.deepEqual([error.code, error.message], [code, message]);
    }
    assert.equal(parse(429, '{"error":{"message":"Slow"}}', { 'retry-after': '2' }).retryAfterMs, 2_000);
  });

  it('never passes on what an upstream says of our credential', () => {
    const text = '{"error":{"message":"Incorrect API key provided: sk-secret","code":"invalid_api_key"}}';
    const error = openaiChat.upstream!.parseError(401, {}, text);
    assert.equal(error.code, 'upstream_authentication');
    assert.doesNotMatch(JSON.stringify(render(fromUpstreamError(error))), /sk-secret/);
  });
});
