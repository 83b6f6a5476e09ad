// One topology with real processes: builds it, lets clients ask, causes the faults at their times, and keeps what was seen.

import { type Fault, nodesOf, type Topology } from '../topologies.ts';
import { agreement, documentsEverywhere } from './agreement.ts';
import type { Seen } from './load-process.ts';
import { moment, pause } from './moment.ts';
import type { Sight } from './observer-process.ts';
import { Rig, type RigOptions } from './rig.ts';
import { type CausedFault, Stage, type Stored } from './stage.ts';
import { type Truth, World } from './world.ts';

export interface ScenarioOptions {
  readonly program?: RigOptions['program'];
  /** All times are squeezed or stretched so that clients ask for this long. */
  readonly durationMs?: number;
  readonly onProgress?: (what: string) => void;
}

export interface NodeCost {
  readonly name: string;
  /** Of one core, percent, while clients asked. */
  readonly cpuPercent: number;
  readonly rssMb: number;
  readonly peakMb: number;
  /** On the network between the nodes, both directions. */
  readonly bytesPerSecond: number;
}

/** Moments. */
export interface RunTimes {
  /** The first process was started. */
  readonly startedAt: number;
  readonly readyAt: number;
  readonly askedFrom: number;
  readonly askedUntil: number;
  readonly endedAt: number;
}

export interface ScenarioRun {
  readonly topology: Topology;
  readonly times: RunTimes;
  readonly faults: readonly CausedFault[];
  readonly history: readonly Truth[];
  readonly seen: readonly Seen[];
  readonly sights: readonly Sight[];
  readonly costs: readonly NodeCost[];
  /** Documents that a node has taken. */
  readonly stored: readonly Stored[];
  /** What could not be done as the table says. */
  readonly remarks: readonly string[];
}

const FORMING_MS = 3_000;
/** At least so long it is watched whether something still goes wrong, at most so long it may take until all agree. */
const SETTLE_MS = 5_000;
const SETTLE_MS_MAX = 60_000;
const LOOK_AGAIN_MS = 250;
/** A run is no load test. */
const PER_SECOND_MAX = 50;

/** Why it cannot run here; undefined when it can. */
export function unrunnable({ levels, name }: Topology): string | undefined {
  return levels && !levels.includes('real') ? `${name} is for the simulation only: npm run sim` : undefined;
}

/** Does it need more than a switch and plugs? */
export function needsRelay({ link, links, faults }: Topology): boolean {
  const isBare = link.lossRate === 0 && link.delayMs < 1 && link.bitsPerSecond === undefined;
  return !isBare || links !== 'all' || faults.some(({ kind }) => RELAYED.has(kind));
}

const RELAYED: ReadonlySet<string> = new Set(['cut', 'heal', 'partition', 'power-off']);

export async function runScenario(topology: Topology, options: ScenarioOptions): Promise<ScenarioRun> {
  const { durationMs, program, onProgress = () => undefined } = options;
  const speed = durationMs === undefined ? (topology.realSpeed ?? 1) : topology.durationMs / durationMs;
  const hasUpstream = new Set(nodesOf(topology.upstreams, topology));
  const has = (kind: Fault['kind']): boolean => topology.faults.some((fault) => fault.kind === kind);
  const rig = new Rig({
    nodes: topology.nodes,
    hasUpstream: (node) => hasUpstream.has(node),
    isRelayed: needsRelay(topology),
    hasOwnClocks: has('clock'),
    hasSmallDisks: has('disk-full'),
    countsDocuments: has('import'),
    ...(program && { program }),
  });
  try {
    const world = new World(topology);
    await rig.prepare();
    rig.relay?.setLink(topology.link);
    rig.relay?.setCut(world.now.cut);
    onProgress(`${topology.nodes} machines are up`);
    const startedAt = moment();
    world.remember(startedAt);
    const present = nodesOf(topology.present ?? 'all', topology).flatMap((node) => rig.nodes[node] ?? []);
    await Promise.all(present.map((node) => node.boot()));
    const readyAt = moment();
    rig.watch(present);
    onProgress('the nodes are ready');
    await pause(FORMING_MS);

    const stage = new Stage(rig, world, onProgress);
    const askedFrom = moment();
    const cpuBefore = rig.nodes.map((node) => node.cpuMs());
    const bytesBefore = rig.traffic();
    rig.ask(rig.nodes, { perSecond: Math.min(PER_SECOND_MAX, topology.requestRate * speed) });
    for (const fault of topology.faults) {
      await pause(Math.max(0, askedFrom + fault.atMs / speed - moment()));
      await stage.cause(fault);
    }
    await pause(Math.max(0, askedFrom + topology.durationMs / speed - moment()));
    const askedUntil = moment();
    const seconds = (askedUntil - askedFrom) / 1_000;
    const bytesAfter = rig.traffic();
    const costs = rig.nodes.map((node, index) => ({
      name: node.name,
      cpuPercent: (node.cpuMs() - (cpuBefore[index] ?? 0)) / seconds / 10,
      rssMb: node.memory()?.rssMb ?? 0,
      peakMb: node.peakMb(),
      bytesPerSecond: ((bytesAfter[index] ?? 0) - (bytesBefore[index] ?? 0)) / seconds,
    }));
    await rig.stopAsking();
    onProgress('clients have stopped; the mesh settles');
    await stage.finished();
    await settled(rig, world, stage, topology);
    const { history } = world;
    const { faults, remarks, stored } = stage;
    const { seen, sights } = rig;
    const times = { startedAt, readyAt, askedFrom, askedUntil, endedAt: moment() };
    return { topology, times, faults, history, seen, sights, costs, stored, remarks };
  } finally {
    rig.close();
  }
}

/** All agree on who is there and have what was stored; or that has taken too long, which the summary will say. */
async function settled(rig: Rig, { history }: World, { stored }: Stage, topology: Topology): Promise<void> {
  const from = moment();
  const lastChange = history.at(-1)?.at ?? from;
  const observed = { topology, history, sights: rig.sights };
  const documents = stored.reduce((sum, each) => sum + each.documents, 0);
  await pause(SETTLE_MS);
  while (moment() < from + SETTLE_MS_MAX) {
    const isAgreed = agreement(observed, lastChange, Number.POSITIVE_INFINITY) !== undefined;
    if (isAgreed && (documents === 0 || documentsEverywhere(observed, documents, from) !== undefined)) return;
    await pause(LOOK_AGAIN_MS);
  }
}
