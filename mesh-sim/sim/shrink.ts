// Makes a failing schedule small: takes operations away as long as it still fails in the same way.

import { runSchedule } from './run.ts';
import type { Schedule, TimedOperation } from './schedule.ts';

/** Schedules tried at most. */
const TRIES_MAX = 400;

/** @param breach what must still be broken: the name of the checker */
export async function shrink(schedule: Schedule, breach: string): Promise<Schedule> {
  let smallest = schedule;
  let tries = 0;
  const stillFails = async (candidate: Schedule): Promise<boolean> => {
    tries += 1;
    const { breaches } = await runSchedule(candidate);
    return breaches.some((found) => found.startsWith(breach));
  };
  for (let size = Math.ceil(schedule.operations.length / 2); size >= 1; ) {
    const without = await firstThat(stillFails, candidates(smallest, size), () => tries < TRIES_MAX);
    if (without) smallest = without;
    else if (size === 1) break;
    else size = Math.floor(size / 2);
    if (tries >= TRIES_MAX) break;
  }
  return smallest;
}

/** The schedule without each of its slices of this size; the later ones first, as what breaks comes late. */
function* candidates(schedule: Schedule, size: number): Generator<Schedule> {
  for (let end = schedule.operations.length; end > 0; end -= size) {
    const kept: readonly TimedOperation[] = schedule.operations.filter(
      (_, index) => index < Math.max(0, end - size) || index >= end,
    );
    yield { ...schedule, operations: kept };
  }
}

async function firstThat(
  test: (candidate: Schedule) => Promise<boolean>,
  found: Iterable<Schedule>,
  mayGoOn: () => boolean,
): Promise<Schedule | undefined> {
  for (const candidate of found) {
    if (!mayGoOn()) return undefined;
    if (await test(candidate)) return candidate;
  }
  return undefined;
}
