// Fields that both of OpenAI's APIs have go from the one to the other.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openaiChat } from '../../src/dialects/openai-chat/index.ts';
import { openaiResponses } from '../../src/dialects/openai-responses/index.ts';

const COMMON = {
  service_tier: 'flex',
  prompt_cache_key: 'k',
  prompt_cache_retention: '24h',
  safety_identifier: 'person-1',
};
const chatRequest = openaiChat.client.parseRequest(
  { model: 'm', messages: [{ role: 'user', content: 'Hi' }], user: 'u', verbosity: 'low', ...COMMON },
  {},
);
const responsesRequest = openaiResponses.client.parseRequest(
  { model: 'm', input: 'Hi in JSON', text: { verbosity: 'low', format: { type: 'json_object' } }, ...COMMON },
  {},
);
const target = { model: 'up', isStream: false, traits: {} };

test('a chat request keeps its tier, cache key, identifier and verbosity at a Responses upstream', () => {
  assert.deepEqual(openaiResponses.upstream?.renderRequest(chatRequest, target).body, {
    model: 'up',
    input: [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Hi' }] }],
    stream: false,
    store: false,
    text: { verbosity: 'low' },
    ...COMMON,
  });
});

test('a Responses request keeps them at a chat upstream that has both APIs', () => {
  const both = { ...target, traits: { responsesModels: [] } };
  assert.deepEqual(openaiChat.upstream?.renderRequest(responsesRequest, both).body, {
    model: 'up',
    messages: [{ role: 'user', content: 'Hi in JSON' }],
    response_format: { type: 'json_object' },
    verbosity: 'low',
    ...COMMON,
  });
});

test('an imitation of the chat API gets none of them: it may refuse what it does not know', () => {
  assert.deepEqual(openaiChat.upstream?.renderRequest(responsesRequest, target).body, {
    model: 'up',
    messages: [{ role: 'user', content: 'Hi in JSON' }],
    response_format: { type: 'json_object' },
    user: 'person-1',
  });
});
