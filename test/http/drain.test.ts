// Stopping: running answers end, new requests are sent elsewhere, and it does not take for ever.

import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { DONE, ROLE, SSE_HEADERS, STOP, text } from '../support/chat-wire.ts';
import { startNode } from '../support/node.ts';
import { startRawUpstream } from '../support/raw-upstream.ts';

test('running streams end as they would have, new requests get 503, and then the node is gone', async () => {
  let finish = (): void => undefined;
  await using upstream = await startRawUpstream((response) => {
    response.writeHead(200, SSE_HEADERS).write(ROLE + text('Hel'));
    finish = () => response.end(text('lo') + STOP + DONE);
  });
  await using node = await startNode({ accounts: { a: { url: upstream.url } }, chains: { main: ['a/one'] } });
  const running = await node.chat({ stream: true });
  const stopped = node.stop();
  const refused = await node.chat();
  assert.equal(refused.status, 503);
  assert.equal(refused.headers.get('retry-after'), '1');
  assert.equal(refused.headers.get('connection'), 'close');
  assert.equal(((await refused.json()) as { error: { code: string } }).error.code, 'draining');
  const anthropic = await node.post('/v1/messages', { model: 'main', max_tokens: 9, messages: [] });
  assert.deepEqual([anthropic.status, ((await anthropic.json()) as { type: string }).type], [503, 'error']);
  const ready = await fetch(`${node.url}/readyz`);
  assert.deepEqual([ready.status, await ready.json()], [503, { status: 'draining', running: 1 }]);
  assert.equal((await fetch(`${node.url}/healthz`)).status, 200);
  finish();
  assert.equal(await running.text(), ROLE + text('Hel') + text('lo') + STOP + DONE);
  await stopped;
  await assert.rejects(fetch(`${node.url}/healthz`));
  const lines = node.log.requests.map(({ error }) => error);
  assert.deepEqual(lines, ['draining', 'draining', undefined]);
});

test('when the drain time is over, what still runs is cut, and its upstream stopped', async () => {
  await using upstream = await startRawUpstream((response) => {
    response.writeHead(200, SSE_HEADERS).write(ROLE + text('Hel'));
  });
  await using node = await startNode({
    accounts: { a: { url: upstream.url } },
    chains: { main: ['a/one'] },
    server: { drainTimeoutMs: 50 },
  });
  const running = await node.chat({ stream: true });
  const outcome = assert.rejects(running.text());
  await node.stop();
  await outcome;
  await upstream.until(() => upstream.abortedCount === 1);
  assert.deepEqual(
    node.log.requests.map(({ error }) => error),
    ['client_closed'],
  );
  assert.ok(node.log.lines.some(({ level, fields }) => level === 'warn' && fields.running === 1));
});

test('connections without a request, or with half of one, do not hold up the end', async () => {
  await using node = await startNode({ server: { drainTimeoutMs: 50 } });
  await (await fetch(`${node.url}/healthz`)).text();
  const socket = connect(Number(new URL(node.url).port), '127.0.0.1');
  socket.on('error', () => undefined);
  await new Promise<void>((resolve) =>
    socket.write('POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n', () => resolve()),
  );
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await node.stop();
  await closed;
});
