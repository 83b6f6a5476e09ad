// POST /flowmesh/explain, and the header by which a client asks how its request was routed.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { completion, JSON_HEADERS } from '../support/chat-wire.ts';
import { startNode, type TestNode } from '../support/node.ts';
import { type RawUpstream, startRawUpstream } from '../support/raw-upstream.ts';

let upstream: RawUpstream;
let node: TestNode;
let calls = 0;

before(async () => {
  upstream = await startRawUpstream((response) => {
    calls += 1;
    response.writeHead(200, JSON_HEADERS).end(JSON.stringify(completion('Hi')));
  });
  node = await startNode({
    accounts: { a: { url: upstream.url } },
    chains: { main: ['a/one', 'a/two'], schön: ['a/three'] },
    rules: [
      { name: 'tools', when: { tools: true }, use: 'main' },
      { name: 'größe', when: { models: ['auto'] }, use: 'schön' },
    ],
    server: { apiKeys: ['key'] },
  });
});

after(async () => {
  await node.stop();
  await upstream.close();
});

const KEY = { 'x-api-key': 'key' };
const HELLO = { messages: [{ role: 'user', content: 'Hello' }] };

test('it tells rule, chain and order, and asks nobody', async () => {
  const response = await node.post('/flowmesh/explain', { model: 'auto', ...HELLO }, { headers: KEY });
  assert.equal(response.status, 200);
  const { facts, text, routes, ...rest } = (await response.json()) as Record<string, unknown> & {
    facts: Record<string, unknown>;
    routes: Record<string, unknown>[];
    text: string[];
  };
  assert.deepEqual(rest, {
    model: 'auto',
    rule: { number: 2, name: 'größe', use: 'schön', explanation: "model is 'auto'" },
    passedOver: [{ number: 1, name: 'tools', explanation: 'has no tools' }],
    targets: ['a/three'],
  });
  assert.deepEqual([facts.turns, facts.language, facts.affinity], [1, null, 'prefix']);
  assert.deepEqual(
    routes.map(({ model, chain, targets }) => ({ model, chain, targets })),
    [{ model: 'auto', chain: 'schön', targets: ['a/three'] }],
  );
  assert.deepEqual(text.slice(1), [
    "rule 'tools' does not match: has no tools",
    "rule 'größe' matches: model is 'auto'; use schön",
    'chain schön by priority:',
    '  1. a/three: fit, position 1',
    'asked in this order: a/three',
  ]);
  assert.equal(calls, 0);
});

test('without a match it says why each rule did not hold', async () => {
  const response = await node.post('/flowmesh/explain', { model: 'main', ...HELLO }, { headers: KEY });
  const { rule, text } = (await response.json()) as { rule: null; text: string[] };
  assert.equal(rule, null);
  assert.deepEqual(text.slice(1, 3), [
    "rule 'tools' does not match: has no tools",
    "rule 'größe' does not match: model is another or missing",
  ]);
});

test('limits that leave nobody are explained, not refused', async () => {
  const body = { model: 'main', provider: { only: ['b'] }, ...HELLO };
  const response = await node.post('/flowmesh/explain', body, { headers: KEY });
  assert.equal(response.status, 200);
  const { targets, text } = (await response.json()) as { targets: string[]; text: string[] };
  assert.deepEqual(targets, []);
  assert.deepEqual(text.slice(-3), [
    'a/one is left out: is not among provider.only',
    'a/two is left out: is not among provider.only',
    "nobody would be asked: the request's own limits leave nobody",
  ]);
});

test('it wants a key, and a chat request', async () => {
  assert.equal((await node.post('/flowmesh/explain', HELLO)).status, 401);
  assert.equal((await node.post('/flowmesh/explain', { model: 'main' }, { headers: KEY })).status, 400);
  const unknown = await node.post('/flowmesh/explain', { model: 'nobody', ...HELLO }, { headers: KEY });
  assert.equal(unknown.status, 404);
});

test('an answer tells its route to a client that asks, and to no other', async () => {
  const asked = await node.chat({ model: 'auto' }, { headers: { ...KEY, 'x-flowmesh-explain': '1' } });
  assert.equal(
    asked.headers.get('x-flowmesh-route'),
    "rule 'gr%C3%B6%C3%9Fe'; chain sch%C3%B6n by priority; first a/three",
  );
  const plain = await node.chat({ model: 'auto' }, { headers: KEY });
  assert.deepEqual([plain.status, plain.headers.get('x-flowmesh-route')], [200, null]);
});
