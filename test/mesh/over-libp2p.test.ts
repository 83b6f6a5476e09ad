// The mesh over the real transport on loopback: that both agree about what the port means.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Identity } from '../../src/mesh/identity.ts';
import { identityFromSeed } from '../../src/mesh/identity.ts';
import { Mesh } from '../../src/mesh/mesh.ts';
import { MESH_TOPICS } from '../../src/mesh/mesh-broadcasts.ts';
import { meshIdOf } from '../../src/mesh/mesh-keys.ts';
import { MeshStore } from '../../src/mesh/mesh-store.ts';
import { MESH_MIGRATIONS } from '../../src/mesh/migrations.ts';
import { FLEET_CAPABILITIES } from '../../src/model/mesh-capability.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { systemRandom } from '../../src/system/system-random.ts';
import { idle } from '../support/sim-mesh.ts';
import { createTestTransport, silentLogger } from '../support/transports.ts';

interface RealNode {
  readonly mesh: Mesh;
  readonly peer: string;
  readonly store: MeshStore;
  readonly addresses: () => readonly string[];
}

interface RealNodeOptions {
  readonly fleet?: Identity;
  readonly admin?: Identity;
  readonly bootstrap?: readonly string[];
}

async function realNode(context: TestContext, seed: number, options: RealNodeOptions = {}): Promise<RealNode> {
  const { transport } = await createTestTransport(seed, { topics: MESH_TOPICS });
  const database = openDatabase(':memory:', MESH_MIGRATIONS);
  const store = new MeshStore(database);
  const { fleet, admin, bootstrap = [] } = options;
  if (admin) store.setRoots({ meshId: meshIdOf(admin.peer), admin: admin.peer });
  const mesh = new Mesh({
    transport,
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    database,
    keys: { identity: identityFromSeed(new Uint8Array(32).fill(seed)), fleet, admin },
    settings: { name: `node-${seed}`, capabilities: FLEET_CAPABILITIES, bootstrap },
    local: () => idle([`model-${seed}`]),
  });
  context.after(() => mesh.stop());
  await mesh.start();
  return { mesh, peer: transport.peer, store, addresses: () => transport.addresses() };
}

const keyOf = (seed: number): Identity => identityFromSeed(new Uint8Array(32).fill(seed));

/** Far longer than it takes; only a mesh that never forms gets there. */
async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 600; turn += 1) {
    if (condition()) return;
    await sleep(50);
  }
  assert.fail('it never came to be');
}

function isWhole(nodes: readonly RealNode[]): boolean {
  return nodes.every(({ mesh, peer }) =>
    nodes.every((other) => {
      const seen = mesh.peer(other.peer);
      return other.peer === peer || (seen?.state === 'alive' && seen.isConnected && seen.models.length === 1);
    }),
  );
}

test('nodes with one secret and one address to begin with become a mesh, and notice who ends', async (context) => {
  const fleet = keyOf(99);
  const a = await realNode(context, 1, { fleet });
  const b = await realNode(context, 2, { fleet, bootstrap: a.addresses() });
  const c = await realNode(context, 3, { fleet, bootstrap: a.addresses() });
  await until(() => isWhole([a, b, c]));
  c.mesh.drain();
  await until(() => [a, b].every(({ mesh }) => mesh.peer(c.peer)?.load?.state === 'draining'));
  const heard = a.mesh.counters.heartbeatsHeard;
  await until(() => a.mesh.counters.heartbeatsHeard > heard);
});

test('an invited node becomes a member, and an evicted one is out', async (context) => {
  const founder = await realNode(context, 4, { admin: keyOf(98) });
  const leaf = await realNode(context, 5);
  const invite = founder.mesh.invite(['serve'], 'leaf');
  assert.ok(invite);
  await leaf.mesh.join(invite);
  await until(() => isWhole([founder, leaf]));
  assert.equal(founder.mesh.peer(leaf.peer)?.name, 'leaf');
  await assert.rejects((await realNode(context, 6)).mesh.join(invite), /the invite is not valid here/);
  assert.equal(founder.mesh.evict(leaf.peer, 'stolen'), true);
  await until(() => leaf.mesh.status().self.end === 'evicted' && founder.mesh.view().length === 0);
});
