// Neutral answers → Message bodies.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ChatResponse } from '../../../src/model/chat.ts';
import { client, request } from './support.ts';

const response: ChatResponse = {
  id: 'resp.1',
  model: 'gpt',
  choices: [
    {
      index: 0,
      parts: [
        { type: 'reasoning', text: 'Hm', signature: { dialect: 'gemini', value: 'x' } },
        { type: 'reasoning', text: '', signature: { dialect: 'anthropic', value: 'r' }, isRedacted: true },
        {
          type: 'text',
          text: 'Hi',
          annotations: [{ extensions: { anthropic: { type: 'char_location' } } }, { url: 'u' }],
        },
        { type: 'refusal', text: 'No' },
        { type: 'tool-call', id: 'c', name: 'f', argumentsJson: '{"a":1}' },
        { type: 'tool-call', id: 'd', name: 'f', argumentsJson: 'oops' },
      ],
      finishReason: { unified: 'stop', raw: 'stop' },
    },
  ],
};

test('a neutral answer becomes a Message', () => {
  assert.deepEqual(JSON.parse(client.renderResponse(response, request())), {
    id: 'msg_resp_1',
    type: 'message',
    role: 'assistant',
    model: 'gpt',
    content: [
      { type: 'thinking', thinking: 'Hm', signature: '' },
      { type: 'redacted_thinking', data: 'r' },
      { type: 'text', text: 'Hi', citations: [{ type: 'char_location' }] },
      { type: 'text', text: 'No' },
      { type: 'tool_use', id: 'c', name: 'f', input: { a: 1 } },
      { type: 'tool_use', id: 'd', name: 'f', input: { invalid_arguments: 'oops' } },
    ],
    stop_reason: 'tool_use',
    stop_sequence: null,
    usage: { input_tokens: 0, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 0 },
  });
});

test('an original of the own dialect is returned byte for byte', () => {
  const text = '{ "id" : "msg_1",  "extra":1 }';
  assert.equal(client.renderResponse({ ...response, original: { dialect: 'anthropic', text } }, request()), text);
});
