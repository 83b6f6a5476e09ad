// Older and newer versions of flowmesh in one mesh: what a newer one adds, an older one leaves alone and passes on.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import BetterSqlite3 from 'better-sqlite3';
import { composeHeartbeat, parseHeartbeat, renderHeartbeat } from '../../src/mesh/heartbeat.ts';
import { type JsonObject, parseObject } from '../../src/model/json.ts';
import type { BroadcastReach } from '../../src/ports.ts';
import { heldBy, openNode, REGISTER, SHARD, signAll } from '../replication/support/node.ts';
import { commandPlace } from '../support/command.ts';
import { idle } from '../support/sim-mesh.ts';
import { SimNodes } from '../support/sim-nodes.ts';

const ADDED: JsonObject = { zz: { of: ['a newer version'] }, futureCount: 7 };

function withMore(bytes: Uint8Array): Uint8Array {
  const body = parseObject(Buffer.from(bytes).toString());
  return body ? Buffer.from(JSON.stringify({ ...body, ...ADDED })) : bytes;
}

test('a heartbeat says the same with fields that a newer version has added', () => {
  const heartbeat = renderHeartbeat(
    composeHeartbeat(idle(['m']), {
      incarnation: 1,
      sequence: 2,
      intervalMs: 1_000,
      loopLagMs: 3,
      wallMs: 4,
      membershipDigest: 'm',
      isLeaving: false,
    }),
  );
  assert.deepEqual(parseHeartbeat(withMore(heartbeat)), parseHeartbeat(heartbeat));
  assert.equal(parseHeartbeat(heartbeat)?.sequence, 2);
});

test('nodes meet and share keys and usage when one of them adds fields to all it says', async (context) => {
  const sim = new SimNodes(context);
  const older = await sim.start('a');
  let added = 0;
  const newer = await sim.start('b');
  const { transport } = newer;
  const request = transport.request.bind(transport);
  const broadcast = transport.broadcast.bind(transport);
  Object.assign(transport, {
    request: (peer: string, asked: Parameters<typeof request>[1]) => {
      added += 1;
      return request(peer, asked.body instanceof Uint8Array ? { ...asked, body: withMore(asked.body) } : asked);
    },
    broadcast: (topic: string, message: Uint8Array, reach: BroadcastReach) => {
      added += 1;
      return broadcast(topic, withMore(message), reach);
    },
  });
  await sim.meet();
  await sim.run(10_000);
  const { secret } = newer.beside((keys) => keys.createKey({ tenant: 'acme', name: 'app' }));
  await sim.until(async () => (await older.statusFor(secret)) === 200, 5_000, 'the key works on the older node');
  assert.ok(added > 5, `${added} messages had more fields`);
  assert.ok(older.sees([newer]) && newer.sees([older]));
});

test('a kind of rows that an older node does not know reaches newer ones through it', () => {
  const time = { now: 1_800_000_000_000, meshNow: 1_800_000_000_000 };
  const first = openNode({ origin: 'newer-1' });
  const between = openNode({ origin: 'older', kinds: [SHARD] });
  const second = openNode({ origin: 'newer-2' });
  first.put('setting', 'new');
  first.count('n/day', { tokens: 3 });
  signAll(first);
  assert.equal(between.replica.merge(heldBy(first), time).parked, 1);
  assert.deepEqual([between.rows(), between.shards()], [{}, { 'n/day': { tokens: 3 } }]);
  second.replica.merge(heldBy(between), time);
  assert.deepEqual([second.rows(), second.shards()], [{ setting: 'new' }, { 'n/day': { tokens: 3 } }]);
  assert.equal(second.log.digest(), first.log.digest());
  const upgraded = openNode({ origin: 'older', database: between.database, kinds: [REGISTER, SHARD] });
  assert.deepEqual(upgraded.rows(), { setting: 'new' });
  for (const { database } of [first, between, second]) database.close();
});

test('a node does not start on the state of a newer version, and says what to do', async () => {
  using place = commandPlace();
  await place.run(['keys', 'create', '--tenant', 'acme', '--name', 'app']);
  const database = new BetterSqlite3(join(place.path('state'), 'gateway.db'));
  database.prepare("INSERT INTO schema_version VALUES ('something-newer', 1)").run();
  database.close();
  for (const command of [
    ['start', '--port', '0'],
    ['keys', 'list'],
  ]) {
    const { exitCode, stderr } = await place.run(command);
    assert.equal(exitCode, 1, command.join(' '));
    assert.match(
      stderr,
      /^flowmesh: The database .*gateway\.db was written by a newer flowmesh\. Start that version, or use another data directory\.$/m,
    );
  }
});
