// The given worlds, each with one seed, and the table itself.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scheduleOf } from '../../mesh-sim/sim/draw.ts';
import { runSchedule } from '../../mesh-sim/sim/run.ts';
import { nodesOf, TOPOLOGIES, topologyNamed } from '../../mesh-sim/topologies.ts';

const SMALL = TOPOLOGIES.filter(({ nodes }) => nodes <= 32);

test('topologies have names of their own', () => {
  assert.equal(new Set(TOPOLOGIES.map(({ name }) => name)).size, TOPOLOGIES.length);
  assert.equal(topologyNamed('lan')?.nodes, 5);
  assert.equal(topologyNamed('nowhere'), undefined);
});

test('faults come in the order of their time, and name nodes that are there', () => {
  for (const topology of TOPOLOGIES) {
    const times = topology.faults.map(({ atMs }) => atMs);
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
      topology.name,
    );
    const named = topology.faults.flatMap((fault) => ('nodes' in fault ? nodesOf(fault.nodes, topology) : []));
    assert.ok(
      named.every((node) => node >= 0 && node < topology.nodes),
      topology.name,
    );
  }
});

for (const topology of SMALL) {
  test(`${topology.name}: every rule holds`, async () => {
    const { breaches } = await runSchedule(scheduleOf(topology, 1));
    assert.deepEqual(breaches, [], `see it again: npm run sim -- --topology ${topology.name} --seed 1`);
  });
}
