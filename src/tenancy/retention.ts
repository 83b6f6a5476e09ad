// Keeps the ledger as short as its retention says: at start and every few hours, a slice at a time.

import type { Clock, Timer } from '../ports.ts';
import type { Ledger } from './ledger.ts';

const PERIOD_MS = 6 * 3_600_000;
/** Between two slices, so that requests come in between. */
const PAUSE_MS = 100;
const DAY_MS = 86_400_000;

export interface RetentionDeps {
  readonly ledger: Pick<Ledger, 'prune'>;
  readonly clock: Clock;
  /** The current setting. */
  readonly retentionDays: () => number;
  /** The ledger cannot be written; the next period tries again. */
  readonly onFailure: (error: unknown) => void;
}

/** Returns what ends it. */
export function keepPruned({ ledger, clock, retentionDays, onFailure }: RetentionDeps): () => void {
  let pause: Timer | undefined;
  const pruneSlice = (): void => {
    pause = undefined;
    try {
      if (ledger.prune(retentionDays() * DAY_MS) > 0) pause = clock.after(PAUSE_MS, pruneSlice);
    } catch (error) {
      onFailure(error);
    }
  };
  const period = clock.every(PERIOD_MS, () => {
    if (!pause) pruneSlice();
  });
  pruneSlice();
  return () => {
    period.cancel();
    pause?.cancel();
  };
}
