// Laws that hold whatever happens, tried with many seeds. A failure names its seed.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changesTo, SimMesh, type SimNode, sees } from '../support/sim-mesh.ts';

const SEEDS = Number(process.env.MESH_SEEDS ?? 50);

/** Some seconds of this and that, then peace. */
async function trouble(sim: SimMesh): Promise<void> {
  const pick = (): SimNode => sim.nodes[Math.floor(sim.random.next() * sim.nodes.length)] as SimNode;
  for (let turn = 0; turn < 5; turn += 1) {
    const [a, b] = [pick(), pick()];
    const kind = Math.floor(sim.random.next() * 6);
    if (kind === 0) sim.network.cut(a.transport.peer, b.transport.peer);
    if (kind === 1) sim.network.cutOneWay(a.transport.peer, b.transport.peer);
    if (kind === 2) sim.network.partition(...halves(sim));
    if (kind === 3) a.clock.pause();
    if (kind === 4) await restarted(sim, a);
    if (kind === 5) sim.network.heal();
    await sim.run(500 + sim.random.next() * 6_000);
    for (const { clock } of sim.nodes) if (clock.isPaused) clock.resume();
  }
  sim.network.heal();
}

function halves(sim: SimMesh): string[][] {
  const sides: string[][] = [[], []];
  for (const { transport } of sim.nodes) sides[Math.floor(sim.random.next() * 2)]?.push(transport.peer);
  return sides;
}

async function restarted(sim: SimMesh, node: SimNode): Promise<void> {
  if (node.clock.isPaused) return;
  node.transport.kill();
  await sim.run(sim.random.next() * 3_000);
  await sim.restart(node).mesh.start();
}

test(`after any trouble everybody sees everybody alive within four seconds of the healing (${SEEDS} seeds)`, async () => {
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const sim = new SimMesh({ seed, delayMs: { min: 1, max: 40 }, lossRate: 0.02, duplicationRate: 0.05 });
    await sim.startFleet(5);
    await sim.runUntil(() => sim.isWhole(), 5_000, `seed ${seed}: the first full mesh`);
    await trouble(sim);
    await sim.runUntil(() => sim.isWhole(), 4_000, `seed ${seed}: the full mesh after trouble`);
    await sim.run(2_000);
    assert.ok(sim.isWhole() || (await sim.runUntil(() => sim.isWhole(), 1_500, `seed ${seed}: peace`)) >= 0);
  }
});

test(`nodes that stand still or lose packets are never declared dead while others reach them (${SEEDS} seeds)`, async () => {
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const sim = new SimMesh({ seed, delayMs: { min: 1, max: 80 }, lossRate: 0.1, duplicationRate: 0.1 });
    const nodes = await sim.startFleet(4);
    await sim.runUntil(() => sim.isWhole(), 8_000, `seed ${seed}: the first full mesh`);
    for (let turn = 0; turn < 10; turn += 1) {
      const node = nodes[Math.floor(sim.random.next() * nodes.length)] as SimNode;
      // Shorter than it takes to be sure that somebody is dead.
      node.clock.pause();
      await sim.run(300 + sim.random.next() * 700);
      node.clock.resume();
      await sim.run(500 + sim.random.next() * 2_000);
    }
    const dead = nodes.flatMap((node) => changesTo(node, 'dead').map(({ name }) => `${node.name}: ${name}`));
    assert.deepEqual(dead, [], `seed ${seed}`);
  }
});

test('an eviction holds against any order of partitions (20 seeds)', async () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    const sim = new SimMesh({ seed });
    const fleet = sim.newKey();
    const keeper = sim.addNode({ fleet, admin: sim.newKey() });
    for (let count = 0; count < 3; count += 1) sim.addNode({ fleet });
    const thief = sim.addNode({ fleet });
    for (const { mesh } of sim.nodes) await mesh.start();
    await sim.runUntil(() => sim.isWhole(), 5_000, `seed ${seed}: the first full mesh`);
    sim.network.partition(...halves(sim));
    assert.equal(keeper.mesh.evict(thief.transport.peer, 'stolen'), true);
    await sim.run(3_000);
    sim.network.partition(...halves(sim));
    await sim.run(3_000);
    sim.network.heal();
    const honest = sim.nodes.filter((node) => node !== thief);
    const isOut = (): boolean => honest.every((node) => sees(node, thief) === 'nobody');
    await sim.runUntil(() => isOut() && sim.isWhole(honest), 6_000, `seed ${seed}: the eviction`);
  }
});
