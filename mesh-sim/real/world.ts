// What is true in a run, as the one who causes the faults knows it: who runs, who reaches whom, whose upstream answers.
// Moments of it are kept, so that what clients saw can be judged: was there anybody who could have answered?

import { type Fault, nodesOf, type Topology, type UpstreamMood } from '../topologies.ts';

export interface Truth {
  readonly at: number;
  readonly running: ReadonlySet<number>;
  /** Of those that run: not ready yet. */
  readonly starting: ReadonlySet<number>;
  readonly frozen: ReadonlySet<number>;
  readonly evicted: ReadonlySet<number>;
  /** Nodes whose upstream answers. */
  readonly able: ReadonlySet<number>;
  /** `from>to`, where packets do not pass. */
  readonly cut: ReadonlySet<string>;
}

export class World {
  readonly history: Truth[] = [];
  readonly #topology: Topology;
  readonly #all: readonly number[];
  readonly #running: Set<number>;
  readonly #starting = new Set<number>();
  readonly #frozen = new Set<number>();
  readonly #evicted = new Set<number>();
  readonly #able: Set<number>;
  readonly #cut = new Set<string>();

  constructor(topology: Topology) {
    this.#topology = topology;
    this.#all = nodesOf('all', topology);
    this.#running = new Set(nodesOf(topology.present ?? 'all', topology));
    this.#able = new Set(nodesOf(topology.upstreams, topology));
    if (topology.links === 'all') return;
    const linked = new Set(topology.links.flatMap(([a, b]) => [`${a}>${b}`, `${b}>${a}`]));
    for (const a of this.#all) {
      for (const b of this.#all) if (a !== b && !linked.has(`${a}>${b}`)) this.#cut.add(`${a}>${b}`);
    }
  }

  get now(): Omit<Truth, 'at'> {
    return {
      running: new Set(this.#running),
      starting: new Set(this.#starting),
      frozen: new Set(this.#frozen),
      evicted: new Set(this.#evicted),
      able: new Set(this.#able),
      cut: new Set(this.#cut),
    };
  }

  /** Takes note of how it is from here on. */
  remember(at: number): void {
    this.history.push({ at, ...this.now });
  }

  /** A node that was booted can answer from here on. */
  setReady(node: number, at: number): void {
    this.#starting.delete(node);
    this.remember(at);
  }

  apply(fault: Fault): void {
    const every = (nodes: Parameters<typeof nodesOf>[0], act: (node: number) => void): void => {
      for (const node of nodesOf(nodes, this.#topology)) act(node);
    };
    switch (fault.kind) {
      case 'cut':
        this.#pairs(fault.from, fault.to, (pair) => this.#cut.add(pair), fault.isOneWay);
        break;
      case 'heal':
        this.#pairs(fault.from ?? this.#all, fault.to ?? this.#all, (pair) => this.#cut.delete(pair));
        break;
      case 'partition':
        for (const group of fault.groups) {
          const others = this.#all.filter((node) => !group.includes(node));
          this.#pairs(group, others, (pair) => this.#cut.add(pair));
        }
        break;
      case 'crash':
      case 'power-off':
      case 'stop':
        every(fault.nodes, (node) => this.#running.delete(node));
        break;
      case 'boot':
        every(fault.nodes, (node) => {
          this.#running.add(node);
          this.#starting.add(node);
        });
        break;
      case 'pause':
        every(fault.nodes, (node) => this.#frozen.add(node));
        break;
      case 'resume':
        every(fault.nodes, (node) => this.#frozen.delete(node));
        break;
      case 'upstream':
        every(fault.nodes, (node) => this.#setMood(node, fault.mood));
        break;
      case 'evict':
        this.#evicted.add(fault.node);
        break;
      case 'clock':
      case 'disk-full':
      case 'import':
        // None of them changes who can answer.
        break;
    }
  }

  #setMood(node: number, mood: UpstreamMood): void {
    if (mood === 'well' || mood === 'slow') this.#able.add(node);
    else this.#able.delete(node);
  }

  #pairs(from: readonly number[], to: readonly number[], act: (pair: string) => void, isOneWay = false): void {
    for (const a of from) {
      for (const b of to) {
        if (a === b) continue;
        act(`${a}>${b}`);
        if (!isOneWay) act(`${b}>${a}`);
      }
    }
  }
}

/** Should these two believe each other to be alive? */
export function areTogether({ running, frozen, evicted, cut }: Omit<Truth, 'at'>, a: number, b: number): boolean {
  const isThere = (node: number): boolean => running.has(node) && !frozen.has(node) && !evicted.has(node);
  return isThere(a) && isThere(b) && !cut.has(`${a}>${b}`) && !cut.has(`${b}>${a}`);
}

/** Is there a way from one to the other, over nodes that run? By it heartbeats come, though no requests. */
export function areJoined(truth: Omit<Truth, 'at'>, from: number, to: number): boolean {
  const met = new Set([from]);
  for (const node of met) {
    if (node === to) return true;
    for (const next of truth.running) if (areTogether(truth, node, next)) met.add(next);
  }
  return false;
}

/** Is there anybody who can answer a client of this node? */
export function isServable(truth: Truth, node: number): boolean {
  if (!truth.running.has(node) || truth.starting.has(node) || truth.frozen.has(node)) return false;
  return [...truth.able].some((able) => able === node || (areTogether(truth, node, able) && !truth.starting.has(able)));
}

/** The moments that were true between two times, the one that had begun before included. */
export function truthsBetween(history: readonly Truth[], from: number, to: number): readonly Truth[] {
  return history.filter(({ at }, index) => at <= to && (history[index + 1]?.at ?? Number.POSITIVE_INFINITY) > from);
}
