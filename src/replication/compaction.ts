// Dropping tombstones. One may go when every active member has it and it is a week old: then nobody can send the
// deleted row again. Two more conditions make that true. We know everything that the members know, so that nothing of
// theirs from before the deletion is still on its way to us. And we write down what was known everywhere (`collected`):
// a node that comes with less has to come back as in snapshot.ts, whether it was away, restored or on another island.
//
// Who dropped a tombstone stamps new rows above it, since others may hold it still. So one that is stamped far ahead of
// the mesh stays until its time has come, or it would drag the new rows' stamps along.
//
// Clocks only decide how long tombstones stay. A clock that leaps makes more nodes come back; it resurrects nothing. One
// that is seen to be wrong drops none; and what it has dated years ahead counts as old once it is right again, or it would
// stay for years.

import type { ChangeLog } from './change-log.ts';
import { AHEAD_MAX_MS, isAhead } from './hlc.ts';
import type { VersionVector } from './version-vector.ts';

const DAY_MS = 86_400_000;
const TOMBSTONE_AGE_MIN_MS = 7 * DAY_MS;
/** After this long a silent member no longer keeps tombstones from going. */
const SILENCE_MAX_MS = 30 * DAY_MS;
/** In one transaction: some ten milliseconds. */
const COLLECTED_AT_ONCE = 2_000;

export interface CollectInput {
  readonly now: number;
  /** The mesh's median time. */
  readonly meshNow: number;
  /** All members of the mesh but ourselves, also those out of reach. */
  readonly members: readonly string[];
  readonly ageMinMs?: number;
  readonly silenceMaxMs?: number;
}

/** Returns how many tombstones went. */
export function collectTombstones(log: ChangeLog, input: CollectInput): number {
  let collected = 0;
  if (Math.abs(input.now - input.meshNow) > AHEAD_MAX_MS) return 0;
  log.database.transaction(() => {
    const stable = log.faults.collectsByTimeOnly ? log.known.load() : stableVector(log, input);
    if (!stable) return;
    const until = Math.floor(input.now - (input.ageMinMs ?? TOMBSTONE_AGE_MIN_MS));
    for (const tombstone of log.changes.tombstones(until, Math.floor(input.now + AHEAD_MAX_MS))) {
      if (collected === COLLECTED_AT_ONCE) break;
      if (!stable.has(tombstone) || isAhead(tombstone.hlc, input.meshNow)) continue;
      log.drop(tombstone);
      log.keepCollectedHlc(tombstone.hlc);
      collected += 1;
    }
    if (collected > 0 && !log.faults.collectsByTimeOnly) log.collected.addAll(stable);
  })();
  return collected;
}

/** What every active member knows; undefined while a member knows something that we do not. */
function stableVector(log: ChangeLog, input: CollectInput): VersionVector | undefined {
  const ours = log.known.load();
  let stable = ours;
  for (const member of input.members) {
    log.peers.expect(member, input.now);
    const heard = log.peers.of(member);
    if (!heard || Math.abs(input.now - heard.heardAt) > (input.silenceMaxMs ?? SILENCE_MAX_MS)) continue;
    if (!ours.dominates(heard.known)) return undefined;
    stable = stable.and(heard.known);
  }
  return stable.isEmpty ? undefined : stable;
}
