// The cache on a whole node: one answer for clients of every dialect, one upstream call for many clients, what the ledger
// says of it, and what becomes of it when the node starts again.

import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI } from '@google/genai';
import OpenAI from 'openai';
import { GATEWAY_MIGRATIONS } from '../../src/node-files.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { systemRandom } from '../../src/system/system-random.ts';
import { KeyStore, type NewKey } from '../../src/tenancy/key-store.ts';
import { completion, DONE, JSON_HEADERS, ROLE, SSE_HEADERS, STOP, text, USAGE } from '../support/chat-wire.ts';
import { type PartialConfig, startNode, type TestNode } from '../support/node.ts';
import { type RawHandler, startRawUpstream } from '../support/raw-upstream.ts';

const SCHEMA = { type: 'object', properties: { city: { type: 'string' } } };
const CALL = { id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Paris"}' } };
const TEXT = 'It is sunny in Paris, and it will stay so for the whole of the week. '.repeat(10).trim();

const textAnswer: RawHandler = (response) =>
  response.writeHead(200, JSON_HEADERS).end(JSON.stringify(completion(TEXT)));
const toolAnswer: RawHandler = (response) => {
  const answer = completion('');
  const message = { role: 'assistant', content: null, tool_calls: [CALL] };
  const choices = [{ index: 0, message, finish_reason: 'tool_calls' }];
  response.writeHead(200, JSON_HEADERS).end(JSON.stringify({ ...answer, choices }));
};

const CACHED: PartialConfig = {
  chains: { main: ['a/one'] },
  prices: [{ model: 'one', input: 100_000, output: 100_000 }],
  retries: { max: 0 },
  cache: { isEnabled: true, requests: 'all' },
};

async function cachingNode(handler: RawHandler, config: PartialConfig = {}) {
  const upstream = await startRawUpstream(handler);
  const node = await startNode({ accounts: { a: { url: upstream.url } }, ...CACHED, ...config });
  return {
    upstream,
    node,
    async [Symbol.asyncDispose]() {
      await node.stop();
      await upstream.close();
    },
  };
}

interface Row {
  status: string;
  cost: number | null;
  input_tokens: number;
  output_tokens: number;
  saved_tokens: number;
  saved_cost: number | null;
}

async function rowsOf(node: TestNode, count: number): Promise<Row[]> {
  await node.log.untilRequests(count);
  for (;;) {
    const rows = readRows(node);
    if (rows.length >= count && rows.every(({ status }) => status !== 'open')) return rows;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function readRows(node: TestNode): Row[] {
  const database = openDatabase(join(node.dataDirectory, 'gateway.db'), GATEWAY_MIGRATIONS);
  try {
    return database.prepare<[], Row>('SELECT * FROM ledger ORDER BY started_at, status DESC').all();
  } finally {
    database.close();
  }
}

interface SeenAnswer {
  readonly text: string;
  readonly calls: readonly unknown[];
  readonly usage: readonly (number | undefined)[];
}

const QUESTION = 'How is the weather in Paris?';
const SYSTEM = 'You are brief.';

/** The same question from users of the official SDKs. */
const CLIENTS: Readonly<Record<string, (url: string, isStream: boolean, hasTools: boolean) => Promise<SeenAnswer>>> = {
  async chat(url, isStream, hasTools) {
    const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'x', maxRetries: 0 });
    const params = {
      model: 'main',
      messages: [
        { role: 'system' as const, content: SYSTEM },
        { role: 'user' as const, content: QUESTION },
      ],
      max_tokens: 100,
      ...(hasTools && {
        tools: [
          { type: 'function' as const, function: { name: 'weather', description: 'Tells it.', parameters: SCHEMA } },
        ],
      }),
    };
    const answer = isStream
      ? await client.chat.completions
          .stream({ ...params, stream_options: { include_usage: true } })
          .finalChatCompletion()
      : await client.chat.completions.create(params);
    const message = answer.choices[0]?.message;
    return {
      text: message?.content ?? '',
      calls: (message?.tool_calls ?? []).map((call: any) => [call.function.name, JSON.parse(call.function.arguments)]),
      usage: [answer.usage?.prompt_tokens, answer.usage?.completion_tokens],
    };
  },
  async responses(url, isStream, hasTools) {
    const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'x', maxRetries: 0 });
    const params = {
      model: 'main',
      instructions: SYSTEM,
      input: QUESTION,
      max_output_tokens: 100,
      ...(hasTools && {
        tools: [
          {
            type: 'function' as const,
            name: 'weather',
            description: 'Tells it.',
            parameters: SCHEMA,
            strict: null as any,
          },
        ],
      }),
    };
    const answer = isStream
      ? await client.responses.stream(params).finalResponse()
      : await client.responses.create(params);
    return {
      text: answer.output_text ?? '',
      calls: answer.output.flatMap((item) =>
        item.type === 'function_call' ? [[item.name, JSON.parse(item.arguments)]] : [],
      ),
      usage: [answer.usage?.input_tokens, answer.usage?.output_tokens],
    };
  },
  async anthropic(url, isStream, hasTools) {
    const client = new Anthropic({ baseURL: url, apiKey: 'x', maxRetries: 0 });
    const params = {
      model: 'main',
      system: SYSTEM,
      messages: [{ role: 'user' as const, content: QUESTION }],
      max_tokens: 100,
      ...(hasTools && { tools: [{ name: 'weather', description: 'Tells it.', input_schema: SCHEMA as any }] }),
    };
    const answer = isStream
      ? await client.messages.stream(params).finalMessage()
      : await client.messages.create(params);
    return {
      text: answer.content.map((block) => (block.type === 'text' ? block.text : '')).join(''),
      calls: answer.content.flatMap((block) => (block.type === 'tool_use' ? [[block.name, block.input]] : [])),
      usage: [answer.usage.input_tokens, answer.usage.output_tokens],
    };
  },
  async gemini(url, isStream, hasTools) {
    const client = new GoogleGenAI({ apiKey: 'x', httpOptions: { baseUrl: url } });
    const params = {
      model: 'main',
      contents: QUESTION,
      config: {
        systemInstruction: SYSTEM,
        maxOutputTokens: 100,
        ...(hasTools && {
          tools: [
            { functionDeclarations: [{ name: 'weather', description: 'Tells it.', parametersJsonSchema: SCHEMA }] },
          ],
        }),
      },
    };
    const answers = isStream
      ? await collected(await client.models.generateContentStream(params))
      : [await client.models.generateContent(params)];
    const parts = answers.flatMap((answer) => answer.candidates?.[0]?.content?.parts ?? []);
    const usage = answers.at(-1)?.usageMetadata;
    return {
      text: parts.map((part) => part.text ?? '').join(''),
      calls: parts.flatMap(({ functionCall: call }) => (call ? [[call.name, call.args]] : [])),
      usage: [usage?.promptTokenCount, usage?.candidatesTokenCount],
    };
  },
};

async function collected<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const list: Item[] = [];
  for await (const item of items) list.push(item);
  return list;
}

describe('one answer serves the clients of every dialect', () => {
  for (const [name, handler, expected] of [
    ['text', textAnswer, { text: TEXT, calls: [], usage: [11, 7] }],
    ['a tool call', toolAnswer, { text: '', calls: [['weather', { city: 'Paris' }]], usage: [11, 7] }],
  ] as const) {
    test(name, async () => {
      await using all = await cachingNode(handler);
      for (const [client, ask] of Object.entries(CLIENTS)) {
        for (const isStream of [false, true]) {
          assert.deepEqual(
            await ask(all.node.url, isStream, handler === toolAnswer),
            expected,
            `${client} ${isStream}`,
          );
        }
      }
      assert.equal(all.upstream.requests.length, 1);
      const requests = await all.node.log.untilRequests(8);
      assert.deepEqual(
        requests.map(({ cache }) => cache),
        ['miss', ...Array.from({ length: 7 }, () => 'hit')],
      );
    });
  }
});

/** The same question as bytes. */
const WIRES: Readonly<Record<string, readonly [path: string, body: object]>> = {
  chat: ['/v1/chat/completions', { model: 'main', messages: [{ role: 'user', content: QUESTION }] }],
  'streamed chat': [
    '/v1/chat/completions',
    { model: 'main', messages: [{ role: 'user', content: QUESTION }], stream: true },
  ],
  completions: ['/v1/completions', { model: 'main', prompt: QUESTION }],
  responses: ['/v1/responses', { model: 'main', input: QUESTION }],
  'streamed responses': ['/v1/responses', { model: 'main', input: QUESTION, stream: true }],
  anthropic: [
    '/v1/messages',
    { model: 'main', max_tokens: 100, messages: [{ role: 'user', content: QUESTION }], stream: true },
  ],
  gemini: ['/v1beta/models/main:generateContent', { contents: [{ parts: [{ text: QUESTION }] }] }],
  ollama: ['/api/chat', { model: 'main', messages: [{ role: 'user', content: QUESTION }], stream: true }],
};

/** Names of 32 hexadecimal digits, and times. */
const NAMES = /[0-9a-f]{32}/g;
const TIMES = /\b1[0-9]{9}\b|\b20[0-9]{2}-[0-9T:.-]+Z|"[a-z_]+_duration":[0-9]+/g;

test('asked again, byte for byte, an answer reads as before, under a name of its own', async () => {
  for (const [client, [path, body]] of Object.entries(WIRES)) {
    await using all = await cachingNode(textAnswer);
    const { node } = all;
    const told: { readonly text: string; readonly names: readonly string[] }[] = [];
    for (let count = 0; count < 4; count += 1) {
      const response = await fetch(`${node.url}${path}`, { method: 'POST', body: JSON.stringify(body) });
      assert.equal(response.headers.get('x-flowmesh-cache'), count === 0 ? 'miss' : 'hit', client);
      const text = await response.text();
      told.push({ text: text.replace(NAMES, 'NAME').replace(TIMES, 'TIME'), names: text.match(NAMES) ?? [] });
    }
    const [, hit, ...others] = told;
    for (const { text, names } of others) {
      assert.equal(text, hit?.text, client);
      assert.deepEqual(
        names.filter((name) => hit?.names.includes(name)),
        [],
        client,
      );
    }
    const [, first, ...later] = (await node.log.untilRequests(4)).map(
      ({ inputTokens, outputTokens, finishReason, cache, target }) => ({
        inputTokens,
        outputTokens,
        finishReason,
        cache,
        target,
      }),
    );
    assert.deepEqual([first?.inputTokens, first?.outputTokens, first?.finishReason], [11, 7, 'stop'], client);
    for (const line of later) assert.deepEqual(line, first, client);
  }
});

test('the same bytes from another tenant, or after the answer was cleared, are asked anew', async () => {
  await using all = await cachingNode(textAnswer, { server: { apiKeys: ['k'] } });
  const { node } = all;
  const database = openDatabase(join(node.dataDirectory, 'gateway.db'), GATEWAY_MIGRATIONS);
  const keys = new KeyStore(database, systemClock, systemRandom);
  const outcomeOf = async (secret: string): Promise<string | null> => {
    const response = await node.chat({}, { headers: { authorization: `Bearer ${secret}` } });
    await response.text();
    return response.headers.get('x-flowmesh-cache');
  };
  const [acme, other] = ['acme', 'other'].map((tenant) => keys.createKey({ tenant, name: 'app' }).secret);
  const outcomes: (string | null)[] = [];
  for (const secret of [acme, acme, acme, other, other, acme]) outcomes.push(await outcomeOf(secret ?? ''));
  assert.deepEqual(outcomes, ['miss', 'hit', 'hit', 'miss', 'hit', 'hit']);
  const cleared = await fetch(`${node.url}/admin/cache?tenant=acme`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${await readFile(join(node.dataDirectory, 'admin.token'), 'utf8')}` },
  });
  assert.equal(cleared.status, 200);
  assert.deepEqual([await outcomeOf(acme ?? ''), await outcomeOf(other ?? '')], ['miss', 'hit']);
  database.close();
});

test('the same bytes under another key, with other headers or another configuration are looked at anew', async () => {
  await using all = await cachingNode(textAnswer, { server: { apiKeys: ['k'] } });
  const { node } = all;
  const database = openDatabase(join(node.dataDirectory, 'gateway.db'), GATEWAY_MIGRATIONS);
  const keys = new KeyStore(database, systemClock, systemRandom);
  const secretOf = (key: Partial<NewKey> = {}) => keys.createKey({ tenant: 'acme', name: 'app', ...key }).secret;
  const secret = secretOf();
  const ask = async (headers: Record<string, string> = {}): Promise<readonly [number, string | null, string]> => {
    const response = await node.chat({}, { headers: { authorization: `Bearer ${secret}`, ...headers } });
    return [response.status, response.headers.get('x-flowmesh-cache'), await response.text()];
  };
  const outcomeOf = async (headers?: Record<string, string>) => (await ask(headers)).slice(0, 2);
  /** In the ledger, as `status` and what was saved. */
  const expected: (readonly [string, number])[] = [];
  const twice = async (headers?: Record<string, string>): Promise<unknown[]> => {
    expected.push(['cached', 18], ['cached', 18]);
    return [await outcomeOf(headers), await outcomeOf(headers)];
  };
  const hits = [
    [200, 'hit'],
    [200, 'hit'],
  ];
  assert.deepEqual(await outcomeOf(), [200, 'miss']);
  expected.push(['done', 0]);
  assert.deepEqual(await twice(), hits);
  assert.deepEqual(await outcomeOf({ authorization: `Bearer ${secretOf({ scopes: { models: ['x'] } })}` }), [
    403,
    null,
  ]);
  assert.deepEqual(await twice({ authorization: `Bearer ${secretOf()}` }), hits);
  for (const headers of [{ 'cache-control': 'no-cache' }, { 'x-flowmesh-cache-namespace': 'mine' }]) {
    assert.deepEqual(await outcomeOf(headers), [200, 'miss'], JSON.stringify(headers));
    expected.push(['done', 0]);
    assert.deepEqual(await twice(), hits);
  }
  assert.deepEqual(await twice({ 'x-flowmesh-cache-namespace': 'mine' }), hits);
  const explained = await node.chat({}, { headers: { authorization: `Bearer ${secret}`, 'x-flowmesh-explain': '1' } });
  await explained.text();
  expected.push(['cached', 18]);
  assert.equal(typeof explained.headers.get('x-flowmesh-route'), 'string');
  assert.deepEqual(
    (await rowsOf(node, expected.length))
      .filter(({ status }) => status !== 'error')
      .map((row) => [row.status, row.saved_tokens]),
    expected,
  );
  node.reload({
    accounts: { a: { url: all.upstream.url } },
    ...CACHED,
    cache: { isEnabled: false },
    server: { apiKeys: ['k'] },
  });
  assert.deepEqual(await outcomeOf(), [200, null]);
  database.close();
});

test('headers tell of hit and age; a hit costs nothing and the ledger knows what it saved', async () => {
  await using all = await cachingNode(textAnswer);
  const { node } = all;
  const first = await node.chat();
  assert.deepEqual([first.headers.get('x-flowmesh-cache'), first.headers.get('age')], ['miss', null]);
  const second = await node.chat({ stream: true });
  assert.deepEqual([second.headers.get('x-flowmesh-cache'), second.headers.get('age')], ['hit', '0']);
  assert.equal(second.headers.get('x-flowmesh-target'), 'a/one');
  assert.equal((await second.text()).includes('[DONE]'), true);
  await first.text();
  const rows = await rowsOf(node, 2);
  // $0.10 a token.
  assert.deepEqual(
    rows.map(({ status, cost, input_tokens, output_tokens, saved_tokens, saved_cost }) => [
      status,
      cost === null ? null : Math.round(cost * 10),
      input_tokens,
      output_tokens,
      saved_tokens,
      saved_cost === null ? null : Math.round(saved_cost * 10),
    ]),
    [
      ['done', 18, 11, 7, 0, null],
      ['cached', 0, 0, 0, 18, 18],
    ],
  );
  const metrics = await node.metrics();
  for (const line of [
    'flowmesh_cache_requests_total{outcome="miss"} 1',
    'flowmesh_cache_requests_total{outcome="hit"} 1',
    'flowmesh_saved_tokens_total{by="cache"} 18',
    'flowmesh_cache_entries 1',
    'gen_ai_client_token_usage_total{gen_ai_token_type="output",target="a/one"} 7',
  ]) {
    assert.equal(metrics.includes(line), true, line);
  }
  assert.match(metrics, /flowmesh_cache_bytes [1-9]/);
});

test('a hundred clients at once, streaming and not, make one upstream call', async () => {
  let go = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    go = resolve;
  });
  await using all = await cachingNode(async (response) => {
    response.writeHead(200, SSE_HEADERS);
    response.write(ROLE + text('Hel'));
    await gate;
    response.end(text('lo') + STOP + USAGE + DONE);
  });
  const { node, upstream } = all;
  const ask = async (isStream: boolean): Promise<string> => {
    const response = await node.chat({ stream: isStream, max_tokens: 50 });
    const body = await response.text();
    if (!isStream) return JSON.parse(body).choices[0].message.content;
    return [...body.matchAll(/"content":"([^"]*)"/g)].map((match) => match[1]).join('');
  };
  const first = ask(true);
  await upstream.until(() => upstream.requests.length === 1);
  const others = Array.from({ length: 99 }, (_, index) => ask(index % 2 === 0));
  const cached = async (): Promise<string> => (await node.metrics()).match(/outcome="shared"} (\d+)/)?.[1] ?? '0';
  for (;;) {
    const { running } = (await (await fetch(`${node.url}/readyz`)).json()) as { running: number };
    if (running === 100) break;
  }
  go();
  assert.deepEqual(new Set(await Promise.all([first, ...others])), new Set(['Hello']));
  assert.equal(upstream.requests.length, 1);
  const rows = await rowsOf(node, 100);
  assert.deepEqual(
    [rows.filter(({ status }) => status === 'done').length, rows.filter(({ status }) => status === 'cached').length],
    [1, 99],
  );
  assert.equal(await cached(), '99');
});

test('a hit needs the key’s scopes and counts as a request; its tokens do not count', async () => {
  await using all = await cachingNode(textAnswer, { server: { apiKeys: ['k'] } });
  const { node } = all;
  const database = openDatabase(join(node.dataDirectory, 'gateway.db'), GATEWAY_MIGRATIONS);
  const keys = new KeyStore(database, systemClock, systemRandom);
  const headersOf = (key: Partial<NewKey>) => ({
    headers: { authorization: `Bearer ${keys.createKey({ tenant: 'acme', name: 'app', ...key }).secret}` },
  });
  const limited = headersOf({ limits: { requestsPerMinute: 3, tokensPerMinute: 40 } });
  const outcomes: [number, string | null][] = [];
  for (let count = 0; count < 4; count += 1) {
    const response = await node.chat({ max_tokens: 10 }, limited);
    outcomes.push([response.status, response.headers.get('x-flowmesh-cache')]);
    await response.text();
  }
  assert.deepEqual(outcomes, [
    [200, 'miss'],
    [200, 'hit'],
    [200, 'hit'],
    [429, null],
  ]);
  const refused = await node.chat({ max_tokens: 10 }, headersOf({ scopes: { models: ['other'] } }));
  assert.equal(refused.status, 403);
  const stranger = await node.chat({ max_tokens: 10 }, { headers: { authorization: 'Bearer k' } });
  assert.equal(stranger.headers.get('x-flowmesh-cache'), 'miss', 'of another tenant');
  database.close();
});

test('answers survive the node; a damaged file costs them and nothing else', async () => {
  const upstream = await startRawUpstream(textAnswer);
  const dataDirectory = await mkdtemp(join(tmpdir(), 'flowmesh-kept-'));
  const config = { accounts: { a: { url: upstream.url } }, ...CACHED, dataDirectory };
  const cacheOf = async (): Promise<[string | null, number]> => {
    const node = await startNode(config);
    const response = await node.chat();
    await response.text();
    await node.stop();
    return [response.headers.get('x-flowmesh-cache'), node.log.lines.filter(({ level }) => level === 'warn').length];
  };
  assert.deepEqual(await cacheOf(), ['miss', 0]);
  assert.deepEqual(await cacheOf(), ['hit', 0]);
  await writeFile(join(dataDirectory, 'cache.db'), 'no database '.repeat(1_000));
  await rm(join(dataDirectory, 'cache.db-wal'), { force: true });
  assert.deepEqual(await cacheOf(), ['miss', 1]);
  assert.deepEqual(await cacheOf(), ['hit', 0]);
  for (const suffix of ['', '-wal', '-shm']) await rm(join(dataDirectory, `cache.db${suffix}`), { force: true });
  assert.deepEqual(await cacheOf(), ['miss', 0]);
  await rm(dataDirectory, { recursive: true, force: true });
  await upstream.close();
});

test('compacted prompts are sent, and what that saved is recorded', async () => {
  await using all = await cachingNode(textAnswer, { cache: {}, compaction: { isEnabled: true } });
  const { node, upstream } = all;
  const content = JSON.stringify({ rows: Array.from({ length: 200 }, () => 1) }, null, 2);
  const messages = [
    { role: 'user', content: 'Look.   \n\n\n\n\n\nNow.' },
    { role: 'assistant', content: null, tool_calls: [CALL] },
    { role: 'tool', tool_call_id: 'call_1', content },
  ];
  await (await node.chat({ messages, logit_bias: { 5: 1 } })).text();
  const sent = JSON.parse(upstream.requests[0]?.body ?? '');
  assert.equal(sent.messages[0].content, 'Look.\n\n\nNow.');
  assert.equal(sent.messages[2].content, content.replaceAll(/\s/g, ''));
  assert.deepEqual(sent.logit_bias, { 5: 1 });
  const [row] = await rowsOf(node, 1);
  const [request] = await node.log.untilRequests(1);
  assert.equal(row?.status, 'done');
  assert.equal((row?.saved_tokens ?? 0) > 100, true);
  assert.equal(request?.compactedTokens, row?.saved_tokens);
  assert.equal(
    (await node.metrics()).includes(`flowmesh_saved_tokens_total{by="compaction"} ${row?.saved_tokens}`),
    true,
  );
});
