// Who is let in: client keys in every SDK's header, and strangers' web pages without keys.

import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, test } from 'node:test';
import { completion, JSON_HEADERS } from '../support/chat-wire.ts';
import { startNode, type TestNode } from '../support/node.ts';
import { type RawUpstream, startRawUpstream } from '../support/raw-upstream.ts';

let upstream: RawUpstream;
let open: TestNode;
let locked: TestNode;

before(async () => {
  upstream = await startRawUpstream((response) =>
    response.writeHead(200, JSON_HEADERS).end(JSON.stringify(completion('Hi'))),
  );
  const config = { accounts: { a: { url: upstream.url } }, chains: { main: ['a/one'] } };
  open = await startNode(config);
  locked = await startNode({ ...config, server: { apiKeys: ['right-key', 'second-key'] } });
});

after(async () => {
  await open.stop();
  await locked.stop();
  await upstream.close();
});

const HEADERS: readonly Record<string, string>[] = [
  { authorization: 'Bearer right-key' },
  { authorization: 'bearer   right-key' },
  { 'x-api-key': 'right-key' },
  { 'x-goog-api-key': 'right-key' },
  { 'api-key': 'second-key' },
  { authorization: 'Bearer dummy', 'x-api-key': 'right-key' },
];

for (const headers of HEADERS) {
  test(`a key in ${JSON.stringify(headers)} opens the door`, async () => {
    assert.equal((await locked.chat({}, { headers })).status, 200);
  });
}

test('a key in the query opens the door, as Google’s clients send it', async () => {
  assert.equal(
    (
      await locked.post('/v1/chat/completions?key=right-key', {
        model: 'main',
        messages: [{ role: 'user', content: 'x' }],
      })
    ).status,
    200,
  );
});

test('without a key, or with a wrong one, the answer is 401 in the dialect of the endpoint', async () => {
  for (const headers of [
    {},
    { authorization: 'Bearer right-ke' },
    { authorization: 'Bearer ' },
    { authorization: 'right-key' },
    { 'x-api-key': 'RIGHT-KEY' },
  ]) {
    const response = await locked.chat({}, { headers: headers as Record<string, string> });
    assert.equal(response.status, 401);
    const { error } = (await response.json()) as { error: { type: string; code: string } };
    assert.deepEqual([error.type, error.code], ['authentication_error', 'invalid_api_key']);
    assert.ok(response.headers.get('x-request-id'));
  }
  const anthropic = await locked.post('/v1/messages', {});
  assert.equal(((await anthropic.json()) as { type: string }).type, 'error');
  const gemini = await locked.post('/v1beta/models/x:generateContent', {});
  assert.equal(((await gemini.json()) as { error: { status: string } }).error.status, 'UNAUTHENTICATED');
});

test('a refused client does not get its body read', async () => {
  const response = await locked.post('/v1/chat/completions', 'x'.repeat(1_000_000));
  assert.equal(response.status, 401);
});

test('health needs no key, everything else does', async () => {
  for (const [path, status] of [
    ['/healthz', 200],
    ['/readyz', 200],
    ['/metrics', 401],
    ['/v1/models', 401],
    ['/', 401],
    ['/unknown', 401],
  ] as const) {
    assert.equal((await fetch(locked.url + path)).status, status, path);
  }
});

test('new keys count from the reload on', async () => {
  await using node = await startNode({ server: { apiKeys: ['old'] } });
  const status = async (key: string) =>
    (await fetch(`${node.url}/v1/models`, { headers: { 'x-api-key': key } })).status;
  assert.deepEqual([await status('old'), await status('new')], [200, 401]);
  node.reload({ server: { apiKeys: ['new'] } });
  assert.deepEqual([await status('old'), await status('new')], [401, 200]);
});

/** `fetch` does not let a test choose these headers. */
function statusFor(headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const { port } = new URL(open.url);
    const message = request({ host: '127.0.0.1', port, path: '/v1/models', headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    message.on('error', reject).end();
  });
}

const PAGES: readonly [Record<string, string>, number][] = [
  [{}, 200],
  [{ origin: 'http://localhost:3000' }, 200],
  [{ origin: 'http://127.0.0.1:8080' }, 200],
  [{ origin: 'http://[::1]:8080' }, 200],
  [{ origin: 'http://app.localhost' }, 200],
  [{ origin: 'https://evil.example' }, 403],
  [{ origin: 'http://localhost.evil.example' }, 403],
  [{ origin: 'http://127.0.0.1.evil.example' }, 403],
  [{ origin: 'http://203.0.113.7' }, 403],
  [{ origin: 'null' }, 403],
  [{ origin: 'nonsense' }, 403],
  [{ host: 'localhost:2402' }, 200],
  [{ host: '192.168.1.7:2402' }, 200],
  [{ host: '[::1]:2402' }, 200],
  [{ host: 'raspberry.local' }, 200],
  [{ host: 'evil.example' }, 403],
  [{ host: 'evil.example:2402' }, 403],
  [{ host: 'rebind.network' }, 403],
];

for (const [headers, status] of PAGES) {
  test(`without keys, ${JSON.stringify(headers)} gets ${status}`, async () => {
    assert.equal(await statusFor(headers), status);
  });
}

test('with keys, pages and names are not looked at: the key is what counts', async () => {
  const response = await fetch(`${locked.url}/v1/models`, {
    headers: { 'x-api-key': 'right-key', origin: 'https://ui.example' },
  });
  assert.equal(response.status, 200);
});

/** What a browser needs to hear before its page may send a chat, and to let it read the answer. */
async function asPage(
  node: { readonly url: string },
  method: string,
  origin: string,
  headers: Record<string, string> = {},
) {
  const response = await fetch(`${node.url}/v1/models`, { method, headers: { origin, ...headers } });
  const said = (name: string): string | null => response.headers.get(`access-control-${name}`);
  return { status: response.status, said };
}
const QUESTION = {
  'access-control-request-method': 'POST',
  'access-control-request-headers': 'authorization,content-type,x-stainless-os',
};

test('with keys, a page of any origin may ask, and reads answers and refusals', async () => {
  const question = await asPage(locked, 'OPTIONS', 'https://ui.example', QUESTION);
  assert.equal(question.status, 204);
  assert.equal(question.said('allow-origin'), 'https://ui.example');
  assert.equal(question.said('allow-headers'), 'authorization,content-type,x-stainless-os');
  assert.equal(question.said('allow-methods'), 'GET, POST, DELETE');
  assert.equal(question.said('allow-private-network'), null);
  const local = { ...QUESTION, 'access-control-request-private-network': 'true' };
  assert.equal((await asPage(locked, 'OPTIONS', 'https://ui.example', local)).said('allow-private-network'), 'true');
  for (const [key, status] of [
    ['right-key', 200],
    ['wrong-key', 401],
  ] as const) {
    const answer = await asPage(locked, 'GET', 'https://ui.example', { 'x-api-key': key });
    assert.deepEqual([answer.status, answer.said('allow-origin')], [status, 'https://ui.example']);
  }
});

test('without keys, pages of this machine may ask, and those of others hear nothing', async () => {
  const own = await asPage(open, 'OPTIONS', 'http://localhost:3000', QUESTION);
  assert.deepEqual([own.status, own.said('allow-origin')], [204, 'http://localhost:3000']);
  const foreign = await asPage(open, 'OPTIONS', 'https://evil.example', QUESTION);
  assert.deepEqual([foreign.status, foreign.said('allow-origin')], [403, null]);
});

test('a streamed answer may be read by the page that asked for it', async () => {
  const response = await fetch(`${open.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { origin: 'http://localhost:3000', 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'flowmesh/extractive', stream: true, messages: [{ role: 'user', content: 'Hi' }] }),
  });
  assert.match(await response.text(), /\[DONE\]/);
  assert.equal(response.headers.get('access-control-allow-origin'), 'http://localhost:3000');
  assert.match(response.headers.get('content-type') ?? '', /event-stream/);
});

test('nothing of the admin API is for pages', async () => {
  const response = await fetch(`${locked.url}/admin/keys`, { headers: { origin: 'https://ui.example' } });
  assert.deepEqual([response.status, response.headers.get('access-control-allow-origin')], [401, null]);
});
