// The clock of one simulated machine: its process can be stopped and continued as by SIGSTOP and SIGCONT, its wall clock
// may be wrong, run too fast or be set. Monotonic time goes on while the process stands still, as it does on a real
// machine.

import type { Clock, Timer } from '../../src/ports.ts';
import { TimerClock } from './timer-clock.ts';

/** How far a machine's wall clock is from the truth. */
export interface ClockError {
  /** Added to the wall time. */
  offsetMs: number;
  /** Milliseconds gained in each real one: 0.001 is a very bad quartz. */
  driftRate: number;
}

export class HostClock extends TimerClock {
  readonly #clock: Clock;
  readonly #error: ClockError;
  readonly #startedAt: number;
  #isPaused = false;
  #isOff = false;
  #waiting: (() => void)[] = [];
  readonly #timers = new Set<Timer>();

  /** @param error may be changed while it runs: the wall clock jumps */
  constructor(clock: Clock, error: number | ClockError = 0) {
    super();
    this.#clock = clock;
    this.#error = typeof error === 'number' ? { offsetMs: error, driftRate: 0 } : error;
    this.#startedAt = clock.elapsed();
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  get isOff(): boolean {
    return this.#isOff;
  }

  /** Things that wait for the process to continue. */
  get waitingCount(): number {
    return this.#waiting.length;
  }

  /** Timers that the process has set. */
  get timerCount(): number {
    return this.#timers.size;
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
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }

  /** Runs `action` in this process: now, or when it continues. */
  deliver(action: () => void): void {
    if (this.#isOff) return;
    if (this.#isPaused) this.#waiting.push(action);
    else action();
  }

  override now(): number {
    const { offsetMs, driftRate } = this.#error;
    return this.#clock.now() + offsetMs + (this.#clock.elapsed() - this.#startedAt) * driftRate;
  }

  override elapsed(): number {
    return this.#clock.elapsed();
  }

  override after(delayMs: number, action: () => void): Timer {
    let isCancelled = false;
    const timer = this.#clock.after(delayMs, () => {
      this.#timers.delete(timer);
      this.deliver(() => !isCancelled && action());
    });
    if (this.#isOff) timer.cancel();
    else this.#timers.add(timer);
    return {
      cancel: () => {
        isCancelled = true;
        timer.cancel();
        this.#timers.delete(timer);
      },
      refresh: () => {
        if (this.#isOff) return;
        isCancelled = false;
        timer.refresh();
        this.#timers.add(timer);
      },
    };
  }

  override soon(action: () => void): void {
    this.#clock.soon(() => this.deliver(action));
  }
}
