// Usage and budgets of whole nodes over a simulated network: the same totals everywhere, and one budget for all.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { adminToken } from '../../src/tenancy/admin-token.ts';
import { completion, JSON_HEADERS } from '../support/chat-wire.ts';
import { startRawUpstream } from '../support/raw-upstream.ts';
import { type NodeInMesh, SimNodes } from '../support/sim-nodes.ts';

/** 11 tokens in, 7 out. */
const USED = 18;

async function start(context: TestContext) {
  const upstream = await startRawUpstream((response) =>
    response.writeHead(200, JSON_HEADERS).end(JSON.stringify(completion('Hi'))),
  );
  context.after(() => upstream.close());
  const serving = { accounts: { a: { url: upstream.url } }, chains: { main: ['a/one'] }, retries: { max: 0 } };
  const sim = new SimNodes(context);
  const ask = async (node: NodeInMesh, secret: string): Promise<number> => {
    const answer = fetch(`${node.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'main', max_tokens: 7, messages: [{ role: 'user', content: 'x' }] }),
    });
    const response = await sim.settle(answer);
    await response.arrayBuffer();
    return response.status;
  };
  return { sim, serving, ask };
}

async function usageOf(node: NodeInMesh, query: string): Promise<string> {
  const { body } = await node.admin('GET', `/admin/usage?scope=mesh&${query}`);
  return JSON.stringify(body.data);
}

test('all nodes give the same totals, and what one answers for another is counted once', async (context) => {
  const { sim, serving, ask } = await start(context);
  const a = await sim.start('a', { config: serving });
  const b = await sim.start('b', { config: serving });
  // It has no upstream: the others answer for it.
  const c = await sim.start('c', { config: { accounts: {}, chains: {} } });
  await sim.meet();
  const { key, secret } = a.beside((keys) => keys.createKey({ tenant: 'acme', name: 'app' }));
  await sim.until(async () => (await c.statusFor(secret)) === 200, 5_000, 'the key works on c');
  assert.deepEqual([await ask(a, secret), await ask(b, secret), await ask(b, secret)], [200, 200, 200]);
  assert.equal(await ask(c, secret), 200);
  const by = 'by=tenant,key,model';
  const total = (count: number): RegExp =>
    new RegExp(`"tenant":"acme","key":"${key.id}","model":"main","requests":${count},.*"inputTokens":${count * 11},`);
  for (const node of [a, b, c]) {
    await sim.until(async () => total(4).test(await usageOf(node, by)), 5_000, `the totals on ${node.name}`);
  }
  const rows = await Promise.all([a, b, c].map((node) => usageOf(node, 'by=tenant,key,model,day,node')));
  assert.equal(new Set(rows).size, 1);
  assert.ok(!rows[0]?.includes(c.peer), 'who has only passed on has used nothing');
  const csv = await fetch(`${c.url}/admin/usage?scope=mesh&by=tenant&format=csv`, {
    headers: { authorization: `Bearer ${adminToken(c.dataDirectory)}` },
  });
  assert.match(await csv.text(), /^tenant,requests,.*\r\nacme,4,/);
  const refused = await c.admin('GET', '/admin/usage?scope=mesh&by=target');
  assert.equal(refused.status, 400);
  assert.match(JSON.stringify(refused.body), /nothing to group by in usage of the mesh/);
});

test('texts are embedded by whoever can, with the rights of their key, and counted once', async (context) => {
  const data = [{ object: 'embedding', index: 0, embedding: [0.25, -1e-7] }];
  const answer = { object: 'list', model: 'up', data, usage: { prompt_tokens: 5, total_tokens: 5 } };
  const upstream = await startRawUpstream((response) =>
    response.writeHead(200, JSON_HEADERS).end(JSON.stringify(answer)),
  );
  context.after(() => upstream.close());
  const sim = new SimNodes(context);
  const a = await sim.start('a', { config: { accounts: { a: { url: upstream.url } }, chains: { main: ['a/one'] } } });
  const b = await sim.start('b', { config: { accounts: {}, chains: {} } });
  await sim.meet();
  const scopes = { endpoints: ['embeddings'] };
  const { key, secret } = a.beside((keys) => keys.createKey({ tenant: 'acme', name: 'app', scopes }));
  const embed = async (): Promise<Response> =>
    sim.settle(
      fetch(`${b.url}/v1/embeddings`, {
        method: 'POST',
        headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'main', input: ['x'] }),
      }),
    );
  await sim.until(async () => (await embed()).status === 200, 5_000, 'the key works on b');
  const before = upstream.requests.length;
  const response = await embed();
  assert.deepEqual(await response.json(), { ...answer, model: 'up' });
  assert.equal(response.headers.get('x-flowmesh-target'), 'a/a/one');
  assert.equal(upstream.requests.length, before + 1);
  const total = `"tenant":"acme","key":"${key.id}","model":"main","requests":${before + 1},`;
  for (const node of [a, b]) {
    const isTold = async () => (await usageOf(node, 'by=tenant,key,model')).includes(total);
    await sim.until(isTold, 5_000, `the totals on ${node.name}`);
  }
});

test('a budget is shared while nodes see each other, and split while they do not', async (context) => {
  const { sim, serving, ask } = await start(context);
  const a = await sim.start('a', { config: serving });
  const b = await sim.start('b', { config: serving });
  await sim.meet();
  const limits = { tokensPerDay: 20 * USED };
  const { secret } = a.beside((keys) => keys.createKey({ tenant: 'acme', name: 'app', limits }));
  await sim.until(async () => (await b.statusFor(secret)) === 200, 5_000, 'the key works on b');
  const spendAll = async (node: NodeInMesh): Promise<number> => {
    let answered = 0;
    while ((await ask(node, secret)) === 200) answered += 1;
    return answered;
  };
  assert.equal(await spendAll(a), 10);
  await sim.run(40_000);
  assert.equal(await ask(b, secret), 200);
  await sim.run(40_000);
  sim.network.cut(a.peer, b.peer);
  await sim.run(40_000);
  // Nine requests are left: four and a half for each, and whoever has something left is served.
  assert.deepEqual([await spendAll(a), await spendAll(b)], [5, 5]);
  assert.equal(await ask(a, secret), 402);
  sim.network.heal();
  await sim.run(60_000);
  const last = JSON.parse(await usageOf(a, 'by='));
  assert.equal(last[0].inputTokens + last[0].outputTokens, 21 * USED, 'the budget, and one request');
  assert.deepEqual([await ask(a, secret), await ask(b, secret)], [402, 402]);
});

test('a limit a minute holds for all nodes together, and what one answers for another counts once', async (context) => {
  const { sim, serving, ask } = await start(context);
  const a = await sim.start('a', { config: serving });
  const b = await sim.start('b', { config: serving });
  // It has no upstream: the others answer for it.
  const c = await sim.start('c', { config: { accounts: {}, chains: {} } });
  await sim.meet();
  const limits = { requestsPerMinute: 12 };
  const { secret } = a.beside((keys) => keys.createKey({ tenant: 'acme', name: 'app', limits }));
  for (const node of [b, c]) {
    await sim.until(async () => (await node.statusFor(secret)) === 200, 5_000, 'the key works there');
  }
  const askTimes = async (node: NodeInMesh, count: number): Promise<number> => {
    let answered = 0;
    for (let asked = 0; asked < count; asked += 1) answered += Number((await ask(node, secret)) === 200);
    return answered;
  };
  assert.equal(await askTimes(c, 8), 8, 'twice its share, and forwarded');
  assert.equal((await askTimes(a, 8)) + (await askTimes(b, 8)), 3, 'c keeps something for its next requests');
  await sim.run(200_000);
  for (const node of [a, b]) sim.network.cut(node.peer, c.peer);
  await sim.run(20_000);
  assert.deepEqual([await askTimes(a, 20), await askTimes(b, 20)], [8, 0], 'an island has the shares of its nodes');
});
