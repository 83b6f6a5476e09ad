// The clock of one simulated machine: its process can be stopped and continued as by SIGSTOP and SIGCONT, and its wall
// clock may be wrong. Monotonic time goes on while the process stands still, as it does on a real machine.

import type { Clock, Timer } from '../../src/ports.ts';

export class HostClock implements Clock {
  readonly #clock: Clock;
  /** Added to the wall time. */
  readonly #skewMs: number;
  #isPaused = false;
  #isOff = false;
  #waiting: (() => void)[] = [];

  constructor(clock: Clock, skewMs = 0) {
    this.#clock = clock;
    this.#skewMs = skewMs;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  pause(): void {
    this.#isPaused = true;
  }

  /** Everything that came due meanwhile happens now, in its order. */
  resume(): void {
    this.#isPaused = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const action of waiting) this.deliver(action);
  }

  /** The process is gone: nothing of it happens any more. */
  switchOff(): void {
    this.#isOff = true;
    this.#waiting = [];
  }

  /** Runs `action` in this process: now, or when it continues. */
  deliver(action: () => void): void {
    if (this.#isOff) return;
    if (this.#isPaused) this.#waiting.push(action);
    else action();
  }

  now(): number {
    return this.#clock.now() + this.#skewMs;
  }

  elapsed(): number {
    return this.#clock.elapsed();
  }

  after(delayMs: number, action: () => void): Timer {
    let isCancelled = false;
    const timer = this.#clock.after(delayMs, () => this.deliver(() => !isCancelled && action()));
    return {
      cancel: () => {
        isCancelled = true;
        timer.cancel();
      },
      refresh: () => {
        isCancelled = false;
        timer.refresh();
      },
    };
  }

  soon(action: () => void): void {
    this.#clock.soon(() => this.deliver(action));
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
}
