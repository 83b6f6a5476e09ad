// Which of an account's credentials may be used now: each rests for one model (rate limits are counted so) or altogether.

import { LRUCache } from 'lru-cache';
import type { ErrorCode } from '../errors.ts';
import { atMost } from '../model/at-most.ts';

/** Clients choose model names, so what is remembered of them is bounded. */
const REMEMBERED_MAX = 1_000;

export interface Cooldown {
  /** Monotonic milliseconds. */
  readonly until: number;
  /** The failure that began it. */
  readonly code: ErrorCode;
}

export class KeyCooldowns {
  /** Without keys there is one credential all the same: none. */
  readonly #count: number;
  #first = 0;
  /** By `index` and `index/model`. Absent until something cools: most accounts never fail. */
  #cooldowns: LRUCache<string, Cooldown> | undefined;

  constructor(keyCount: number) {
    this.#count = Math.max(1, keyCount);
  }

  /** The first usable one, beginning with the one after the last that failed: a prompt cache belongs to a key. */
  pick(model: string, now: number, isTried: (index: number) => boolean): number | undefined {
    for (let step = 0; step < this.#count; step += 1) {
      const index = (this.#first + step) % this.#count;
      if (!isTried(index) && !this.#cooldown(index, model, now)) return index;
    }
    return undefined;
  }

  /**
   * The longer of two cooldowns holds.
   * @param model undefined: it rests for all models
   */
  cool(index: number, model: string | undefined, cooldown: Cooldown): void {
    this.#cooldowns ??= new LRUCache(atMost(REMEMBERED_MAX));
    const name = nameOf(index, model);
    const known = this.#cooldowns.get(name);
    if (!known || known.until < cooldown.until) this.#cooldowns.set(name, cooldown);
    this.#first = (index + 1) % this.#count;
  }

  /** The cooldown that ends first, while all of them are cooling. */
  soonest(model: string, now: number): Cooldown | undefined {
    let soonest: Cooldown | undefined;
    for (let index = 0; index < this.#count; index += 1) {
      const cooldown = this.#cooldown(index, model, now);
      if (!cooldown) return undefined;
      if (!soonest || cooldown.until < soonest.until) soonest = cooldown;
    }
    return soonest;
  }

  #cooldown(index: number, model: string, now: number): Cooldown | undefined {
    if (!this.#cooldowns) return undefined;
    const altogether = this.#cooldowns.get(nameOf(index, undefined));
    const forModel = this.#cooldowns.get(nameOf(index, model));
    const longer = (altogether?.until ?? 0) > (forModel?.until ?? 0) ? altogether : forModel;
    return longer && longer.until > now ? longer : undefined;
  }
}

function nameOf(index: number, model: string | undefined): string {
  return model === undefined ? String(index) : `${index}/${model}`;
}
