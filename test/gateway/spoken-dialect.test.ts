// Which dialect a request is made in, by what it asks of which model.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spokenTo } from '../../src/gateway/spoken-dialect.ts';
import type { Target } from '../../src/gateway/target.ts';
import type { DialectName } from '../../src/model/chat.ts';
import { chatRequest, routerOf, TestGateway } from './support.ts';

const FUNCTION = { type: 'function', function: { name: 'f' } };
const CONFIG = { accounts: { o: { provider: 'openai', url: 'http://o.test/v1' }, c: { url: 'http://c.test/v1' } } };

function targetOf(name: string): Target {
  const [target] = routerOf(CONFIG).route(name).targets;
  assert.ok(target);
  return target;
}

function spoken(model: string, body: object, dialect: DialectName = 'openai-chat'): DialectName {
  return spokenTo(targetOf(model), chatRequest(body, dialect)).account.dialect;
}

test('function tools with reasoning go to /responses for the models that want it', () => {
  for (const model of ['gpt-5.4', 'gpt-5.5-pro', 'gpt-5.6-luna', 'gpt-6.1-terra', 'gpt-6-astra']) {
    assert.equal(spoken(`o/${model}`, { tools: [FUNCTION] }), 'openai-responses', model);
  }
  assert.equal(spoken('o/gpt-6-sol', { tools: [FUNCTION], reasoning_effort: 'high' }), 'openai-responses');
});

test('everything else is said in the account’s own dialect', () => {
  const tools = [FUNCTION];
  assert.equal(spoken('o/gpt-6-sol', {}), 'openai-chat');
  assert.equal(spoken('o/gpt-6-sol', { tools, reasoning_effort: 'none' }), 'openai-chat');
  assert.equal(spoken('o/gpt-6-sol', { tools: [{ type: 'web_search' }] }), 'openai-chat');
  assert.equal(spoken('o/gpt-5.2', { tools }), 'openai-chat');
  assert.equal(spoken('o/gpt-4.1', { tools }), 'openai-chat');
  assert.equal(spoken('c/gpt-6-sol', { tools }), 'openai-chat');
});

test('a client of the Responses API is served in its own words by these models', () => {
  assert.equal(spoken('o/gpt-6-sol', { input: 'x' }, 'openai-responses'), 'openai-responses');
  assert.equal(spoken('o/gpt-4.1', { input: 'x' }, 'openai-responses'), 'openai-chat');
});

test('the call is made at the same address with the same key, and its answer read in that dialect', async () => {
  const events = [
    { type: 'response.created', response: { id: 'resp_1', model: 'gpt-6-sol', created_at: 5, status: 'in_progress' } },
    {
      type: 'response.output_item.done',
      output_index: 0,
      item: { type: 'function_call', id: 'fc_1', call_id: 'call_1', name: 'f', arguments: '{"a":1}' },
    },
    { type: 'response.completed', response: { id: 'resp_1', status: 'completed', output: [] } },
  ];
  const body = events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join('');
  const gateway = new TestGateway(
    {
      accounts: { o: { provider: 'openai', url: 'http://o.test/v1', keys: ['sk-o'] } },
      chains: { main: ['o/gpt-6-sol'] },
    },
    { headers: { 'content-type': 'text/event-stream' }, chunks: [body] },
  );
  const text = await gateway.text({ tools: [FUNCTION], reasoning_effort: 'low' });
  const { request } = gateway.http.calls[0] ?? {};
  assert.equal(request?.url, 'http://o.test/v1/responses');
  assert.equal(request?.headers.authorization, 'Bearer sk-o');
  const sent = JSON.parse(String(request?.body));
  assert.deepEqual([sent.model, sent.reasoning, sent.tools[0].name], ['gpt-6-sol', { effort: 'low' }, 'f']);
  assert.match(text, /"function":\{"name":"f"/);
  assert.match(text, /data: \[DONE\]\n\n$/);
});
