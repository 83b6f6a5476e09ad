// Keeps the rows of one kind within a number of bytes, for logs whose rows may be lost: the oldest go. They stay known, so
// that nobody sends them again. One origin gets only a part, or a flood of its rows would push out everybody else's.

import type { ChangeLog } from './change-log.ts';

export interface RowBudgetOptions {
  readonly kind: string;
  readonly bytesMax: () => number;
}

/** Of the bytes, what one origin may fill. */
const ORIGIN_SHARE = 0.5;
/** Rows that may come before it is looked again. */
const LOOK_ROWS = 256;

export class RowBudget {
  readonly #log: ChangeLog;
  readonly #options: RowBudgetOptions;
  #rows = 0;

  constructor(log: ChangeLog, options: RowBudgetOptions) {
    this.#log = log;
    this.#options = options;
  }

  /** A row came. @returns whether it is time to trim */
  note(): boolean {
    this.#rows += 1;
    return this.#rows === LOOK_ROWS;
  }

  /** Returns how many rows went. */
  trim(): number {
    this.#rows = 0;
    const log = this.#log;
    const bytesMax = this.#options.bytesMax();
    const byOrigin = new Map<string, number>();
    let total = 0;
    let dropped = 0;
    log.database.transaction(() => {
      for (const { bytes, ...row } of log.changes.sizes(this.#options.kind)) {
        const ofOrigin = (byOrigin.get(row.origin) ?? 0) + bytes;
        if (total + bytes > bytesMax || ofOrigin > bytesMax * ORIGIN_SHARE) {
          log.drop(row);
          dropped += 1;
        } else {
          byOrigin.set(row.origin, ofOrigin);
          total += bytes;
        }
      }
    })();
    return dropped;
  }
}
