import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { registerReplicationMetrics } from '../../src/telemetry/replication-metrics.ts';

test('metrics tell how far each log is behind, what came in, and what to look at', async () => {
  const registry = new Registry();
  const flags = [
    { name: 'clock-ahead', count: 2 },
    { name: 'clock-ahead', count: 3 },
  ];
  registerReplicationMetrics(registry, {
    status: () => ({
      logs: [{ name: 'gateway', behindChanges: 12, rows: 34, conflicts: 1, flags }],
      documents: { pending: 7 },
    }),
    counts: { receivedBytes: 1_000, documents: 2, passages: 40, passageBytes: 9_000 },
  });
  const text = await registry.metrics();
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  assert.deepEqual(lines, [
    'flowmesh_replication_behind_changes{log="gateway"} 12',
    'flowmesh_replication_rows{log="gateway"} 34',
    'flowmesh_replication_conflicts{log="gateway"} 1',
    'flowmesh_replication_pending_documents 7',
    'flowmesh_replication_flags{log="gateway",flag="clock-ahead"} 5',
    'flowmesh_replication_received_bytes_total 1000',
    'flowmesh_replication_documents_total 2',
    'flowmesh_replication_passages_total 40',
    'flowmesh_replication_passage_bytes_total 9000',
  ]);
});
