// A network in memory, on a virtual clock: who reaches whom, how long it takes, what gets lost on the way. Everything
// random follows from the seed of its dice.

import type { Clock, PeerId, Random } from '../../src/ports.ts';

export interface NetworkOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** One way, milliseconds. */
  readonly delayMs?: { readonly min: number; readonly max: number };
  /** Of each packet. On connections it means a retransmission, for broadcasts that the message is gone. */
  readonly lossRate?: number;
  /** Of each broadcast: it comes twice, the second time later. */
  readonly duplicationRate?: number;
  /** Of each direction between two hosts; absent: unlimited. */
  readonly bitsPerSecond?: number | undefined;
}

/** A lost packet is sent again after this long. */
const RETRANSMISSION_MS = 200;
/** What a small message takes on the wire. */
const SMALL_BYTES = 300;

/** Which machines there are and what lies between them. */
export class SimNetwork<Host = unknown> {
  readonly clock: Clock;
  readonly random: Random;
  readonly #delay: { readonly min: number; readonly max: number };
  readonly #bitsPerSecond: number | undefined;
  /** `from to` → when the wire is free again. */
  readonly #busyUntil = new Map<string, number>();
  lossRate: number;
  duplicationRate: number;
  readonly hosts = new Map<PeerId, Host>();
  /** `from to` of each direction in which nothing passes. */
  readonly #cuts = new Set<string>();
  readonly #onCut: ((from: PeerId, to: PeerId) => void)[] = [];

  constructor(options: NetworkOptions) {
    const { clock, random, delayMs = { min: 1, max: 3 }, lossRate = 0, duplicationRate = 0, bitsPerSecond } = options;
    this.clock = clock;
    this.random = random;
    this.#delay = delayMs;
    this.#bitsPerSecond = bitsPerSecond;
    this.lossRate = lossRate;
    this.duplicationRate = duplicationRate;
  }

  isOpen(from: PeerId, to: PeerId): boolean {
    return this.#cuts.size === 0 || !this.#cuts.has(`${from} ${to}`);
  }

  /** Nothing passes from one to the other; the way back stays. */
  cutOneWay(from: PeerId, to: PeerId): void {
    this.#cuts.add(`${from} ${to}`);
    for (const listener of this.#onCut) listener(from, to);
  }

  cut(a: PeerId, b: PeerId): void {
    this.cutOneWay(a, b);
    this.cutOneWay(b, a);
  }

  /** Each group hears only itself. */
  partition(...groups: readonly (readonly PeerId[])[]): void {
    this.heal();
    for (const [index, group] of groups.entries()) {
      for (const other of groups.slice(index + 1)) {
        for (const a of group) for (const b of other) this.cut(a, b);
      }
    }
  }

  heal(a?: PeerId, b?: PeerId): void {
    if (a === undefined || b === undefined) {
      this.#cuts.clear();
      return;
    }
    this.#cuts.delete(`${a} ${b}`);
    this.#cuts.delete(`${b} ${a}`);
  }

  healOneWay(from: PeerId, to: PeerId): void {
    this.#cuts.delete(`${from} ${to}`);
  }

  onCut(listener: (from: PeerId, to: PeerId) => void): void {
    this.#onCut.push(listener);
  }

  /** How long a packet takes one way on an idle wire. */
  travelMs(): number {
    const { min, max } = this.#delay;
    let delayMs = min + this.random.next() * (max - min);
    while (this.chance(this.lossRate)) delayMs += RETRANSMISSION_MS;
    return delayMs;
  }

  chance(rate: number): boolean {
    return rate > 0 && this.random.next() < rate;
  }

  /** How long so many bytes wait for a slow wire and then take on it. */
  queueMs(from: PeerId, to: PeerId, bytes: number): number {
    if (this.#bitsPerSecond === undefined) return 0;
    const way = `${from} ${to}`;
    const now = this.clock.elapsed();
    const freeAt = Math.max(now, this.#busyUntil.get(way) ?? 0) + (bytes * 8_000) / this.#bitsPerSecond;
    this.#busyUntil.set(way, freeAt);
    return freeAt - now;
  }

  /**
   * Brings something over an ordered, repeating connection: as long as the way is cut it is tried again.
   * @param isWanted whether the connection is still there
   */
  carry(from: PeerId, to: PeerId, isWanted: () => boolean, arrive: () => void, bytes = SMALL_BYTES): void {
    const travel = (): void => {
      if (!isWanted()) return;
      if (this.isOpen(from, to)) arrive();
      else this.clock.after(RETRANSMISSION_MS, travel);
    };
    this.clock.after(this.travelMs() + this.queueMs(from, to, bytes), travel);
  }
}
