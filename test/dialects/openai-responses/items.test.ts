// previous_response_id: what is stored of a turn, and how the next one continues it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openaiResponses } from '../../../src/dialects/openai-responses/index.ts';
import { conversationItems, isStoreWanted, withHistory } from '../../../src/dialects/openai-responses/items.ts';
import type { JsonObject } from '../../../src/model/json.ts';

const parse = (body: JsonObject) => openaiResponses.client.parseRequest(body, {});

test('a stored turn is put before the next input, without its instructions', () => {
  const first = { model: 'm', input: 'one', instructions: 'first' };
  const answer = {
    output: [
      { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'E' },
      { type: 'reasoning', id: 'rs_2', summary: [] },
      { type: 'web_search_call', id: 'ws_1', status: 'completed' },
      {
        type: 'message',
        id: 'msg_1',
        status: 'completed',
        role: 'assistant',
        content: [{ type: 'output_text', text: 'two', annotations: [] }],
      },
      { type: 'function_call', id: 'fc_1', status: 'completed', call_id: 'c', name: 'f', arguments: '{}' },
    ],
  };
  const history = conversationItems(first, answer);
  const next = withHistory(
    {
      model: 'm',
      input: [{ type: 'function_call_output', call_id: 'c', output: 'r' }],
      previous_response_id: 'resp_1',
      instructions: 'second',
    },
    history,
  );
  const expected = [
    { type: 'message', role: 'user', content: 'one' },
    { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'E' },
    { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'two', annotations: [] }] },
    { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' },
    { type: 'function_call_output', call_id: 'c', output: 'r' },
  ];
  assert.deepEqual(next, { model: 'm', previous_response_id: 'resp_1', input: expected, instructions: 'second' });
  assert.deepEqual(conversationItems(next, { output: [] }), expected);
});

test('references to items of OpenAI are not stored', () => {
  const body = {
    input: [
      { type: 'item_reference', id: 'msg_1' },
      { role: 'user', content: 'x' },
    ],
  };
  assert.deepEqual(conversationItems(body, {}), [{ role: 'user', content: 'x' }]);
});

test('a next call without input of its own continues the history alone', () => {
  const history = [{ type: 'message', role: 'user', content: 'x' }];
  assert.deepEqual(withHistory({ model: 'm', previous_response_id: 'r' }, history), {
    model: 'm',
    previous_response_id: 'r',
    input: history,
  });
});

test('everything is stored unless the client says otherwise', () => {
  assert.equal(isStoreWanted(parse({ model: 'm', input: 'x' })), true);
  assert.equal(isStoreWanted(parse({ model: 'm', input: 'x', store: false })), false);
});

test('what stands for messages that only OpenAI keeps is marked, so that no other upstream answers without them', () => {
  assert.equal(parse({ model: 'm', input: 'x', conversation: null }).untranslatable, undefined);
  assert.deepEqual(parse({ model: 'm', conversation: { id: 'conv_1' } }).untranslatable, ['conversation']);
  assert.deepEqual(parse({ model: 'm', prompt: { id: 'pmpt_1' } }).untranslatable, ['prompt']);
  const compaction = { type: 'compaction', encrypted_content: 'x' };
  const input = [{ role: 'user', content: 'a' }, compaction, { role: 'user', content: 'b' }];
  assert.deepEqual(parse({ model: 'm', input }).untranslatable, ['input[1]']);
  const whole = [{ role: 'user', content: 'a' }, { role: 'assistant', content: 'A' }, compaction];
  assert.equal(parse({ model: 'm', input: whole }).untranslatable, undefined);
});
