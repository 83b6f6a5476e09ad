// Tenants on a whole node: what their keys may do, what their limits refuse, and that the ledger holds the truth.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { GATEWAY_MIGRATIONS } from '../../src/node-files.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { systemRandom } from '../../src/system/system-random.ts';
import { KeyStore, type NewKey } from '../../src/tenancy/key-store.ts';
import { completion, JSON_HEADERS, ROLE, SSE_HEADERS, text } from '../support/chat-wire.ts';
import { commandPlace } from '../support/command.ts';
import { type PartialConfig, startNode } from '../support/node.ts';
import { type RawHandler, startRawUpstream } from '../support/raw-upstream.ts';

/** 11 tokens in, 7 out. */
const answer: RawHandler = (response) => response.writeHead(200, JSON_HEADERS).end(JSON.stringify(completion('Hi')));

interface Row {
  request_id: string;
  status: string;
  tenant: string;
  input_tokens: number;
  output_tokens: number;
  cost: number | null;
}

function openState(dataDirectory: string) {
  const database = openDatabase(join(dataDirectory, 'gateway.db'), GATEWAY_MIGRATIONS);
  return {
    store: new KeyStore(database, systemClock, systemRandom),
    rows: () => database.prepare<[], Row>('SELECT * FROM ledger ORDER BY started_at, request_id').all(),
    /** Entries come into the table a moment after their requests' ends. */
    async entered(count: number): Promise<Row[]> {
      while (this.rows().length < count) await new Promise((resolve) => setTimeout(resolve, 10));
      return this.rows();
    },
    [Symbol.dispose]: () => void database.close(),
  };
}

async function tenancyNode(handler: RawHandler, config: PartialConfig = {}) {
  const upstream = await startRawUpstream(handler);
  const node = await startNode({
    accounts: { a: { url: upstream.url } },
    chains: { main: ['a/one'], other: ['a/one'] },
    // $0.10 a token: 18 tokens are $1.80.
    prices: [{ model: 'one', input: 100_000, output: 100_000 }],
    retries: { max: 0 },
    ...config,
  });
  const state = openState(node.dataDirectory);
  return {
    upstream,
    node,
    ...state,
    /** What a client sends who has such a key. */
    headersOf: (key: Partial<NewKey> = {}) => ({
      authorization: `Bearer ${state.store.createKey({ tenant: 'acme', name: 'app', ...key }).secret}`,
    }),
    async [Symbol.asyncDispose]() {
      state[Symbol.dispose]();
      await node.stop();
      await upstream.close();
    },
  };
}

/** A node looks for what the command line has changed every 20 ms. */
function untilNoticed(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 30));
}

async function errorOf(response: Response): Promise<{ message: string; code: string; type: string }> {
  return ((await response.json()) as any).error;
}

describe('scopes', () => {
  test('a key is refused the models, chains and endpoints it does not have, before anything is sent', async () => {
    await using all = await tenancyNode(answer);
    const { node, upstream, headersOf } = all;
    const refusals: [NewKey['scopes'], RegExp][] = [
      [{ models: ['oth*'] }, /may not use the model 'main'/],
      [{ chains: ['other'] }, /may not use the model 'main'\. It may use: other\./],
      [{ endpoints: ['embeddings'] }, /may not use chat\. It may use: embeddings\./],
      [{ cidrs: ['192.0.2.0/24'] }, /may not be used from this address/],
    ];
    for (const [scopes, message] of refusals) {
      const response = await node.chat({}, { headers: headersOf({ scopes: scopes ?? {} }) });
      assert.equal(response.status, 403);
      assert.match((await errorOf(response)).message, message);
    }
    assert.equal(upstream.requests.length, 0);
    const allowed = { models: ['ma*'], chains: ['main'], endpoints: ['chat'], cidrs: ['127.0.0.0/8'] };
    assert.equal((await node.chat({}, { headers: headersOf({ scopes: allowed }) })).status, 200);
  });

  test('a refusal tells no key whether a name that it may not use exists', async () => {
    await using all = await tenancyNode(answer);
    const { node, headersOf } = all;
    const refusalOf = async (model: string, scopes: NonNullable<NewKey['scopes']>): Promise<unknown> => {
      const response = await node.chat({ model }, { headers: headersOf({ scopes }) });
      return [response.status, (await errorOf(response)).message.replace(model, 'NAME')];
    };
    for (const scopes of [{ models: ['other'] }, { chains: ['other'] }, { endpoints: ['audio'] }]) {
      const refusal = await refusalOf('main', scopes);
      assert.deepEqual(await refusalOf('nobody', scopes), refusal, JSON.stringify(scopes));
    }
    assert.deepEqual(await refusalOf('ghost', { models: ['gh*'] }), [
      404,
      "No chain, alias or account serves the model 'NAME'. Known: none.",
    ]);
  });

  test('metrics, which tell of all tenants, are for keys that may have them', async () => {
    await using all = await tenancyNode(answer);
    const statusOf = async (scopes: NonNullable<NewKey['scopes']>): Promise<number> =>
      (await fetch(`${all.node.url}/metrics`, { headers: all.headersOf({ scopes }) })).status;
    assert.equal(await statusOf({}), 200);
    assert.equal(await statusOf({ endpoints: ['metrics'] }), 200);
    assert.equal(await statusOf({ endpoints: ['chat', 'embeddings'] }), 403);
    const scraper = all.headersOf({ scopes: { endpoints: ['metrics'] } });
    assert.equal((await all.node.chat({}, { headers: scraper })).status, 403);
  });

  test('a running node takes a key as soon as the command line has made it, and a moment later needs one of everybody', async () => {
    await using all = await tenancyNode(answer);
    const { node, store, headersOf } = all;
    assert.equal((await node.chat()).status, 200);
    const headers = headersOf();
    assert.equal((await node.chat({}, { headers })).status, 200, 'a new key is known at once');
    await untilNoticed();
    assert.equal((await node.chat()).status, 401);
    const [key] = store.keys();
    store.revokeKey(key?.id ?? '');
    await untilNoticed();
    assert.equal((await node.chat({}, { headers })).status, 401);
  });
});

describe('limits', () => {
  test('requests past the limit of a minute get 429 with the wait and the usual headers', async () => {
    await using all = await tenancyNode(answer);
    const headers = all.headersOf({ limits: { requestsPerMinute: 1 } });
    const first = await all.node.chat({}, { headers });
    await first.text();
    assert.deepEqual(
      [
        first.status,
        first.headers.get('x-ratelimit-limit-requests'),
        first.headers.get('x-ratelimit-remaining-requests'),
      ],
      [200, '1', '0'],
    );
    const second = await all.node.chat({}, { headers });
    assert.equal(second.status, 429);
    const wait = Number(second.headers.get('retry-after'));
    assert.ok(wait > 0 && wait <= 60, `${wait}`);
    const { message, type, code } = await errorOf(second);
    assert.match(message, /^The limit of 1 requests a minute of key:key_\w+ is reached\.$/);
    assert.deepEqual([type, code], ['rate_limit_error', 'rate_limit_exceeded']);
    assert.equal(all.upstream.requests.length, 1);
  });

  test('tokens past the limit of a minute get 429, and headers tell what is left', async () => {
    await using all = await tenancyNode(answer);
    const headers = all.headersOf({ limits: { tokensPerMinute: 18 } });
    const first = await all.node.chat({ max_tokens: 7 }, { headers });
    await first.text();
    assert.equal(first.headers.get('x-ratelimit-limit-tokens'), '18');
    await all.node.log.untilRequests(1);
    const second = await all.node.chat({ max_tokens: 7 }, { headers });
    assert.equal(second.status, 429);
    assert.match((await errorOf(second)).message, /18 tokens a minute/);
  });

  test('the limit of a model holds whichever of its names a client writes', async () => {
    await using all = await tenancyNode(answer, {
      aliases: { nick: 'a/one' },
      chains: { main: ['a/other'], second: ['a/one'] },
    });
    const limits = { models: { one: { costPerDay: 5 } } };
    const headers = all.headersOf({ limits });
    for (const [count, model] of ['nick', 'a/one', 'one'].entries()) {
      assert.equal((await all.node.chat({ model }, { headers })).status, 200, model);
      await all.entered(count + 1);
    }
    for (const model of ['nick', 'a/one', 'one']) {
      assert.equal((await all.node.chat({ model }, { headers })).status, 402, model);
    }
    assert.equal((await all.node.chat({}, { headers })).status, 200, 'another model has no limit');
  });

  for (const promptTokens of [3, 15]) {
    test(`of two hundred requests at once with a hundred tokens left, no more than fit are sent, each with ${promptTokens} and 7 tokens`, async () => {
      const used = promptTokens + 7;
      const usage = { prompt_tokens: promptTokens, completion_tokens: 7 };
      await using all = await tenancyNode((response) =>
        response.writeHead(200, JSON_HEADERS).end(JSON.stringify(completion('Hi', usage))),
      );
      const headers = all.headersOf({ limits: { tokensPerMinute: 100 } });
      const responses = await Promise.all(
        Array.from({ length: 200 }, () => all.node.chat({ max_tokens: 7 }, { headers })),
      );
      const admitted = responses.filter(({ status }) => status === 200).length;
      assert.deepEqual(new Set(responses.map(({ status }) => status)), new Set([200, 429]));
      assert.equal(all.upstream.requests.length, admitted);
      assert.ok(admitted >= 2 && admitted * used <= 100 + used, `${admitted} requests were admitted`);
      await Promise.all(responses.map((response) => response.text()));
    });
  }

  test('requests that may need more than the whole limit are sent one at a time', async () => {
    const held: (() => void)[] = [];
    await using all = await tenancyNode((response, request, index) => {
      held.push(() => answer(response, request, index));
    });
    const headers = all.headersOf({ limits: { tokensPerMinute: 100 } });
    let refused = 0;
    const responses = Array.from({ length: 200 }, async () => {
      const response = await all.node.chat({}, { headers });
      if (response.status === 429) refused += 1;
      if (refused === 199) for (const release of held.splice(0)) release();
      return response.status;
    });
    const statuses = await Promise.all(responses);
    assert.equal(statuses.filter((status) => status === 200).length, 1);
    assert.equal(all.upstream.requests.length, 1);
  });

  const ASKED: readonly [path: string, body: object, read: (body: any) => unknown, expected: unknown][] = [
    [
      '/v1/chat/completions',
      { model: 'main', messages: [{ role: 'user', content: 'x' }] },
      ({ error }) => [error.type, error.code],
      ['insufficient_quota', 'budget_exhausted'],
    ],
    ['/v1/responses', { model: 'main', input: 'x' }, ({ error }) => error.code, 'budget_exhausted'],
    [
      '/v1/messages',
      { model: 'main', max_tokens: 5, messages: [{ role: 'user', content: 'x' }] },
      ({ type, error }) => [type, error.type],
      ['error', 'billing_error'],
    ],
    [
      '/v1beta/models/main:generateContent',
      { contents: [{ role: 'user', parts: [{ text: 'x' }] }] },
      ({ error }) => [error.code, error.status],
      [402, 'RESOURCE_EXHAUSTED'],
    ],
    [
      '/api/chat',
      { model: 'main', messages: [{ role: 'user', content: 'x' }] },
      ({ error }) => /^The budget of \$1 a day of tenant:acme is used up\.$/.test(error),
      true,
    ],
  ];

  test('a refusal says in every dialect how the limits stand', async () => {
    await using all = await tenancyNode(answer);
    const headers = all.headersOf({ limits: { requestsPerMinute: 1, tokensPerMinute: 1_000 } });
    await (await all.node.chat({}, { headers })).text();
    await all.node.log.untilRequests(1);
    for (const [path, body] of ASKED) {
      const response = await all.node.post(path, body, { headers });
      const told = (name: string) => response.headers.get(`x-ratelimit-${name}`);
      const names = ['limit-requests', 'remaining-requests', 'limit-tokens', 'remaining-tokens'];
      assert.deepEqual([response.status, ...names.map(told)], [429, '1', '0', '1000', '982'], path);
      assert.match(told('reset-requests') ?? '', /^(\d+s|1m0s)$/);
      assert.match(told('reset-tokens') ?? '', /^(\d+s|1m0s)$/);
      assert.match(told('reset') ?? '', /^\d+$/);
      await response.text();
    }
  });

  test('a budget that is used up answers 402 in the dialect of the client', async () => {
    await using all = await tenancyNode(answer);
    all.store.putTenant('acme', { limits: { costPerDay: 1, requestsPerMinute: 9 } });
    const headers = all.headersOf();
    assert.equal((await all.node.chat({}, { headers })).status, 200);
    await all.node.log.untilRequests(1);
    for (const [path, body, read, expected] of ASKED) {
      const response = await all.node.post(path, body, { headers });
      assert.equal(response.status, 402, path);
      assert.ok(Number(response.headers.get('retry-after')) > 0, path);
      assert.equal(response.headers.get('x-ratelimit-remaining-requests'), '8', path);
      assert.deepEqual(read(await response.json()), expected, path);
    }
    assert.equal(all.upstream.requests.length, 1);
  });
});

test('a bound of less than nothing holds as much as none, in every dialect', async () => {
  await using all = await tenancyNode(answer);
  const { node, headersOf } = all;
  const bounded: readonly (readonly [path: string, body: object])[] = [
    ['/v1/chat/completions', { model: 'main', messages: [{ role: 'user', content: 'Hi' }], max_tokens: -1_000_000 }],
    ['/v1/completions', { model: 'main', prompt: 'Hi', max_tokens: -1_000_000 }],
    ['/v1/responses', { model: 'main', input: 'Hi', max_output_tokens: -1_000_000 }],
    [
      '/v1beta/models/main:generateContent',
      { contents: [{ parts: [{ text: 'Hi' }] }], generationConfig: { maxOutputTokens: -1_000_000 } },
    ],
    ['/api/generate', { model: 'main', prompt: 'Hi', stream: false, options: { num_predict: -1_000_000 } }],
  ];
  for (const [path, body] of bounded) {
    const headers = headersOf({ limits: { tokensPerMinute: 5_000 } });
    const response = await node.post(path, body, { headers });
    assert.equal(response.status, 200, path);
    // 1,000 tokens of answer, and a little less with each shorter one.
    const remaining = Number(response.headers.get('x-ratelimit-remaining-tokens'));
    assert.ok(remaining < 4_300, `${path} left ${remaining}`);
    await response.text();
  }
  const wrong = { model: 'main', messages: [{ role: 'user', content: 'Hi' }], max_tokens: -1 };
  const refused = await node.post('/v1/messages', wrong, { headers: headersOf() });
  assert.deepEqual(
    [refused.status, (await errorOf(refused)).message],
    [400, 'max_tokens: Input should be greater than or equal to 0'],
  );
});

test('a form cannot name a second model that its key may not use', async () => {
  await using all = await tenancyNode(answer);
  const form = new FormData();
  form.append('model', 'main');
  form.append('model', 'dear');
  form.append('file', new Blob(['…']), 'a.wav');
  const headers = all.headersOf({ scopes: { models: ['main'] } });
  const refused = await fetch(`${all.node.url}/v1/audio/transcriptions`, { method: 'POST', body: form, headers });
  assert.deepEqual([refused.status, (await errorOf(refused)).message], [400, "The form has the field 'model' twice."]);
  assert.equal(all.upstream.requests.length, 0);
});

describe('whose key is sent', () => {
  test("a client's own key goes to its provider only, and is in no log, file or metric", async () => {
    const OWN = 'sk-own-secret-0123456789';
    await using other = await startRawUpstream(answer);
    await using openai = await startRawUpstream((response) =>
      response.writeHead(500, JSON_HEADERS).end(JSON.stringify({ error: { message: 'broken' } })),
    );
    await using all = await tenancyNode(answer, {
      accounts: {
        ours: { provider: 'openai', url: openai.url, keys: ['our-openai-key'] },
        second: { provider: 'groq', url: other.url, keys: ['our-groq-key'] },
      },
      chains: { main: ['ours/one', 'second/two'] },
    });
    const response = await all.node.chat({}, { headers: { 'x-provider-key': `openai=${OWN}` } });
    assert.equal(response.status, 200);
    await response.text();
    assert.deepEqual(
      openai.requests.map(({ message }) => message.headers.authorization),
      [`Bearer ${OWN}`],
    );
    assert.deepEqual(
      other.requests.map(({ message }) => [message.headers.authorization, message.headers['x-provider-key']]),
      [['Bearer our-groq-key', undefined]],
    );
    openai.handler = (answerTo) =>
      answerTo
        .writeHead(401, JSON_HEADERS)
        .end(JSON.stringify({ error: { message: `Incorrect API key provided: ${OWN}`, code: 'invalid_api_key' } }));
    const refused = await all.node.chat({}, { headers: { 'x-provider-key': `openai=${OWN}` } });
    const told = await refused.text();
    await all.node.log.untilRequests(2);
    const files = readdirSync(all.node.dataDirectory).map((name) => readFileSync(join(all.node.dataDirectory, name)));
    const everything = [told, JSON.stringify(all.node.log.lines), await all.node.metrics(), ...files].join('\n');
    assert.ok(everything.includes('openai-chat'), 'the log was read');
    assert.ok(!everything.includes(OWN));
  });

  test("a client's own key for a provider that nobody knows is refused, so that ours does not pay", async () => {
    await using all = await tenancyNode(answer);
    const ask = (key: string) => all.node.chat({}, { headers: { 'x-provider-key': key } });
    const refused = await ask('openai-compatibel=sk-own-secret');
    assert.equal(refused.status, 400);
    assert.equal((await errorOf(refused)).message, 'x-provider-key names a provider that flowmesh does not know.');
    assert.equal((await ask('OpenAI-Compatible=sk-own-secret')).status, 200);
    assert.deepEqual(
      all.upstream.requests.map(({ message }) => message.headers.authorization),
      ['Bearer sk-own-secret'],
    );
  });

  test("a tenant bound to an account uses its key, and nobody else's", async () => {
    await using all = await tenancyNode(answer);
    const { node, upstream, store, headersOf } = all;
    node.reload({
      accounts: {
        shared: { provider: 'openai', url: upstream.url, keys: ['shared-key'] },
        acme: { provider: 'openai', url: upstream.url, keys: ['acme-key'] },
      },
      chains: { main: ['shared/one'] },
    });
    store.putTenant('acme', { accounts: { openai: 'acme' } });
    const bound = await node.chat({}, { headers: headersOf() });
    await (await node.chat({}, { headers: headersOf({ tenant: 'other' }) })).text();
    assert.equal(bound.headers.get('x-flowmesh-target'), 'acme/one');
    assert.deepEqual(
      upstream.requests.map(({ message }) => message.headers.authorization),
      ['Bearer acme-key', 'Bearer shared-key'],
    );
  });
});

describe('the ledger', () => {
  test('every ending settles its entry once: answered, failed, left, cut', async () => {
    await using all = await tenancyNode(answer);
    const { node, upstream } = all;
    const ask = (id: string, body: object = {}, init: RequestInit = {}) =>
      node.chat(body, { ...init, headers: { 'x-request-id': id } });

    await (await ask('1-ok')).text();
    upstream.handler = (response) => response.writeHead(500, JSON_HEADERS).end('{"error":{"message":"broken"}}');
    assert.equal((await ask('2-error')).status, 502);
    upstream.handler = (response) => response.writeHead(200, SSE_HEADERS).write(ROLE + text('Some words'));
    const client = new AbortController();
    const left = await ask('3-left', { stream: true }, { signal: client.signal });
    await left.body?.getReader().read();
    client.abort();
    await node.log.untilRequests(3);
    upstream.handler = (response) => {
      response.writeHead(200, SSE_HEADERS).write(ROLE + text('Some words'), () => response.destroy());
    };
    await (await ask('4-cut', { stream: true })).text().catch(() => 'broken off');
    await node.log.untilRequests(4);
    upstream.handler = () => undefined;
    const early = new AbortController();
    const answering = ask('5-left-early', {}, { signal: early.signal }).catch(() => 'left');
    await upstream.until(() => upstream.requests.length === 5);
    early.abort();
    assert.equal(await answering, 'left');
    await node.log.untilRequests(5);
    const entered = await all.entered(5);
    assert.deepEqual(
      entered.map(({ request_id, status }) => [request_id, status]),
      [
        ['1-ok', 'done'],
        ['2-error', 'error'],
        ['3-left', 'aborted'],
        ['4-cut', 'error'],
        ['5-left-early', 'aborted'],
      ],
    );
    const [ok, error, , , leftEarly] = entered;
    assert.deepEqual([ok?.input_tokens, ok?.output_tokens, ok?.cost], [11, 7, 1.8]);
    assert.deepEqual([error?.input_tokens, error?.output_tokens], [0, 0]);
    // Its upstream had the prompt, and bills it.
    assert.deepEqual([leftEarly?.input_tokens, leftEarly?.output_tokens, leftEarly?.cost], [6, 0, 0.6]);
  });

  test('requests that a client gives the same id are all entered', async () => {
    await using all = await tenancyNode(answer);
    for (let i = 0; i < 3; i += 1) await (await all.node.chat({}, { headers: { 'x-request-id': 'same' } })).text();
    await all.node.log.untilRequests(3);
    const entered = await all.entered(3);
    assert.deepEqual(
      entered.map(({ status, cost }) => [status, cost]),
      Array(3).fill(['done', 1.8]),
    );
    assert.ok(entered.every(({ request_id }) => request_id === 'same'));
  });

  test('it never holds a word of prompt or answer', async () => {
    await using all = await tenancyNode((response) =>
      response.writeHead(200, JSON_HEADERS).end(JSON.stringify(completion('answerwordxyz'))),
    );
    const messages = [
      { role: 'system', content: 'systemwordxyz' },
      { role: 'user', content: 'promptwordxyz' },
    ];
    await (await all.node.chat({ messages })).text();
    await all.node.log.untilRequests(1);
    const stored = JSON.stringify(await all.entered(1));
    assert.match(stored, /"done"/);
    assert.doesNotMatch(stored, /wordxyz/);
  });

  test('a process killed under load leaves a ledger that equals what was served, and nothing twice', async () => {
    const SERVED = 30;
    const HELD = 10;
    using place = commandPlace();
    await using upstream = await startRawUpstream((response, request, index) => {
      if (index < SERVED) void answer(response, request, index);
    });
    // It takes connections and never finishes their handshake: what waits for it was never sent.
    await using silent = createTcpServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    let waitingCount = 0;
    silent.on('connection', (socket) => {
      waitingCount += 1;
      socket.on('error', () => undefined).resume();
    });
    const config = place.write(
      'config.yaml',
      `accounts:
  up: {provider: openai-compatible, url: "${upstream.url}", key: k, models: [one]}
  silent: {provider: openai-compatible, url: "https://127.0.0.1:${(silent.address() as AddressInfo).port}", key: k}
chains: {main: [up/one], waiting: [silent/one]}
prices: [{model: one, input: 100000, output: 100000}]
timeouts: {totalMs: 10m, connectMs: 10m, ttftMs: 10m}
`,
    );
    const first = await place.startNode(['--config', config]);
    const ask = (url: string, id: string, model = 'main') =>
      fetch(`${url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'x-request-id': id },
        body: JSON.stringify({ model, messages: [{ role: 'user', content: id }] }),
      }).then(
        (response) => response.text(),
        () => 'broken off',
      );
    const asked = Array.from({ length: SERVED + HELD }, (_, index) => ask(first.url, `request-${index}`));
    await upstream.until(() => upstream.requests.length === SERVED + HELD);
    asked.push(...Array.from({ length: 3 }, (_, index) => ask(first.url, `unsent-${index}`, 'waiting')));
    while (waitingCount < 3) await new Promise((resolve) => setTimeout(resolve, 20));
    using state = openState(place.path('state'));
    const countOf = (status: string): number => state.rows().filter((row) => row.status === status).length;
    while (countOf('done') < SERVED) await new Promise((resolve) => setTimeout(resolve, 20));
    first.node.signal('SIGKILL');
    await first.node.ended;
    await Promise.all(asked);
    assert.equal(state.rows().length, SERVED);

    upstream.handler = answer;
    const second = await place.startNode(['--config', config]);
    assert.deepEqual([countOf('done'), countOf('recovered')], [SERVED, HELD]);
    // A client sends its broken request again: it is served again, and entered again.
    assert.match(await ask(second.url, `request-${SERVED}`), /"Hi"/);
    while (countOf('done') < SERVED + 1) await new Promise((resolve) => setTimeout(resolve, 20));
    const done = state.rows().filter(({ status }) => status === 'done');
    const sum = (field: 'input_tokens' | 'output_tokens'): number => done.reduce((total, row) => total + row[field], 0);
    assert.deepEqual([sum('input_tokens'), sum('output_tokens')], [(SERVED + 1) * 11, (SERVED + 1) * 7]);
    const heard = upstream.requests.map(({ body }) => JSON.parse(body).messages[0].content).sort();
    const entered = state.rows().map(({ request_id }) => request_id);
    assert.deepEqual(entered.sort(), heard);
    second.node.signal('SIGTERM');
    await second.node.ended;
  });
});

describe('conversations that the node keeps', () => {
  test('a tenant’s responses are unknown to every other tenant, and all of its keys know them', async () => {
    await using all = await tenancyNode(answer);
    const { node, headersOf } = all;
    const own = headersOf();
    const ownOther = headersOf({ name: 'second' });
    const foreign = headersOf({ tenant: 'rival' });
    const first = await node.post('/v1/responses', { model: 'main', input: 'A secret.' }, { headers: own });
    const { id } = (await first.json()) as { id: string };
    const path = `/v1/responses/${id}`;
    const statusOf = async (method: string, headers: Record<string, string>) =>
      (await fetch(node.url + path, { method, headers })).status;
    const goOn = { model: 'main', input: 'What was it?', previous_response_id: id };
    assert.equal(await statusOf('GET', foreign), 404);
    assert.equal(await statusOf('DELETE', foreign), 404);
    const refused = await node.post('/v1/responses', goOn, { headers: foreign });
    assert.equal(refused.status, 400);
    assert.match((await errorOf(refused)).message, /^Previous response with id '[\w-]+' not found\./);
    assert.equal(all.upstream.requests.length, 1);
    const mayNotChat = headersOf({ scopes: { endpoints: ['embeddings'] } });
    assert.equal(await statusOf('GET', mayNotChat), 403, 'nor may it read what others have chatted');
    assert.equal(await statusOf('DELETE', mayNotChat), 403);
    assert.equal(await statusOf('GET', ownOther), 200);
    assert.equal((await node.post('/v1/responses', goOn, { headers: ownOther })).status, 200);
    assert.equal(JSON.parse(all.upstream.requests.at(-1)?.body ?? '').messages.length, 3);
    assert.equal(await statusOf('DELETE', own), 200);
    assert.equal(await statusOf('GET', own), 404);
  });

  test('another tenant’s items stay names: they are not put into the conversation', async () => {
    await using all = await tenancyNode(answer);
    const { node, headersOf } = all;
    const first = await node.post('/v1/responses', { model: 'main', input: 'A secret.' }, { headers: headersOf() });
    const { output } = (await first.json()) as { output: { id: string }[] };
    const input = [
      { type: 'item_reference', id: output[0]?.id },
      { role: 'user', content: 'Go on.' },
    ];
    await node.post('/v1/responses', { model: 'main', input }, { headers: headersOf({ tenant: 'rival' }) });
    assert.doesNotMatch(all.upstream.requests.at(-1)?.body ?? '', /"Hi"/);
  });
});

/** This machine in a spelling that is not known to be it: nobody else is let in while the tests run. */
const WIDE_HOST = '127.1';

describe('clients without a key', () => {
  const statusOf = async (node: { url: string }, headers: Record<string, string> = {}) =>
    (await fetch(`${node.url}/v1/models`, { headers })).status;

  test('are refused from the start where nobody may be anonymous; the admin token makes the first key', async () => {
    await using all = await tenancyNode(answer, { server: { host: WIDE_HOST, anonymous: 'never' } });
    const { node } = all;
    assert.equal(await statusOf(node), 401);
    assert.equal(await statusOf(node, { authorization: 'Bearer dummy' }), 401);
    assert.equal((await fetch(`${node.url}/readyz`)).status, 200);
    const token = readFileSync(join(node.dataDirectory, 'admin.token'), 'utf8').trim();
    const headers = { authorization: `Bearer ${token}` };
    const { secret } = (await (await node.post('/admin/keys', { tenant: 'acme' }, { headers })).json()) as any;
    assert.equal(await statusOf(node, { authorization: `Bearer ${secret}` }), 200);
  });

  test('are let in beside those with one where that is configured; a wrong key is still told', async () => {
    await using all = await tenancyNode(answer, { server: { anonymous: 'always' } });
    const { node, headersOf } = all;
    assert.equal(await statusOf(node, { authorization: 'Bearer dummy' }), 200, 'there is no key to be wrong about');
    const headers = headersOf();
    await untilNoticed();
    assert.equal((await node.chat({}, { headers })).status, 200);
    assert.equal((await node.chat()).status, 200);
    assert.equal(await statusOf(node, { authorization: 'Bearer dummy' }), 401);
    assert.equal(await statusOf(node, { origin: 'https://evil.example' }), 403);
    const tenants = (await all.entered(2)).map(({ tenant }) => tenant);
    assert.deepEqual(tenants.sort(), ['acme', 'default']);
    all.store.putTenant('default', { limits: { requestsPerMinute: 0 } });
    await untilNoticed();
    assert.equal((await node.chat()).status, 429, 'the limits of their tenant hold for them');
    assert.equal((await node.chat({}, { headers })).status, 200);
    assert.equal((await fetch(`${node.url}/readyz`)).status, 200);
  });

  test('a node that other machines reach takes no configuration that would let them all in', async () => {
    await using all = await tenancyNode(answer, { server: { host: WIDE_HOST, apiKeys: ['k'] } });
    const { node } = all;
    const open = {
      accounts: { a: { url: all.upstream.url } },
      chains: { main: ['a/one'] },
      server: { host: WIDE_HOST },
    };
    assert.throws(() => node.reload(open), /Refused: listening on 127\.1 without a key/);
    assert.equal(await statusOf(node), 401);
    const { key } = all.store.createKey({ tenant: 'acme', name: 'app' });
    node.reload(open);
    all.store.revokeKey(key.id);
    assert.throws(() => node.reload(open), /Refused/);
    assert.equal(await statusOf(node), 401, 'revoking the last key opens nothing');
  });
});
