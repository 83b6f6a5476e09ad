import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { newCounters } from '../../src/mesh/mesh-counters.ts';
import { registerMeshMetrics } from '../../src/telemetry/mesh-metrics.ts';

test('members are counted by state, round trips are in seconds, and what happened is a counter', async () => {
  const registry = new Registry();
  const view = [
    { name: 'a', state: 'alive', rttMs: 2.5 },
    { name: 'b', state: 'alive' },
    { name: 'c', state: 'dead' },
  ];
  registerMeshMetrics(registry, { view: () => view, counters: { ...newCounters(), suspicions: 3 } });
  const text = await registry.metrics();
  assert.match(text, /^flowmesh_mesh_members\{state="alive"\} 2$/m);
  assert.match(text, /^flowmesh_mesh_members\{state="dead"\} 1$/m);
  assert.match(text, /^flowmesh_mesh_members\{state="suspect"\} 0$/m);
  assert.match(text, /^flowmesh_mesh_rtt_seconds\{peer="a"\} 0\.0025$/m);
  assert.match(text, /^# TYPE flowmesh_mesh_suspicions_total counter\nflowmesh_mesh_suspicions_total 3$/m);
});
