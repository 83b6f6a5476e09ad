// A clock that stands still until a test moves it.

import type { Clock, Timer } from '../../src/ports.ts';

interface Pending {
  at: number;
  readonly action: () => void;
}

export class ManualClock implements Clock {
  #time: number;
  readonly #pending = new Set<Pending>();

  constructor(startMs = 1_800_000_000_000) {
    this.#time = startMs;
  }

  now(): number {
    return this.#time;
  }

  elapsed(): number {
    return this.#time;
  }

  /** Timers that have not fired yet. */
  get timerCount(): number {
    return this.#pending.size;
  }

  after(delayMs: number, action: () => void): Timer {
    const pending: Pending = { at: this.#time + delayMs, action };
    this.#pending.add(pending);
    return {
      cancel: () => void this.#pending.delete(pending),
      refresh: () => {
        pending.at = this.#time + delayMs;
        this.#pending.add(pending);
      },
    };
  }

  /** The event loop turns by itself; only time stands still. */
  soon(action: () => void): void {
    setImmediate(action);
  }

  every(periodMs: number, action: () => void): Timer {
    const timer = this.after(periodMs, () => {
      timer.refresh();
      action();
    });
    return timer;
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = this.after(delayMs, resolve);
      const onAbort = (): void => {
        timer.cancel();
        reject(signal?.reason);
      };
      if (signal?.aborted) onAbort();
      else signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** Moves the time and fires what became due, in order. */
  advance(durationMs: number): void {
    const end = this.#time + durationMs;
    for (;;) {
      const due = [...this.#pending].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.#pending.delete(due);
      this.#time = due.at;
      due.action();
    }
    this.#time = end;
  }
}
