// One topology with real processes: builds it, lets clients ask, causes the faults at their times, and keeps what was seen.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nodesOf, type TimedFault, type Topology } from '../topologies.ts';
import type { Seen } from './load-process.ts';
import { moment, pause } from './moment.ts';
import type { Sight } from './observer-process.ts';
import { Rig, type RigOptions } from './rig.ts';
import { type Truth, World } from './world.ts';

export interface ScenarioOptions {
  readonly program?: RigOptions['program'];
  /** All times are squeezed or stretched so that clients ask for this long. */
  readonly durationMs?: number;
  readonly onProgress?: (what: string) => void;
}

/** A fault as it was caused, at its real moment. */
export interface CausedFault {
  readonly at: number;
  readonly fault: TimedFault;
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

export interface ScenarioRun {
  readonly topology: Topology;
  /** By which the table's times were divided. */
  readonly speed: number;
  /** When the first process was started. */
  readonly startedAt: number;
  readonly readyAt: number;
  readonly askedFrom: number;
  readonly askedUntil: number;
  readonly endedAt: number;
  readonly faults: readonly CausedFault[];
  readonly history: readonly Truth[];
  readonly seen: readonly Seen[];
  readonly sights: readonly Sight[];
  readonly costs: readonly NodeCost[];
  /** What could not be done as the table says. */
  readonly remarks: readonly string[];
}

const LOOK_MS = 250;
const FORMING_MS = 3_000;
const SETTLE_MS_MAX = 20_000;
/** A run is no load test. */
const PER_SECOND_MAX = 50;
const DOCUMENT_WORDS = 40;

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
  const rig = new Rig({
    nodes: topology.nodes,
    hasUpstream: (node) => hasUpstream.has(node),
    isRelayed: needsRelay(topology),
    hasOwnClocks: topology.faults.some(({ kind }) => kind === 'clock'),
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
    rig.watch(present, LOOK_MS);
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
    await pause(Math.min(SETTLE_MS_MAX, topology.settleMs / Math.max(1, speed)));
    await stage.finished();
    const { history } = world;
    const { faults, remarks } = stage;
    const { seen, sights } = rig;
    const endedAt = moment();
    return {
      topology,
      speed,
      startedAt,
      readyAt,
      askedFrom,
      askedUntil,
      endedAt,
      faults,
      history,
      seen,
      sights,
      costs,
      remarks,
    };
  } finally {
    rig.close();
  }
}

/** Causes faults, and knows what follows from them. */
class Stage {
  readonly faults: CausedFault[] = [];
  readonly remarks: string[] = [];
  readonly #rig: Rig;
  readonly #world: World;
  readonly #onProgress: (what: string) => void;
  readonly #underWay: Promise<unknown>[] = [];

  constructor(rig: Rig, world: World, onProgress: (what: string) => void) {
    this.#rig = rig;
    this.#world = world;
    this.#onProgress = onProgress;
  }

  async cause(fault: TimedFault): Promise<void> {
    this.#onProgress(describeFault(fault));
    const at = moment();
    this.faults.push({ at, fault });
    this.#world.apply(fault);
    this.#world.remember(at);
    this.#rig.relay?.setCut(this.#world.now.cut);
    const nodes = 'nodes' in fault ? nodesOf(fault.nodes, { nodes: this.#rig.nodes.length }) : [];
    for (const number of nodes) {
      const node = this.#rig.nodes[number];
      if (!node) continue;
      if (fault.kind === 'power-off') this.#rig.relay?.setPower(number, false);
      if (fault.kind === 'crash' || fault.kind === 'power-off') this.#later(node.end());
      if (fault.kind === 'stop') this.#later(node.end('SIGTERM'));
      if (fault.kind === 'pause') node.freeze();
      if (fault.kind === 'resume') node.thaw();
      if (fault.kind === 'clock') node.setClock(fault.offsetMs);
      if (fault.kind === 'upstream') node.setMood(fault.mood);
      if (fault.kind === 'boot') this.#later(this.#boot(number));
    }
    if (fault.kind === 'import') this.#later(this.#import(fault.node, fault.documents));
    if (fault.kind === 'evict') {
      const evicted = this.#rig.nodes[fault.node]?.name ?? '';
      this.#later(this.#rig.nodes[fault.by]?.run('mesh', 'evict', evicted) ?? Promise.resolve());
    }
  }

  /** Nothing that was begun is still under way. */
  async finished(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  async #boot(number: number): Promise<void> {
    const node = this.#rig.nodes[number];
    await node?.end();
    this.#rig.relay?.setPower(number, true);
    await node?.boot();
    this.#rig.watch(
      this.#rig.nodes.filter(({ isRunning }) => isRunning),
      LOOK_MS,
    );
  }

  async #import(number: number, documents: number): Promise<void> {
    const folder = join(this.#rig.directory, 'documents');
    mkdirSync(folder, { recursive: true });
    for (let index = 0; index < documents; index += 1) {
      const words = Array.from({ length: DOCUMENT_WORDS }, (_, word) => `word${(index * 7 + word * 13) % 997}`);
      writeFileSync(join(folder, `${index}.txt`), `Document ${index}\n\n${words.join(' ')}\n`);
    }
    await this.#rig.nodes[number]?.run('kb', 'add', folder);
  }

  #later(work: Promise<unknown>): void {
    this.#underWay.push(
      work.catch((error: unknown) => {
        this.remarks.push(error instanceof Error ? error.message : String(error));
      }),
    );
  }
}

/** For people. */
export function describeFault(fault: TimedFault): string {
  const list = (nodes: readonly number[] | 'all'): string =>
    nodes === 'all' ? 'all' : nodes.map((node) => `n${node}`).join(' ');
  switch (fault.kind) {
    case 'cut':
      return `${fault.isOneWay ? 'one-way cut' : 'cut'} ${list(fault.from)} | ${list(fault.to)}`;
    case 'heal':
      return fault.from ? `heal ${list(fault.from)} | ${list(fault.to ?? 'all')}` : 'heal';
    case 'partition':
      return `partition ${fault.groups.map(list).join(' | ')}`;
    case 'clock':
      return `clock of ${list(fault.nodes)} set by ${Math.round(fault.offsetMs / 1_000)} s`;
    case 'upstream':
      return `upstream of ${list(fault.nodes)}: ${fault.mood}`;
    case 'import':
      return `n${fault.node} stores ${fault.documents} documents`;
    case 'evict':
      return `n${fault.by} evicts n${fault.node}`;
    default:
      return `${fault.kind} ${list(fault.nodes)}`;
  }
}
