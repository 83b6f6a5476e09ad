// Three nodes: news reaches everybody, also over the one in between; an evicted member's writes go; status tells how far
// apart nodes are.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NodeInMesh } from '../support/sim-nodes.ts';
import { SimNodes } from '../support/sim-nodes.ts';

interface Status {
  readonly peers: readonly { peer: string; replication: { missingHere: number; missingThere: number } }[];
  readonly replication: {
    readonly logs: readonly { name: string; behindChanges: number; rows: number }[];
    readonly documents: { pending: number };
  };
}

async function statusOf(node: NodeInMesh): Promise<Status> {
  const { status, body } = await node.admin('GET', '/mesh');
  assert.equal(status, 200);
  return body as unknown as Status;
}

test('a key reaches a node that only the one in between can see', async (context) => {
  const sim = new SimNodes(context);
  const [a, b, c] = [await sim.start('a'), await sim.start('b'), await sim.start('c')];
  await sim.meet();
  sim.network.cut(a.peer, c.peer);
  await sim.run(15_000);
  const { secret } = a.beside((keys) => keys.createKey({ tenant: 'acme', name: 'far' }));
  await sim.until(async () => (await b.statusFor(secret)) === 200, 1_000, 'b knows it');
  await sim.until(async () => (await c.statusFor(secret)) === 200, 30_000, 'c knows it');
});

test('status says how many changes a peer lacks, and nothing once it has them', async (context) => {
  const sim = new SimNodes(context);
  const a = await sim.start('a');
  const b = await sim.start('b');
  await sim.meet();
  await sim.run(10_000);
  sim.network.cut(a.peer, b.peer);
  await sim.run(15_000);
  for (const name of ['one', 'two', 'three']) a.beside((keys) => keys.putTenant(name));
  const apart = await statusOf(a);
  assert.deepEqual(
    apart.peers.map(({ replication }) => replication.missingThere),
    [3],
  );
  assert.equal(apart.replication.documents.pending, 0);
  sim.network.heal();
  const isTogether = async (): Promise<boolean> => {
    const [here, there] = [await statusOf(a), await statusOf(b)];
    return [here, there].every(({ peers }) =>
      peers.every(({ replication }) => replication.missingHere === 0 && replication.missingThere === 0),
    );
  };
  await sim.until(isTogether, 90_000, 'both know that the other has everything');
  assert.deepEqual(
    (await statusOf(b)).replication.logs.map(({ name, rows }) => [name, rows]),
    (await statusOf(a)).replication.logs.map(({ name, rows }) => [name, rows]),
  );
});

test('what an evicted member has written goes, everywhere, and its keys are refused', async (context) => {
  const sim = new SimNodes(context);
  const a = await sim.start('a', { admin: sim.newAdmin() });
  const [b, c] = [await sim.start('b'), await sim.start('c')];
  await sim.meet();
  const good = b.beside((keys) => keys.createKey({ tenant: 'acme', name: 'good' }));
  const stolen = c.beside((keys) => keys.createKey({ tenant: 'thief', name: 'stolen' }));
  const isKnown = async (): Promise<boolean> =>
    (await a.statusFor(stolen.secret)) === 200 &&
    (await b.statusFor(stolen.secret)) === 200 &&
    (await a.statusFor(good.secret)) === 200;
  await sim.until(isKnown, 10_000, 'all know the key of c, and a the one of b');
  const evicted = await a.admin('POST', '/admin/mesh/evictions', { peer: c.peer, reason: 'stolen' });
  assert.equal(evicted.status, 200);
  const isGone = async (): Promise<boolean> =>
    (await a.statusFor(stolen.secret)) === 401 && (await b.statusFor(stolen.secret)) === 401;
  await sim.until(isGone, 10_000, 'the key of c is refused');
  assert.equal(await a.statusFor(good.secret), 200);
  c.beside((keys) => keys.createKey({ tenant: 'thief', name: 'later' }));
  await sim.run(10_000);
  assert.deepEqual(
    [a, b].map((node) => node.beside((keys) => keys.keys().map(({ name }) => name))),
    [['good'], ['good']],
  );
});

test('evicting the member that had made all the keys opens no node', async (context) => {
  const sim = new SimNodes(context);
  const a = await sim.start('a', { admin: sim.newAdmin() });
  const [b, c] = [await sim.start('b'), await sim.start('c')];
  await sim.meet();
  const { secret } = c.beside((keys) => keys.createKey({ tenant: 'acme', name: 'only' }));
  const statuses = (): Promise<number[]> => Promise.all([a, b].map((node) => node.statusFor(secret)));
  await sim.until(async () => (await statuses()).join() === '200,200', 10_000, 'all know the key of c');
  await a.admin('POST', '/admin/mesh/evictions', { peer: c.peer, reason: 'stolen' });
  const isGone = (): boolean => [a, b].every((node) => node.beside((keys) => keys.keys().length === 0));
  await sim.until(async () => isGone(), 10_000, 'the key of c is gone');
  await sim.run(1_000);
  assert.deepEqual(await statuses(), [401, 401]);
  assert.deepEqual(
    [a, b].map((node) => node.beside((keys) => keys.hasKeys())),
    [true, true],
    'a process that starts later knows it, too',
  );
});
