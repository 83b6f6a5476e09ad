// When the next page of bulk may go. While requests of clients run, bulk goes slowly: never so fast that somebody's tokens
// wait for it, never so slowly that a busy node does not catch up.

import type { Clock } from '../ports.ts';

/** A page is a few milliseconds of work: beside running requests that is a twentieth of the time at most. */
const BUSY_GAP_MS = 100;

export class BulkPace {
  readonly #clock: Pick<Clock, 'elapsed'>;
  readonly #isBusy: () => boolean;
  #lastAt = Number.NEGATIVE_INFINITY;

  constructor(clock: Pick<Clock, 'elapsed'>, isBusy: () => boolean) {
    this.#clock = clock;
    this.#isBusy = isBusy;
  }

  /** Asks for one page; true takes it. */
  mayPage(): boolean {
    const now = this.#clock.elapsed();
    if (this.#isBusy() && now - this.#lastAt < BUSY_GAP_MS) return false;
    this.#lastAt = now;
    return true;
  }
}
