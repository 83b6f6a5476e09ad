// openai-node reads what we render: its stream accumulation checks order, indices and identities.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import { openaiResponses } from '../../../src/dialects/openai-responses/index.ts';
import { GatewayError } from '../../../src/errors.ts';
import type { StreamEvent } from '../../../src/model/stream.ts';
import { parse } from './wire.ts';

function clientFor(body: string, status = 200, type = 'text/event-stream'): OpenAI {
  const headers = { 'content-type': type };
  return new OpenAI({ apiKey: 'k', maxRetries: 0, fetch: async () => new Response(body, { status, headers }) });
}

function rendered(events: readonly StreamEvent[], failure?: GatewayError): string {
  const renderer = openaiResponses.client.streamRenderer(parse({}), { id: 'abc', createdAt: 7 });
  const text = events.map((event) => renderer.render({ events: [event] })).join('');
  return failure ? text + renderer.fail(failure) : text;
}

const answer: StreamEvent[] = [
  { type: 'response-start', id: '', model: 'up' },
  { type: 'reasoning-delta', choice: 0, text: 'think' },
  { type: 'text-delta', choice: 0, text: 'Hello ' },
  { type: 'annotation-add', choice: 0, annotation: { url: 'https://x', title: 'X', start: 0, end: 5 } },
  { type: 'text-delta', choice: 0, text: 'you' },
  { type: 'refusal-delta', choice: 0, text: 'but no' },
  { type: 'tool-call-start', choice: 0, index: 0, id: 'c0', name: 'f' },
  { type: 'tool-call-delta', choice: 0, index: 0, argumentsDelta: '{"a":' },
  { type: 'tool-call-start', choice: 0, index: 1, id: 'c1', name: 'g' },
  { type: 'tool-call-delta', choice: 0, index: 1, argumentsDelta: '{}' },
  { type: 'tool-call-delta', choice: 0, index: 0, argumentsDelta: '1}' },
  { type: 'finish', choice: 0, finishReason: { unified: 'tool-calls', raw: 'tool_use' } },
  { type: 'response-end' },
];

test('the SDK accumulates a rendered stream to the very output of response.completed', async () => {
  const stream = clientFor(rendered(answer)).responses.stream({ model: 'm', input: 'x' });
  const snapshots: string[] = [];
  stream.on('response.output_text.delta', (event) => snapshots.push(event.snapshot));
  const final = await stream.finalResponse();
  assert.deepEqual(snapshots, ['Hello ', 'Hello you']);
  assert.equal(final.id, 'resp_abc');
  assert.equal(final.output_text, 'Hello you');
  assert.deepEqual(
    final.output.map((item) => (item.type === 'function_call' ? [item.call_id, item.arguments] : item.type)),
    ['reasoning', 'message', ['c0', '{"a":1}'], ['c1', '{}']],
  );
});

test('a failure in mid-stream raises in plain iteration and in the stream helper', async () => {
  const text = rendered(answer.slice(0, 5), new GatewayError('upstream_rate_limited', 'Slow down.'));
  const isRaised = (error: unknown) =>
    error instanceof OpenAI.APIError && error.code === 'rate_limit_exceeded' && error.message === 'Slow down.';
  await assert.rejects(async () => {
    for await (const _ of await clientFor(text).responses.create({ model: 'm', input: 'x', stream: true }));
  }, isRaised);
  await assert.rejects(clientFor(text).responses.stream({ model: 'm', input: 'x' }).finalResponse(), isRaised);
});

test('an error before the first byte raises the typed error of its status', async () => {
  const failure = new GatewayError('upstream_rate_limited', 'Slow down.');
  const body = JSON.stringify(openaiResponses.client.renderError(failure, 'req'));
  const call = clientFor(body, failure.status, 'application/json').responses.create({ model: 'm', input: 'x' });
  await assert.rejects(
    Promise.resolve(call),
    (error: unknown) => error instanceof OpenAI.RateLimitError && error.code === 'rate_limit_exceeded',
  );
});
