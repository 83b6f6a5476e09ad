// What a clock has besides single timers, made of them.

import type { Clock, StopSignal, Timer } from '../../src/ports.ts';

export abstract class TimerClock implements Clock {
  abstract now(): number;
  abstract elapsed(): number;
  abstract after(delayMs: number, action: () => void): Timer;
  abstract soon(action: () => void): void;

  every(periodMs: number, action: () => void): Timer {
    const timer = this.after(periodMs, () => {
      timer.refresh();
      action();
    });
    return timer;
  }

  sleep(delayMs: number, signal?: StopSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = (): void => {
        timer.cancel();
        reject(signal?.reason);
      };
      const timer = this.after(delayMs, () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      });
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }
}
