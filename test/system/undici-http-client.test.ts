import assert from 'node:assert/strict';
import { createServer, type Server, type Socket } from 'node:net';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { HttpFailure, type HttpResponse } from '../../src/ports.ts';
import { UndiciHttpClient } from '../../src/system/undici-http-client.ts';
import { startRawUpstream } from '../support/raw-upstream.ts';

const http = new UndiciHttpClient();
after(() => http.close());

function post(url: string, signal?: AbortSignal, body = '{}') {
  return http.request({ method: 'POST', url, headers: { 'x-one': '1' }, body, ...(signal && { signal }) });
}

async function textOf(response: HttpResponse): Promise<string> {
  let text = '';
  for await (const chunk of response.body) text += Buffer.from(chunk).toString();
  return text;
}

/** Accepts connections and says nothing: a TLS handshake with it never ends. */
async function silentServer(): Promise<{ readonly url: string; readonly close: () => void }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const close = (): void => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { url: `https://127.0.0.1:${port}/`, close };
}

test('method, path, query, headers and body arrive, and the answer comes back', async () => {
  await using upstream = await startRawUpstream((response) => {
    response.writeHead(418, { 'X-Answer': 'yes', 'Set-Cookie': ['a=1', 'b=2'] });
    response.end('tea');
  });
  const response = await post(`${upstream.url}/v1/x?y=z`, undefined, '{"ü":1}');
  assert.equal(response.status, 418);
  assert.equal(response.headers['x-answer'], 'yes');
  assert.equal(response.headers['set-cookie'], 'a=1, b=2');
  assert.equal(await textOf(response), 'tea');
  const [request] = upstream.requests;
  assert.deepEqual(
    [request?.message.method, request?.message.url, request?.message.headers['x-one'], request?.body],
    ['POST', '/v1/x?y=z', '1', '{"ü":1}'],
  );
});

for (const [encoding, encode] of Object.entries({
  gzip: gzipSync,
  deflate: deflateSync,
  br: brotliCompressSync,
  zstd: zstdCompressSync,
})) {
  test(`an answer that a proxy has packed as ${encoding} is unpacked as it comes`, async () => {
    const packed = encode('Grüße '.repeat(10_000));
    await using upstream = await startRawUpstream((response) => {
      response.writeHead(200, { 'content-encoding': encoding, 'content-length': packed.length });
      response.end(packed);
    });
    const response = await post(upstream.url);
    assert.equal(await textOf(response), 'Grüße '.repeat(10_000));
    assert.deepEqual(
      [response.headers['content-encoding'], response.headers['content-length']],
      [undefined, undefined],
    );
  });
}

test('a packed answer that is cut, or is something else, fails as an answer', async () => {
  await using upstream = await startRawUpstream((response, _request, index) => {
    response.writeHead(200, { 'content-encoding': 'gzip' });
    response.end(index === 0 ? gzipSync('x'.repeat(1_000)).subarray(0, 15) : 'plain');
  });
  for (let time = 0; time < 2; time += 1) {
    const response = await post(upstream.url);
    await assert.rejects(textOf(response), {
      name: 'HttpFailure',
      stage: 'response',
      message: 'The body is not valid gzip',
    });
  }
});

test('whoever leaves a packed answer closes its connection', async () => {
  await using upstream = await startRawUpstream((response) => {
    response.writeHead(200, { 'content-encoding': 'gzip' });
    response.write(gzipSync('x'.repeat(1_000)));
  });
  const response = await post(upstream.url);
  for await (const chunk of response.body) {
    assert.equal(chunk.length, 1_000);
    break;
  }
  await upstream.until(() => upstream.abortedCount === 1);
});

test('early hints are not the answer', async () => {
  await using upstream = await startRawUpstream((response) => {
    response.writeEarlyHints({ link: '</x>; rel=preload' });
    response.end('real');
  });
  const response = await post(upstream.url);
  assert.deepEqual([response.status, await textOf(response)], [200, 'real']);
});

test('a connection is used again when its answer was read to the end', async () => {
  await using upstream = await startRawUpstream((response) => response.end('x'));
  for (let count = 0; count < 3; count += 1) {
    await textOf(await post(upstream.url));
    // The connection is free a moment after its answer.
    await new Promise(setImmediate);
  }
  assert.equal(upstream.connectionCount, 1);
});

test('a refused connection says that the server never saw the request, and why', async () => {
  const upstream = await startRawUpstream(() => undefined);
  const { url } = upstream;
  await upstream.close();
  await assert.rejects(post(url), (error) => {
    assert.ok(error instanceof HttpFailure);
    assert.deepEqual([error.stage, error.message], ['connect', 'ECONNREFUSED']);
    return true;
  });
});

test('a server that never completes the connection is given up after the connect timeout', async () => {
  const server = await silentServer();
  try {
    await assert.rejects(
      http.request({ method: 'POST', url: server.url, headers: {}, connectTimeoutMs: 20 }),
      (error) =>
        error instanceof HttpFailure && error.stage === 'connect' && error.message === 'UND_ERR_CONNECT_TIMEOUT',
    );
  } finally {
    server.close();
  }
});

test('a connection that breaks before the head is a failed response', async () => {
  await using upstream = await startRawUpstream((response) => response.destroy());
  await assert.rejects(post(upstream.url), (error) => error instanceof HttpFailure && error.stage === 'response');
});

test('a connection that breaks inside the body fails the read, after what came', async () => {
  await using upstream = await startRawUpstream((response) => {
    response.write('half');
    setImmediate(() => response.destroy());
  });
  const { body } = await post(upstream.url);
  const reader = body[Symbol.asyncIterator]();
  assert.equal(Buffer.from((await reader.next()).value).toString(), 'half');
  await assert.rejects(reader.next(), (error) => error instanceof HttpFailure && error.stage === 'response');
});

test('an abort while connecting rejects at once with its reason', async () => {
  const server = await silentServer();
  const controller = new AbortController();
  const reason = new Error('left');
  const outcome = assert.rejects(post(server.url, controller.signal), reason);
  await new Promise(setImmediate);
  controller.abort(reason);
  await outcome;
  server.close();
});

test('an abort while waiting for the head closes the connection', async () => {
  await using upstream = await startRawUpstream(() => undefined);
  const controller = new AbortController();
  const reason = new Error('left');
  const outcome = assert.rejects(post(upstream.url, controller.signal), reason);
  await upstream.until(() => upstream.requests.length === 1);
  controller.abort(reason);
  await outcome;
  await upstream.until(() => upstream.abortedCount === 1);
});

test('an abort inside the body fails the read with its reason and closes the connection', async () => {
  await using upstream = await startRawUpstream((response) => response.write('half'));
  const controller = new AbortController();
  const reason = new Error('left');
  const reader = (await post(upstream.url, controller.signal)).body[Symbol.asyncIterator]();
  await reader.next();
  const outcome = assert.rejects(reader.next(), reason);
  controller.abort(reason);
  await outcome;
  await upstream.until(() => upstream.abortedCount === 1);
});

test('a signal that is aborted already sends nothing', async () => {
  await using upstream = await startRawUpstream((response) => response.end('x'));
  const reason = new Error('left');
  await assert.rejects(post(upstream.url, AbortSignal.abort(reason)), reason);
  await textOf(await post(upstream.url));
  assert.equal(upstream.requests.length, 1);
});

test('a reader that stops early closes the connection', async () => {
  await using upstream = await startRawUpstream((response) => response.write('half'));
  for await (const chunk of (await post(upstream.url)).body) {
    assert.equal(Buffer.from(chunk).toString(), 'half');
    break;
  }
  await upstream.until(() => upstream.abortedCount === 1);
});

test('what lies ready is read in one piece', async () => {
  await using upstream = await startRawUpstream((response) => {
    for (const piece of ['a', 'b', 'c']) response.write(piece);
    response.end();
  });
  const { body } = await post(upstream.url);
  await sleep(20);
  const { value } = await body[Symbol.asyncIterator]().next();
  assert.equal(Buffer.from(value).toString(), 'abc');
});

test('a body that nobody reads stops its sender, and still comes whole in the end', async () => {
  const block = Buffer.alloc(1024 * 1024, 'x');
  const blockCount = 48;
  let writtenCount = 0;
  await using upstream = await startRawUpstream(async (response) => {
    for (; writtenCount < blockCount; writtenCount += 1) {
      if (!response.write(block)) await new Promise((resolve) => response.once('drain', resolve));
    }
    response.end();
  });
  const response = await post(upstream.url);
  await sleep(100);
  assert.ok(writtenCount < 24, `${writtenCount} MiB were taken without a reader`);
  let bytes = 0;
  for await (const chunk of response.body) bytes += chunk.length;
  assert.equal(bytes, blockCount * block.length);
});
