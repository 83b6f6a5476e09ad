// Clients that are too slow: to send their request, or to take their answer.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { Admission } from '../../src/gateway/admission.ts';
import { ModelDirectory } from '../../src/gateway/model-directory.ts';
import { ClientWriter } from '../../src/http/client-writer.ts';
import { createServer as createGatewayServer } from '../../src/http/server.ts';
import { Ingest } from '../../src/knowledge/ingest/ingest.ts';
import { DocumentReader } from '../../src/knowledge/ingest/reader.ts';
import { GATEWAY_MIGRATIONS } from '../../src/node-files.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { ResponseHistory } from '../../src/storage/response-history.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { Metrics } from '../../src/telemetry/metrics.ts';
import { TestGateway } from '../gateway/support.ts';
import { FakeKnowledge } from '../support/fake-knowledge.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { configWith, LogRecorder } from '../support/node.ts';
import { openKeyRing } from '../support/tenancy.ts';

async function impatientServer() {
  const config = configWith();
  const gateway = new TestGateway({});
  const knowledge = new FakeKnowledge();
  const reader = new DocumentReader(systemClock);
  const server = createGatewayServer(
    {
      clock: systemClock,
      random: gateway.deps.random,
      logger: new LogRecorder(),
      metrics: new Metrics(() => 0),
      admission: new Admission(() => 10),
      history: new ResponseHistory(openDatabase(':memory:', GATEWAY_MIGRATIONS), systemClock, () => config.responses),
      keyRing: openKeyRing(systemClock),
      knowledge,
      ingest: new Ingest({ knowledge, reader, fileBytesMax: () => config.knowledge.fileBytesMax }),
      pipeline: gateway.deps,
      directory: new ModelDirectory(
        () => gateway.router,
        () => [],
      ),
      config: () => config,
      version: '0.0.0',
    },
    // Less, and on a busy machine a connection may be closed before its first bytes were read: then its last words get lost.
    { headMs: 400, requestMs: 800, checkMs: 20 },
  );
  await server.listen({ host: '127.0.0.1', port: 0 });
  return server;
}

/** What the server says before it closes the connection on its own. */
async function lastWords(port: number, head: string): Promise<string> {
  let words = '';
  const socket: Socket = connect(port, '127.0.0.1', () => socket.write(head));
  socket.on('data', (bytes) => {
    words += bytes.toString();
  });
  // A reset is an end like another; `once` would throw it.
  socket.on('error', () => undefined);
  await new Promise((resolve) => socket.once('close', resolve));
  return words;
}

test('a head that never ends, and a body that never comes, are cut off with 408', async () => {
  const server = await impatientServer();
  try {
    const { port } = server.server.address() as AddressInfo;
    const head = 'POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n';
    assert.match(await lastWords(port, head), /^HTTP\/1\.1 408 /);
    assert.match(await lastWords(port, `${head}content-length: 100\r\n\r\n{"model"`), /^HTTP\/1\.1 408 /);
  } finally {
    await server.close();
  }
});

test('a client that takes nothing for two minutes is dropped; one that takes something in time is not', async () => {
  const clock = new ManualClock();
  // More than the system's own buffers take from a client that does not read.
  const block = Buffer.alloc(64 * 1024 * 1024);
  const outcomes: string[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const writer = new ClientWriter(response, clock);
      const room = writer.write(block);
      outcomes.push('full');
      server.emit('full');
      await room;
      outcomes.push(response.destroyed ? 'dropped' : 'room');
      server.emit(request.url === '/reads' ? 'room' : 'dropped');
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const ask = (path: string): Socket => {
    const socket = connect(port, '127.0.0.1', () => socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`));
    socket.on('error', () => undefined);
    return socket.pause();
  };
  const reader = ask('/reads');
  await once(server, 'full');
  clock.advance(119_999);
  const hasRoom = once(server, 'room');
  reader.resume();
  await hasRoom;
  assert.equal(clock.timerCount, 0);
  const stalled = ask('/stalls');
  await once(server, 'full');
  const isDropped = once(server, 'dropped');
  clock.advance(120_000);
  await isDropped;
  assert.deepEqual(outcomes, ['full', 'room', 'full', 'dropped']);
  reader.destroy();
  stalled.destroy();
  server.closeAllConnections();
  server.close();
});
