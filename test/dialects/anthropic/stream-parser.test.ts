// Streamed and whole answers of an upstream → events.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { madeToolCallId } from '../../../src/dialects/tool-call-id.ts';
import type { StreamEvent } from '../../../src/model/stream.ts';
import { eventsOf, messageStart, parseAll, upstream, wire } from './support.ts';

const start = (index: number, content_block: object) =>
  wire('content_block_start', { index, content_block: { ...content_block } });
const delta = (index: number, fields: object) => wire('content_block_delta', { index, delta: { ...fields } });
const stop = (index: number) => wire('content_block_stop', { index });
const messageDelta = (stop_reason: string | null, output_tokens = 7) =>
  wire('message_delta', { delta: { stop_reason, stop_sequence: null }, usage: { output_tokens } });
const messageStop = wire('message_stop');

function errorOf(events: readonly StreamEvent[]): string | undefined {
  const last = events.at(-1);
  return last?.type === 'error' ? last.error.code : undefined;
}

test('a whole stream becomes events in order, with cached tokens inside the input', () => {
  const usage = { input_tokens: 10, cache_read_input_tokens: 20, cache_creation_input_tokens: 5, output_tokens: 1 };
  const events = eventsOf([
    messageStart(usage),
    wire('ping'),
    start(0, { type: 'thinking', thinking: '', signature: '' }),
    delta(0, { type: 'thinking_delta', thinking: 'Hm' }),
    delta(0, { type: 'signature_delta', signature: 'sig' }),
    stop(0),
    start(1, { type: 'redacted_thinking', data: 'secret' }),
    stop(1),
    start(2, { type: 'text', text: '' }),
    delta(2, { type: 'text_delta', text: 'Hi' }),
    stop(2),
    start(3, { type: 'tool_use', id: 't1', name: 'f', input: {} }),
    delta(3, { type: 'input_json_delta', partial_json: '' }),
    delta(3, { type: 'input_json_delta', partial_json: '{"a":' }),
    delta(3, { type: 'input_json_delta', partial_json: '1}' }),
    stop(3),
    messageDelta('tool_use', 9),
    messageStop,
  ]);
  const counts = { cachedInputTokens: 20, cacheWriteTokens: 5, reasoningTokens: 0, isEstimated: false };
  assert.deepEqual(events, [
    {
      type: 'response-start',
      id: 'msg_1',
      model: 'claude-x',
      usage: { inputTokens: 35, outputTokens: 1, ...counts },
    },
    { type: 'reasoning-delta', choice: 0, text: 'Hm' },
    { type: 'reasoning-signature', choice: 0, signature: { dialect: 'anthropic', value: 'sig' } },
    { type: 'reasoning-signature', choice: 0, signature: { dialect: 'anthropic', value: 'secret' }, isRedacted: true },
    { type: 'text-delta', choice: 0, text: 'Hi' },
    { type: 'tool-call-start', choice: 0, index: 0, id: 't1', name: 'f' },
    { type: 'tool-call-delta', choice: 0, index: 0, argumentsDelta: '{"a":' },
    { type: 'tool-call-delta', choice: 0, index: 0, argumentsDelta: '1}' },
    { type: 'finish', choice: 0, finishReason: { unified: 'tool-calls', raw: 'tool_use' } },
    { type: 'usage', usage: { inputTokens: 35, outputTokens: 9, ...counts } },
    { type: 'response-end' },
  ]);
});

test('every frame keeps what was on the wire', () => {
  const message = messageStart();
  assert.deepEqual(parseAll([message])[0]?.original, {
    dialect: 'anthropic',
    event: 'message_start',
    data: message.data,
    value: JSON.parse(message.data),
  });
});

test('message_delta replaces the counts of message_start where it has them', () => {
  const usage = {
    input_tokens: 3,
    cache_read_input_tokens: 4,
    output_tokens: 8,
    output_tokens_details: { thinking_tokens: 2 },
  };
  const events = eventsOf([
    messageStart(),
    wire('message_delta', { delta: { stop_reason: 'end_turn' }, usage }),
    messageStop,
  ]);
  assert.deepEqual(
    events.find((event) => event.type === 'usage'),
    {
      type: 'usage',
      usage: {
        inputTokens: 7,
        cachedInputTokens: 4,
        cacheWriteTokens: 0,
        outputTokens: 8,
        reasoningTokens: 2,
        isEstimated: false,
      },
    },
  );
});

test('every stop reason is understood and kept', () => {
  const reasons = {
    end_turn: 'stop',
    stop_sequence: 'stop',
    tool_use: 'tool-calls',
    max_tokens: 'length',
    model_context_window_exceeded: 'length',
    pause_turn: 'length',
    refusal: 'content-filter',
    brand_new: 'other',
  };
  for (const [raw, unified] of Object.entries(reasons)) {
    const events = eventsOf([messageStart(), messageDelta(raw), messageStop]);
    assert.deepEqual(
      events.find((event) => event.type === 'finish'),
      { type: 'finish', choice: 0, finishReason: { unified, raw } },
    );
  }
});

test('why an answer was refused is told before its end, whole and streamed', () => {
  const refusal = {
    stop_reason: 'refusal',
    stop_details: { type: 'refusal', category: 'cyber', explanation: 'It could enable cyber harm.' },
  };
  const told = [
    { type: 'refusal-delta', choice: 0, text: 'It could enable cyber harm.' },
    { type: 'finish', choice: 0, finishReason: { unified: 'content-filter', raw: 'refusal' } },
  ];
  const streamed = eventsOf([messageStart(), wire('message_delta', { delta: refusal }), messageStop]);
  assert.deepEqual(streamed.slice(1, -1), told);
  const whole = upstream.parseResponse(JSON.stringify({ id: 'msg_1', model: 'm', content: [], ...refusal }));
  assert.deepEqual(whole.events.slice(1, -1), told);
});

test('arguments that come whole with the block are not lost, and missing ones are an empty object', () => {
  const events = eventsOf([
    messageStart(),
    start(0, { type: 'tool_use', id: 'a', name: 'f', input: { x: 1 } }),
    stop(0),
    start(1, { type: 'tool_use', name: 'g', input: {} }),
    messageDelta('tool_use'),
    messageStop,
  ]);
  assert.deepEqual(events.slice(1, 5), [
    { type: 'tool-call-start', choice: 0, index: 0, id: 'a', name: 'f' },
    { type: 'tool-call-delta', choice: 0, index: 0, argumentsDelta: '{"x":1}' },
    { type: 'tool-call-start', choice: 0, index: 1, id: madeToolCallId(1, 'msg_1'), name: 'g' },
    { type: 'tool-call-delta', choice: 0, index: 1, argumentsDelta: '{}' },
  ]);
});

test('hosted tools are opaque content and do not count as tool calls', () => {
  const events = eventsOf([
    messageStart(),
    start(0, { type: 'server_tool_use', id: 's', name: 'web_search', input: {} }),
    delta(0, { type: 'input_json_delta', partial_json: '{"q":1}' }),
    stop(0),
    start(1, { type: 'web_search_tool_result', tool_use_id: 's', content: [] }),
    stop(1),
    start(2, { type: 'tool_use', id: 'a', name: 'f', input: {} }),
  ]);
  assert.deepEqual(
    events.slice(1, 5).map((event) => (event.type === 'tool-call-start' ? event.index : event.type)),
    ['opaque-delta', 'opaque-delta', 'opaque-delta', 0],
  );
});

test('a citation tells which text it stands for', () => {
  const citation = {
    type: 'web_search_result_location',
    url: 'https://x',
    title: 'X',
    cited_text: 'c',
    encrypted_index: 'e',
  };
  const events = eventsOf([
    messageStart(),
    start(0, { type: 'text', text: 'Well, ' }),
    stop(0),
    start(1, { type: 'text', text: '', citations: [] }),
    delta(1, { type: 'citations_delta', citation }),
    delta(1, { type: 'text_delta', text: 'so it is' }),
    stop(1),
  ]);
  assert.deepEqual(events[3], {
    type: 'annotation-add',
    choice: 0,
    annotation: { url: 'https://x', title: 'X', quote: 'c', start: 6, end: 14, extensions: { anthropic: citation } },
  });
});

test('a stream that ends before message_stop was cut, wherever that is', () => {
  const whole = [
    messageStart(),
    start(0, { type: 'text', text: 'Hi' }),
    stop(0),
    messageDelta('end_turn'),
    messageStop,
  ];
  for (let length = 0; length < whole.length; length += 1) {
    assert.equal(errorOf(eventsOf(whole.slice(0, length))), 'upstream_cut');
  }
  assert.equal(errorOf(eventsOf(whole)), undefined);
});

test('a second message_start is a failure, and nothing after it counts', () => {
  const events = eventsOf([
    messageStart(),
    start(0, { type: 'text', text: 'Hi' }),
    messageStart(),
    start(0, { type: 'text', text: 'again' }),
    messageStop,
  ]);
  assert.equal(errorOf(events), 'upstream_garbage');
  assert.equal(events.length, 3);
});

test('what follows message_stop is neither told nor written', () => {
  const frames = parseAll([messageStart(), messageDelta('end_turn'), messageStop, messageStart()]);
  assert.deepEqual(frames.at(-1), { events: [] });
});

test('content without a message and bytes that are no JSON are failures', () => {
  assert.equal(errorOf(eventsOf([start(0, { type: 'text', text: 'Hi' })])), 'upstream_garbage');
  assert.equal(errorOf(eventsOf([{ data: '<html>' }])), 'upstream_garbage');
});

test('an error event is told with its meaning', () => {
  const code = (type: string, message = 'Sorry') => errorOf(eventsOf([wire('error', { error: { type, message } })]));
  assert.equal(code('overloaded_error'), 'upstream_overloaded');
  assert.equal(code('rate_limit_error'), 'upstream_rate_limited');
  assert.equal(code('api_error'), 'upstream_error');
  assert.equal(code('timeout_error'), 'upstream_timeout');
  assert.equal(code('authentication_error'), 'upstream_authentication');
  assert.equal(code('billing_error'), 'upstream_quota');
  assert.equal(code('invalid_request_error', 'prompt is too long'), 'context_length_exceeded');
  assert.equal(code('of_tomorrow'), 'upstream_error');
});

test('unknown events mean nothing and are kept for the own dialect', () => {
  const [frame] = parseAll([wire('of_tomorrow', { a: 1 })]);
  assert.deepEqual(frame?.events, []);
  assert.equal(frame?.original?.event, 'of_tomorrow');
});

test('a whole body is one frame with the same events as its stream', () => {
  const text = JSON.stringify({
    id: 'msg_1',
    type: 'message',
    model: 'claude-x',
    content: [
      { type: 'thinking', thinking: 'Hm', signature: 'sig' },
      { type: 'text', text: 'Hi' },
      { type: 'tool_use', id: 'a', name: 'f', input: { x: 1 } },
    ],
    stop_reason: 'tool_use',
    usage: { input_tokens: 1, output_tokens: 2 },
  });
  const frame = upstream.parseResponse(text);
  assert.equal(frame.original?.isWhole, true);
  assert.equal(frame.original?.data, text);
  assert.deepEqual(frame.events, [
    { type: 'response-start', id: 'msg_1', model: 'claude-x' },
    { type: 'reasoning-delta', choice: 0, text: 'Hm' },
    { type: 'reasoning-signature', choice: 0, signature: { dialect: 'anthropic', value: 'sig' } },
    { type: 'text-delta', choice: 0, text: 'Hi' },
    { type: 'tool-call-start', choice: 0, index: 0, id: 'a', name: 'f' },
    { type: 'tool-call-delta', choice: 0, index: 0, argumentsDelta: '{"x":1}' },
    { type: 'finish', choice: 0, finishReason: { unified: 'tool-calls', raw: 'tool_use' } },
    {
      type: 'usage',
      usage: {
        inputTokens: 1,
        cachedInputTokens: 0,
        cacheWriteTokens: 0,
        outputTokens: 2,
        reasoningTokens: 0,
        isEstimated: false,
      },
    },
    { type: 'response-end' },
  ]);
});

test('a whole body that is an error or garbage is a failure', () => {
  const code = (text: string) => errorOf(upstream.parseResponse(text).events);
  assert.equal(
    code('{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'),
    'upstream_overloaded',
  );
  assert.equal(code('<html>'), 'upstream_garbage');
  assert.equal(code('{"choices":[]}'), 'upstream_garbage');
});

test('a zero in the last event does not undo the count of the prompt', () => {
  const zeros = { input_tokens: 0, cache_read_input_tokens: 0, cache_creation_input_tokens: 0, output_tokens: 7 };
  const events = eventsOf([
    messageStart({ input_tokens: 10, cache_read_input_tokens: 20, cache_creation_input_tokens: 5, output_tokens: 0 }),
    wire('message_delta', { delta: { stop_reason: 'end_turn' }, usage: zeros }),
    messageStop,
  ]);
  const usage = events.find((event) => event.type === 'usage')?.usage;
  assert.deepEqual(
    [usage?.inputTokens, usage?.cachedInputTokens, usage?.cacheWriteTokens, usage?.outputTokens],
    [35, 20, 5, 7],
  );
});
