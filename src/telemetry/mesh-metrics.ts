// The mesh in Prometheus metrics: states of its members, how far away they are, and what has happened to them.

import { Gauge, type Registry } from 'prom-client';

/** The mesh as far as it is counted. */
export interface MeasuredMesh {
  view(): readonly { readonly name: string; readonly state: string; readonly rttMs?: number }[];
  readonly counters: Readonly<Record<CounterName, number>>;
}

const STATES = ['alive', 'suspect', 'dead', 'unknown', 'left'] as const;

/** Name in the mesh → metric and help. */
const COUNTERS = {
  heartbeatsSent: ['flowmesh_mesh_heartbeats_sent_total', 'Heartbeats broadcast'],
  heartbeatsHeard: ['flowmesh_mesh_heartbeats_heard_total', 'Heartbeats of members taken in'],
  heartbeatsRefused: ['flowmesh_mesh_heartbeats_refused_total', 'Heartbeats that were old, repeated or unreadable'],
  suspicions: ['flowmesh_mesh_suspicions_total', 'Times that a peer became suspect'],
  deaths: ['flowmesh_mesh_deaths_total', 'Times that a peer was declared dead'],
  revivals: ['flowmesh_mesh_revivals_total', 'Times that a suspect or dead peer was alive again'],
  probes: ['flowmesh_mesh_probes_total', 'Probes of suspects'],
  dials: ['flowmesh_mesh_dials_total', 'Connections tried'],
  dialFailures: ['flowmesh_mesh_dial_failures_total', 'Connections that did not come about'],
  strangersRefused: ['flowmesh_mesh_strangers_refused_total', 'Strangers that were turned away'],
} as const;

type CounterName = keyof typeof COUNTERS;

export function registerMeshMetrics(registry: Registry, mesh: MeasuredMesh): void {
  new Gauge({
    name: 'flowmesh_mesh_members',
    help: 'Other members of the mesh by state',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      const view = mesh.view();
      for (const state of STATES) this.set({ state }, view.filter((peer) => peer.state === state).length);
    },
  });
  new Gauge({
    name: 'flowmesh_mesh_rtt_seconds',
    help: 'Round trip to each peer, smoothed',
    labelNames: ['peer'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { name, rttMs } of mesh.view()) if (rttMs !== undefined) this.set({ peer: name }, rttMs / 1_000);
    },
  });
  for (const [counter, [name, help]] of Object.entries(COUNTERS))
    registerCounter(registry, mesh, counter as CounterName, name, help);
}

/** The mesh counts by itself; here it is only read. */
function registerCounter(
  registry: Registry,
  mesh: MeasuredMesh,
  counter: CounterName,
  name: string,
  help: string,
): void {
  registry.registerMetric({
    name,
    help,
    type: 'counter',
    get: () =>
      Promise.resolve({ name, help, type: 'counter', values: [{ value: mesh.counters[counter], labels: {} }] }),
    reset: () => undefined,
  } as unknown as Gauge);
}
