// Which ways between the machines of a simulated world are open, and how that was over time.

import type { SimNetwork } from './sim-network.ts';
import { Timeline } from './timeline.ts';

/** What is cut: from each of these to each of those, by number. */
type Side = readonly number[];

export class Links {
  readonly #peers: readonly string[];
  readonly #network: SimNetwork;
  readonly #startedAt: number;
  /** `from to`, by number: what faults have cut. */
  readonly #cuts = new Set<string>();
  /** `from to` of each way that was ever cut: does anything pass? */
  readonly timelines = new Map<string, Timeline<boolean>>();

  constructor(peers: readonly string[], network: SimNetwork) {
    this.#peers = peers;
    this.#network = network;
    this.#startedAt = network.clock.elapsed();
  }

  get isWhole(): boolean {
    return this.#cuts.size === 0;
  }

  cut(from: Side, to: Side, isOneWay = false): void {
    for (const a of from) {
      for (const b of to) {
        if (a === b) continue;
        this.#cuts.add(`${a} ${b}`);
        if (!isOneWay) this.#cuts.add(`${b} ${a}`);
      }
    }
    this.apply();
  }

  /** Only what lies between these two sides, or everything. */
  heal(from?: Side, to?: Side): void {
    if (!from || !to) this.#cuts.clear();
    else {
      for (const a of from) {
        for (const b of to) {
          this.#cuts.delete(`${a} ${b}`);
          this.#cuts.delete(`${b} ${a}`);
        }
      }
    }
    this.apply();
  }

  partition(groups: readonly Side[]): void {
    this.#cuts.clear();
    for (const [index, group] of groups.entries()) {
      for (const other of groups.slice(index + 1)) this.cut(group, other);
    }
    this.apply();
  }

  cutAllBut(pairs: readonly (readonly [number, number])[]): void {
    const open = new Set(pairs.flatMap(([a, b]) => [`${a} ${b}`, `${b} ${a}`]));
    for (const [a] of this.#peers.entries()) {
      for (const [b] of this.#peers.entries()) {
        const way = `${a} ${b}`;
        if (a !== b && !open.has(way)) this.#cuts.add(way);
      }
    }
    this.apply();
  }

  /** Brings the network to what is cut; a machine that was off has to be told anew. */
  apply(): void {
    const now = this.#network.clock.elapsed();
    for (const [a, from] of this.#peers.entries()) {
      for (const [b, to] of this.#peers.entries()) {
        if (a === b) continue;
        const way = `${a} ${b}`;
        const isOpen = !this.#cuts.has(way);
        if (isOpen !== this.#network.isOpen(from, to)) {
          if (isOpen) this.#network.healOneWay(from, to);
          else this.#network.cutOneWay(from, to);
        }
        this.#note(way, isOpen, now);
      }
    }
  }

  #note(way: string, isOpen: boolean, now: number): void {
    const timeline = this.timelines.get(way);
    if (timeline) timeline.set(now, isOpen);
    else if (!isOpen) {
      const cut = new Timeline(this.#startedAt, true);
      cut.set(now, false);
      this.timelines.set(way, cut);
    }
  }
}
