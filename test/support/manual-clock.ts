// A clock that stands still until a test moves it.

import { TimerClock } from '../../mesh-sim/sim/timer-clock.ts';
import type { Timer } from '../../src/ports.ts';

interface Pending {
  at: number;
  readonly action: () => void;
}

export class ManualClock extends TimerClock {
  #time: number;
  /** What the wall clock is ahead. */
  #wallOffset = 0;
  readonly #pending = new Set<Pending>();

  constructor(startMs = 1_800_000_000_000) {
    super();
    this.#time = startMs;
  }

  now(): number {
    return this.#time + this.#wallOffset;
  }

  /** Somebody sets the wall clock; no time passes. */
  setForward(ms: number): void {
    this.#wallOffset += ms;
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

  /** Moves the time and fires what became due, in order. */
  advance(durationMs: number): void {
    const end = this.#time + durationMs;
    for (let due = this.#next(end); due; due = this.#next(end)) this.#fire(due);
    this.#time = end;
  }

  /** Like `advance`, and what each timer set going has settled before the next one fires. */
  async run(durationMs: number): Promise<void> {
    const end = this.#time + durationMs;
    await settled();
    for (let due = this.#next(end); due; due = this.#next(end)) {
      this.#fire(due);
      await settled();
    }
    this.#time = end;
  }

  /** Of those due at once the oldest. */
  #next(end: number): Pending | undefined {
    let next: Pending | undefined;
    for (const pending of this.#pending) {
      if (pending.at <= end && (next === undefined || pending.at < next.at)) next = pending;
    }
    return next;
  }

  #fire(due: Pending): void {
    this.#pending.delete(due);
    this.#time = Math.max(this.#time, due.at);
    due.action();
  }
}

/** Promises have run as far as they get; twice, as `soon` itself waits for one turn of the event loop. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 2; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
