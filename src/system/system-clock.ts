// The real clock.

import type { Cancellable, Clock, Timer } from '../ports.ts';
import { CoarseTimers } from './coarse-timers.ts';
import { TurnStages } from './turn-stages.ts';

class NodeTimer implements Timer {
  readonly #handle: NodeJS.Timeout;

  constructor(handle: NodeJS.Timeout) {
    this.#handle = handle;
  }

  cancel(): void {
    clearTimeout(this.#handle);
  }

  refresh(): void {
    this.#handle.refresh();
  }
}

/**
 * Fires at whole multiples of its period: what a node at rest does periodically is done together then, and the processor
 * is woken once for all of it. Never keeps the process alive by itself.
 */
class Period implements Cancellable {
  readonly #periodMs: number;
  readonly #action: () => void;
  #handle: NodeJS.Timeout;

  constructor(periodMs: number, action: () => void) {
    this.#periodMs = periodMs;
    this.#action = action;
    this.#handle = this.#wait();
  }

  cancel(): void {
    clearTimeout(this.#handle);
  }

  /** Until the multiple that is nearest to a period from now: timers may fire a little early, and much too late. */
  #wait(): NodeJS.Timeout {
    const leftMs = this.#periodMs - (performance.now() % this.#periodMs);
    const delayMs = leftMs < this.#periodMs / 2 ? leftMs + this.#periodMs : leftMs;
    return setTimeout(() => {
      this.#handle = this.#wait();
      this.#action();
    }, Math.ceil(delayMs)).unref();
  }
}

const stages = new TurnStages();
const coarse = new CoarseTimers();
/** Half a second more is nothing then. */
const COARSE_FROM_MS = 10_000;

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  after: (delayMs, action) =>
    delayMs < COARSE_FROM_MS ? new NodeTimer(setTimeout(action, delayMs)) : coarse.after(delayMs, action),
  soon: (action, stage = 'rest') => stages.add(stage, action),
  every: (periodMs, action) => new Period(periodMs, action),
  sleep: (delayMs, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const onAbort = (): void => {
        clearTimeout(handle);
        reject(signal?.reason);
      };
      const handle = setTimeout(() => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      }, delayMs);
      signal?.addEventListener('abort', onAbort, { once: true });
    }),
};
