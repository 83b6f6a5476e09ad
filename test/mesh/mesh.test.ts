// The mesh as a whole, on a simulated network.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SimTransport } from '../../mesh-sim/sim/sim-transport.ts';
import { fleetKey } from '../../src/mesh/mesh-keys.ts';
import { changesTo, idle, SimMesh, type SimNode, sees } from '../support/sim-mesh.ts';

test('five nodes with one secret, started at once, form a full mesh within three seconds and know all models', async () => {
  const sim = new SimMesh();
  const nodes = await sim.startFleet(5);
  for (const [index, node] of nodes.entries()) node.status = idle([`model-${index}`]);
  await sim.runUntil(() => sim.isWhole(), 3_000, 'a full mesh');
  const modelsSeen = (node: SimNode): string[] => node.mesh.view().flatMap(({ models }) => models.map((m) => m.model));
  await sim.runUntil(() => nodes.every((node) => modelsSeen(node).length === 4), 1_000, 'all models known everywhere');
  assert.deepEqual(modelsSeen(nodes[0] as SimNode).sort(), ['model-1', 'model-2', 'model-3', 'model-4']);
});

test('without beacons one bootstrap address is enough for everybody to meet everybody', async () => {
  const sim = new SimMesh();
  const fleet = sim.newKey();
  const first = sim.addNode({ fleet, isDiscovered: false });
  const bootstrap = first.transport.addresses();
  for (let count = 0; count < 4; count += 1) sim.addNode({ fleet, isDiscovered: false, bootstrap });
  for (const { mesh } of sim.nodes) await mesh.start();
  await sim.runUntil(() => sim.isWhole(), 5_000, 'a full mesh');
});

test('members that know each other meet again within two seconds of the start, without beacons and bootstrap', async () => {
  const sim = new SimMesh();
  const [a, b] = (await sim.startFleet(2)) as [SimNode, SimNode];
  await sim.runUntil(() => sim.isWhole(), 3_000);
  await sim.settle(b.mesh.stop());
  assert.equal(sees(a, b), 'left');
  await sim.run(7 * 86_400);
  const again = sim.restart({ ...b, options: { ...b.options, isDiscovered: false } });
  await again.mesh.start();
  await sim.runUntil(() => sim.isWhole(), 2_000, 'the two together');
});

test('a line that stays cut is given up and dialled anew: what TCP still holds would wake long after it is mended', async () => {
  const sim = new SimMesh();
  const nodes = (await sim.startFleet(2)) as [SimNode, SimNode];
  await sim.runUntil(() => sim.isWhole(), 3_000);
  const [a, b] = nodes.map(({ transport }) => transport) as [SimTransport, SimTransport];
  const dialsBefore = a.sent.dials + b.sent.dials;
  sim.network.cut(a.peer, b.peer);
  await sim.run(10_000);
  assert.equal(a.sent.dials + b.sent.dials, dialsBefore, 'a stall of some seconds ends no stream');
  await sim.run(20_000);
  assert.ok(a.sent.dials + b.sent.dials > dialsBefore);
  sim.network.heal();
  await sim.runUntil(() => sim.isWhole(), 3_000, 'the two together');
});

test('another secret makes another mesh: the nodes leave each other alone', async () => {
  const sim = new SimMesh();
  const ours = await sim.startFleet(2);
  const [stranger] = (await sim.startFleet(1)) as [SimNode];
  await sim.run(5_000);
  assert.ok(sim.isWhole(ours));
  assert.deepEqual(stranger.mesh.view(), []);
  assert.equal(stranger.transport.sent.dials, 0);
});

test('a stranger that dials with another secret is turned away and learns nothing', async () => {
  const sim = new SimMesh();
  const [ours] = (await sim.startFleet(1)) as [SimNode];
  const stranger = sim.addNode({ fleet: sim.newKey(), bootstrap: ours.transport.addresses() });
  await stranger.mesh.start();
  await sim.run(5_000);
  assert.deepEqual(ours.mesh.view(), []);
  assert.deepEqual(stranger.mesh.view(), []);
  const refusals = stranger.log.filter(({ message }) => message === 'a node refused us');
  assert.equal(refusals[0]?.reason, 'the certificate is refused: it belongs to another mesh');
});

test('a killed node is suspected at once and dead soon after, for everybody', async () => {
  const sim = new SimMesh();
  const nodes = await sim.startFleet(5);
  await sim.runUntil(() => sim.isWhole(), 3_000);
  const [victim, ...others] = nodes as [SimNode, ...SimNode[]];
  victim.transport.kill();
  await sim.runUntil(() => others.every((node) => sees(node, victim) !== 'alive'), 500, 'suspicion');
  await sim.runUntil(() => others.every((node) => sees(node, victim) === 'dead'), 8_000, 'the verdict');
  assert.ok(sim.isWhole(others));
});

test('a node whose cable is cut under load is avoided within two seconds', async () => {
  const sim = new SimMesh();
  const nodes = await sim.startFleet(4);
  await sim.runUntil(() => sim.isWhole(), 3_000);
  const [victim, ...others] = nodes as [SimNode, ...SimNode[]];
  let inFlight = 0;
  const load = sim.clock.every(300, () => {
    inFlight += 1;
    victim.status = { ...idle([]), inFlight };
  });
  await sim.run(3_000);
  victim.transport.powerOff();
  await sim.runUntil(() => others.every((node) => sees(node, victim) !== 'alive'), 2_050, 'suspicion');
  load.cancel();
});

test('a failed request makes a suspect at once, and an answer to a probe clears it', async () => {
  const sim = new SimMesh();
  const [a, b] = (await sim.startFleet(3)) as [SimNode, SimNode];
  await sim.runUntil(() => sim.isWhole(), 3_000);
  a.mesh.reportFailure(b.transport.peer, 'reset');
  assert.equal(sees(a, b), 'suspect');
  await sim.run(100);
  assert.equal(sees(a, b), 'alive');
  assert.deepEqual(
    changesTo(a, 'suspect').map(({ reason }) => reason),
    ['a request failed: reset'],
  );
});

test('a node that stands still for 20 seconds declares nobody dead and is back within two seconds', async () => {
  const sim = new SimMesh();
  const nodes = await sim.startFleet(5);
  await sim.runUntil(() => sim.isWhole(), 3_000);
  await sim.run(20_000);
  const [stopped, ...others] = nodes as [SimNode, ...SimNode[]];
  stopped.clock.pause();
  await sim.run(20_000);
  assert.ok(others.every((node) => sees(node, stopped) !== 'alive'));
  assert.ok(sim.isWhole(others));
  stopped.clock.resume();
  await sim.runUntil(() => sim.isWhole(), 2_000, 'everybody alive again');
  await sim.run(10_000);
  assert.deepEqual(changesTo(stopped, 'dead'), []);
  assert.ok(stopped.log.some(({ message }) => message.startsWith('this node stood still')));
});

test('a peer that is further away than a LAN is wide is asked long enough to answer, and never held for dead', async () => {
  const sim = new SimMesh({ delayMs: { min: 400, max: 500 } });
  const [a, b] = (await sim.startFleet(3)) as [SimNode, SimNode];
  await sim.runUntil(() => sim.isWhole(), 20_000);
  await sim.run(20_000);
  a.mesh.reportFailure(b.transport.peer, 'reset');
  assert.equal(sees(a, b), 'suspect');
  await sim.runUntil(() => sees(a, b) === 'alive', 1_500, 'its answer');
  await sim.run(60_000);
  assert.deepEqual(changesTo(a, 'dead'), []);
  assert.equal(await sim.settle(a.mesh.isThere(b.transport.peer)), true);
});

test('a peer that is heard but does not answer stays suspect: requests would not reach it', async () => {
  const sim = new SimMesh();
  const [a, b, c] = (await sim.startFleet(3)) as [SimNode, SimNode, SimNode];
  await sim.runUntil(() => sim.isWhole(), 3_000);
  sim.network.cutOneWay(a.transport.peer, b.transport.peer);
  a.mesh.reportFailure(b.transport.peer, 'timeout');
  await sim.run(30_000);
  // b still hears of a through c, and c reaches both.
  assert.equal(sees(a, b), 'suspect');
  assert.equal(sees(c, b), 'alive');
  assert.deepEqual(changesTo(a, 'dead'), []);
  sim.network.heal();
  await sim.runUntil(() => sim.isWhole(), 3_000, 'everybody alive again');
});

test('the two sides of a partition keep to themselves and find together when it heals', async () => {
  const sim = new SimMesh();
  const nodes = await sim.startFleet(5);
  await sim.runUntil(() => sim.isWhole(), 3_000);
  const [a, b, c, d, e] = nodes as [SimNode, SimNode, SimNode, SimNode, SimNode];
  sim.network.partition(
    [a.transport.peer, b.transport.peer],
    [c, d, e].map(({ transport }) => transport.peer),
  );
  await sim.run(60_000);
  assert.ok(sim.isWhole([a, b]));
  assert.ok(sim.isWhole([c, d, e]));
  assert.ok(
    [c, d, e].every((node) => sees(node, a) === 'dead' && sees(node, b) === 'dead'),
    sim.describe(),
  );
  sim.network.heal();
  await sim.runUntil(() => sim.isWhole(), 2_000, 'one mesh');
});

test('of two nodes that lose each other neither calls the other dead: nobody else can say', async () => {
  const sim = new SimMesh();
  const [a, b] = (await sim.startFleet(2)) as [SimNode, SimNode];
  await sim.runUntil(() => sim.isWhole(), 3_000);
  sim.network.cut(a.transport.peer, b.transport.peer);
  await sim.run(60_000);
  assert.deepEqual([sees(a, b), sees(b, a)], ['unknown', 'unknown']);
  sim.network.heal();
  await sim.runUntil(() => sim.isWhole(), 2_000, 'the two together');
});

test('a link that flaps every second never makes a dead node', async () => {
  const sim = new SimMesh();
  const [a, b] = (await sim.startFleet(4)) as [SimNode, SimNode];
  await sim.runUntil(() => sim.isWhole(), 3_000);
  for (let turn = 0; turn < 20; turn += 1) {
    sim.network.cut(a.transport.peer, b.transport.peer);
    await sim.run(700);
    sim.network.heal();
    await sim.run(700);
  }
  assert.ok(sim.nodes.every((node) => changesTo(node, 'dead').length === 0));
  await sim.runUntil(() => sim.isWhole(), 2_000, 'everybody alive');
});

test('a node that drains, and one that ends, say so', async () => {
  const sim = new SimMesh();
  const [a, b] = (await sim.startFleet(3)) as [SimNode, SimNode];
  await sim.runUntil(() => sim.isWhole(), 3_000);
  b.mesh.drain();
  await sim.run(450);
  assert.equal(a.mesh.peer(b.transport.peer)?.load?.state, 'draining');
  await sim.settle(b.mesh.stop());
  assert.equal(sees(a, b), 'left');
  await sim.run(20_000);
  assert.equal(sees(a, b), 'left');
  assert.deepEqual(changesTo(a, 'dead'), []);
});

test('a restarted node whose memory is gone is believed again', async () => {
  const sim = new SimMesh();
  const [a, b] = (await sim.startFleet(3)) as [SimNode, SimNode];
  await sim.runUntil(() => sim.isWhole(), 3_000);
  // Its number is well above what a node without memory begins with.
  a.mesh.reportFailure(b.transport.peer, 'reset');
  await sim.run(5_000);
  b.transport.kill();
  await sim.run(10_000);
  const { database: _lost, ...options } = b.options;
  sim.nodes.splice(sim.nodes.indexOf(b), 1);
  const again = sim.addNode({ ...options, name: b.name, identity: b.identity });
  await again.mesh.start();
  await sim.runUntil(() => sim.isWhole(), 2_500, 'the node back');
});

test('ten idle nodes send less than ten kilobytes a second each, and no heartbeat above a kilobyte', async () => {
  const sim = new SimMesh();
  const nodes = await sim.startFleet(10);
  for (const node of nodes)
    node.status = idle(Array.from({ length: 50 }, (_, index) => `vendor/model-${index}-instruct`));
  await sim.runUntil(() => sim.isWhole(), 5_000);
  await sim.run(30_000);
  for (const { transport } of nodes) Object.assign(transport.sent, { broadcasts: 0, broadcastBytes: 0, requests: 0 });
  await sim.run(60_000);
  for (const { transport } of nodes) {
    assert.equal(transport.sent.broadcasts, 12);
    assert.ok(transport.sent.broadcastBytes / 60 < 100);
    assert.ok(transport.sent.requests <= 20);
  }
});

test('a large mesh is not a full one, and everybody still hears of everybody', async () => {
  const sim = new SimMesh();
  const nodes = await sim.startFleet(36);
  const allHeard = (): boolean =>
    nodes.every((node) => nodes.every((other) => other === node || ['alive', 'heard'].includes(sees(node, other))));
  await sim.runUntil(allHeard, 30_000, 'everybody heard of');
  await sim.run(8_000);
  assert.ok(nodes.every(({ transport }) => transport.connections().length < 35));
  assert.ok(allHeard(), sim.describe());
});

test('clocks that are wildly off do not keep nodes apart', async () => {
  const sim = new SimMesh();
  const fleet = sim.newKey();
  const now = sim.clock.now();
  const skews = [0, -now, 80 * 365 * 86_400_000];
  for (const skewMs of skews) await sim.addNode({ fleet, skewMs }).mesh.start();
  await sim.runUntil(() => sim.isWhole(), 3_000);
  const [a, b] = sim.nodes as [SimNode, SimNode];
  // Who was dialled measures with its first ping.
  const offsetMs = (): number => a.mesh.peer(b.transport.peer)?.clockOffsetMs ?? 0;
  await sim.runUntil(() => offsetMs() !== 0, 3_000, 'how far off a clock is');
  assert.ok(Math.abs(offsetMs() + now) < 1_000, String(offsetMs()));
});

test('heartbeats of strangers, repeated and unreadable ones change nothing', async () => {
  const sim = new SimMesh();
  const [a, b] = (await sim.startFleet(2)) as [SimNode, SimNode];
  await sim.runUntil(() => sim.isWhole(), 3_000);
  await sim.run(10_000);
  const before = a.mesh.peer(b.transport.peer);
  const refusedBefore = a.mesh.counters.heartbeatsRefused;
  const recorded = Buffer.from(
    JSON.stringify({ v: 1, i: 1, n: 1, s: 1, e: 5000, f: 0, q: 0, c: 1, l: 0, w: 0, d: '', m: '', p: [] }),
  );
  await b.transport.broadcast('heartbeat', recorded, 'everyone');
  await b.transport.broadcast('heartbeat', Buffer.alloc(5_000, 'x'), 'everyone');
  await b.transport.broadcast('membership', Buffer.alloc(100_000, '['), 'everyone');
  await sim.run(100);
  assert.equal(a.mesh.counters.heartbeatsRefused - refusedBefore, 2);
  assert.equal(a.mesh.peer(b.transport.peer)?.load?.state, before?.load?.state);
  assert.equal(sees(a, b), 'alive');
});

test('a request to a path that nobody serves is told so, and one that fails here ends nothing else', async () => {
  const sim = new SimMesh();
  const [a, b] = (await sim.startFleet(2)) as [SimNode, SimNode];
  await sim.runUntil(() => sim.isWhole(), 3_000);
  b.mesh.onRequest('/work', () => Promise.reject(new Error('broken')));
  b.mesh.onRequest('/work/well', ({ from, body }) => Promise.resolve({ status: 200, headers: { from }, body }));
  const ask = async (path: string): Promise<readonly [number, string | undefined, string]> => {
    const body = Buffer.from('hello');
    const response = await a.transport.request(b.transport.peer, { path, headers: {}, body });
    const chunks: Uint8Array[] = [];
    for await (const chunk of response.body) chunks.push(chunk);
    return [response.status, response.headers.from, Buffer.concat(chunks).toString()];
  };
  assert.deepEqual(await sim.settle(ask('/work/well')), [200, a.transport.peer, 'hello']);
  assert.equal((await sim.settle(ask('/work/badly')))[0], 500);
  assert.equal((await sim.settle(ask('/elsewhere')))[0], 404);
  assert.equal(sees(a, b), 'alive');
});

test('the fleet key follows from the secret alone', () => {
  const key = fleetKey('correct horse battery staple');
  assert.equal(key.peer, fleetKey('correct horse battery staple').peer);
  assert.notEqual(key.peer, fleetKey('correct horse battery stapler').peer);
});
