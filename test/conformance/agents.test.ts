// What agents need of every upstream: tools that only their own dialect knows (Codex), names that only some wires take
// (MCP servers), and models that take tools on one endpoint alone. The upstreams are as strict as the real ones.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Answer, Heard, ToolCall } from '../support/upstreams/scenarios.ts';
import { startUpstream, type Upstream } from '../support/upstreams/server.ts';
import { type Gateway, modelAt, ROUTES, type RouteSpec, startGateway, startNode } from './gateway.ts';

const NO_TOKENS = { inputTokens: 9, cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens: 5, reasoningTokens: 0 };
const PATCH = '*** Begin Patch\n*** Add File: "ü.txt"\n+\t\\o/ 🙂\n*** End Patch\n';

/** A model that calls every tool with what it asks for, and then quotes the results. */
function eager(heard: Heard): Answer {
  const nothing = { reasoning: '', text: '', refusal: '', usage: NO_TOKENS };
  if (heard.toolResults.length > 0) {
    const quoted = heard.toolResults.map(({ call, text }) => `${argumentsOf(call)} → ${text}`).join('; ');
    return { ...nothing, text: quoted, toolCalls: [], finish: 'stop' };
  }
  const toolCalls = heard.tools.map(({ name, schema }) => ({
    name,
    arguments: schema?.properties?.input ? { input: PATCH } : { query: name.slice(0, 3) },
  }));
  return { ...nothing, toolCalls, finish: 'tool-calls' };
}

const argumentsOf = (call: ToolCall): string => String(call.arguments.input ?? call.arguments.query);

let gateway: Gateway;

before(async () => {
  gateway = await startGateway();
  for (const upstream of Object.values(gateway.upstreams)) upstream.respondWith({ scenario: eager });
});

after(async () => {
  await gateway.stop();
  assert.deepEqual(gateway.defects, []);
});

async function post(path: string, body: object, url = gateway.url): Promise<any> {
  const response = await fetch(url + path, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${gateway.asClient('anthropic').apiKey}`,
      'anthropic-version': '2023-06-01',
    },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  assert.equal(response.status, 200, text);
  if (!(response.headers.get('content-type') ?? '').startsWith('text/event-stream')) return JSON.parse(text);
  const lines = text.split('\n').filter((line) => line.startsWith('data: {'));
  return lines.map((line) => JSON.parse(line.slice('data: '.length)));
}

const QUERY = { type: 'object', properties: { query: { type: 'string' } }, required: ['query'] };
/** Toward a Responses upstream everything is its own. */
const OTHERS = ROUTES.filter((route) => route.dialect !== 'openai-responses');

describe('Codex', () => {
  const lark = { type: 'grammar', syntax: 'lark', definition: 'start: begin_patch hunk+ end_patch' };
  const tools = [
    { type: 'custom', name: 'apply_patch', description: 'Edits files.', format: lark },
    {
      type: 'namespace',
      name: 'mcp__a_server_with_a_rather_long_name_that_nobody_thought_about__',
      description: 'Search.',
      tools: [
        { type: 'function', name: 'search.documents', description: 'Searches.', parameters: QUERY, strict: false },
      ],
    },
    { type: 'tool_search' },
    { type: 'web_search', external_web_access: false },
  ];
  const user = { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Patch it.' }] };
  const request = (route: RouteSpec, input: object[], isStream: boolean) => ({
    model: modelAt(route, 'reasoning'),
    input,
    tools,
    tool_choice: 'auto',
    parallel_tool_calls: true,
    reasoning: { effort: 'medium', summary: 'auto' },
    store: false,
    stream: isStream,
    include: ['reasoning.encrypted_content'],
  });

  async function output(route: RouteSpec, input: object[], isStream: boolean): Promise<any[]> {
    const answer = await post('/v1/responses', request(route, input, isStream));
    if (!isStream) return answer.output;
    const patch = answer.filter((event: any) => event.type === 'response.custom_tool_call_input.delta');
    if (patch.length > 0) assert.equal(patch.map((event: any) => event.delta).join(''), PATCH);
    assert.equal(answer.at(-1).type, 'response.completed');
    return answer.at(-1).response.output;
  }

  for (const route of OTHERS) {
    for (const isStream of [true, false]) {
      it(`patches files and calls tools of namespaces with ${route.name}, ${isStream ? 'streamed' : 'whole'}`, async () => {
        const calls = await output(route, [user], isStream);
        assert.deepEqual(
          calls.map(({ type, name, namespace, input, arguments: json }) => [type, name, namespace, input ?? json]),
          [
            ['custom_tool_call', 'apply_patch', undefined, PATCH],
            ['function_call', 'search.documents', tools[1]?.name, '{"query":"mcp"}'],
          ],
        );
        const results = [
          { type: 'custom_tool_call_output', call_id: calls[0].call_id, output: 'Patched.' },
          { type: 'function_call_output', call_id: calls[1].call_id, output: 'Found.' },
        ];
        const [message] = await output(route, [user, ...calls, ...results], isStream);
        assert.equal(message.content[0].text, `${PATCH} → Patched.; mcp → Found.`);
      });
    }
  }

  it('is told that a conversation kept at OpenAI cannot go on elsewhere', async () => {
    for (const { name } of OTHERS) {
      const response = await fetch(`${gateway.url}/v1/responses`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          authorization: `Bearer ${gateway.asClient('anthropic').apiKey}`,
        },
        body: JSON.stringify({ model: `${name}/any`, input: 'x', conversation: 'conv_1' }),
      });
      const { error } = (await response.json()) as any;
      assert.deepEqual(
        [response.status, error.code, error.param],
        [400, 'unsupported_parameter', 'conversation'],
        name,
      );
    }
  });
});

describe('custom tools of chat completions', () => {
  const foreign = ROUTES.filter((route) => route.dialect !== 'openai-chat');
  for (const route of foreign) {
    it(`are called with their text by ${route.name}`, async () => {
      const custom = { type: 'custom', custom: { name: 'sql', description: 'Queries.' } };
      const user = { role: 'user', content: 'Ask.' };
      const body = { model: modelAt(route, 'tools'), messages: [user], tools: [custom] };
      const chunks = await post('/v1/chat/completions', { ...body, stream: true });
      const deltas = chunks.flatMap((chunk: any) => chunk.choices[0]?.delta.tool_calls ?? []);
      assert.equal(deltas.map((delta: any) => delta.custom.input).join(''), PATCH);
      const { message } = (await post('/v1/chat/completions', body)).choices[0];
      assert.deepEqual(message.tool_calls[0].custom, { name: 'sql', input: PATCH });
      const result = { role: 'tool', tool_call_id: message.tool_calls[0].id, content: '42' };
      const next = await post('/v1/chat/completions', { ...body, messages: [user, message, result] });
      assert.equal(next.choices[0].message.content, `${PATCH} → 42`);
    });
  }
});

describe('names that not every wire takes', () => {
  const name = `git.hub/${'issues_'.repeat(15)}list`;

  for (const route of ROUTES.filter(({ dialect }) => dialect !== 'anthropic')) {
    it(`are the client’s own again in answers of ${route.name}`, async () => {
      const user = { role: 'user', content: 'List.' };
      const body = {
        model: modelAt(route, 'tools'),
        max_tokens: 900,
        messages: [user] as object[],
        tools: [{ name, description: 'Lists.', input_schema: QUERY }],
        tool_choice: { type: 'tool', name },
      };
      const events = await post('/v1/messages', { ...body, stream: true });
      const block = events.find((event: any) => event.type === 'content_block_start')?.content_block;
      assert.deepEqual([block.type, block.name], ['tool_use', name]);
      const { content } = await post('/v1/messages', body);
      assert.equal(content[0].name, name);
      const result = { type: 'tool_result', tool_use_id: content[0].id, content: 'none' };
      const messages = [user, { role: 'assistant', content }, { role: 'user', content: [result] }];
      const last = await post('/v1/messages', { ...body, messages, tool_choice: { type: 'auto' } });
      assert.equal(last.content[0].text, 'git → none');
    });
  }

  it('are the client’s own again in answers of Anthropic', async () => {
    const route = ROUTES.find(({ dialect }) => dialect === 'anthropic') as RouteSpec;
    const tools = [{ type: 'function', function: { name, parameters: QUERY } }];
    const messages = [{ role: 'user', content: 'List.' }];
    const { choices } = await post('/v1/chat/completions', { model: modelAt(route, 'tools'), messages, tools });
    assert.equal(choices[0].message.tool_calls[0].function.name, name);
  });
});

describe('models that take tools with reasoning on /responses only', () => {
  const model = 'gpt-6.1-terra';
  let upstream: Upstream;

  before(async () => {
    upstream = await startUpstream('openai', { models: [model] });
    upstream.respondWith({ scenario: eager });
  });
  after(() => upstream.close());

  it('work for agents of every dialect, and are asked in chat for the rest', async () => {
    const { url, key } = upstream;
    const { apiKey } = gateway.asClient('anthropic');
    const node = await startNode({ accounts: { openai: { provider: 'openai', url, key } }, apiKeys: [apiKey] });
    const asked = `openai/${model}`;
    const messages = [{ role: 'user', content: 'Search.' }];
    const tools = [{ type: 'function', function: { name: 'find', parameters: QUERY } }];
    try {
      const chat = await post('/v1/chat/completions', { model: asked, messages, tools }, node.url);
      assert.equal(chat.choices[0].message.tool_calls[0].function.arguments, '{"query":"fin"}');
      assert.equal(upstream.lastRequest.path, '/v1/responses');
      const claude = { model: asked, max_tokens: 900, messages, tools: [{ name: 'find', input_schema: QUERY }] };
      const message = await post('/v1/messages', claude, node.url);
      assert.equal(message.content[0].name, 'find');
      assert.equal(upstream.lastRequest.path, '/v1/responses');
      const off = { model: asked, messages, tools, reasoning_effort: 'none' };
      assert.equal((await post('/v1/chat/completions', off, node.url)).choices[0].finish_reason, 'tool_calls');
      assert.equal(upstream.lastRequest.path, '/v1/chat/completions');
    } finally {
      await node.stop();
    }
    assert.deepEqual(node.defects, []);
  });
});
