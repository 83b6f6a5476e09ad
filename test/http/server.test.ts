// What the server refuses before any model is asked, and in which words.

import assert from 'node:assert/strict';
import { request } from 'node:http';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { completion, JSON_HEADERS } from '../support/chat-wire.ts';
import { startNode, type TestNode } from '../support/node.ts';
import { type RawUpstream, startRawUpstream } from '../support/raw-upstream.ts';

let upstream: RawUpstream;
let node: TestNode;

before(async () => {
  upstream = await startRawUpstream((response) =>
    response.writeHead(200, JSON_HEADERS).end(JSON.stringify(completion('Hi'))),
  );
  node = await startNode({
    accounts: { a: { url: upstream.url } },
    chains: { main: ['a/one'] },
    server: { bodyBytesMax: 8 * 1024 * 1024, messagesMax: 1_000 },
  });
});

after(async () => {
  await node.stop();
  await upstream.close();
});

async function errorOf(
  response: Response,
): Promise<{ status: number; message: string; code: string | null; type: string }> {
  const { error } = (await response.json()) as { error: { message: string; code: string | null; type: string } };
  return { status: response.status, ...error };
}

const HEAD = 'POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n';

test('a body over the limit is 413: before it is sent when its length is announced', async () => {
  const answer = await rawExchange(`${HEAD}connection: close\r\ncontent-length: ${50 * 1024 * 1024}\r\n\r\n`);
  assert.match(answer, /^HTTP\/1\.1 413 /);
  assert.match(answer, /"code":"request_too_large"/);
});

test('a body over the limit is 413: as soon as it is too long when it is not announced, and the connection closes', async () => {
  const chunk = `100000\r\n${' '.repeat(0x100000)}\r\n`;
  const answer = await rawExchange(`${HEAD}transfer-encoding: chunked\r\n\r\n`, chunk.repeat(8), '1\r\n \r\n');
  assert.match(answer, /^HTTP\/1\.1 413 /);
  assert.match(answer, /\r\nconnection: close\r\n/i);
});

test('a body of fifty megabytes is refused and the node goes on', async () => {
  const response = await node.post('/v1/chat/completions', Buffer.alloc(8 * 1024 * 1024 + 1, ' '));
  assert.deepEqual([response.status, (await errorOf(response)).code], [413, 'request_too_large']);
  const whole = new Promise<number | undefined>((resolve) => {
    const message = request(`${node.url}/v1/chat/completions`, { method: 'POST' }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    });
    // The node need not read what it has refused.
    message.on('error', () => resolve(413));
    message.end(Buffer.alloc(50 * 1024 * 1024, ' '));
  });
  assert.equal(await whole, 413);
  assert.equal((await node.chat()).status, 200);
});

test('a body nested a hundred thousand levels deep is 400, wherever the nesting is', async () => {
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
  const deepObject = `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`;
  for (const body of [
    `{"model":"main","messages":[{"role":"user","content":"x"}],"extra":${deep}}`,
    `{"model":"main","messages":[{"role":"user","content":"x"}],"extra":${deepObject}}`,
    `{"model":"main","messages":[{"role":"user","content":${deep}}]}`,
    `{"model":"main","messages":${deep}}`,
    `{"model":"main","messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f","parameters":${deepObject}}}]}`,
  ]) {
    assert.equal((await node.post('/v1/chat/completions', body)).status, 400, body.slice(0, 80));
  }
  for (const [path, body] of [
    [
      '/v1/messages',
      `{"model":"main","max_tokens":9,"messages":[{"role":"user","content":"x"}],"tools":[{"name":"f","input_schema":${deepObject}}]}`,
    ],
    [
      '/v1/responses',
      `{"model":"main","input":"x","tools":[{"type":"function","name":"f","parameters":${deepObject}}]}`,
    ],
    [
      '/v1beta/models/main:generateContent',
      `{"contents":[{"parts":[{"text":"x"}]}],"tools":[{"functionDeclarations":[{"name":"f","parameters":${deepObject}}]}]}`,
    ],
    [
      '/api/chat',
      `{"model":"main","messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f","parameters":${deepObject}}}]}`,
    ],
  ] as const) {
    assert.equal((await node.post(path, body)).status, 400, path);
  }
  assert.equal(
    node.log.requests.some(({ error }) => error === 'internal'),
    false,
  );
});

test('bytes that are no UTF-8 are 400', async () => {
  const response = await node.post('/v1/chat/completions', new Uint8Array([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x7d]));
  const error = await errorOf(response);
  assert.deepEqual([error.status, error.message], [400, 'The request body is not valid UTF-8.']);
});

test('more messages than allowed are 400', async () => {
  const messages = Array.from({ length: 100_000 }, () => ({ role: 'user', content: 'x' }));
  const error = await errorOf(await node.chat({ messages }));
  assert.deepEqual(
    [error.status, error.message],
    [400, 'The conversation has 100000 messages; at most 1000 are accepted.'],
  );
});

test('no body, no object and no JSON are 400', async () => {
  for (const body of ['', '[]', '"text"', '{"model":', 'null', '{} {}']) {
    const error = await errorOf(await node.post('/v1/chat/completions', body));
    assert.deepEqual([error.status, error.type], [400, 'invalid_request_error'], body);
  }
});

test('content types are not looked at', async () => {
  const body = JSON.stringify({ model: 'main', messages: [{ role: 'user', content: 'x' }] });
  for (const type of [
    'application/json; charset=utf-8',
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/octet-stream',
    'application/json, application/json',
    'json',
  ]) {
    const response = await node.post('/v1/chat/completions', body, { headers: { 'content-type': type } });
    assert.equal(response.status, 200, type);
  }
});

test('an unknown path is 404 and names itself', async () => {
  const error = await errorOf(await fetch(`${node.url}/v1/nothing?key=secret`, { method: 'POST' }));
  assert.deepEqual([error.status, error.message], [404, 'Unknown endpoint: POST /v1/nothing']);
});

test('a known path with a wrong method is 405', async () => {
  for (const [method, path] of [
    ['GET', '/v1/chat/completions'],
    ['PUT', '/v1/messages'],
    ['DELETE', '/v1/models'],
    ['GET', '/v1/messages/count_tokens'],
    ['PATCH', '/v1/responses/resp_1'],
    ['POST', '/healthz'],
    ['GET', '/api/chat'],
  ] as const) {
    const response = await fetch(node.url + path, { method });
    assert.equal(response.status, 405, `${method} ${path}`);
    const { error } = (await response.json()) as { error: { message: string } | string };
    // Ollama's error is the sentence itself.
    assert.equal(typeof error === 'string' ? error : error.message, `${path} does not take ${method}.`);
  }
});

test('a path that cannot be decoded is 400 in our own shape', async () => {
  const error = await errorOf(await fetch(`${node.url}/v1/models/%E0%A4%A`));
  assert.deepEqual([error.status, error.type], [400, 'invalid_request_error']);
});

test('base URLs with a doubled or missing version work', async () => {
  const body = { model: 'main', messages: [{ role: 'user', content: 'x' }] };
  for (const path of ['/chat/completions', '/v1/v1/chat/completions', '/openai/v1/chat/completions']) {
    assert.equal((await node.post(path, body)).status, 200, path);
  }
});

test('the client’s request id comes back, and one that logs cannot or must not hold is replaced', async () => {
  const withId = async (id: string) =>
    (await node.chat({}, { headers: { 'x-request-id': id } })).headers.get('x-request-id');
  assert.equal(await withId('my-request.1:2'), 'my-request.1:2');
  for (const id of ['spaces are bad', 'x'.repeat(129), '{"json":1}', `fm-${'k'.repeat(43)}`]) {
    assert.match((await withId(id)) ?? '', /^[0-9a-f-]{36}$/);
  }
});

test('every answer says who answered, after how many attempts, and what flowmesh cost', async () => {
  const { headers } = await node.chat();
  assert.equal(headers.get('x-flowmesh-target'), 'a/one');
  assert.equal(headers.get('x-flowmesh-attempts'), '1');
  assert.match(headers.get('x-flowmesh-overhead-ms') ?? '', /^\d+\.\d\d$/);
  assert.equal(headers.get('content-type'), 'application/json; charset=utf-8');
});

test('a model name that no header can hold is escaped', async () => {
  const response = await node.chat({ model: 'a/模型\u0001 \ud800' });
  assert.equal(response.headers.get('x-flowmesh-target'), 'a/%E6%A8%A1%E5%9E%8B%01%20%EF%BF%BD');
});

test('an unknown model is 404 with the names that would do', async () => {
  const error = await errorOf(await node.chat({ model: 'nobody' }));
  assert.deepEqual([error.status, error.code], [404, 'model_not_found']);
  assert.match(error.message, /'nobody'\. Known: main\./);
});

test('names that every object knows are unknown models', async () => {
  for (const model of ['constructor', '__proto__', 'toString']) {
    assert.equal((await node.chat({ model })).status, 404, model);
  }
});

/** Sends bytes and waits until the node closes the connection; returns what it said. */
function rawExchange(...pieces: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(Number(new URL(node.url).port), '127.0.0.1', () => {
      for (const piece of pieces) socket.write(piece);
    });
    socket.on('data', (bytes) => {
      answer += bytes.toString();
    });
    socket.on('close', () => resolve(answer)).on('error', () => undefined);
  });
}

test('what is no HTTP is refused and the connection closed', async () => {
  const refusals = [
    ['this is not http\r\n\r\n', 400, 'This is no HTTP/1.1 request. TLS and HTTP/2 need a proxy in front.'],
    [`${HEAD}x-big: ${'x'.repeat(20_000)}\r\n\r\n`, 431, 'The headers of the request are larger than 16 KiB.'],
  ] as const;
  for (const [text, status, message] of refusals) {
    const [head = '', body = ''] = (await rawExchange(text)).split('\r\n\r\n');
    assert.equal(head.startsWith(`HTTP/1.1 ${status} `), true, head);
    assert.deepEqual(JSON.parse(body), { error: { message, type: 'invalid_request_error', param: null, code: null } });
  }
});

test('a request refused at the door is one line in the log and one count, too', async () => {
  const before = node.log.requests.length;
  await fetch(`${node.url}/v1/nothing`);
  const lines = (await node.log.untilRequests(before + 1)).slice(before);
  assert.deepEqual(
    lines.map(({ operation, error }) => [operation, error]),
    [['refused', 'not_found']],
  );
  assert.match(
    await node.metrics(),
    /flowmesh_requests_total\{operation="refused",target="none",outcome="not_found"\} \d/,
  );
});

test('what no route answers is refused in the dialect that the client shows', async () => {
  const refused = async (path: string, headers: Record<string, string> = {}): Promise<any> =>
    (await fetch(node.url + path, { headers })).json();
  assert.equal((await refused('/v1/nothing')).error.type, 'not_found_error');
  assert.deepEqual(await refused('/api/pull'), { error: 'Unknown endpoint: GET /api/pull' });
  assert.equal((await refused('/v1beta/nothing')).error.status, 'NOT_FOUND');
  const { type, error } = await refused('/v1/models/nobody', { 'anthropic-version': '2023-06-01' });
  assert.deepEqual([type, error.type], ['error', 'not_found_error']);
  assert.equal((await refused('/v1/models/nobody', { 'x-goog-api-key': 'k' })).error.code, 404);
});
