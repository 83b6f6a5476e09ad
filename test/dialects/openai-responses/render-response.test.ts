// A whole answer → a Response object.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openaiResponses } from '../../../src/dialects/openai-responses/index.ts';
import type { ChatResponse } from '../../../src/model/chat.ts';
import { collect, parse } from './wire.ts';

const answer: ChatResponse = {
  id: 'msg_01',
  model: 'claude',
  createdAt: 9,
  choices: [
    {
      index: 0,
      parts: [
        { type: 'text', text: 'Hi' },
        { type: 'tool-call', id: 'c', name: 'f', argumentsJson: '{"a":1}' },
      ],
      finishReason: { unified: 'tool-calls', raw: 'tool_use' },
      logprobs: [{ token: 'Hi', logprob: -1 }],
    },
    { index: 1, parts: [{ type: 'text', text: 'other' }], finishReason: { unified: 'stop', raw: '' } },
  ],
  usage: {
    inputTokens: 3,
    cachedInputTokens: 0,
    cacheWriteTokens: 0,
    outputTokens: 2,
    reasoningTokens: 0,
    isEstimated: false,
  },
};

test("an answer of the same dialect is the upstream's text, byte for byte", () => {
  const text = '{ "id" : "resp_1" }';
  const response = { ...answer, original: { dialect: 'openai-responses', text } } as const;
  assert.equal(openaiResponses.client.renderResponse(response, parse({})), text);
});

test('another answer has every field of a Response and echoes the request', () => {
  const tools = [{ type: 'function', name: 'f', parameters: { type: 'object' } }];
  const request = parse({
    instructions: 'brief',
    temperature: 0,
    tools,
    tool_choice: 'required',
    parallel_tool_calls: false,
    store: false,
    metadata: { a: 'b' },
    reasoning: { effort: 'low' },
    max_output_tokens: 50,
    text: { format: { type: 'json_object' } },
    prompt_cache_key: 'k',
  });
  assert.deepEqual(JSON.parse(openaiResponses.client.renderResponse(answer, request)), {
    id: 'resp_msg_01',
    object: 'response',
    created_at: 9,
    status: 'completed',
    background: false,
    error: null,
    incomplete_details: null,
    instructions: 'brief',
    max_output_tokens: 50,
    max_tool_calls: null,
    model: 'claude',
    output: [
      {
        id: 'msg_fm_msg01_0',
        type: 'message',
        status: 'completed',
        role: 'assistant',
        content: [
          {
            type: 'output_text',
            text: 'Hi',
            annotations: [],
            logprobs: [{ token: 'Hi', logprob: -1, bytes: [72, 105], top_logprobs: [] }],
          },
        ],
      },
      {
        id: 'fc_fm_msg01_1',
        type: 'function_call',
        status: 'completed',
        arguments: '{"a":1}',
        call_id: 'c',
        name: 'f',
      },
    ],
    parallel_tool_calls: false,
    previous_response_id: null,
    prompt_cache_key: 'k',
    reasoning: { effort: 'low' },
    safety_identifier: null,
    service_tier: 'default',
    store: false,
    temperature: 0,
    text: { format: { type: 'json_object' } },
    tool_choice: 'required',
    tools,
    top_logprobs: 0,
    top_p: 1,
    truncation: 'disabled',
    usage: {
      input_tokens: 3,
      input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
      output_tokens: 2,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: 5,
    },
    user: null,
    metadata: { a: 'b' },
  });
});

test('an answer cut by its bound is incomplete', () => {
  const choice = { index: 0, parts: [], finishReason: { unified: 'length', raw: 'max_tokens' } } as const;
  const body = JSON.parse(openaiResponses.client.renderResponse({ ...answer, choices: [choice] }, parse({})));
  assert.equal(body.status, 'incomplete');
  assert.deepEqual(body.incomplete_details, { reason: 'max_output_tokens' });
});

test('what is rendered whole is parsed back to the same answer', () => {
  const text = openaiResponses.client.renderResponse(answer, parse({}));
  const parsed = collect(openaiResponses.upstream!.parseResponse(text).events);
  assert.deepEqual(parsed.choices[0]?.parts, answer.choices[0]?.parts);
  assert.deepEqual(parsed.usage, answer.usage);
  assert.equal(parsed.choices[0]?.finishReason.unified, 'tool-calls');
});
