// The chat API's custom tools at upstreams of other dialects: offered as functions, called as they came.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openaiChat } from '../../../src/dialects/openai-chat/index.ts';
import { ResponseCollector } from '../../../src/model/collect.ts';
import type { StreamEvent } from '../../../src/model/stream.ts';

const GRAMMAR = { type: 'grammar', grammar: { syntax: 'regex', definition: 'SELECT .*' } };
const SQL = { type: 'custom', custom: { name: 'sql', description: 'Queries.', format: GRAMMAR } };
const request = openaiChat.client.parseRequest(
  { model: 'm', stream: true, messages: [{ role: 'user', content: 'x' }], tools: [SQL] },
  {},
);

/** An upstream that knows only functions calls it. */
const EVENTS: StreamEvent[] = [
  { type: 'response-start', id: 'chatcmpl-1', model: 'up', createdAt: 5 },
  { type: 'tool-call-start', choice: 0, index: 0, id: 'a', name: 'sql' },
  { type: 'tool-call-delta', choice: 0, index: 0, argumentsDelta: '{"input":"SELECT \\"' },
  { type: 'tool-call-delta', choice: 0, index: 0, argumentsDelta: 'x\\"' },
  { type: 'tool-call-delta', choice: 0, index: 0, argumentsDelta: '"}' },
  { type: 'tool-call-start', choice: 0, index: 1, id: 'b', name: 'other' },
  { type: 'tool-call-delta', choice: 0, index: 1, argumentsDelta: '{}' },
  { type: 'finish', choice: 0, finishReason: { unified: 'tool-calls', raw: '' } },
  { type: 'response-end' },
];

test('a custom tool is offered as a function with one string', () => {
  assert.deepEqual(request.tools, [
    {
      name: 'sql',
      description: 'Queries.',
      parameters: {
        type: 'object',
        properties: {
          input: {
            type: 'string',
            description: 'The whole input of the tool, as plain text.\nIt must match this regex grammar:\nSELECT .*',
          },
        },
        required: ['input'],
        additionalProperties: false,
      },
      isFreeText: true,
    },
  ]);
});

test('its call is streamed as its text, piece by piece', () => {
  const renderer = openaiChat.client.streamRenderer(request, { id: 'own', createdAt: 1 });
  const text = EVENTS.map((event) => renderer.render({ events: [event] })).join('');
  const chunks = text.split('\n\n').filter((block) => block.startsWith('data: {'));
  const deltas = chunks.map((block) => JSON.parse(block.slice('data: '.length)).choices[0].delta);
  assert.deepEqual(
    deltas.flatMap((delta) => delta.tool_calls ?? []),
    [
      { index: 0, id: 'a', type: 'custom', custom: { name: 'sql', input: '' } },
      { index: 0, custom: { input: 'SELECT "' } },
      { index: 0, custom: { input: 'x"' } },
      { index: 1, id: 'b', type: 'function', function: { name: 'other', arguments: '' } },
      { index: 1, function: { arguments: '{}' } },
    ],
  );
});

test('an unstreamed answer has the same calls', () => {
  const collector = new ResponseCollector();
  for (const event of EVENTS) collector.add({ events: [event] });
  const body = JSON.parse(openaiChat.client.renderResponse(collector.response(), request));
  assert.deepEqual(body.choices[0].message.tool_calls, [
    { id: 'a', type: 'custom', custom: { name: 'sql', input: 'SELECT "x"' } },
    { id: 'b', type: 'function', function: { name: 'other', arguments: '{}' } },
  ]);
});

test('at an upstream of the same dialect the tool stays what it is', () => {
  const { body } = openaiChat.upstream!.renderRequest(request, { model: 'm', isStream: true, traits: {} });
  assert.deepEqual(body.tools, [SQL]);
});
