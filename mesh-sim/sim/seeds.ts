// Runs many seeds, in as many threads as there are cores. Each seed is a world of its own, so they need not know of each
// other.

import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { WorldChoice } from './worlds.ts';

export interface Seeds {
  readonly first: number;
  readonly count: number;
  readonly choice: WorldChoice;
  readonly threads?: number;
}

export interface SeedOutcome {
  readonly seed: number;
  /** Of the world. */
  readonly name: string;
  readonly breaches: readonly string[];
  readonly events: number;
}

/** Of one thread. */
export interface Share {
  readonly first: number;
  readonly end: number;
  readonly step: number;
  readonly choice: WorldChoice;
}

/** Most of what a world makes is garbage when its request is over: a larger nursery copies less of it, and marks less. */
const NURSERY_MB = 192;

/**
 * Calls `onOutcome` for each world as it ends, in no order; when that says false the others are left.
 * @throws what a thread threw: the simulation itself is broken
 */
export async function runSeeds(
  { first, count, choice, threads = availableParallelism() }: Seeds,
  onOutcome: (outcome: SeedOutcome) => boolean,
): Promise<void> {
  const step = Math.min(threads, count);
  const workers = Array.from({ length: step }, (_, index) => {
    const share: Share = { first: first + index, end: first + count, step, choice };
    return new Worker(new URL('./seed-worker.ts', import.meta.url), {
      workerData: share,
      resourceLimits: { maxYoungGenerationSizeMb: NURSERY_MB },
    });
  });
  const stop = (): void => {
    for (const worker of workers) void worker.terminate();
  };
  const ends = workers.map(
    (worker) =>
      new Promise<void>((resolve, reject) => {
        worker.on('message', (outcome: SeedOutcome) => {
          if (!onOutcome(outcome)) stop();
        });
        worker.once('error', reject);
        worker.once('exit', () => resolve());
      }),
  );
  try {
    await Promise.all(ends);
  } finally {
    stop();
  }
}
