// The real clock.

import type { Clock, Timer } from '../ports.ts';
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

const stages = new TurnStages();

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  after: (delayMs, action) => new NodeTimer(setTimeout(action, delayMs)),
  soon: (action, stage = 'rest') => stages.add(stage, action),
  // Periodic work never keeps the process alive by itself.
  every: (periodMs, action) => new NodeTimer(setInterval(action, periodMs).unref()),
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
