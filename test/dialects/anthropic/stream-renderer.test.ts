// Frames → the event stream that a client of the Messages API reads.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GatewayError } from '../../../src/errors.ts';
import type { StreamEvent } from '../../../src/model/stream.ts';
import { client, messageStart, parseAll, renderEvents, request, upstream, user, wire, wireEvents } from './support.ts';

const begin: StreamEvent = { type: 'response-start', id: 'chatcmpl-1', model: 'gpt' };
const end: StreamEvent = { type: 'response-end' };
const finish = (unified: 'stop' | 'length' | 'tool-calls' | 'content-filter' | 'other', raw = 'x'): StreamEvent => ({
  type: 'finish',
  choice: 0,
  finishReason: { unified, raw },
});
const text = (value: string): StreamEvent => ({ type: 'text-delta', choice: 0, text: value });
const call = (index: number): StreamEvent => ({
  type: 'tool-call-start',
  choice: 0,
  index,
  id: `c${index}`,
  name: `f${index}`,
});
const args = (index: number, argumentsDelta: string): StreamEvent => ({
  type: 'tool-call-delta',
  choice: 0,
  index,
  argumentsDelta,
});

/** One short word an event: `start0:text`, `delta0:Hi`, `stop0`. */
function outline(events: readonly StreamEvent[]): string[] {
  return wireEvents(renderEvents(events)).map((event) => {
    const block = event.content_block as Record<string, unknown> | undefined;
    const delta = event.delta as Record<string, unknown> | undefined;
    switch (event.type) {
      case 'content_block_start':
        return `start${event.index}:${block?.type}`;
      case 'content_block_delta':
        return `delta${event.index}:${delta?.text ?? delta?.thinking ?? delta?.partial_json ?? delta?.signature ?? delta?.type}`;
      case 'content_block_stop':
        return `stop${event.index}`;
      case 'message_delta':
        return `end:${delta?.stop_reason}`;
      default:
        return String(event.type);
    }
  });
}

test('an answer of another dialect is told in the exact order', () => {
  const usage = {
    inputTokens: 30,
    cachedInputTokens: 20,
    cacheWriteTokens: 0,
    outputTokens: 9,
    reasoningTokens: 4,
    isEstimated: false,
  };
  const events: StreamEvent[] = [begin, text('Hi'), text(' you'), finish('stop'), { type: 'usage', usage }, end];
  assert.deepEqual(wireEvents(renderEvents(events)), [
    {
      type: 'message_start',
      message: {
        id: 'msg_chatcmpl-1',
        type: 'message',
        role: 'assistant',
        model: 'gpt',
        content: [],
        stop_reason: null,
        stop_sequence: null,
        usage: {
          // Estimated: nobody has counted the prompt yet.
          input_tokens: 5,
          cache_creation_input_tokens: 0,
          cache_read_input_tokens: 0,
          output_tokens: 0,
        },
      },
    },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hi' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: ' you' } },
    { type: 'content_block_stop', index: 0 },
    {
      type: 'message_delta',
      delta: { stop_reason: 'end_turn', stop_sequence: null },
      usage: {
        input_tokens: 10,
        cache_creation_input_tokens: 0,
        cache_read_input_tokens: 20,
        output_tokens: 9,
        output_tokens_details: { thinking_tokens: 4 },
      },
    },
    { type: 'message_stop' },
  ]);
});

test('names are made where the upstream gave none', () => {
  const [start] = wireEvents(renderEvents([{ type: 'response-start', id: '', model: '' }, end]));
  const message = start?.message as Record<string, unknown>;
  assert.deepEqual([message.id, message.model], ['msg_abc', 'asked']);
});

test('every finish reason has its word, and calls make a plain stop tool_use', () => {
  const reason = (...events: StreamEvent[]) => outline([begin, ...events, end]).at(-2);
  assert.equal(reason(finish('stop')), 'end:end_turn');
  assert.equal(reason(finish('length')), 'end:max_tokens');
  assert.equal(reason(finish('tool-calls')), 'end:tool_use');
  assert.equal(reason(finish('content-filter')), 'end:refusal');
  assert.equal(reason(finish('other')), 'end:end_turn');
  assert.equal(reason(finish('length', 'pause_turn')), 'end:pause_turn');
  assert.equal(reason(call(0), args(0, '{}'), finish('stop', 'stop')), 'end:tool_use');
});

test('thoughts of other providers are unsigned, our own keep their signature', () => {
  assert.deepEqual(
    outline([
      begin,
      { type: 'reasoning-delta', choice: 0, text: 'A' },
      { type: 'reasoning-signature', choice: 0, signature: { dialect: 'gemini', value: 'g' } },
      { type: 'reasoning-delta', choice: 0, text: 'B' },
      { type: 'reasoning-signature', choice: 0, signature: { dialect: 'anthropic', value: 'sig' } },
      { type: 'reasoning-signature', choice: 0, signature: { dialect: 'anthropic', value: 'r' }, isRedacted: true },
      text('C'),
      end,
    ]),
    [
      'message_start',
      'start0:thinking',
      'delta0:A',
      'stop0',
      'start1:thinking',
      'delta1:B',
      'delta1:sig',
      'stop1',
      'start2:redacted_thinking',
      'stop2',
      'start3:text',
      'delta3:C',
      'stop3',
      'end:end_turn',
      'message_stop',
    ],
  );
});

test('parallel calls one after another are told live', () => {
  const renderer = client.streamRenderer(request(), { id: 'abc', createdAt: 0 });
  const write = (event: StreamEvent) => renderer.render({ events: [event] });
  write(begin);
  write(call(0));
  write(args(0, '{"a":1}'));
  assert.deepEqual(
    wireEvents(write(call(1))).map((event) => event.type),
    ['content_block_stop', 'content_block_start'],
  );
});

test('a call that waited is told as soon as the one before it is whole', () => {
  const renderer = client.streamRenderer(request(), { id: 'abc', createdAt: 0 });
  const write = (event: StreamEvent) => renderer.render({ events: [event] });
  for (const event of [begin, call(0), args(0, '{"a":{}'), call(1)]) write(event);
  assert.equal(write(args(1, '{"b"')), '');
  assert.deepEqual(
    wireEvents(write(args(0, '}'))).map((event) => event.type),
    ['content_block_delta', 'content_block_stop', 'content_block_start', 'content_block_delta'],
  );
});

test('interleaved pieces of parallel calls never mix their blocks', () => {
  assert.deepEqual(
    outline([
      begin,
      call(0),
      call(1),
      args(0, '{"a"'),
      args(1, '{"b"'),
      text('Between'),
      args(1, ':2}'),
      args(0, ':1}'),
      call(2),
      args(2, '{'),
      finish('tool-calls'),
      end,
    ]),
    [
      'message_start',
      'start0:tool_use',
      'delta0:{"a"',
      'delta0::1}',
      'stop0',
      'start1:tool_use',
      'delta1:{"b"',
      'delta1::2}',
      'stop1',
      'start2:text',
      'delta2:Between',
      'stop2',
      'start3:tool_use',
      'delta3:{',
      'stop3',
      'end:tool_use',
      'message_stop',
    ],
  );
});

test('calls that never become whole are told at the end, each in its own block', () => {
  assert.deepEqual(
    outline([begin, call(0), args(0, '{"a'), call(1), args(1, '{"b'), args(0, 'c'), finish('length'), end]),
    [
      'message_start',
      'start0:tool_use',
      'delta0:{"a',
      'delta0:c',
      'stop0',
      'start1:tool_use',
      'delta1:{"b',
      'stop1',
      'end:max_tokens',
      'message_stop',
    ],
  );
});

test('a citation stays with its block and the next text begins another', () => {
  const citation = { type: 'char_location', cited_text: 'x' };
  assert.deepEqual(
    outline([
      begin,
      text('A'),
      { type: 'annotation-add', choice: 0, annotation: { extensions: { anthropic: citation } } },
      text('B'),
      { type: 'annotation-add', choice: 0, annotation: { url: 'https://foreign' } },
      text('C'),
      end,
    ]).slice(1, -2),
    ['start0:text', 'delta0:A', 'delta0:citations_delta', 'stop0', 'start1:text', 'delta1:B', 'delta1:C', 'stop1'],
  );
});

const ownStream = [
  messageStart(),
  wire('ping'),
  wire('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
  wire('content_block_delta', { index: 0, delta: { type: 'text_delta', text: 'Hi' } }),
  wire('content_block_stop', { index: 0 }),
  wire('message_delta', { delta: { stop_reason: 'end_turn', unknown: 1 }, usage: { output_tokens: 1 } }),
  wire('message_stop'),
];

test('frames of the own dialect are written verbatim', () => {
  const renderer = client.streamRenderer(request(), { id: 'abc', createdAt: 0 });
  const written = parseAll(ownStream).map((frame) => renderer.render(frame));
  assert.deepEqual(
    written,
    ownStream.map(({ event, data }) => `event: ${event}\ndata: ${data}\n\n`),
  );
});

test('a second upstream goes on in the same message, with blocks counted on', () => {
  const renderer = client.streamRenderer(request(), { id: 'abc', createdAt: 0 });
  const first = parseAll(ownStream.slice(0, 4)).filter((frame) => frame.original);
  const written = [...first, ...parseAll(ownStream)].map((frame) => renderer.render(frame)).join('');
  assert.deepEqual(
    wireEvents(written).map(({ type, index }) => (index === undefined ? type : `${String(type)} ${String(index)}`)),
    [
      'message_start',
      'ping',
      'content_block_start 0',
      'content_block_delta 0',
      'content_block_stop 0',
      'content_block_start 1',
      'content_block_delta 1',
      'content_block_stop 1',
      'message_delta',
      'message_stop',
    ],
  );
});

test('a whole body is told as a stream when the client asked for one', () => {
  const whole = upstream.parseResponse(
    JSON.stringify({
      id: 'msg_9',
      type: 'message',
      model: 'c',
      content: [{ type: 'text', text: 'Hi' }],
      stop_reason: 'end_turn',
    }),
  );
  const renderer = client.streamRenderer(request(), { id: 'abc', createdAt: 0 });
  assert.deepEqual(
    wireEvents(renderer.render(whole)).map((event) => event.type),
    [
      'message_start',
      'content_block_start',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ],
  );
});

test('a failure is told once, as an error event, and nothing follows', () => {
  const renderer = client.streamRenderer(request(), { id: 'abc', createdAt: 0 });
  renderer.render({ events: [begin, text('Hi')] });
  const [failed] = parseAll([wire('error', { error: { type: 'overloaded_error', message: 'Overloaded' } })]);
  assert.equal(renderer.render(failed!), '');
  assert.equal(
    renderer.fail(new GatewayError('upstream_overloaded', 'Full')),
    'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Full"},"request_id":null}\n\n',
  );
  assert.equal(renderer.render({ events: [end] }), '');
  assert.equal(renderer.fail(new GatewayError('internal', 'x')), '');
});

test('the keep-alive is a ping', () => {
  const renderer = client.streamRenderer(request(), { id: 'abc', createdAt: 0 });
  assert.equal(renderer.keepAlive, 'event: ping\ndata: {"type": "ping"}\n\n');
});

test('the estimate of the prompt counts messages, calls, results and tools', () => {
  const long = 'x'.repeat(400);
  const asked = request({
    messages: [
      user(long),
      { role: 'assistant', parts: [{ type: 'tool-call', id: 'c', name: 'f', argumentsJson: long }] },
    ],
    tools: [{ name: 'f', description: long }],
  });
  const renderer = client.streamRenderer(asked, { id: 'abc', createdAt: 0 });
  const [start] = wireEvents(renderer.render({ events: [begin] }));
  const message = start?.message as { usage: { input_tokens: number } } | undefined;
  // A quarter of 800 characters and of the tools' 431, and 4 for each of two messages.
  assert.equal(message?.usage.input_tokens, 316);
});
