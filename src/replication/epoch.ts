// Epochs: a number of ours is used once for ever, also when our disk was restored from a backup or runs twice.
//
// Every process begins an epoch of its own with its first write, made of its time and chance. A restored or copied file
// therefore never numbers new changes like old ones, even while no peer is in reach who could warn it. That leaves
// copies of a *running* process (a virtual machine's snapshot): there a peer knows more of our running epoch than we
// do, and we leave the epoch.

import type { Random } from '../ports.ts';
import type { ChangeLog } from './change-log.ts';
import type { VersionVector } from './version-vector.ts';

const CHANCE = 2 ** 20;
const SECONDS_MAX = 2 ** 32;

/** Seconds and 20 bits of chance: 52 bits, a safe integer; unlike all of ours that we know. */
export function freshEpoch(now: number, random: Pick<Random, 'next'>, used: readonly number[]): number {
  const seconds = Math.min(Math.max(1, Math.floor(now / 1000)), SECONDS_MAX - 1);
  for (;;) {
    const epoch = seconds * CHANCE + Math.floor(random.next() * CHANCE);
    if (!used.includes(epoch)) return epoch;
  }
}

/**
 * A peer tells what it knows. Returns how many changes of ours are in there that we do not have: they were lost with a
 * disk, or written by another node that runs with our identity. They come back like any other change.
 */
export function witnessOwnChanges(log: ChangeLog, theirs: VersionVector, now: number): number {
  const unknown = theirs.minus(log.vector());
  const epochs = unknown.epochs(log.origin);
  if (epochs.length === 0) return 0;
  let count = 0;
  for (const range of unknown.ranges()) if (range.origin === log.origin) count += range.last - range.first + 1;
  log.flags.raise('disk-restored', log.origin, now, count);
  if (log.runningEpoch !== undefined && epochs.includes(log.runningEpoch)) log.leaveEpoch();
  return count;
}
