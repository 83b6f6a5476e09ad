// Which changes are known: for each origin and epoch a set of sequence numbers. Usually one range from 1 to the head;
// what came out of order makes more. Known means held or cleared, nothing else: everything rests on that.

import { createHash } from 'node:crypto';
import { isObject, type JsonObject } from '../model/json.ts';
import { addRange, hasSeq, intersect, isRangeSet, sizeOf, subtract } from './range-set.ts';

/** Names one change for ever: it is never used twice. */
export interface Dot {
  readonly origin: string;
  readonly epoch: number;
  readonly seq: number;
}

export interface DotRange {
  readonly origin: string;
  readonly epoch: number;
  readonly first: number;
  readonly last: number;
}

export class VersionVector {
  readonly #origins = new Map<string, Map<number, number[]>>();

  static of(ranges: Iterable<DotRange>): VersionVector {
    const vector = new VersionVector();
    for (const range of ranges) vector.add(range);
    return vector;
  }

  get isEmpty(): boolean {
    return this.#origins.size === 0;
  }

  /** How many changes. */
  get size(): number {
    let size = 0;
    for (const epochs of this.#origins.values()) for (const set of epochs.values()) size += sizeOf(set);
    return size;
  }

  add({ origin, epoch, first, last }: DotRange): void {
    addRange(this.#set(origin, epoch), first, last);
  }

  addDot({ origin, epoch, seq }: Dot): void {
    addRange(this.#set(origin, epoch), seq, seq);
  }

  merge(other: VersionVector): void {
    for (const range of other.ranges()) this.add(range);
  }

  has({ origin, epoch, seq }: Dot): boolean {
    return hasSeq(this.#origins.get(origin)?.get(epoch) ?? [], seq);
  }

  /** The highest known number of one epoch, 0 when there is none. */
  head(origin: string, epoch: number): number {
    return this.#origins.get(origin)?.get(epoch)?.at(-1) ?? 0;
  }

  epochs(origin: string): readonly number[] {
    return [...(this.#origins.get(origin)?.keys() ?? [])].sort((a, b) => a - b);
  }

  origins(): readonly string[] {
    return [...this.#origins.keys()].sort();
  }

  /** What this one has and the other has not. */
  minus(other: VersionVector): VersionVector {
    return this.#combine(other, subtract);
  }

  and(other: VersionVector): VersionVector {
    return this.#combine(other, intersect);
  }

  /** Is everything of the other one in here? */
  dominates(other: VersionVector): boolean {
    return other.minus(this).isEmpty;
  }

  equals(other: VersionVector): boolean {
    return this.dominates(other) && other.dominates(this);
  }

  copy(): VersionVector {
    const copy = new VersionVector();
    for (const [origin, epochs] of this.#origins) {
      copy.#origins.set(origin, new Map(Array.from(epochs, ([epoch, set]) => [epoch, set.slice()])));
    }
    return copy;
  }

  /** In order of origin, epoch and number. */
  *ranges(): Generator<DotRange> {
    for (const origin of this.origins()) {
      for (const epoch of this.epochs(origin)) {
        const set = this.#origins.get(origin)?.get(epoch) ?? [];
        for (let index = 0; index < set.length; index += 2) {
          yield { origin, epoch, first: set[index] ?? 0, last: set[index + 1] ?? 0 };
        }
      }
    }
  }

  /** `{origin: [[epoch, first, last, …], …]}`, sorted: equal vectors have equal text. */
  toJson(): JsonObject {
    return Object.fromEntries(
      this.origins().map((origin) => [
        origin,
        this.epochs(origin).map((epoch) => [epoch, ...(this.#origins.get(origin)?.get(epoch) ?? [])]),
      ]),
    );
  }

  /** Undefined when it is not a vector. */
  static parse(value: unknown): VersionVector | undefined {
    if (!isObject(value)) return undefined;
    const vector = new VersionVector();
    for (const [origin, epochs] of Object.entries(value)) {
      if (!Array.isArray(epochs)) return undefined;
      for (const entry of epochs) {
        if (!Array.isArray(entry)) return undefined;
        const [epoch, ...set] = entry;
        if (!Number.isSafeInteger(epoch) || !isRangeSet(set) || set.length === 0) return undefined;
        for (let index = 0; index < set.length; index += 2) {
          vector.add({ origin, epoch: Number(epoch), first: set[index] ?? 0, last: set[index + 1] ?? 0 });
        }
      }
    }
    return vector;
  }

  /** 32 hex digits; the same for equal vectors only. */
  digest(): string {
    return createHash('sha256').update(JSON.stringify(this.toJson())).digest('hex').slice(0, 32);
  }

  #set(origin: string, epoch: number): number[] {
    const epochs = getOrMake(this.#origins, origin, () => new Map<number, number[]>());
    return getOrMake(epochs, epoch, () => []);
  }

  #combine(other: VersionVector, combine: (left: number[], right: number[]) => number[]): VersionVector {
    const result = new VersionVector();
    for (const [origin, epochs] of this.#origins) {
      for (const [epoch, set] of epochs) {
        const combined = combine(set, other.#origins.get(origin)?.get(epoch) ?? []);
        if (combined.length > 0) getOrMake(result.#origins, origin, () => new Map()).set(epoch, combined);
      }
    }
    return result;
  }
}

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = make();
  map.set(key, made);
  return made;
}
