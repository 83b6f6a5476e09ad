// Replication in Prometheus metrics: how far this node is behind, what came in, and what somebody should look at.

import { Gauge, type Registry } from 'prom-client';

/** Replication as far as it is counted. */
export interface MeasuredReplication {
  status(): {
    readonly logs: readonly {
      readonly name: string;
      readonly behindChanges: number;
      readonly rows: number;
      readonly conflicts: number;
      readonly flags: readonly { readonly name: string; readonly count: number }[];
    }[];
    readonly documents: { readonly pending: number };
  };
  readonly counts: Readonly<Record<CounterName, number>>;
}

const COUNTERS = {
  receivedBytes: ['flowmesh_replication_received_bytes_total', 'Bytes of change logs fetched from other nodes'],
  documents: ['flowmesh_replication_documents_total', 'Documents of other nodes that were taken over or removed'],
  passages: ['flowmesh_replication_passages_total', 'Passages fetched from other nodes'],
  passageBytes: ['flowmesh_replication_passage_bytes_total', 'Bytes of passages fetched from other nodes'],
} as const;

type CounterName = keyof typeof COUNTERS;

const BY_LOG = {
  behindChanges: ['flowmesh_replication_behind_changes', 'Changes that other nodes know and this one does not yet'],
  rows: ['flowmesh_replication_rows', 'Live rows and tombstones in each change log'],
  conflicts: [
    'flowmesh_replication_conflicts',
    'Writes that lost against concurrent ones and are kept to be looked at',
  ],
} as const;

export function registerReplicationMetrics(registry: Registry, replication: MeasuredReplication): void {
  for (const [field, [name, help]] of Object.entries(BY_LOG)) {
    new Gauge({
      name,
      help,
      labelNames: ['log'],
      registers: [registry],
      collect() {
        for (const log of replication.status().logs) this.set({ log: log.name }, log[field as keyof typeof BY_LOG]);
      },
    });
  }
  new Gauge({
    name: 'flowmesh_replication_pending_documents',
    help: 'Documents of other nodes whose passages are not all here yet',
    registers: [registry],
    collect() {
      this.set(replication.status().documents.pending);
    },
  });
  new Gauge({
    name: 'flowmesh_replication_flags',
    help: 'Things an operator should look at, such as a restored disk or a wrong clock, by how often each was seen',
    labelNames: ['log', 'flag'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { name, flags } of replication.status().logs) {
        for (const { name: flag, count } of flags) this.inc({ log: name, flag }, count);
      }
    },
  });
  for (const [counter, [name, help]] of Object.entries(COUNTERS)) {
    registry.registerMetric({
      name,
      help,
      type: 'counter',
      get: () =>
        Promise.resolve({
          name,
          help,
          type: 'counter',
          values: [{ value: replication.counts[counter as CounterName], labels: {} }],
        }),
      reset: () => undefined,
    } as unknown as Gauge);
  }
}
