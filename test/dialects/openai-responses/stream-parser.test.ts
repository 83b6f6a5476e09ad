// A Responses upstream's stream and whole body → events.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openaiResponses } from '../../../src/dialects/openai-responses/index.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import type { StreamEvent } from '../../../src/model/stream.ts';
import { parseStream } from './wire.ts';

const created = {
  type: 'response.created',
  sequence_number: 0,
  response: { id: 'resp_1', model: 'gpt', created_at: 5 },
};
const start: StreamEvent = { type: 'response-start', id: 'resp_1', model: 'gpt', createdAt: 5 };
const wireUsage = {
  input_tokens: 10,
  input_tokens_details: { cached_tokens: 4, cache_write_tokens: 1 },
  output_tokens: 6,
  output_tokens_details: { reasoning_tokens: 2 },
  total_tokens: 16,
};
const usage: StreamEvent = {
  type: 'usage',
  usage: {
    inputTokens: 10,
    cachedInputTokens: 4,
    cacheWriteTokens: 1,
    outputTokens: 6,
    reasoningTokens: 2,
    isEstimated: false,
  },
};
const completed = (output: JsonObject[] = []) => ({
  type: 'response.completed',
  response: { id: 'resp_1', model: 'gpt', created_at: 5, status: 'completed', output, usage: wireUsage },
});
const finish = (unified: 'stop' | 'length' | 'tool-calls' | 'content-filter' | 'other', raw: string): StreamEvent => ({
  type: 'finish',
  choice: 0,
  finishReason: { unified, raw },
});
const text = (delta: string): StreamEvent => ({ type: 'text-delta', choice: 0, text: delta });

test('reasoning, text with a citation and a function call come out in order', () => {
  const at = (output_index: number) => ({ item_id: 'i', output_index });
  const events = parseStream([
    created,
    { type: 'response.in_progress', response: created.response },
    { type: 'response.output_item.added', output_index: 0, item: { id: 'rs_1', type: 'reasoning', summary: [] } },
    { type: 'response.reasoning_summary_part.added', ...at(0), summary_index: 0, part: {} },
    { type: 'response.reasoning_summary_text.delta', ...at(0), summary_index: 0, delta: 'one' },
    { type: 'response.reasoning_summary_text.done', ...at(0), summary_index: 0, text: 'one' },
    { type: 'response.reasoning_summary_text.delta', ...at(0), summary_index: 1, delta: 'two' },
    {
      type: 'response.output_item.done',
      output_index: 0,
      item: {
        id: 'rs_1',
        type: 'reasoning',
        encrypted_content: 'E',
        summary: [
          { type: 'summary_text', text: 'one' },
          { type: 'summary_text', text: 'two' },
        ],
      },
    },
    { type: 'response.output_item.added', output_index: 1, item: { id: 'msg_1', type: 'message', content: [] } },
    { type: 'response.content_part.added', ...at(1), content_index: 0, part: { type: 'output_text', text: '' } },
    { type: 'response.output_text.delta', ...at(1), content_index: 0, delta: 'Hel', logprobs: [] },
    { type: 'response.output_text.delta', ...at(1), content_index: 0, delta: 'lo', logprobs: [] },
    {
      type: 'response.output_text.annotation.added',
      ...at(1),
      content_index: 0,
      annotation: { type: 'url_citation', url: 'https://x', title: 'X', start_index: 0, end_index: 5 },
    },
    { type: 'response.output_text.done', ...at(1), content_index: 0, text: 'Hello' },
    {
      type: 'response.output_item.added',
      output_index: 2,
      item: { id: 'fc_1', type: 'function_call', call_id: 'call_1', name: 'f', arguments: '' },
    },
    { type: 'response.function_call_arguments.delta', ...at(2), delta: '{"a"' },
    { type: 'response.function_call_arguments.delta', ...at(2), delta: ':1}' },
    { type: 'response.function_call_arguments.done', ...at(2), arguments: '{"a":1}' },
    {
      type: 'response.output_item.done',
      output_index: 2,
      item: { id: 'fc_1', type: 'function_call', call_id: 'call_1', name: 'f', arguments: '{"a":1}' },
    },
    completed(),
  ]);
  assert.deepEqual(events, [
    start,
    { type: 'reasoning-delta', choice: 0, text: 'one' },
    { type: 'reasoning-delta', choice: 0, text: '\n\ntwo' },
    {
      type: 'reasoning-signature',
      choice: 0,
      signature: { dialect: 'openai-responses', value: 'E', id: 'rs_1' },
    },
    text('Hel'),
    text('lo'),
    {
      type: 'annotation-add',
      choice: 0,
      annotation: {
        url: 'https://x',
        title: 'X',
        start: 0,
        end: 5,
        extensions: {
          'openai-responses': { type: 'url_citation', url: 'https://x', title: 'X', start_index: 0, end_index: 5 },
        },
      },
    },
    { type: 'tool-call-start', choice: 0, index: 0, id: 'call_1', name: 'f' },
    { type: 'tool-call-delta', choice: 0, index: 0, argumentsDelta: '{"a"' },
    { type: 'tool-call-delta', choice: 0, index: 0, argumentsDelta: ':1}' },
    finish('tool-calls', 'completed'),
    usage,
    { type: 'response-end' },
  ]);
});

test('what only comes in a done event, a finished item or the last event is not lost', () => {
  const call = { type: 'function_call', id: 'fc', call_id: 'c', name: 'f', arguments: '{"a":1}' };
  const message = { type: 'message', id: 'm', role: 'assistant', content: [{ type: 'output_text', text: 'Hi' }] };
  const expected: StreamEvent[] = [
    start,
    { type: 'tool-call-start', choice: 0, index: 0, id: 'c', name: 'f' },
    { type: 'tool-call-delta', choice: 0, index: 0, argumentsDelta: '{"a":1}' },
    text('Hi'),
    finish('tool-calls', 'completed'),
    usage,
    { type: 'response-end' },
  ];
  assert.deepEqual(
    parseStream([
      created,
      { type: 'response.output_item.added', output_index: 0, item: { ...call, arguments: '' } },
      { type: 'response.function_call_arguments.done', output_index: 0, arguments: '{"a":1}' },
      { type: 'response.output_text.done', output_index: 1, content_index: 0, text: 'Hi' },
      completed([call, message]),
    ]),
    expected,
  );
  assert.deepEqual(
    parseStream([
      created,
      { type: 'response.output_item.done', output_index: 0, item: call },
      { type: 'response.output_item.done', output_index: 1, item: message },
      completed([call, message]),
    ]),
    expected,
  );
  assert.deepEqual(parseStream([created, completed([call, message])]), expected);
});

test('vLLM counts content through the whole answer and ends an item under the next index: nothing comes twice', () => {
  const thought = {
    type: 'reasoning',
    id: 'rs_a',
    summary: [],
    content: [{ type: 'reasoning_text', text: 'Hm. So.' }],
  };
  const message = { type: 'message', id: 'msg_b', content: [{ type: 'output_text', text: 'Hi there' }] };
  const call = { type: 'function_call', id: 'fc_c', call_id: 'c', name: 'f', arguments: '{}' };
  const ofThought = { item_id: 'rs_a', output_index: 0 };
  const ofMessage = { item_id: 'msg_b', output_index: 1, content_index: 3 };
  assert.deepEqual(
    parseStream([
      created,
      { type: 'response.output_item.added', output_index: 0, item: { ...thought, content: null } },
      { type: 'response.reasoning_text.delta', ...ofThought, content_index: 0, delta: 'Hm.' },
      { type: 'response.reasoning_text.delta', ...ofThought, content_index: 1, delta: ' So.' },
      { type: 'response.reasoning_text.done', ...ofThought, output_index: 1, content_index: 2, text: 'Hm. So.' },
      { type: 'response.output_item.done', output_index: 1, item: thought },
      { type: 'response.output_item.added', output_index: 1, item: { ...message, content: [] } },
      { type: 'response.output_text.delta', ...ofMessage, delta: 'Hi' },
      { type: 'response.output_text.delta', ...ofMessage, delta: ' there' },
      { type: 'response.output_text.done', ...ofMessage, output_index: 2, text: 'Hi there' },
      { type: 'response.output_item.done', output_index: 2, item: message },
      { type: 'response.output_item.added', output_index: 2, item: { ...call, arguments: '' } },
      { type: 'response.function_call_arguments.delta', item_id: 'fc_c', output_index: 2, delta: '{}' },
      { type: 'response.output_item.done', output_index: 3, item: call },
      completed([thought, message, call]),
    ]),
    [
      start,
      { type: 'reasoning-delta', choice: 0, text: 'Hm.' },
      { type: 'reasoning-delta', choice: 0, text: ' So.' },
      text('Hi'),
      text(' there'),
      { type: 'tool-call-start', choice: 0, index: 0, id: 'c', name: 'f' },
      { type: 'tool-call-delta', choice: 0, index: 0, argumentsDelta: '{}' },
      finish('tool-calls', 'completed'),
      usage,
      { type: 'response-end' },
    ],
  );
});

for (const [what, id] of [
  ['with ids', (item: string) => item],
  ['without ids', () => ''],
] as const) {
  test(`items that all begin under one index are all told, ${what}`, () => {
    const thought = { type: 'reasoning', id: id('rs'), summary: [{ type: 'summary_text', text: 'Hm.' }] };
    const calls = ['a', 'b'].map((name) => ({ type: 'function_call', id: id(`fc_${name}`), call_id: name, name }));
    const told = calls.flatMap((call) => [
      { type: 'response.output_item.added', output_index: 0, item: { ...call, arguments: '' } },
      { type: 'response.function_call_arguments.delta', item_id: call.id, output_index: 0, delta: '{}' },
      { type: 'response.output_item.done', output_index: 0, item: { ...call, arguments: '{}' } },
    ]);
    assert.deepEqual(
      parseStream([
        created,
        { type: 'response.output_item.added', output_index: 0, item: { ...thought, summary: [] } },
        { type: 'response.output_item.done', output_index: 0, item: thought },
        ...told,
        completed([]),
      ]),
      [
        start,
        { type: 'reasoning-delta', choice: 0, text: 'Hm.' },
        ...['a', 'b'].flatMap((name, index): StreamEvent[] => [
          { type: 'tool-call-start', choice: 0, index, id: name, name },
          { type: 'tool-call-delta', choice: 0, index, argumentsDelta: '{}' },
        ]),
        finish('tool-calls', 'completed'),
        usage,
        { type: 'response-end' },
      ],
    );
  });
}

test('ids that change from event to event leave the item to its index', () => {
  const message = { type: 'message', content: [{ type: 'output_text', text: 'Hi' }] };
  assert.deepEqual(
    parseStream([
      created,
      { type: 'response.output_item.added', output_index: 0, item: { ...message, id: 'x1', content: [] } },
      { type: 'response.output_text.delta', item_id: 'x2', output_index: 0, content_index: 0, delta: 'Hi' },
      { type: 'response.output_text.done', item_id: 'x3', output_index: 0, content_index: 0, text: 'Hi' },
      { type: 'response.output_item.done', output_index: 0, item: { ...message, id: 'x4' } },
      completed([{ ...message, id: 'x5' }]),
    ]),
    [start, text('Hi'), finish('stop', 'completed'), usage, { type: 'response-end' }],
  );
});

test('the parts of a summary are told with a blank line between, streamed or not', () => {
  const parts = ['One.', 'Two.'].map((part) => ({ type: 'summary_text', text: part }));
  const item = { type: 'reasoning', id: 'rs', summary: parts };
  const of = (summary_index: number) => ({ item_id: 'rs', output_index: 0, summary_index });
  const expected = [
    { type: 'reasoning-delta', choice: 0, text: 'One.' },
    { type: 'reasoning-delta', choice: 0, text: '\n\nTwo.' },
  ];
  const streams: JsonObject[][] = [
    [],
    [{ type: 'response.reasoning_summary_text.delta', ...of(0), delta: 'One.' }],
    [
      { type: 'response.reasoning_summary_text.delta', ...of(0), delta: 'One.' },
      { type: 'response.reasoning_summary_text.delta', ...of(1), delta: 'Two.' },
      { type: 'response.reasoning_summary_text.done', ...of(1), text: 'Two.' },
    ],
    [
      { type: 'response.reasoning_summary_text.done', ...of(0), text: 'One.' },
      { type: 'response.reasoning_summary_text.done', ...of(1), text: 'Two.' },
    ],
  ];
  for (const streamed of streams) {
    const events = parseStream([
      created,
      ...streamed,
      { type: 'response.output_item.done', output_index: 0, item },
      completed([item]),
    ]);
    assert.deepEqual(
      events.filter((event) => event.type === 'reasoning-delta'),
      expected,
    );
  }
});

test('parallel calls with interleaved arguments keep their own index', () => {
  const added = (output_index: number, id: string) => ({
    type: 'response.output_item.added',
    output_index,
    item: { type: 'function_call', id: `fc_${id}`, call_id: id, name: 'f', arguments: '' },
  });
  const delta = (output_index: number, text: string) => ({
    type: 'response.function_call_arguments.delta',
    output_index,
    delta: text,
  });
  const events = parseStream([created, added(3, 'a'), added(5, 'b'), delta(3, '{'), delta(5, '['), delta(3, '}')]);
  assert.deepEqual(events.slice(1, -1), [
    { type: 'tool-call-start', choice: 0, index: 0, id: 'a', name: 'f' },
    { type: 'tool-call-start', choice: 0, index: 1, id: 'b', name: 'f' },
    { type: 'tool-call-delta', choice: 0, index: 0, argumentsDelta: '{' },
    { type: 'tool-call-delta', choice: 0, index: 1, argumentsDelta: '[' },
    { type: 'tool-call-delta', choice: 0, index: 0, argumentsDelta: '}' },
  ]);
});

test('hosted and custom tools are opaque content', () => {
  const events = parseStream([
    { type: 'response.output_item.added', output_index: 0, item: { type: 'web_search_call', id: 'ws' } },
    { type: 'response.web_search_call.searching', output_index: 0, item_id: 'ws' },
    { type: 'response.custom_tool_call_input.delta', output_index: 1, item_id: 'ct', delta: 'x' },
    { type: 'keepalive', sequence_number: 3 },
  ]);
  assert.deepEqual(
    events.slice(0, -1).map((event) => event.type),
    ['opaque-delta', 'opaque-delta', 'opaque-delta'],
  );
});

test('refusals and log probabilities are carried', () => {
  const events = parseStream([
    { type: 'response.refusal.delta', output_index: 0, content_index: 0, delta: 'No' },
    { type: 'response.refusal.done', output_index: 0, content_index: 0, refusal: 'No.' },
    {
      type: 'response.output_text.delta',
      output_index: 1,
      content_index: 0,
      delta: 'a',
      logprobs: [{ token: 'a', logprob: -1, bytes: [97], top_logprobs: [{ token: 'b', logprob: -2 }] }],
    },
  ]);
  assert.deepEqual(events.slice(0, -1), [
    { type: 'refusal-delta', choice: 0, text: 'No' },
    { type: 'refusal-delta', choice: 0, text: '.' },
    text('a'),
    {
      type: 'logprobs-add',
      choice: 0,
      logprobs: [{ token: 'a', logprob: -1, bytes: [97], topLogprobs: [{ token: 'b', logprob: -2 }] }],
    },
  ]);
});

test('an incomplete answer finishes with its reason', () => {
  const incomplete = (reason: string) => [
    created,
    { type: 'response.incomplete', response: { status: 'incomplete', incomplete_details: { reason }, output: [] } },
  ];
  assert.deepEqual(parseStream(incomplete('max_output_tokens')).slice(1), [
    finish('length', 'max_output_tokens'),
    { type: 'response-end' },
  ]);
  assert.deepEqual(parseStream(incomplete('content_filter'))[1], finish('content-filter', 'content_filter'));
  assert.deepEqual(parseStream(incomplete('new_reason'))[1], finish('other', 'new_reason'));
});

test('a failed answer is an error, whatever came before it', () => {
  const error = { code: 'rate_limit_exceeded', message: 'Slow down.' };
  const failed = { type: 'response.failed', response: { status: 'in_progress', error, output: [], usage: wireUsage } };
  assert.deepEqual(parseStream([created, failed]), [
    start,
    usage,
    {
      type: 'error',
      error: {
        code: 'upstream_rate_limited',
        message: 'Slow down.',
        original: { dialect: 'openai-responses', status: 200, body: { error } },
      },
    },
  ]);
});

test('an error event is an error in both of its shapes, and nothing follows it', () => {
  const failed = { type: 'response.failed', response: { status: 'failed', error: { message: 'again' } } };
  const shapes = [
    { type: 'error', error: { type: 'server_error', code: null, message: 'Boom.' } },
    { type: 'error', code: 'server_error', message: 'Boom.', param: null },
  ];
  for (const shape of shapes) {
    const [event, ...rest] = parseStream([shape, failed]);
    assert.ok(event?.type === 'error');
    assert.deepEqual([event.error.code, event.error.message], ['upstream_error', 'Boom.']);
    assert.deepEqual(rest, []);
  }
});

test('a stream cut after any of its messages ends in a failure and never in success', () => {
  const values = [
    created,
    { type: 'response.output_item.added', output_index: 0, item: { type: 'function_call', call_id: 'c', name: 'f' } },
    { type: 'response.function_call_arguments.delta', output_index: 0, delta: '{}' },
    { type: 'response.output_item.done', output_index: 0, item: { type: 'function_call', arguments: '{}' } },
    completed(),
  ];
  for (let count = 0; count < values.length; count += 1) {
    const last = parseStream(values.slice(0, count)).at(-1);
    assert.equal(last?.type === 'error' && last.error.code, 'upstream_cut');
  }
  assert.equal(parseStream(values).at(-1)?.type, 'response-end');
});

test('a stream that ends before its terminal event was cut', () => {
  const events = parseStream([created, { type: 'response.output_text.delta', output_index: 0, delta: 'Hi' }]);
  const last = events.at(-1);
  assert.equal(last?.type === 'error' && last.error.code, 'upstream_cut');
});

test('bytes that are not JSON are garbage', () => {
  const parser = openaiResponses.upstream!.streamParser();
  const [event] = parser.parse({ data: '<html>' }).events;
  assert.equal(event?.type === 'error' && event.error.code, 'upstream_garbage');
  assert.equal(parser.end(), undefined);
});

test('every message stays beside its events as it was on the wire', () => {
  const parser = openaiResponses.upstream!.streamParser();
  const data = '{"type":"keepalive",  "x":1}';
  assert.deepEqual(parser.parse({ event: 'keepalive', data }), {
    events: [],
    original: { dialect: 'openai-responses', event: 'keepalive', data, value: { type: 'keepalive', x: 1 } },
  });
});

test('a whole body tells the same as a stream', () => {
  const body = {
    ...completed([
      { type: 'reasoning', id: 'rs', summary: [], content: [{ type: 'reasoning_text', text: 'hm' }] },
      {
        type: 'message',
        id: 'm',
        role: 'assistant',
        content: [
          { type: 'output_text', text: 'Hi', annotations: [] },
          { type: 'refusal', refusal: 'no' },
        ],
      },
    ]).response,
  };
  const data = JSON.stringify(body);
  assert.deepEqual(openaiResponses.upstream!.parseResponse(data), {
    events: [
      start,
      { type: 'reasoning-delta', choice: 0, text: 'hm' },
      text('Hi'),
      { type: 'refusal-delta', choice: 0, text: 'no' },
      finish('stop', 'completed'),
      usage,
      { type: 'response-end' },
    ],
    original: { dialect: 'openai-responses', data, isWhole: true, value: body },
  });
});

test('a whole body that failed, is unfinished or is no response is an error', () => {
  const codeOf = (body: unknown) => {
    const last = openaiResponses.upstream!.parseResponse(JSON.stringify(body)).events.at(-1);
    return last?.type === 'error' && last.error.code;
  };
  assert.equal(
    codeOf({ status: 'failed', output: [], error: { code: 'server_error', message: 'x' } }),
    'upstream_error',
  );
  assert.equal(codeOf({ status: 'cancelled', output: [] }), 'upstream_error');
  assert.equal(codeOf({ status: 'queued', output: [] }), 'upstream_cut');
  assert.equal(codeOf({ error: { code: 'rate_limit_exceeded', message: 'x' } }), 'upstream_rate_limited');
  assert.equal(codeOf({ choices: [] }), 'upstream_garbage');
  assert.equal(codeOf('x'), 'upstream_garbage');
});
