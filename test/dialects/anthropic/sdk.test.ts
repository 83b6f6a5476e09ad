// What we write is read by the official SDK: the judge of event order and error types.

import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { GatewayError } from '../../../src/errors.ts';
import type { StreamEvent } from '../../../src/model/stream.ts';
import { client, renderEvents, request } from './support.ts';

let server: Server;
let sdk: Anthropic;
let answer: { status: number; type: string; text: string };

before(async () => {
  server = createServer((incoming, outgoing) => {
    incoming.resume();
    outgoing.writeHead(answer.status, { 'content-type': answer.type, 'x-should-retry': 'false' }).end(answer.text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  sdk = new Anthropic({ apiKey: 'k', baseURL: `http://127.0.0.1:${port}`, maxRetries: 0 });
});

after(() => {
  server.closeAllConnections();
  server.close();
});

const prompt = { model: 'm', max_tokens: 10, messages: [{ role: 'user' as const, content: 'Hi' }] };

const events: StreamEvent[] = [
  { type: 'response-start', id: 'chatcmpl-1', model: 'gpt' },
  { type: 'reasoning-delta', choice: 0, text: 'Hm' },
  { type: 'text-delta', choice: 0, text: 'Hel' },
  { type: 'text-delta', choice: 0, text: 'lo' },
  { type: 'tool-call-start', choice: 0, index: 0, id: 'c0', name: 'f' },
  { type: 'tool-call-start', choice: 0, index: 1, id: 'c1', name: 'g' },
  { type: 'tool-call-delta', choice: 0, index: 1, argumentsDelta: '{"b":' },
  { type: 'tool-call-delta', choice: 0, index: 0, argumentsDelta: '{"a":1}' },
  { type: 'tool-call-delta', choice: 0, index: 1, argumentsDelta: '[2]}' },
  { type: 'finish', choice: 0, finishReason: { unified: 'tool-calls', raw: 'tool_calls' } },
  {
    type: 'usage',
    usage: {
      inputTokens: 12,
      cachedInputTokens: 2,
      cacheWriteTokens: 0,
      outputTokens: 5,
      reasoningTokens: 0,
      isEstimated: false,
    },
  },
  { type: 'response-end' },
];

test('the SDK accumulates our stream into the whole message', async () => {
  answer = { status: 200, type: 'text/event-stream', text: renderEvents(events) };
  const message = await sdk.messages.stream(prompt).finalMessage();
  assert.deepEqual(
    message.content.map((block) =>
      block.type === 'tool_use' ? [block.id, block.name, block.input] : [block.type, 'text' in block ? block.text : ''],
    ),
    [
      ['thinking', ''],
      ['text', 'Hello'],
      ['c0', 'f', { a: 1 }],
      ['c1', 'g', { b: [2] }],
    ],
  );
  assert.equal(message.stop_reason, 'tool_use');
  assert.equal(message.usage.input_tokens, 10);
  assert.equal(message.usage.cache_read_input_tokens, 2);
  assert.equal(message.usage.output_tokens, 5);
});

test('the SDK raises a failure inside the stream', async () => {
  const renderer = client.streamRenderer(request(), { id: 'abc', createdAt: 0 });
  const begun = renderer.render({ events: events.slice(0, 3) });
  const failed = renderer.fail(new GatewayError('upstream_cut', 'Cut'));
  answer = { status: 200, type: 'text/event-stream', text: begun + renderer.keepAlive + failed };
  await assert.rejects(sdk.messages.stream(prompt).finalMessage(), (error: Error) => {
    assert.ok(error instanceof Anthropic.APIError);
    assert.equal(error.type, 'api_error');
    return true;
  });
});

test('the SDK raises its typed errors from our bodies', async () => {
  const raised = async (error: GatewayError): Promise<unknown> => {
    answer = { status: error.status, type: 'application/json', text: JSON.stringify(client.renderError(error, 'r')) };
    return sdk.messages.create(prompt).then(
      () => undefined,
      (reason: unknown) => reason,
    );
  };
  const notFound = await raised(new GatewayError('model_not_found', 'No model m'));
  assert.ok(notFound instanceof Anthropic.NotFoundError);
  assert.equal(notFound.type, 'not_found_error');
  assert.ok((await raised(new GatewayError('upstream_rate_limited', 'x'))) instanceof Anthropic.RateLimitError);
  assert.ok((await raised(new GatewayError('bad_request', 'x'))) instanceof Anthropic.BadRequestError);
});
