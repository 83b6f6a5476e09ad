// Requests as real clients send them (captured in the wild), to every upstream: large bodies, fields beside the
// documented ones, forgotten limits, odd paths, every way to carry a key.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI } from '@google/genai';
import OpenAI, { AzureOpenAI } from 'openai';
import { modelFor } from '../support/cases.ts';
import { finalAnswer } from '../support/upstreams/scenarios.ts';
import {
  type Gateway,
  modelAt,
  ROUTES,
  type RouteSpec,
  type RunningNode,
  routeNamed,
  startGateway,
  startNode,
} from './gateway.ts';

const REASONING = finalAnswer('reasoning');
/** The text that every upstream gives without asking what the conversation was. */
const PLAIN = finalAnswer('reasoning').text;

let gateway: Gateway;
/** A node without keys, as `flowmesh start` makes it on a laptop. */
let open: RunningNode;

before(async () => {
  const chains = { fast: ['openai/gpt-5-mini'], smart: ['anthropic/claude-sonnet-4-6'] };
  gateway = await startGateway({ config: { chains } });
  const { url, key } = gateway.upstreams.openai;
  open = await startNode({
    accounts: { openai: { provider: 'openai', url, key } },
    config: { chains: { fast: ['openai/gpt-5-mini'] } },
    apiKeys: [],
  });
});

after(async () => {
  await open.stop();
  await gateway.stop();
  assert.deepEqual([...gateway.defects, ...open.defects], []);
});

const key = (): string => gateway.asClient('anthropic').apiKey;

function post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(gateway.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

/** The JSON of every data line. */
async function dataOf(response: Response): Promise<any[]> {
  const text = await response.text();
  assert.equal(response.status, 200, text);
  assert.match(response.headers.get('content-type') ?? '', /^text\/event-stream/);
  const lines = text.split('\n').filter((line) => line.startsWith('data: '));
  return lines.filter((line) => line !== 'data: [DONE]').map((line) => JSON.parse(line.slice('data: '.length)));
}

/** Twelve tools with the words that schemas of agents have. */
const AGENT_TOOLS = Array.from({ length: 12 }, (_, at) => ({
  name: `Tool_${at}`,
  description: `What tool ${at} does. ${'It has a long description. '.repeat(60)}`,
  input_schema: {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    properties: {
      path: { type: 'string', description: 'Absolute path', minLength: 1 },
      timeout: { type: 'number', exclusiveMinimum: 0, maximum: 600_000 },
      mode: { type: 'string', enum: ['read', 'write'], default: 'read' },
      edits: {
        type: 'array',
        minItems: 1,
        items: {
          type: 'object',
          properties: { old: { type: 'string' }, new: { anyOf: [{ type: 'string' }, { type: 'null' }] } },
          required: ['old', 'new'],
          additionalProperties: false,
        },
      },
      headers: { type: 'object', propertyNames: { type: 'string' }, additionalProperties: { type: 'string' } },
    },
    required: ['path'],
    additionalProperties: false,
  },
}));

describe('Claude Code', () => {
  const request = (model: string) => ({
    model,
    max_tokens: 32_000,
    stream: true,
    thinking: { type: 'enabled', budget_tokens: 31_999 },
    metadata: { user_id: 'user_0f4e_account__session_6a1b' },
    context_management: { edits: [{ type: 'clear_thinking_20251015', keep: 'all' }] },
    system: [
      { type: 'text', text: 'x-anthropic-billing-header: cc_version=2.1.40; cc_entrypoint=cli;' },
      { type: 'text', text: 'You are a coding agent.', cache_control: { type: 'ephemeral' } },
      { type: 'text', text: 'Rules. '.repeat(9_000), cache_control: { type: 'ephemeral', ttl: '1h' } },
    ],
    messages: [
      {
        role: 'user',
        content: [
          { type: 'text', text: '<system-reminder>\nToday is 2026-11-22.\n</system-reminder>\n' },
          { type: 'text', text: 'Is 91 a prime number?', cache_control: { type: 'ephemeral' } },
        ],
      },
    ],
    tools: AGENT_TOOLS,
  });

  for (const route of ROUTES) {
    it(`works with ${route.name}`, async () => {
      const upstream = gateway.upstreams[route.name];
      upstream.respondWith('reasoning');
      const body = request(modelAt(route, 'reasoning'));
      assert.ok(JSON.stringify(body).length > 80_000);
      const events = await dataOf(
        await post('/v1/messages?beta=true', body, {
          'x-api-key': key(),
          'anthropic-version': '2023-06-01',
          'anthropic-beta': 'claude-code-20250219,context-management-2025-06-27',
          'x-app': 'cli',
          'user-agent': 'claude-cli/2.1.40 (external, cli)',
        }),
      );
      const types = events.map((event) => event.type);
      assert.equal(types.filter((type) => type === 'message_start').length, 1);
      assert.deepEqual(types.slice(-2), ['message_delta', 'message_stop']);
      const texts = events.flatMap((event) => (event.delta?.type === 'text_delta' ? [event.delta.text] : []));
      assert.equal(texts.join(''), REASONING.text);
      const { usage } = events.at(-2);
      assert.equal(usage.output_tokens, REASONING.usage.outputTokens);
      assert.equal(usage.input_tokens, REASONING.usage.inputTokens);
      assert.equal(toolNames(upstream.lastRequest.body).length, 12);
    });
  }

  it('reaches Anthropic with everything it said, and its beta features', async () => {
    const upstream = gateway.upstreams.anthropic;
    upstream.respondWith('reasoning');
    const body = request('anthropic/claude-sonnet-4-6');
    const headers = { 'x-api-key': key(), 'anthropic-version': '2023-06-01', 'anthropic-beta': 'claude-code-20250219' };
    await (await post('/v1/messages?beta=true', body, headers)).text();
    const { body: sent, headers: sentHeaders } = upstream.lastRequest;
    assert.deepEqual(sent, { ...body, model: 'claude-sonnet-4-6' });
    assert.equal(sentHeaders['anthropic-beta'], 'claude-code-20250219');
    assert.equal(sentHeaders['anthropic-version'], '2023-06-01');
    assert.equal(sentHeaders['x-api-key'], upstream.key);
  });

  it('counts tokens with every upstream, estimated where the upstream cannot count', async () => {
    for (const route of ROUTES) {
      gateway.upstreams[route.name].respondWith('refusal');
      const { max_tokens: _, stream: __, thinking: ___, ...body } = request(modelAt(route, 'text'));
      const headers = { 'x-api-key': key(), 'anthropic-version': '2023-06-01' };
      const response = await post('/v1/messages/count_tokens?beta=true', body, headers);
      const { input_tokens } = (await response.json()) as { input_tokens: number };
      const isExact = route.name === 'anthropic' || route.name === 'gemini';
      assert.equal(response.headers.get('x-flowmesh-estimated'), isExact ? null : 'true', route.name);
      if (isExact) assert.equal(input_tokens, finalAnswer('refusal').usage.inputTokens);
      else assert.ok(input_tokens > 15_000 && input_tokens < 40_000, `${route.name}: ${input_tokens}`);
    }
  });
});

/** Names of the offered tools, in any dialect. */
function toolNames(body: any): string[] {
  const tools = (body.tools ?? []).flatMap((tool: any) => tool.functionDeclarations ?? [tool]);
  return tools.map((tool: any) => tool.name ?? tool.function?.name ?? tool.type);
}

describe('Codex', () => {
  const request = (model: string) => ({
    model,
    instructions: `You are Codex. ${'Be careful. '.repeat(3_000)}`,
    input: [
      {
        type: 'message',
        role: 'developer',
        content: [{ type: 'input_text', text: '<permissions>read-only</permissions>' }],
      },
      { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Is 91 a prime number?' }] },
    ],
    tools: [
      {
        type: 'function',
        name: 'exec_command',
        description: 'Runs a command.',
        strict: false,
        parameters: { type: 'object', properties: { cmd: { type: 'string' } }, required: ['cmd'] },
      },
      {
        type: 'custom',
        name: 'apply_patch',
        description: 'Edits files.',
        format: { type: 'grammar', syntax: 'lark', definition: 'start: "*** Begin Patch" LF' },
      },
      { type: 'web_search', external_web_access: false },
      {
        type: 'namespace',
        name: 'mcp__docs',
        description: 'Documentation.',
        tools: [{ type: 'function', name: 'search', parameters: { type: 'object', properties: {} } }],
      },
    ],
    tool_choice: 'auto',
    parallel_tool_calls: true,
    reasoning: { effort: 'medium', summary: 'auto' },
    store: false,
    stream: true,
    include: ['reasoning.encrypted_content'],
    prompt_cache_key: '0199f1a2-7b1e-7c33-9d0b-2a6f3f1f8a11',
    text: { verbosity: 'low' },
  });

  for (const route of ROUTES) {
    it(`works with ${route.name}; tools that only OpenAI runs go to OpenAI alone`, async () => {
      const upstream = gateway.upstreams[route.name];
      upstream.respondWith('reasoning');
      const body = request(modelAt(route, 'reasoning'));
      const response = await post('/v1/responses', body, {
        authorization: `Bearer ${key()}`,
        accept: 'text/event-stream',
        originator: 'codex_cli_rs',
        session_id: '0199f1a2-7b1e-7c33-9d0b-2a6f3f1f8a11',
      });
      const events = await dataOf(response);
      assert.deepEqual(
        events.map((event) => event.sequence_number),
        events.map((_, at) => at),
      );
      const { type, response: final } = events.at(-1);
      assert.equal(type, 'response.completed');
      assert.equal(final.usage.output_tokens, REASONING.usage.outputTokens);
      const texts = final.output.flatMap((item: any) => (item.type === 'message' ? item.content : []));
      assert.equal(texts.map((part: any) => part.text).join(''), REASONING.text);
      const { body: sent } = upstream.lastRequest;
      if (route.dialect === 'openai-responses') assert.deepEqual(sent, { ...body, model: 'gpt-5-mini' });
      else assert.deepEqual(toolNames(sent), ['exec_command', 'apply_patch', 'mcp__docs__search']);
      assert.match(JSON.stringify(sent), /<permissions>read-only/);
    });
  }
});

describe('AzureOpenAI', () => {
  const client = (deployment?: string) =>
    new AzureOpenAI({
      endpoint: gateway.url,
      apiKey: key(),
      apiVersion: '2024-10-21',
      maxRetries: 0,
      ...(deployment !== undefined && { deployment }),
    });

  it('names the model in the path and leaves it out of the body', async () => {
    gateway.upstreams.anthropic.respondWith('reasoning');
    const messages = [{ role: 'user' as const, content: 'Is 91 a prime number?' }];
    const params = { model: '', messages, reasoning_effort: 'low' as const };
    const completion = await client('smart').chat.completions.create(params);
    assert.equal(completion.choices[0]?.message.content, PLAIN);
    assert.equal(gateway.upstreams.anthropic.lastRequest.body.model, 'claude-sonnet-4-6');
    let streamed = '';
    for await (const chunk of await client('smart').chat.completions.create({ ...params, stream: true })) {
      streamed += chunk.choices[0]?.delta.content ?? '';
    }
    assert.equal(streamed, PLAIN);
  });

  it('names the model in the body, from which its SDK makes the path', async () => {
    gateway.upstreams.openai.respondWith('reasoning');
    const completion = await client().chat.completions.create({
      model: 'fast',
      messages: [{ role: 'user', content: 'hi' }],
      reasoning_effort: 'low',
    });
    assert.equal(completion.choices[0]?.message.content, PLAIN);
    const embedded = await client().embeddings.create({ model: 'text-embedding-3-small', input: 'Grüße' });
    assert.equal(embedded.data[0]?.embedding.length, 8);
  });

  it('gets its typed errors', async () => {
    const messages = [{ role: 'user' as const, content: 'hi' }];
    await assert.rejects(client('nobody').chat.completions.create({ model: '', messages }), OpenAI.NotFoundError);
    const stranger = new AzureOpenAI({ endpoint: gateway.url, apiKey: 'no', apiVersion: '2024-10-21', maxRetries: 0 });
    await assert.rejects(stranger.chat.completions.create({ model: 'fast', messages }), OpenAI.AuthenticationError);
  });
});

describe('clients that bound nothing', () => {
  // cline and Continue: a stream with usage, tools, and no max_tokens.
  const body = (model: string) => ({
    model,
    messages: [
      { role: 'system', content: 'You are a coding agent.' },
      { role: 'user', content: [{ type: 'text', text: '<task>Is 91 a prime number?</task>' }] },
    ],
    temperature: 0,
    stream: true,
    stream_options: { include_usage: true },
    reasoning_effort: 'medium',
    tools: AGENT_TOOLS.map(({ name, description, input_schema }) => ({
      type: 'function',
      function: { name, description, parameters: input_schema },
    })),
    tool_choice: 'auto',
    parallel_tool_calls: false,
  });

  for (const route of ROUTES) {
    it(`are served by ${route.name}, with the usage at the end of the stream`, async () => {
      const upstream = gateway.upstreams[route.name];
      upstream.respondWith('reasoning');
      // OpenAI's reasoning models refuse a temperature that their own clients send.
      const { temperature: _, ...rest } = body(modelAt(route, 'reasoning'));
      const isOwn = route.kind === 'openai' || route.kind === 'azure';
      const response = await post('/v1/chat/completions', isOwn ? rest : { ...rest, temperature: 0 }, {
        authorization: `Bearer ${key()}`,
      });
      const chunks = await dataOf(response);
      const text = chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('');
      assert.equal(text, REASONING.text);
      assert.equal(chunks.at(-1).usage.completion_tokens, REASONING.usage.outputTokens);
      assert.equal(chunks.filter((chunk) => chunk.usage).length, 1);
    });
  }

  it('get a bound from us where Anthropic requires one', async () => {
    gateway.upstreams.anthropic.respondWith('reasoning');
    const model = modelAt(routeNamed('anthropic'), 'reasoning');
    await (await post('/v1/chat/completions', body(model), { authorization: `Bearer ${key()}` })).text();
    assert.equal(gateway.upstreams.anthropic.lastRequest.body.max_tokens, 32_000);
  });

  it('get no usage chunk when they do not ask for one, though we asked the upstream', async () => {
    for (const route of ROUTES) {
      gateway.upstreams[route.name].respondWith('refusal');
      const asked = { model: modelAt(route, 'text'), stream: true, messages: [{ role: 'user', content: 'hi' }] };
      const chunks = await dataOf(await post('/v1/chat/completions', asked, { authorization: `Bearer ${key()}` }));
      const withUsage = chunks.filter((chunk) => 'usage' in chunk);
      // Mistral tells it beside the finish reason, unasked; that chunk is its own.
      assert.equal(withUsage.length, route.name === 'mistral' ? 1 : 0, route.name);
      assert.ok(
        chunks.every((chunk) => chunk.choices.length > 0 || chunk.prompt_filter_results),
        route.name,
      );
    }
  });
});

describe('curl', () => {
  const body = JSON.stringify({
    model: 'fast',
    messages: [{ role: 'user', content: 'hi' }],
    reasoning_effort: 'low',
  });

  it('needs neither a key on a node without keys, nor a content type', async () => {
    gateway.upstreams.openai.respondWith('reasoning');
    for (const headers of [{ 'content-type': 'application/x-www-form-urlencoded' }, undefined]) {
      // Without a type at all: fetch names none for bytes.
      const sent = headers ? body : new TextEncoder().encode(body);
      const response = await fetch(`${open.url}/v1/chat/completions`, {
        method: 'POST',
        body: sent,
        ...(headers && { headers }),
      });
      const answer: any = await response.json();
      assert.equal(response.status, 200);
      assert.equal(answer.choices[0].message.content, PLAIN);
    }
  });

  it('gets a sentence when the body is not what it should be', async () => {
    const broken: readonly (readonly [string, RegExp])[] = [
      ['', /no body/],
      ['{"model": "fast"', /not valid JSON/],
      ['[]', /must be a JSON object/],
      ['{"model": "fast", "messages": "hi"}', /messages/],
      ['{"messages": []}', /model/],
    ];
    for (const [text, pattern] of broken) {
      const response = await fetch(`${open.url}/v1/chat/completions`, { method: 'POST', body: text });
      const answer: any = await response.json();
      assert.equal(response.status, 400, text);
      assert.match(answer.error.message, pattern);
      assert.equal(answer.error.type, 'invalid_request_error');
    }
  });
});

describe('base URLs as people write them', () => {
  const chat = { model: 'fast', messages: [{ role: 'user', content: 'hi' }], reasoning_effort: 'low' };
  const messages = { ...chat, model: 'smart', max_tokens: 9_000, thinking: { type: 'enabled', budget_tokens: 2_048 } };
  const { reasoning_effort: _, ...message } = messages;
  const contents = {
    contents: [{ role: 'user', parts: [{ text: 'hi' }] }],
    generationConfig: { thinkingConfig: { thinkingBudget: 2_048, includeThoughts: true } },
  };
  const responses = { model: 'fast', input: 'hi', reasoning: { effort: 'low' } };
  const PATHS: readonly (readonly [string, object])[] = [
    ['/v1/chat/completions', chat],
    ['/chat/completions', chat],
    ['/v1/v1/chat/completions', chat],
    ['/openai/v1/chat/completions', chat],
    ['/api/v1/chat/completions', chat],
    ['//v1/chat/completions', chat],
    ['/v1/chat/completions/', chat],
    ['/responses', responses],
    ['/v1/v1/responses', responses],
    ['/messages', message],
    ['/v1/v1/messages', message],
    ['/anthropic/v1/messages', message],
    ['/v1/v1beta/models/smart:generateContent', contents],
    ['/v1/models/smart:generateContent', contents],
    ['/models/smart:generateContent', contents],
  ];
  for (const [path, body] of PATHS) {
    it(`${path} is understood`, async () => {
      for (const upstream of [gateway.upstreams.openai, gateway.upstreams.anthropic]) upstream.respondWith('reasoning');
      const response = await post(path, body, { authorization: `Bearer ${key()}` });
      const text = await response.text();
      assert.equal(response.status, 200, text);
      assert.ok(text.includes(PLAIN), text);
    });
  }

  it('other paths are 404 in JSON, and a wrong method is 405', async () => {
    const response = await post('/v1/chat/nothing', {}, { authorization: `Bearer ${key()}` });
    assert.equal(response.status, 404);
    assert.match(((await response.json()) as any).error.message, /Unknown endpoint/);
    const got = await fetch(`${gateway.url}/v1/chat/completions`, { headers: { authorization: `Bearer ${key()}` } });
    assert.equal(got.status, 405);
  });
});

describe('keys', () => {
  const ROUTE: RouteSpec = routeNamed('anthropic');
  const chat = {
    model: modelAt(ROUTE, 'text'),
    max_tokens: 9_000,
    messages: [{ role: 'user', content: 'hi' }],
  };
  const CARRIERS: readonly (readonly [string, (secret: string) => Record<string, string>])[] = [
    ['Authorization: Bearer', (secret) => ({ authorization: `Bearer ${secret}` })],
    ['authorization: bearer', (secret) => ({ authorization: `bearer ${secret}` })],
    ['x-api-key', (secret) => ({ 'x-api-key': secret })],
    ['x-goog-api-key', (secret) => ({ 'x-goog-api-key': secret })],
    ['api-key', (secret) => ({ 'api-key': secret })],
  ];
  for (const [name, headers] of CARRIERS) {
    it(`are taken from ${name} at every endpoint`, async () => {
      gateway.upstreams.anthropic.respondWith('refusal');
      for (const path of ['/v1/chat/completions', '/v1/messages']) {
        assert.equal((await post(path, chat, headers(key()))).status, 200, path);
        assert.equal((await post(path, chat, headers('wrong'))).status, 401, path);
      }
    });
  }

  it('are taken from ?key= as Google allows', async () => {
    gateway.upstreams.anthropic.respondWith('refusal');
    const model = modelFor('anthropic', 'text');
    const path = `/v1beta/models/anthropic/${model}:generateContent`;
    const body = { contents: [{ parts: [{ text: 'hi' }] }] };
    assert.equal((await post(`${path}?key=${key()}`, body)).status, 200);
    assert.equal((await post(`${path}?key=wrong`, body)).status, 401);
  });

  it('that are missing or wrong raise the typed error of each SDK', async () => {
    const openai = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: 'wrong', maxRetries: 0 });
    const ask = { model: 'fast', messages: [{ role: 'user' as const, content: 'hi' }] };
    await assert.rejects(openai.chat.completions.create(ask), OpenAI.AuthenticationError);
    await assert.rejects(openai.responses.create({ model: 'fast', input: 'hi' }), OpenAI.AuthenticationError);
    const anthropic = new Anthropic({ baseURL: gateway.url, apiKey: 'wrong', maxRetries: 0 });
    await assert.rejects(anthropic.messages.create({ ...ask, max_tokens: 9 }), Anthropic.AuthenticationError);
    const google = new GoogleGenAI({ apiKey: 'wrong', httpOptions: { baseUrl: gateway.url } });
    await assert.rejects(google.models.generateContent({ model: 'fast', contents: 'hi' }), { status: 401 });
    const bare = await post('/v1/messages', ask);
    assert.equal(bare.status, 401);
    assert.deepEqual(Object.keys((await bare.json()) as object).slice(0, 2), ['type', 'error']);
  });
});
