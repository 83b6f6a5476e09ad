// Requests from node to node over real connections on loopback.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HttpFailure, type MeshResponse, type StopSignal } from '../../../src/ports.ts';
import {
  answer,
  connect,
  createTestTransport,
  handlersOf,
  startTransports,
  textOf,
  until,
} from '../../support/transports.ts';

const TIMEOUT = { timeout: 30_000 };
const MEBIBYTE = 2 ** 20;

test('a request reaches the other node, which knows who asks, and its answer comes back', TIMEOUT, async (t) => {
  const [asking, answering] = await startTransports(t, 2);
  assert.ok(asking && answering);
  await connect(asking, answering);
  answering.onRequest = async ({ from, path, headers, body }) => ({
    status: 201,
    headers: { 'x-seen': `${path} ${headers['x-kind']}` },
    body: chunks([`${from === asking.peer ? 'asking' : from}: `, await textOf(body)]),
  });
  const response = await asking.transport.request(answering.peer, {
    path: '/chat',
    headers: { 'x-kind': 'greeting' },
    body: Buffer.from('good morning'),
  });
  assert.equal(response.status, 201);
  assert.equal(response.headers['x-seen'], '/chat greeting');
  assert.equal(await textOf(response.body), 'asking: good morning');
});

test('the dialled node asks over the same connection', TIMEOUT, async (t) => {
  const [dialling, dialled] = await startTransports(t, 2);
  assert.ok(dialling && dialled);
  await connect(dialling, dialled);
  dialling.onRequest = async () => answer('from the one that dialled');
  const response = await dialled.transport.request(dialling.peer, { path: '/', headers: {} });
  assert.equal(await textOf(response.body), 'from the one that dialled');
  assert.deepEqual(
    [dialling, dialled].map(({ transport }) => transport.connections().map(({ isInbound }) => isInbound)),
    [[false], [true]],
  );
});

test('the head of an answer arrives before its body begins', TIMEOUT, async (t) => {
  const [asking, answering] = await startTransports(t, 2);
  assert.ok(asking && answering);
  await connect(asking, answering);
  const gate = Promise.withResolvers<void>();
  answering.onRequest = async () => ({
    status: 200,
    headers: {},
    body: (async function* () {
      await gate.promise;
      yield Buffer.from('late');
    })(),
  });
  const response = await asking.transport.request(answering.peer, { path: '/', headers: {} });
  assert.equal(response.status, 200);
  gate.resolve();
  assert.equal(await textOf(response.body), 'late');
});

test('a streamed request body arrives whole', TIMEOUT, async (t) => {
  const [asking, answering] = await startTransports(t, 2);
  assert.ok(asking && answering);
  await connect(asking, answering);
  answering.onRequest = async ({ body }) => answer(await textOf(body));
  const response = await asking.transport.request(answering.peer, {
    path: '/',
    headers: {},
    body: chunks(['one ', 'two ', 'three']),
  });
  assert.equal(await textOf(response.body), 'one two three');
});

test('leaving a request aborts its handler on the other node', TIMEOUT, async (t) => {
  const [asking, answering] = await startTransports(t, 2);
  assert.ok(asking && answering);
  await connect(asking, answering);
  const aborted = Promise.withResolvers<void>();
  answering.onRequest = async ({ signal }) => {
    signal.addEventListener('abort', () => aborted.resolve());
    return { status: 200, headers: {}, body: endless(signal) };
  };
  const abort = new AbortController();
  const response = await asking.transport.request(answering.peer, { path: '/', headers: {}, signal: abort.signal });
  const reading = textOf(response.body);
  abort.abort(new Error('The client left'));
  await assert.rejects(reading, /The client left/);
  await aborted.promise;
});

test('leaving the loop over a body cancels the rest', TIMEOUT, async (t) => {
  const [asking, answering] = await startTransports(t, 2);
  assert.ok(asking && answering);
  await connect(asking, answering);
  const aborted = Promise.withResolvers<void>();
  answering.onRequest = async ({ signal }) => {
    signal.addEventListener('abort', () => aborted.resolve());
    return { status: 200, headers: {}, body: endless(signal) };
  };
  const response = await asking.transport.request(answering.peer, { path: '/', headers: {} });
  for await (const _chunk of response.body) break;
  await aborted.promise;
});

test('a reader that reads nothing stops the sender, and gets everything once it reads', TIMEOUT, async (t) => {
  const [asking, answering] = await startTransports(t, 2);
  assert.ok(asking && answering);
  await connect(asking, answering);
  let producedBytes = 0;
  answering.onRequest = async () => ({
    status: 200,
    headers: {},
    body: (async function* () {
      for (let index = 0; index < 256; index += 1) {
        producedBytes += 64 * 1024;
        yield Buffer.alloc(64 * 1024, index);
      }
    })(),
  });
  const response = await asking.transport.request(answering.peer, { path: '/', headers: {} });
  await quiet(() => producedBytes);
  assert.ok(producedBytes < 3 * MEBIBYTE, `${producedBytes} bytes were produced for a reader that reads nothing`);
  let bytes = 0;
  for await (const chunk of response.body) {
    for (const byte of chunk) {
      if (byte !== Math.floor(bytes / 65_536)) assert.fail(`byte ${bytes} is ${byte}`);
      bytes += 1;
    }
  }
  assert.equal(bytes, 16 * MEBIBYTE);
});

test('a handler that reads nothing stops the one who sends the body', TIMEOUT, async (t) => {
  const [asking, answering] = await startTransports(t, 2);
  assert.ok(asking && answering);
  await connect(asking, answering);
  let producedBytes = 0;
  const gate = Promise.withResolvers<void>();
  answering.onRequest = async ({ body }) => {
    await gate.promise;
    return answer(String((await textOf(body)).length));
  };
  const pending = asking.transport.request(answering.peer, {
    path: '/',
    headers: {},
    body: (async function* () {
      for (let index = 0; index < 256; index += 1) {
        producedBytes += 64 * 1024;
        yield Buffer.alloc(64 * 1024, 97);
      }
    })(),
  });
  await quiet(() => producedBytes);
  assert.ok(producedBytes < 3 * MEBIBYTE, `${producedBytes} bytes were produced for a reader that reads nothing`);
  gate.resolve();
  assert.equal(await textOf((await pending).body), String(16 * MEBIBYTE));
});

test('500 answers stream at once, each whole and in order', TIMEOUT, async (t) => {
  const [asking, answering] = await startTransports(t, 2);
  assert.ok(asking && answering);
  await connect(asking, answering);
  answering.onRequest = async ({ path }) => ({
    status: 200,
    headers: {},
    body: (async function* () {
      for (let index = 0; index < 20; index += 1) {
        yield Buffer.from(`${path}:${index} `);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    })(),
  });
  const texts = await Promise.all(
    Array.from({ length: 500 }, async (_, stream) => {
      const response = await asking.transport.request(answering.peer, { path: `/${stream}`, headers: {} });
      return textOf(response.body);
    }),
  );
  const expected = (stream: number): string => Array.from({ length: 20 }, (_, i) => `/${stream}:${i} `).join('');
  assert.deepEqual(
    texts,
    Array.from({ length: 500 }, (_, stream) => expected(stream)),
  );
});

test('a handler that throws answers 500, and the stream goes on being used', TIMEOUT, async (t) => {
  const [asking, answering] = await startTransports(t, 2);
  assert.ok(asking && answering);
  await connect(asking, answering);
  answering.onRequest = () => Promise.reject(new Error('broken'));
  const failed = await asking.transport.request(answering.peer, { path: '/', headers: {} });
  assert.deepEqual([failed.status, await textOf(failed.body)], [500, '']);
  answering.onRequest = async () => answer('mended');
  const mended = await asking.transport.request(answering.peer, { path: '/', headers: {} });
  assert.equal(await textOf(mended.body), 'mended');
});

test('a body that breaks off is a failure, not an end', TIMEOUT, async (t) => {
  const [asking, answering] = await startTransports(t, 2);
  assert.ok(asking && answering);
  await connect(asking, answering);
  const gate = Promise.withResolvers<void>();
  answering.onRequest = async () => ({
    status: 200,
    headers: {},
    body: (async function* () {
      yield Buffer.from('half');
      await gate.promise;
      throw new Error('upstream died');
    })(),
  });
  const response = await asking.transport.request(answering.peer, { path: '/', headers: {} });
  const reader = response.body[Symbol.asyncIterator]();
  assert.equal(Buffer.from((await reader.next()).value ?? []).toString(), 'half');
  gate.resolve();
  await assert.rejects(reader.next(), (error) => error instanceof HttpFailure && error.stage === 'response');
});

test('a body that is longer than allowed is refused', TIMEOUT, async (t) => {
  const [asking, answering] = await startTransports(t, 2, { requestBodyBytesMax: 1_000 });
  assert.ok(asking && answering);
  await connect(asking, answering);
  answering.onRequest = async ({ body }) => answer(await textOf(body));
  const request = (length: number): Promise<MeshResponse> =>
    asking.transport.request(answering.peer, { path: '/', headers: {}, body: Buffer.alloc(length, 97) });
  assert.equal((await request(1_000)).status, 200);
  assert.equal((await request(1_001)).status, 413);
});

test('without a connection a request fails before the other node can have seen it', TIMEOUT, async (t) => {
  const [asking, answering] = await startTransports(t, 2);
  assert.ok(asking && answering);
  await assert.rejects(
    asking.transport.request(answering.peer, { path: '/', headers: {} }),
    (error) => error instanceof HttpFailure && error.stage === 'connect',
  );
});

test('when the connection breaks, requests under way fail as seen by the other node', TIMEOUT, async (t) => {
  const [asking, answering] = await startTransports(t, 2);
  assert.ok(asking && answering);
  await connect(asking, answering);
  const seen = Promise.withResolvers<void>();
  answering.onRequest = () => {
    seen.resolve();
    return new Promise(() => undefined);
  };
  const pending = asking.transport.request(answering.peer, { path: '/', headers: {} });
  await seen.promise;
  answering.transport.disconnect(asking.peer);
  await assert.rejects(pending, (error) => error instanceof HttpFailure && error.stage === 'response');
  await until(() => asking.disconnects.length > 0 && answering.disconnects.length > 0);
  assert.deepEqual([asking.disconnects, answering.disconnects], [[answering.peer], [asking.peer]]);
});

async function* chunks(texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

async function* endless(signal: StopSignal): AsyncGenerator<Uint8Array> {
  while (!signal.aborted) {
    yield Buffer.alloc(1_000);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** Waits until a number has stopped growing for a while. */
async function quiet(read: () => number): Promise<void> {
  for (let last = -1; last !== read(); ) {
    last = read();
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

test('an address that is taken is told in one sentence', TIMEOUT, async (t) => {
  const [first] = await startTransports(t, 1);
  const [address] = first?.transport.addresses() ?? [];
  const listen = [(address ?? '').replace(/\/p2p\/.*$/, '')];
  const second = await createTestTransport(9, { listen });
  await assert.rejects(
    second.transport.start(handlersOf(second)),
    /^Error: The mesh cannot listen on \/ip4\/127\.0\.0\.1\/tcp\/\d+ \(EADDRINUSE\)\. Choose other addresses with mesh\.listen\.$/,
  );
});
