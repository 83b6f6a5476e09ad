// A chat through a whole node: streams and their ends, failures in the client's dialect, clients that leave or do not
// read, and one settlement for each.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get, request as httpRequest, type IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { completion, DONE, JSON_HEADERS, ROLE, SSE_HEADERS, STOP, sse, text, USAGE } from '../support/chat-wire.ts';
import { type PartialConfig, startNode, type TestNode } from '../support/node.ts';
import { type RawHandler, type RawUpstream, startRawUpstream } from '../support/raw-upstream.ts';

const FAILURE = sse({ error: { message: 'The server is overloaded', type: 'server_error', code: null } });

interface Setup extends AsyncDisposable {
  readonly a: RawUpstream;
  readonly b: RawUpstream;
  readonly node: TestNode;
}

/** A node with a chain `main` over two upstreams; `b` says `Hi`. */
async function setup(handler: RawHandler, config: PartialConfig = {}): Promise<Setup> {
  const a = await startRawUpstream(handler);
  const b = await startRawUpstream((response) => {
    response.writeHead(200, SSE_HEADERS).end(ROLE + text('Hi') + STOP + USAGE + DONE);
  });
  const node = await startNode({
    accounts: { a: { url: a.url }, b: { url: b.url } },
    chains: { main: ['a/one', 'b/two'], alone: ['a/one'] },
    retries: { max: 0 },
    ...config,
  });
  const dispose = async (): Promise<void> => {
    await node.stop();
    await Promise.all([a.close(), b.close()]);
  };
  return { a, b, node, [Symbol.asyncDispose]: dispose };
}

function streaming(...frames: readonly string[]): RawHandler {
  return async (response) => {
    response.writeHead(200, SSE_HEADERS);
    for (const frame of frames) {
      response.write(frame);
      await new Promise(setImmediate);
    }
    response.end();
  };
}

/** Writes and then keeps the answer open for ever. */
function hanging(...frames: readonly string[]): RawHandler {
  return (response) => {
    response.writeHead(200, SSE_HEADERS);
    response.flushHeaders();
    for (const frame of frames) response.write(frame);
  };
}

/** A request whose socket the test holds in its hand. */
function openChat(node: TestNode, body: object): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const message = httpRequest(`${node.url}/v1/chat/completions`, { method: 'POST', agent: false }, resolve);
    message.on('error', reject);
    message.end(JSON.stringify({ model: 'main', messages: [{ role: 'user', content: 'Hello' }], ...body }));
  });
}

/** Nothing runs, nothing is counted as running. */
async function assertIdle(node: TestNode, requestCount: number): Promise<void> {
  const lines = await node.log.untilRequests(requestCount);
  assert.equal(lines.length, requestCount, 'one line for each request');
  const metrics = await node.metrics();
  assert.match(metrics, /^flowmesh_requests_in_flight 0$/m);
  const counted = [...metrics.matchAll(/^flowmesh_requests_total\{.*\} (\d+)$/gm)].map(([, count]) => Number(count));
  assert.equal(
    counted.reduce((sum, count) => sum + count, 0),
    requestCount,
    'one count for each request',
  );
}

test('a stream comes through byte for byte, with the head that streams need', async () => {
  await using s = await setup(streaming(ROLE, text('Hel'), text('lo'), STOP, USAGE, DONE));
  const response = await s.node.chat({ stream: true });
  assert.equal(response.headers.get('content-type'), 'text/event-stream; charset=utf-8');
  assert.equal(response.headers.get('cache-control'), 'no-cache');
  assert.equal(response.headers.get('x-accel-buffering'), 'no');
  assert.equal(response.headers.get('x-flowmesh-target'), 'a/one');
  assert.ok(response.headers.get('x-request-id'));
  assert.equal(await response.text(), ROLE + text('Hel') + text('lo') + STOP + DONE);
  await assertIdle(s.node, 1);
});

test('a failure before the first content moves on, and nothing of it is seen', async () => {
  await using s = await setup(streaming(ROLE, FAILURE));
  const response = await s.node.chat({ stream: true });
  assert.equal(await response.text(), ROLE + text('Hi') + STOP + DONE);
  assert.equal(response.headers.get('x-flowmesh-target'), 'b/two');
  assert.equal(response.headers.get('x-flowmesh-attempts'), '2');
  const [line] = await s.node.log.untilRequests(1);
  assert.deepEqual([line?.target, line?.attempts, line?.error], ['b/two', 2, undefined]);
  await assertIdle(s.node, 1);
});

test('a failure after the first content is an error event, after which nothing follows', async () => {
  await using s = await setup(streaming(ROLE, text('Hel'), FAILURE));
  const response = await s.node.chat({ stream: true });
  const [role, content, error, ...rest] = (await response.text()).split('\n\n');
  assert.deepEqual([`${role}\n\n`, `${content}\n\n`], [ROLE, text('Hel')]);
  assert.deepEqual(JSON.parse(error?.slice('data: '.length) ?? ''), {
    error: { message: 'The server is overloaded', type: 'server_error', code: null },
  });
  assert.deepEqual(rest, ['']);
  assert.equal(s.b.requests.length, 0);
  const [line] = await s.node.log.untilRequests(1);
  assert.deepEqual([line?.error, line?.tokensEstimated], ['upstream_overloaded', true]);
  await assertIdle(s.node, 1);
});

test('a stream that is cut after its first content is never a success', async () => {
  for (const cut of [
    streaming(ROLE, text('Hel')),
    ((response) => {
      response.writeHead(200, SSE_HEADERS).write(ROLE + text('Hel'));
      setTimeout(() => response.destroy(), 20);
    }) as RawHandler,
  ]) {
    await using s = await setup(cut);
    const shown = await (await s.node.chat({ stream: true })).text();
    assert.match(shown, /"code":"upstream_cut"/);
    assert.equal(shown.includes('[DONE]'), false);
    await assertIdle(s.node, 1);
  }
});

test('in each dialect the error inside a stream is the one that its SDK raises', async () => {
  const user = [{ role: 'user', content: 'x' }];
  for (const [path, body, expected] of [
    [
      '/v1/messages',
      { model: 'main', max_tokens: 9, stream: true, messages: user },
      /\nevent: error\ndata: \{"type":"error","error":\{/,
    ],
    [
      '/v1/responses',
      { model: 'main', stream: true, input: 'x' },
      /\nevent: error\ndata: [\s\S]*\nevent: response.failed\ndata: /,
    ],
    [
      '/v1beta/models/main:streamGenerateContent?alt=sse',
      { contents: [{ parts: [{ text: 'x' }] }] },
      /data: \{"error":\{"code":503/,
    ],
    ['/api/chat', { model: 'main', messages: user }, /\n\{"error":"The server is overloaded"\}\n$/],
  ] as const) {
    await using s = await setup(streaming(ROLE, text('Hel'), FAILURE));
    const response = await s.node.post(path, body);
    assert.equal(response.status, 200, path);
    assert.match(await response.text(), expected, path);
    await assertIdle(s.node, 1);
  }
});

test('when all targets fail before content a stream has a real status, with attempts and Retry-After', async () => {
  await using s = await setup((response) => {
    response
      .writeHead(429, { ...JSON_HEADERS, 'retry-after': '7' })
      .end('{"error":{"message":"slow","type":"tokens","code":"rate_limit_exceeded"}}');
  });
  const response = await s.node.chat({ stream: true, model: 'alone' });
  assert.equal(response.status, 429);
  assert.equal(response.headers.get('retry-after'), '7');
  assert.equal(response.headers.get('retry-after-ms'), '7000');
  assert.equal(response.headers.get('x-flowmesh-attempts'), '1');
  const { error } = (await response.json()) as {
    error: { message: string; code: string; attempts: { target: string }[] };
  };
  assert.deepEqual([error.message, error.code], ['slow', 'rate_limit_exceeded']);
  assert.deepEqual(
    error.attempts.map(({ target }) => target),
    ['a/one'],
  );
  await assertIdle(s.node, 1);
});

test('while nothing comes the stream is kept alive, and a failure then is an error inside it', async () => {
  const asked = Promise.withResolvers<() => void>();
  await using s = await setup(
    (response) => {
      asked.resolve(() => response.writeHead(500, JSON_HEADERS).end('{"error":{"message":"broken"}}'));
    },
    { server: { keepAliveMs: 10 } },
  );
  const response = await s.node.chat({ stream: true, model: 'alone' });
  assert.equal(response.status, 200);
  const reader = response.body!.getReader();
  const { value } = await reader.read();
  assert.match(Buffer.from(value!).toString(), /^(: keep-alive\n\n)+$/);
  // A keep-alive may go out before the upstream has even been asked.
  const fail = await asked.promise;
  fail();
  let rest = '';
  for (let read = await reader.read(); !read.done; read = await reader.read())
    rest += Buffer.from(read.value).toString();
  assert.match(rest, /^(: keep-alive\n\n)*data: \{"error":\{"message":"broken","attempts":\[.*\]\}\}\n\n$/);
  const [line] = await s.node.log.untilRequests(1);
  assert.equal(line?.error, 'upstream_error');
  await assertIdle(s.node, 1);
});

test('after a keep-alive an answer still comes, from another target too', async () => {
  const asked = Promise.withResolvers<() => void>();
  await using s = await setup(
    (response) => {
      asked.resolve(() => response.destroy());
    },
    { server: { keepAliveMs: 10 } },
  );
  const response = await s.node.chat({ stream: true });
  const fail = await asked.promise;
  fail();
  assert.equal((await response.text()).replaceAll(': keep-alive\n\n', ''), ROLE + text('Hi') + STOP + DONE);
  await assertIdle(s.node, 1);
});

test('a whole answer is passed on byte for byte', async () => {
  const body = `{ "id": "x", "unknown_field": [1, 2],  "choices": [{"index": 0, "message": {"role":"assistant","content":"Hi"}, "finish_reason": "stop"}], "created": 1, "model": "m", "usage": {"prompt_tokens": 1, "completion_tokens": 2} }`;
  await using s = await setup((response) => response.writeHead(200, JSON_HEADERS).end(body));
  assert.equal(await (await s.node.chat()).text(), body);
  await assertIdle(s.node, 1);
});

test('a whole answer to a request for a stream is streamed', async () => {
  await using s = await setup((response) =>
    response.writeHead(200, JSON_HEADERS).end(JSON.stringify(completion('Hello'))),
  );
  const shown = await (await s.node.chat({ stream: true })).text();
  assert.match(shown, /"content":"Hello"/);
  assert.equal(shown.endsWith(DONE), true);
  await assertIdle(s.node, 1);
});

test('usage that the upstream did not tell is estimated for clients of other dialects', async () => {
  const { usage: _usage, ...silent } = completion('Hello there');
  await using s = await setup((response) => response.writeHead(200, JSON_HEADERS).end(JSON.stringify(silent)));
  const response = await s.node.post('/v1/messages', {
    model: 'main',
    max_tokens: 9,
    messages: [{ role: 'user', content: 'Hello' }],
  });
  const { usage } = (await response.json()) as { usage: { input_tokens: number; output_tokens: number } };
  assert.deepEqual([usage.input_tokens, usage.output_tokens], [5, 2]);
  const [line] = await s.node.log.untilRequests(1);
  assert.deepEqual([line?.inputTokens, line?.outputTokens, line?.tokensEstimated], [5, 2, true]);
});

test('a client that leaves while the upstream is silent stops it', async () => {
  for (const stream of [true, false]) {
    await using s = await setup(() => undefined);
    const controller = new AbortController();
    const outcome = assert.rejects(s.node.chat({ stream }, { signal: controller.signal }));
    await s.a.until(() => s.a.requests.length === 1);
    controller.abort();
    await outcome;
    await s.a.until(() => s.a.abortedCount === 1);
    const [line] = await s.node.log.untilRequests(1);
    assert.equal(line?.error, 'client_closed');
    assert.equal(s.b.requests.length, 0);
    await assertIdle(s.node, 1);
  }
});

test('a client that leaves in the middle of a stream stops the upstream', async () => {
  await using s = await setup(hanging(ROLE, text('Hi')));
  const response = await openChat(s.node, { stream: true });
  await new Promise((resolve) => response.once('data', resolve));
  response.destroy();
  await s.a.until(() => s.a.abortedCount === 1);
  const [line] = await s.node.log.untilRequests(1);
  assert.deepEqual([line?.error, line?.outputTokens, line?.tokensEstimated], ['client_closed', 1, true]);
  await assertIdle(s.node, 1);
});

test('a client that leaves during a backoff ends the request', async () => {
  await using s = await setup((response) => response.writeHead(500).end(), {
    retries: { max: 3, backoffMs: 60_000, backoffMaxMs: 60_000 },
  });
  const controller = new AbortController();
  const outcome = assert.rejects(s.node.chat({}, { signal: controller.signal }));
  await s.a.until(() => s.a.requests.length === 1);
  // The failure must have arrived: the backoff is then a matter of the same turn.
  await sleep(50);
  controller.abort();
  await outcome;
  const [line] = await s.node.log.untilRequests(1);
  assert.equal(line?.error, 'client_closed');
  assert.equal(s.a.requests.length, 1);
  await assertIdle(s.node, 1);
});

test('a client that does not read stops the upstream from sending, and leaving frees everything', async () => {
  const block = text('x'.repeat(64 * 1024));
  const blockCount = 2_000;
  let writtenCount = 0;
  await using s = await setup(async (response) => {
    response.writeHead(200, SSE_HEADERS).write(ROLE);
    for (; writtenCount < blockCount && !response.destroyed; writtenCount += 1) {
      if (response.write(block)) continue;
      const written = new AbortController();
      const either = { signal: written.signal };
      await Promise.race([once(response, 'drain', either), once(response, 'close', either)]);
      written.abort();
    }
  });
  const response = await openChat(s.node, { stream: true });
  response.pause();
  let seen = -1;
  // Until nothing moves any more: all buffers between are full.
  while (seen !== writtenCount) {
    seen = writtenCount;
    await sleep(150);
  }
  assert.ok(writtenCount < 500, `${writtenCount} of ${blockCount} blocks were taken without a reader`);
  response.destroy();
  await s.a.until(() => s.a.abortedCount === 1);
  const [line] = await s.node.log.untilRequests(1);
  assert.equal(line?.error, 'client_closed');
  await assertIdle(s.node, 1);
});

test('a slow reader gets everything in the end', async () => {
  const block = text('y'.repeat(64 * 1024));
  await using s = await setup(streaming(ROLE, ...Array<string>(100).fill(block), STOP, DONE));
  const response = await openChat(s.node, { stream: true });
  let bytes = 0;
  for await (const chunk of response) {
    bytes += chunk.length;
    await new Promise(setImmediate);
  }
  assert.equal(bytes, Buffer.byteLength(ROLE + block.repeat(100) + STOP + DONE));
  await assertIdle(s.node, 1);
});

test('the connection to the upstream is used again after a stream that ended well', async () => {
  await using s = await setup(streaming(ROLE, text('Hi'), STOP, DONE));
  for (let count = 0; count < 4; count += 1) {
    await (await s.node.chat({ stream: true })).text();
    await sleep(20);
  }
  assert.equal(s.a.connectionCount, 1);
  assert.equal(s.a.abortedCount, 0);
});

test('an upstream that never ends its body after [DONE] does not hold up the client, and is hung up', async () => {
  await using s = await setup(hanging(ROLE, text('Hi'), STOP, DONE));
  assert.equal(await (await s.node.chat({ stream: true })).text(), ROLE + text('Hi') + STOP + DONE);
  const [line] = await s.node.log.untilRequests(1);
  assert.equal(line?.error, undefined);
  await s.a.until(() => s.a.abortedCount === 1);
});

test('a request past the concurrency bound is told to come back', async () => {
  await using s = await setup(hanging(ROLE, text('Hi')), { server: { concurrencyMax: 1 } });
  const first = await openChat(s.node, { stream: true });
  const second = await s.node.chat();
  assert.deepEqual([second.status, second.headers.get('retry-after')], [503, '1']);
  first.destroy();
  await s.node.log.untilRequests(2);
  await assertIdle(s.node, 2);
});

test('the built-in answerer streams and answers whole', async () => {
  await using node = await startNode({
    accounts: { flowmesh: { provider: 'flowmesh' } },
    chains: { main: ['flowmesh/extractive'] },
  });
  const messages = [{ role: 'user', content: 'Zürich lies on the Limmat. Which city lies on the Limmat?' }];
  const whole = (await (await node.chat({ messages })).json()) as { choices: { message: { content: string } }[] };
  assert.ok((whole.choices[0]?.message.content.length ?? 0) > 0);
  assert.equal((await (await node.chat({ messages, stream: true })).text()).endsWith(DONE), true);
  await assertIdle(node, 2);
});

const SECRETS = [
  'sk-account-key-7f3a',
  'client-key-91bc',
  // Where they do not belong: in paths and for a model's name.
  'fm-0aA_1bB-2cC_3dD-4eE_5fF-6gG_7hH-8iI_9jJ-0kK',
  '0a1b2c3d4e5f60718293a4b5c6d7e8f9',
];

test('no key is ever seen in an answer, a log line or a metric, however a request ends', async () => {
  const echo = `Incorrect API key provided: ${SECRETS[0]}`;
  const error = JSON.stringify({ error: { message: echo, type: 'invalid_request_error', code: 'invalid_api_key' } });
  const handlers: readonly RawHandler[] = [
    (response) => response.writeHead(200, JSON_HEADERS).end(JSON.stringify(completion('Hi'))),
    ...[401, 402, 403].map(
      (status): RawHandler =>
        (response) =>
          response.writeHead(status, JSON_HEADERS).end(error),
    ),
    (response) => response.writeHead(429, JSON_HEADERS).end('{"error":{"message":"slow down"}}'),
    (response) => response.writeHead(500).end('<html>broken</html>'),
    (response) => response.destroy(),
    (response) => response.writeHead(200, JSON_HEADERS).end('{"not json'),
    streaming(ROLE, text('Hi'), FAILURE),
    streaming(ROLE, FAILURE),
  ];
  await using s = await setup(() => undefined, { server: { apiKeys: [SECRETS[1]!] } });
  const key = { 'x-api-key': SECRETS[1]! };
  const seen: string[] = [];
  for (const [index, handler] of handlers.entries()) {
    s.a.handler = handler;
    // A fresh account each time, so that no cooldown hides the next ending.
    s.node.reload({
      server: { apiKeys: [SECRETS[1]!] },
      accounts: { [`a${index}`]: { url: s.a.url, keys: [SECRETS[0]!] } },
      chains: { main: [`a${index}/one`] },
      retries: { max: 0 },
    });
    for (const stream of [true, false]) {
      const response = await s.node.chat({ stream }, { headers: key });
      seen.push(JSON.stringify([...response.headers]), await response.text());
    }
  }
  seen.push(await (await s.node.chat({}, { headers: { 'x-api-key': `${SECRETS[1]}x` } })).text());
  seen.push(await (await fetch(`${s.node.url}/v1/nothing?key=${SECRETS[1]}`)).text());
  for (const path of [`/v1/${SECRETS[2]}`, `/v1/models/${SECRETS[2]}`, `/v1/messages/${SECRETS[3]}`]) {
    seen.push(await (await fetch(s.node.url + path, { headers: key })).text());
  }
  seen.push(await (await s.node.chat({ model: SECRETS[2]! }, { headers: key })).text());
  const metrics = await fetch(`${s.node.url}/metrics`, { headers: key });
  assert.equal(metrics.status, 200);
  seen.push(await metrics.text(), JSON.stringify(s.node.log.lines));
  assert.ok(s.a.requests.every(({ message }) => message.headers.authorization === `Bearer ${SECRETS[0]}`));
  for (const secret of SECRETS) assert.equal(seen.join('\n').includes(secret), false, secret);
});

test('the first request of a node may ask by a bare name: its accounts are asked for their models first', async () => {
  const listing: RawHandler = (response, { message }) =>
    message.url?.endsWith('/models')
      ? response.writeHead(200, JSON_HEADERS).end('{"object":"list","data":[{"id":"meta/free:1"}]}')
      : response.writeHead(200, JSON_HEADERS).end(JSON.stringify(completion('Hi')));
  await using s = await setup(listing);
  const accounts = { a: { url: s.a.url, models: [] }, b: { url: s.b.url } };
  s.node.reload({ accounts, chains: { alone: ['b/two'] }, defaultChain: 'alone' });
  const response = await s.node.chat({ model: 'meta/free:1' });
  assert.equal(response.headers.get('x-flowmesh-target'), 'a/meta/free:1');
  assert.equal(response.status, 200);
});

test('a node that has just begun lists the models of its accounts', async () => {
  const lists: RawHandler = (response) =>
    response.writeHead(200, JSON_HEADERS).end('{"object":"list","data":[{"id":"meta/free:1"}]}');
  await using s = await setup(lists);
  s.node.reload({ accounts: { a: { url: s.a.url, models: [] } } });
  const listed = (await (await fetch(`${s.node.url}/v1/models`)).json()) as { data: { id: string }[] };
  assert.ok(listed.data.some(({ id }) => id === 'meta/free:1'));
});

test('a moderation that names no model asks for OpenAI’s latest, as OpenAI does', async () => {
  await using s = await setup((response) => response.writeHead(200, JSON_HEADERS).end('{"results":[]}'), {
    aliases: { 'omni-moderation-latest': 'a/omni-moderation-latest' },
  });
  const response = await fetch(`${s.node.url}/v1/moderations`, {
    method: 'POST',
    headers: JSON_HEADERS,
    body: '{"input":"Hi"}',
  });
  assert.equal(response.status, 200);
  assert.deepEqual(JSON.parse(s.a.requests.at(-1)?.body ?? ''), { input: 'Hi', model: 'omni-moderation-latest' });
});

test('the built-in answerer is there by its name beside other accounts, and a default chain does not take its place', async () => {
  await using s = await setup(() => undefined, { defaultChain: 'main' });
  const response = await s.node.chat({ model: 'flowmesh/extractive' });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('x-flowmesh-target'), 'flowmesh/extractive');
  assert.match(await response.text(), /extractive/);
  assert.equal(s.a.requests.length, 0);
});

test('a hundred clients at once, half of whom leave, leave nothing behind', async () => {
  await using s = await setup(async (response) => {
    response.writeHead(200, SSE_HEADERS).write(ROLE + text('Hi'));
    await sleep(20);
    response.end(STOP + DONE);
  });
  await Promise.all(
    Array.from({ length: 100 }, async (_, index) => {
      const response = await openChat(s.node, { stream: true });
      if (index % 2 === 0) {
        response.destroy();
        return;
      }
      for await (const _chunk of response);
    }),
  );
  await assertIdle(s.node, 100);
  assert.equal(s.node.log.requests.filter(({ error }) => error === undefined).length >= 50, true);
});

test('the node’s state is told to those who run it', async () => {
  await using s = await setup(hanging(ROLE, text('Hi')));
  const response = await openChat(s.node, { stream: true });
  const ready = await new Promise<string>((resolve) =>
    get(`${s.node.url}/readyz`, (answer) => answer.on('data', (bytes) => resolve(bytes.toString()))),
  );
  assert.deepEqual(JSON.parse(ready), { status: 'ready', running: 1 });
  response.destroy();
});

test('new weights count from the reload on, whatever turns were owed by the old ones', async () => {
  await using s = await setup((response) =>
    response.writeHead(200, JSON_HEADERS).end(JSON.stringify(completion('Hi'))),
  );
  s.b.handler = s.a.handler;
  const strategy = { type: 'round-robin', unfit: 'skip' } as const;
  const membersOf = (...weights: number[]) =>
    weights.map((weight, index) => ({ type: 'target' as const, index, weight }));
  const weighted = (a: number, b: number) =>
    s.node.reload({
      accounts: { a: { url: s.a.url }, b: { url: s.b.url } },
      chains: {
        main: { targets: ['a/one', 'b/two'], routing: { strategy, affinity: 'off', members: membersOf(a, b) } },
      },
    });
  const asked = async (count: number): Promise<string> => {
    let targets = '';
    for (let index = 0; index < count; index += 1) {
      const response = await s.node.chat();
      targets += response.headers.get('x-flowmesh-target')?.[0];
      await response.text();
    }
    return targets;
  };
  weighted(90, 10);
  assert.equal(await asked(4), 'aaaa');
  weighted(1, 1);
  assert.equal(await asked(4), 'abab');
});
