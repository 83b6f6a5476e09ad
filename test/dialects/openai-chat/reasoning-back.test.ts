// Servers that want the reasoning of tool-calling turns back (DeepSeek, Kimi, GLM).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anthropic } from '../../../src/dialects/anthropic/index.ts';
import { openaiChat } from '../../../src/dialects/openai-chat/index.ts';
import type { ChatRequest } from '../../../src/model/chat.ts';
import type { JsonObject } from '../../../src/model/json.ts';

function sent(request: ChatRequest, wantsReasoningBack: boolean): JsonObject[] {
  const traits = wantsReasoningBack ? { wantsReasoningBack } : {};
  const { body } = openaiChat.upstream!.renderRequest(request, { model: 'deepseek-flash', isStream: false, traits });
  return body.messages as JsonObject[];
}

const reasoningIn = (messages: JsonObject[]) =>
  messages.filter((message) => message.role === 'assistant').map((message) => message.reasoning_content);

/** Claude Code after two steps: a thought of DeepSeek's, which has no signature, one of Claude's, and none. */
const agent = anthropic.client.parseRequest(
  {
    model: 'm',
    max_tokens: 9,
    messages: [
      { role: 'user', content: 'go' },
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: 'I need a.', signature: '' },
          { type: 'tool_use', id: 'a', name: 'f', input: {} },
        ],
      },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'a', content: '1' }] },
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: 'Now b.', signature: 'SIG' },
          { type: 'text', text: 'One more.' },
          { type: 'tool_use', id: 'b', name: 'f', input: {} },
        ],
      },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'b', content: '2' }] },
      { role: 'assistant', content: 'Done.' },
      { role: 'user', content: 'thanks' },
    ],
  },
  {},
);

test('a history of another dialect brings its reasoning, and a blank where none is known', () => {
  assert.deepEqual(reasoningIn(sent(agent, true)), ['I need a.', 'Now b.', ' ']);
});

test('servers that do not ask for it get none', () => {
  assert.deepEqual(reasoningIn(sent(agent, false)), [undefined, undefined, undefined]);
});

const call = { id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } };
const chat = (messages: JsonObject[]): ChatRequest =>
  openaiChat.client.parseRequest({ model: 'm', messages: [{ role: 'user', content: 'go' }, ...messages] }, {});

test('what a client of the own dialect kept stays, and what it lost or renamed is added', () => {
  const history = chat([
    { role: 'assistant', content: null, reasoning_content: 'kept', tool_calls: [call] },
    { role: 'tool', tool_call_id: 'a', content: '1' },
    { role: 'assistant', content: null, reasoning: 'renamed', tool_calls: [call] },
    { role: 'tool', tool_call_id: 'a', content: '1' },
    { role: 'assistant', content: '', reasoning_content: '', tool_calls: [call] },
    { role: 'tool', tool_call_id: 'a', content: '1' },
  ]);
  assert.deepEqual(reasoningIn(sent(history, true)), ['kept', 'renamed', ' ']);
  assert.deepEqual(reasoningIn(sent(history, false)), ['kept', undefined, '']);
});

test('a conversation without tool calls goes as it is', () => {
  const messages = [{ role: 'assistant', content: 'hello' }];
  assert.deepEqual(sent(chat(messages), true).slice(1), messages);
});
