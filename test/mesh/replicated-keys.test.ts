// Keys travel: what one node makes or revokes, the others know, also after a cut. Whole nodes over a simulated network.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimNodes } from '../support/sim-nodes.ts';

test('a key made on one node works on the other, and revoked there it is refused on both within a second', async (context) => {
  const sim = new SimNodes(context);
  const a = await sim.start('a');
  const b = await sim.start('b');
  await sim.meet();
  const made = await a.admin('POST', '/admin/keys', { tenant: 'acme', name: 'laptop' });
  assert.equal(made.status, 201);
  const secret = String(made.body.secret);
  await sim.until(async () => (await b.statusFor(secret)) === 200, 1_000, 'the key works on b');
  const id = String(made.body.id);
  assert.equal((await b.admin('DELETE', `/admin/keys/${id}`)).status, 200);
  assert.equal(await b.statusFor(secret), 401);
  const tookMs = await sim.until(async () => (await a.statusFor(secret)) === 401, 1_000, 'the key is refused on a');
  assert.ok(tookMs < 1_000, `${tookMs} ms`);
});

test('what the command line writes beside a running node reaches the others within a second', async (context) => {
  const sim = new SimNodes(context);
  const a = await sim.start('a');
  const b = await sim.start('b');
  await sim.meet();
  const { key, secret } = a.beside((keys) => keys.createKey({ tenant: 'acme', name: 'cli' }));
  await sim.until(async () => (await b.statusFor(secret)) === 200, 1_000, 'the key works on b');
  a.beside((keys) => keys.revokeKey(key.id));
  await sim.until(async () => (await b.statusFor(secret)) === 401, 1_000, 'the key is refused on b');
});

test('an island accepts what it knew, refuses what was revoked before, and a key revoked on one side stays revoked whatever the other side writes', async (context) => {
  const sim = new SimNodes(context);
  const a = await sim.start('a');
  const b = await sim.start('b');
  await sim.meet();
  const kept = a.beside((keys) => keys.createKey({ tenant: 'acme', name: 'kept' }));
  const dropped = a.beside((keys) => keys.createKey({ tenant: 'acme', name: 'dropped' }));
  const fought = a.beside((keys) => keys.createKey({ tenant: 'acme', name: 'fought' }));
  a.beside((keys) => keys.revokeKey(dropped.key.id));
  await sim.until(async () => (await b.statusFor(fought.secret)) === 200, 2_000, 'b knows the keys');
  await sim.until(async () => (await b.statusFor(dropped.secret)) === 401, 2_000, 'b knows the revocation');
  sim.network.cut(a.peer, b.peer);
  await sim.run(30_000);
  assert.equal(await b.statusFor(kept.secret), 200);
  assert.equal(await b.statusFor(dropped.secret), 401);
  a.beside((keys) => keys.revokeKey(fought.key.id));
  await sim.run(5_000);
  // Later than the revocation: the last writer would win, and the key would come back.
  const rotated = b.beside((keys) => keys.rotateKey(fought.key.id));
  const fresh = b.beside((keys) => keys.createKey({ tenant: 'island', name: 'fresh' }));
  await sim.run(5_000);
  assert.equal(await b.statusFor(rotated.secret), 200);
  sim.network.heal();
  await sim.until(async () => (await a.statusFor(fresh.secret)) === 200, 60_000, 'a knows the key of the island');
  await sim.until(async () => (await b.statusFor(rotated.secret)) === 401, 10_000, 'b knows the revocation');
  assert.equal(await a.statusFor(rotated.secret), 401);
  const rows = (node: typeof a): unknown => node.beside((keys) => ({ keys: keys.keys(), tenants: keys.tenants() }));
  assert.deepEqual(rows(a), rows(b));
});

test('a node that comes later gets the keys from before the mesh, and knows at once whom to refuse', async (context) => {
  const sim = new SimNodes(context);
  const a = await sim.start('a');
  const old = a.beside((keys) => keys.createKey({ tenant: 'acme', name: 'old' }));
  const gone = a.beside((keys) => keys.createKey({ tenant: 'acme', name: 'gone' }));
  a.beside((keys) => keys.revokeKey(gone.key.id));
  const b = await sim.start('b');
  await sim.meet();
  await sim.until(async () => (await b.statusFor(old.secret)) === 200, 10_000, 'the old key works on b');
  assert.equal(await b.statusFor(gone.secret), 401);
});

test('a member without config:write makes no keys for others, nor for itself', async (context) => {
  const sim = new SimNodes(context);
  await sim.start('a');
  const b = await sim.start('b', { capabilities: ['serve'] });
  await sim.meet();
  assert.throws(
    () => b.beside((keys) => keys.createKey({ tenant: 'acme', name: 'mine' })),
    /may not write virtual-key: it lacks the capability config:write/,
  );
  const made = await b.admin('POST', '/admin/keys', { tenant: 'acme', name: 'mine' });
  assert.equal(made.status, 403);
});

test('a node that joins with a tenant of the same name does not undo the limits it has in the mesh', async (context) => {
  const sim = new SimNodes(context);
  const a = await sim.start('a');
  a.beside((keys) => keys.putTenant('acme', { limits: { requestsPerMinute: 5 } }));
  const b = await sim.start('b');
  const { secret } = b.beside((keys) => keys.createKey({ tenant: 'acme', name: 'first' }));
  await sim.meet();
  await sim.until(async () => (await a.statusFor(secret)) === 200, 10_000, 'a knows the key of b');
  const limits = (node: typeof a): unknown => node.beside((keys) => keys.tenant('acme')?.limits);
  assert.deepEqual(limits(a), { requestsPerMinute: 5 });
  await sim.until(() => JSON.stringify(limits(b)) === JSON.stringify(limits(a)), 10_000, 'b knows the limits');
});
