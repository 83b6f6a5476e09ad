// Slows down those who guess secrets: after a few wrong ones an address waits, each time twice as long.

import { LRUCache } from 'lru-cache';
import { GatewayError } from '../errors.ts';
import { atMost } from '../model/at-most.ts';
import type { Clock } from '../ports.ts';

const REMEMBERED_MAX = 10_000;
const SLOW_DOWN_MS = 1_000;
const SLOW_DOWN_MAX_MS = 60_000;
/** An address that sends nothing wrong for this long starts anew. */
const FORGET_MS = 10 * 60_000;

interface Failures {
  readonly count: number;
  /** Monotonic. */
  readonly blockedUntil: number;
}

export class WrongAttempts {
  readonly #clock: Clock;
  readonly #free: number;
  readonly #failures = new LRUCache<string, Failures>(atMost(REMEMBERED_MAX));

  /** @param free wrong secrets that an address may send before it must wait */
  constructor(clock: Clock, free: number) {
    this.#clock = clock;
    this.#free = free;
  }

  /** @throws GatewayError `rate_limited` while the address must wait */
  check(address: string): void {
    const waitMs = (this.#failures.get(address)?.blockedUntil ?? 0) - this.#clock.elapsed();
    if (waitMs <= 0) return;
    throw new GatewayError('rate_limited', 'Too many wrong keys from this address. Wait before trying again.', {
      retryAfterMs: waitMs,
    });
  }

  note(address: string): void {
    const now = this.#clock.elapsed();
    const failures = this.#failures.get(address);
    const isOld = failures && now - failures.blockedUntil > FORGET_MS;
    const count = failures && !isOld ? failures.count + 1 : 1;
    const over = count - this.#free;
    const delayMs = over <= 0 ? 0 : Math.min(SLOW_DOWN_MAX_MS, SLOW_DOWN_MS * 2 ** (over - 1));
    this.#failures.set(address, { count, blockedUntil: now + delayMs });
  }
}
