// Events → the stream a Responses client gets.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openaiResponses } from '../../../src/dialects/openai-responses/index.ts';
import { ResponsesStreamRenderer } from '../../../src/dialects/openai-responses/stream-renderer.ts';
import { sealSignature } from '../../../src/dialects/sealed-signature.ts';
import { GatewayError } from '../../../src/errors.ts';
import type { StreamEvent } from '../../../src/model/stream.ts';
import { frames, parse, renderEvents, sseValues } from './wire.ts';

const start: StreamEvent = { type: 'response-start', id: 'chatcmpl-9', model: 'up', createdAt: 5 };
const finish = (unified: 'stop' | 'length' | 'tool-calls' | 'content-filter'): StreamEvent => ({
  type: 'finish',
  choice: 0,
  finishReason: { unified, raw: unified },
});
const end: StreamEvent = { type: 'response-end' };
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
const typesOf = (events: readonly StreamEvent[]) => renderEvents(events).map(({ type }) => type);

test('reasoning, text and a call are told item by item in the exact order of OpenAI', () => {
  const signature = { dialect: 'anthropic', value: 'SIG' } as const;
  const encrypted = sealSignature(signature, false);
  const values = renderEvents([
    start,
    { type: 'reasoning-delta', choice: 0, text: 'think' },
    { type: 'reasoning-signature', choice: 0, signature },
    { type: 'text-delta', choice: 0, text: 'Hel' },
    { type: 'text-delta', choice: 0, text: 'lo' },
    { type: 'annotation-add', choice: 0, annotation: { url: 'https://x', title: 'X', start: 0, end: 5 } },
    { type: 'tool-call-start', choice: 0, index: 0, id: 'call_1', name: 'f' },
    { type: 'tool-call-delta', choice: 0, index: 0, argumentsDelta: '{"a":1}' },
    finish('tool-calls'),
    usage,
    end,
  ]);
  assert.deepEqual(
    values.map((value) => value.sequence_number),
    values.map((_, position) => position),
  );
  const citation = { type: 'url_citation', url: 'https://x', title: 'X', start_index: 0, end_index: 5 };
  const part = (text: string, annotations: object[] = []) => ({
    type: 'output_text',
    text,
    annotations,
    logprobs: [],
  });
  const reasoningItem = {
    id: 'rs_fm_chatcmpl9_0',
    type: 'reasoning',
    summary: [{ type: 'summary_text', text: 'think' }],
    encrypted_content: encrypted,
  };
  const messageItem = {
    id: 'msg_fm_chatcmpl9_1',
    type: 'message',
    status: 'completed',
    role: 'assistant',
    content: [part('Hello', [citation])],
  };
  const callItem = {
    id: 'fc_fm_chatcmpl9_2',
    type: 'function_call',
    status: 'completed',
    arguments: '{"a":1}',
    call_id: 'call_1',
    name: 'f',
  };
  const rs = { item_id: reasoningItem.id, output_index: 0, summary_index: 0 };
  const msg = { item_id: messageItem.id, output_index: 1, content_index: 0 };
  const fc = { item_id: callItem.id, output_index: 2 };
  const response = {
    id: 'resp_chatcmpl-9',
    object: 'response',
    created_at: 5,
    status: 'in_progress',
    background: false,
    error: null,
    incomplete_details: null,
    instructions: null,
    max_output_tokens: null,
    max_tool_calls: null,
    model: 'up',
    output: [],
    parallel_tool_calls: true,
    previous_response_id: null,
    prompt_cache_key: null,
    reasoning: { effort: null, summary: null },
    safety_identifier: null,
    service_tier: 'default',
    store: true,
    temperature: 1,
    text: { format: { type: 'text' } },
    tool_choice: 'auto',
    tools: [],
    top_logprobs: 0,
    top_p: 1,
    truncation: 'disabled',
    usage: null,
    user: null,
    metadata: {},
  };
  assert.deepEqual(
    values.map(({ sequence_number, ...value }) => value),
    [
      { type: 'response.created', response },
      { type: 'response.in_progress', response },
      {
        type: 'response.output_item.added',
        output_index: 0,
        item: { id: reasoningItem.id, type: 'reasoning', summary: [] },
      },
      { type: 'response.reasoning_summary_part.added', ...rs, part: { type: 'summary_text', text: '' } },
      { type: 'response.reasoning_summary_text.delta', ...rs, delta: 'think' },
      { type: 'response.reasoning_summary_text.done', ...rs, text: 'think' },
      { type: 'response.reasoning_summary_part.done', ...rs, part: { type: 'summary_text', text: 'think' } },
      { type: 'response.output_item.done', output_index: 0, item: reasoningItem },
      {
        type: 'response.output_item.added',
        output_index: 1,
        item: { ...messageItem, status: 'in_progress', content: [] },
      },
      { type: 'response.content_part.added', ...msg, part: part('') },
      { type: 'response.output_text.delta', ...msg, delta: 'Hel', logprobs: [] },
      { type: 'response.output_text.delta', ...msg, delta: 'lo', logprobs: [] },
      { type: 'response.output_text.annotation.added', ...msg, annotation_index: 0, annotation: citation },
      { type: 'response.output_text.done', ...msg, text: 'Hello', logprobs: [] },
      { type: 'response.content_part.done', ...msg, part: part('Hello', [citation]) },
      { type: 'response.output_item.done', output_index: 1, item: messageItem },
      {
        type: 'response.output_item.added',
        output_index: 2,
        item: { ...callItem, status: 'in_progress', arguments: '' },
      },
      { type: 'response.function_call_arguments.delta', ...fc, delta: '{"a":1}' },
      { type: 'response.function_call_arguments.done', ...fc, arguments: '{"a":1}' },
      { type: 'response.output_item.done', output_index: 2, item: callItem },
      {
        type: 'response.completed',
        response: {
          ...response,
          status: 'completed',
          output: [reasoningItem, messageItem, callItem],
          usage: {
            input_tokens: 10,
            input_tokens_details: { cached_tokens: 4, cache_write_tokens: 1 },
            output_tokens: 6,
            output_tokens_details: { reasoning_tokens: 2 },
            total_tokens: 16,
          },
        },
      },
    ],
  );
});

test('nothing of usage or finish is said before the end', () => {
  assert.deepEqual(typesOf([start, finish('stop'), usage]), ['response.created', 'response.in_progress']);
});

test('an answer cut by a bound or a filter ends incomplete, with its open item', () => {
  const last = (unified: 'length' | 'content-filter') =>
    renderEvents([start, { type: 'text-delta', choice: 0, text: 'a' }, finish(unified), end]).slice(-2);
  const [itemDone, length] = last('length') as any[];
  assert.equal(itemDone.item.status, 'incomplete');
  assert.equal(length.type, 'response.incomplete');
  assert.equal(length.response.status, 'incomplete');
  assert.deepEqual(length.response.incomplete_details, { reason: 'max_output_tokens' });
  assert.equal(length.response.usage.total_tokens, 0);
  assert.deepEqual((last('content-filter') as any[])[1].response.incomplete_details, { reason: 'content_filter' });
});

test('interleaved arguments stay with their calls, complete ones close when the next begins', () => {
  const started = (index: number): StreamEvent => ({
    type: 'tool-call-start',
    choice: 0,
    index,
    id: `c${index}`,
    name: 'f',
  });
  const delta = (index: number, argumentsDelta: string): StreamEvent => ({
    type: 'tool-call-delta',
    choice: 0,
    index,
    argumentsDelta,
  });
  const summary = (events: StreamEvent[]) =>
    renderEvents([start, ...events, end])
      .slice(2, -1)
      .map((value) => `${String(value.type).replace(/^response\.(function_call_)?/, '')} ${value.output_index}`);
  assert.deepEqual(summary([started(0), delta(0, '{}'), started(1), delta(1, '{}')]), [
    'output_item.added 0',
    'arguments.delta 0',
    'arguments.done 0',
    'output_item.done 0',
    'output_item.added 1',
    'arguments.delta 1',
    'arguments.done 1',
    'output_item.done 1',
  ]);
  assert.deepEqual(summary([started(0), delta(0, '{'), started(1), delta(1, '{'), delta(0, '}'), delta(1, '}')]), [
    'output_item.added 0',
    'arguments.delta 0',
    'output_item.added 1',
    'arguments.delta 1',
    'arguments.delta 0',
    'arguments.delta 1',
    'arguments.done 0',
    'output_item.done 0',
    'arguments.done 1',
    'output_item.done 1',
  ]);
});

test('a call without arguments gets an empty object', () => {
  const values = renderEvents([start, { type: 'tool-call-start', choice: 0, index: 0, id: 'c', name: 'f' }, end]);
  assert.equal(values.find(({ type }) => type === 'response.function_call_arguments.done')?.arguments, '{}');
});

test('citations are counted from their own part and may come after it', () => {
  const annotation = { url: 'https://x', start: 3, end: 5 };
  const values = renderEvents([
    start,
    { type: 'text-delta', choice: 0, text: 'abc' },
    { type: 'reasoning-delta', choice: 0, text: 'hm' },
    { type: 'text-delta', choice: 0, text: 'de' },
    { type: 'tool-call-start', choice: 0, index: 0, id: 'c', name: 'f' },
    { type: 'annotation-add', choice: 0, annotation },
    end,
  ]) as any[];
  const wire = { type: 'url_citation', url: 'https://x', title: 'https://x', start_index: 0, end_index: 2 };
  const added = values.find(({ type }) => type === 'response.output_text.annotation.added');
  assert.deepEqual(added.annotation, wire);
  assert.equal(added.output_index, 2);
  assert.deepEqual(values.at(-1).response.output[2].content[0].annotations, [wire]);
});

test('frames of the own dialect are written verbatim', () => {
  const renderer = new ResponsesStreamRenderer(parse({}), { id: 'abc', createdAt: 7 });
  const [createdFrame, textFrame, done] = frames([
    { type: 'response.created', sequence_number: 0, response: { id: 'resp_1' } },
    { type: 'response.output_text.delta', sequence_number: 41, delta: 'x', obfuscation: 'zz' },
    { type: 'response.completed', sequence_number: 42, response: { id: 'resp_1', status: 'completed', output: [] } },
  ]);
  renderer.render(createdFrame!);
  assert.equal(
    renderer.render(textFrame!),
    'event: response.output_text.delta\n' +
      'data: {"type":"response.output_text.delta","sequence_number":41,"delta":"x","obfuscation":"zz"}\n\n',
  );
  assert.equal(renderer.finalBody, undefined);
  renderer.render(done!);
  assert.deepEqual(renderer.finalBody, { id: 'resp_1', status: 'completed', output: [] });
  assert.equal(renderer.fail(new GatewayError('internal', 'late')), '');
});

test('a failure after verbatim frames continues their sequence with error and response.failed', () => {
  const renderer = openaiResponses.client.streamRenderer(parse({}), { id: 'abc', createdAt: 7 });
  for (const frame of frames([
    { type: 'response.created', sequence_number: 0, response: { id: 'resp_1', status: 'in_progress', output: [] } },
    { type: 'response.output_text.delta', sequence_number: 8, delta: 'x' },
  ]).slice(0, 2)) {
    renderer.render(frame);
  }
  assert.deepEqual(sseValues(renderer.fail(new GatewayError('upstream_cut', 'It broke.'))), [
    {
      type: 'error',
      sequence_number: 9,
      code: 'upstream_cut',
      message: 'It broke.',
      param: null,
      error: { type: 'server_error', code: 'upstream_cut', message: 'It broke.', param: null },
    },
    {
      type: 'response.failed',
      sequence_number: 10,
      response: {
        id: 'resp_1',
        status: 'failed',
        output: [],
        error: { code: 'upstream_cut', message: 'It broke.' },
      },
    },
  ]);
});

test("an upstream's own error is told once, in its own words", () => {
  const [frame] = frames([
    { type: 'error', sequence_number: 2, error: { type: 'server_error', code: 'odd_code', message: 'Boom.' } },
  ]);
  const renderer = openaiResponses.client.streamRenderer(parse({}), { id: 'abc', createdAt: 7 });
  assert.equal(renderer.render(frame!), '');
  const event = frame!.events[0];
  assert.ok(event?.type === 'error' && event.error.original);
  const failure = new GatewayError(event.error.code, event.error.message, { original: event.error.original });
  const [first, second] = sseValues(renderer.fail(failure)) as any[];
  assert.deepEqual(first.error, { type: 'server_error', code: 'odd_code', message: 'Boom.' });
  assert.deepEqual(second.response.error, { code: 'odd_code', message: 'Boom.' });
  assert.equal(second.response.id, 'resp_abc');
});

test('a code that is a number, as OpenRouter sends them, is told as text', () => {
  const renderer = openaiResponses.client.streamRenderer(parse({}), { id: 'abc', createdAt: 7 });
  const original = { dialect: 'openai-chat', status: 200, body: { error: { code: 502, message: 'Gone.' } } };
  const [first, second] = sseValues(renderer.fail(new GatewayError('upstream_error', 'Gone.', { original }))) as any[];
  assert.deepEqual([first.code, first.error.code, second.response.error.code], ['502', '502', '502']);
});

test('the keep-alive is a comment', () => {
  assert.equal(
    openaiResponses.client.streamRenderer(parse({}), { id: 'a', createdAt: 1 }).keepAlive,
    ': keep-alive\n\n',
  );
});
