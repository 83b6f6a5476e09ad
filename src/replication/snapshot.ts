// Coming back after tombstones were dropped without us. A new or far-behind node gets all live rows and cleared ranges
// like any delta, page by page; what is left to do at its end is here.
//
// Rows that we hold, that the peer knows and no longer holds, and that were known everywhere when it dropped tombstones:
// they were deleted, and no tombstone is left to say so. And what we wrote unseen by the mesh gets new stamps: an old
// stamp could lose against a tombstone on one node and win on another that has dropped it.

import type { ChangeLog } from './change-log.ts';
import type { Replica } from './replica.ts';
import type { VersionVector } from './version-vector.ts';

export interface Comeback {
  /** Cleared at the peer and collected: not live anywhere in the mesh. */
  readonly gone: VersionVector;
  /** What we knew and the peer did not when the session began. */
  readonly unsent: VersionVector;
}

/**
 * Belongs into the transaction that claims the peer's cleared ranges: done later, a crash in between would leave a node
 * that looks caught up and still holds what was deleted.
 */
export function comeBack(
  log: ChangeLog,
  replica: Pick<Replica, 'forget'>,
  { gone, unsent }: Comeback,
  now: number,
): void {
  for (const range of gone.ranges()) {
    for (const held of log.changes.inRange(range, Number.MAX_SAFE_INTEGER)) replica.forget(held, now);
  }
  for (const range of unsent.ranges()) {
    if (range.origin !== log.origin) continue;
    for (const held of log.changes.inRange(range, Number.MAX_SAFE_INTEGER)) {
      const kind = log.kinds.get(held.kind);
      // What only grows has no tombstones to lose against.
      if (!kind || kind.join || !log.mayWrite(log.origin, held.kind, kind.capability)) continue;
      log.write(held.kind, held.key, held.body, log.collectedHlc);
    }
  }
}
