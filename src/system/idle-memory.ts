// A node on a small box waits for hours between two loads. What the engine and the allocator keep at hand for more of the
// same is then given back: once after the start, and once after each load.

import type { Clock } from '../ports.ts';

/** Between two looks. The first is when all that a start does later has been done; a mesh is whole by then. */
const LOOK_MS = 6_000;
/**
 * Looks in a row that find nothing begun since the one before: 36 s, and 48 s for what the first release itself has used and
 * what ran anew after it.
 */
const RELEASING_LOOKS: readonly number[] = [6, 8];
/** Of what was held after the last release: less is not worth the work. */
const GROWN_SHARE = 1.1;

export interface IdleMemory {
  readonly clock: Pick<Clock, 'every'>;
  /** Does nobody wait for anything? */
  isIdle(): boolean;
  /** How much work has ever begun: when it grows between two looks, it was no idle time. */
  begun(): number;
  /** Bytes in use now. */
  held(): number;
  /** Runs only while idle; may take some 100 ms. */
  release(): void;
}

/** Releases memory at the first idle look, then in each quiet time in which more of it is held than after that. */
export function keepIdleMemorySmall({ clock, isIdle, begun, held, release }: IdleMemory): void {
  let floor: number | undefined;
  let lastBegun = begun();
  let quietLooks = 0;
  const giveBack = (): void => {
    release();
    floor = held();
  };
  clock.every(LOOK_MS, () => {
    const isQuiet = isIdle() && begun() === lastBegun;
    lastBegun = begun();
    quietLooks = isQuiet ? quietLooks + 1 : 0;
    if (floor === undefined) {
      if (isIdle()) giveBack();
    } else if (RELEASING_LOOKS.includes(quietLooks) && held() > floor * GROWN_SHARE) giveBack();
  });
}
