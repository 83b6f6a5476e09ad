// Kept answers travel, so that a node which is cut off from everything still answers what was asked before.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { completion, JSON_HEADERS } from '../support/chat-wire.ts';
import { startRawUpstream } from '../support/raw-upstream.ts';
import { type NodeInMesh, SimNodes } from '../support/sim-nodes.ts';

const QUESTION = { model: 'main', messages: [{ role: 'user', content: 'Will it rain?' }] };
const OTHER = { model: 'main', messages: [{ role: 'user', content: 'Will it snow?' }] };
const OPEN = { server: { anonymous: 'until-first-key' } } as const;

async function cachingMesh(context: TestContext) {
  let calls = 0;
  const upstream = await startRawUpstream((response) => {
    calls += 1;
    response.writeHead(200, JSON_HEADERS).end(JSON.stringify(completion(`Answer ${calls}`)));
  });
  context.after(() => upstream.close());
  const config = {
    ...OPEN,
    accounts: { a: { url: upstream.url } },
    chains: { main: ['a/one'] },
    retries: { max: 0 },
    cache: { isEnabled: true, requests: 'all' },
  } as const;
  return { sim: new SimNodes(context, { config }), upstream, calls: () => calls };
}

async function ask(node: NodeInMesh, body: object = QUESTION): Promise<string> {
  const response = await fetch(`${node.url}/v1/chat/completions`, { method: 'POST', body: JSON.stringify(body) });
  const answer = (await response.json()) as { choices?: { message: { content: string } }[] };
  return answer.choices?.[0]?.message.content ?? `status ${response.status}`;
}

/** Entries in a node's cache. */
async function kept(node: NodeInMesh): Promise<number> {
  const { body } = await node.admin('GET', '/admin/cache');
  return Number((body as { entries?: number }).entries);
}

test('an island answers what was asked elsewhere before the cut, until that is cleared', async (context) => {
  const { sim, upstream, calls } = await cachingMesh(context);
  const a = await sim.start('a');
  const b = await sim.start('b');
  await sim.meet();
  assert.equal(await ask(a), 'Answer 1');
  await sim.until(async () => (await kept(b)) === 1, 5_000, 'b has the answer');
  sim.network.cut(a.peer, b.peer);
  await upstream.close();
  assert.equal(await sim.settle(ask(b)), 'Answer 1');
  assert.match(await sim.settle(ask(b, OTHER)), /^status 5/);
  assert.equal(calls(), 1);
  assert.equal((await a.admin('DELETE', '/admin/cache')).status, 200);
  sim.network.heal();
  await sim.until(async () => (await kept(b)) === 0, 60_000, 'b has heard that it was cleared');
  assert.match(await sim.settle(ask(b)), /^status 5/);
});

test('answers of a member without cache:write stay with it; a later one of another member takes their place', async (context) => {
  const { sim, calls } = await cachingMesh(context);
  const a = await sim.start('a');
  const b = await sim.start('b', { capabilities: ['serve'] });
  await sim.meet();
  assert.equal(await ask(b), 'Answer 1');
  assert.equal(await kept(b), 1);
  await sim.run(10_000);
  assert.equal(await kept(a), 0);
  assert.equal(await ask(a), 'Answer 2');
  await sim.run(10_000);
  assert.equal(await ask(b), 'Answer 2');
  assert.equal(calls(), 2);
});
