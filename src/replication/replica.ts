// Merges foreign changes into the log and the store: synchronous, in one transaction, reading no clock. Merging is
// commutative, associative and idempotent: whatever comes in whatever order, how often, the same rows stay.
//
// Held changes become known at once, since we have them. Cleared ranges become known only by a claim, when everything
// of the peer's has come: until then what superseded them may be missing, and nobody would ever send it again.

import { parseObject } from '../model/json.ts';
import { type Change, compareVersions, hasSeen, joinBases } from './change.ts';
import type { ChangeLog } from './change-log.ts';
import type { HeldChange } from './change-table.ts';
import { type Hlc, hlcOf, isAhead, witness } from './hlc.ts';
import type { Kind } from './kind.ts';
import { type Incoming, resolve } from './resolve.ts';
import { type Comeback, comeBack } from './snapshot.ts';
import { VersionVector } from './version-vector.ts';

export interface MergeTime {
  /** This node's wall time. */
  readonly now: number;
  /** The mesh's median time. */
  readonly meshNow: number;
}

/** Says that everything which the peer knew has been merged: what it cleared is cleared here as well. */
export interface Claim {
  readonly cleared: VersionVector;
  readonly collected: VersionVector;
  readonly collectedHlc: Hlc;
  /** What is left to do for a node that was far behind. */
  readonly comeback?: Comeback | undefined;
}

export interface MergeResult {
  /** Changes that stay. */
  applied: number;
  /** Changes that lost against held ones. */
  superseded: number;
  /** Changes that were known before. */
  repeated: number;
  /** Changes of origins that may not write them: known from now on, but not held. */
  refused: number;
  /** Changes of origins that we cannot judge yet. They stay unknown, so they come again. */
  deferred: number;
  parked: number;
  conflicts: number;
}

/** The disk took nothing: no space, or the file may not grow. What was there stays, and nothing of the merge. */
export class ReplicaFullError extends Error {
  override readonly name = 'ReplicaFullError';
}

interface Merge extends MergeTime {
  readonly result: MergeResult;
  readonly known: VersionVector;
  readonly cleared: VersionVector;
  /** Take a change also when its number is known: an audit found that the row is not what it should be. */
  readonly isHealing: boolean;
}

type AppliedRow = Pick<Change, 'kind' | 'key' | 'origin' | 'hlc'>;

export class Replica {
  readonly #log: ChangeLog;

  constructor(log: ChangeLog) {
    this.#log = log;
    this.#unpark();
  }

  /** Signatures have been verified before. @throws ReplicaFullError */
  merge(changes: readonly Change[], time: MergeTime, claim?: Claim): MergeResult {
    return this.#merge(changes, time, claim, false);
  }

  /** Merges rows although their numbers are known; see audit.ts. @throws ReplicaFullError */
  heal(changes: readonly Change[], time: MergeTime): MergeResult {
    return this.#merge(changes, time, undefined, true);
  }

  /** A row that was deleted elsewhere, whose tombstone is gone by now. */
  forget(held: HeldChange, now: number): void {
    this.#log.drop(held);
    this.#apply({ ...held, hlc: hlcOf(now) });
  }

  /** Drops what origins wrote that may not write it (any more). Returns how many rows. */
  dropForbidden(now: number): number {
    let dropped = 0;
    this.#write(() => {
      for (const range of this.#log.known.load().ranges()) {
        for (const held of this.#log.changes.inRange(range, Number.MAX_SAFE_INTEGER)) {
          if (this.#mayWrite(held) !== false) continue;
          this.#disown(held, now);
          dropped += 1;
        }
      }
    });
    return dropped;
  }

  #disown(held: HeldChange, now: number): void {
    const log = this.#log;
    const kind = log.kinds.get(held.kind);
    if (kind?.isKeptOfEvicted && held.body !== null && this.#mayWrite({ origin: log.origin, kind: kind.name })) {
      // The new change supersedes the old one: it is this node's own word now.
      log.write(kind.name, held.key, held.body);
      return;
    }
    this.forget(held, now);
  }

  #merge(changes: readonly Change[], time: MergeTime, claim: Claim | undefined, isHealing: boolean): MergeResult {
    const log = this.#log;
    const result = { applied: 0, superseded: 0, repeated: 0, refused: 0, deferred: 0, parked: 0, conflicts: 0 };
    const before = log.vector();
    this.#write(() => {
      const known = new VersionVector();
      const cleared = new VersionVector();
      const merge: Merge = { ...time, result, known, cleared, isHealing };
      const last = log.lastHlc(time.now);
      let witnessed = last;
      for (const change of changes) {
        if (!isHealing && (known.has(change) || before.has(change))) {
          result.repeated += 1;
          continue;
        }
        const mayWrite = this.#mayWrite(change);
        if (mayWrite === undefined) {
          result.deferred += 1;
          continue;
        }
        known.addDot(change);
        if (!mayWrite) {
          this.#refuse(change, merge);
          continue;
        }
        if (isAhead(change.hlc, time.meshNow)) log.flags.raise('clock-ahead', change.origin, time.now);
        witnessed = witness(witnessed, change.hlc, time.meshNow);
        this.#mergeOne(log.faults.stampsWithReceiversClock ? { ...change, hlc: hlcOf(time.now) } : change, merge);
      }
      if (witnessed !== last) log.keepHlc(witnessed);
      if (!log.faults.noClearedRanges) log.cleared.addAll(cleared);
      log.known.addAll(known);
      if (claim) this.#claim(claim, time.now);
    });
    return result;
  }

  #claim({ cleared, collected, collectedHlc, comeback }: Claim, now: number): void {
    const fresh = cleared.minus(this.#log.vector());
    this.#log.cleared.addAll(fresh);
    this.#log.known.addAll(fresh);
    this.#log.collected.addAll(collected);
    this.#log.keepCollectedHlc(collectedHlc);
    if (comeback) comeBack(this.#log, this, comeback, now);
  }

  #mergeOne(change: Change, merge: Merge): void {
    const log = this.#log;
    const kind = log.kinds.get(change.kind);
    const incoming: Incoming = { ...change, isParked: !isUnderstood(kind, change) };
    if (merge.isHealing && !this.#mayHeal(change, merge.now)) return;
    const held = log.changes.byKey(change.kind, change.key);
    const { superseded, winner } = resolve(kind, held, incoming, log.faults);
    if (winner) this.#lose(incoming, winner, merge);
    else this.#stay(change, incoming, superseded, merge);
    if (incoming.isParked) {
      merge.result.parked += 1;
      log.flags.raise('parked', change.kind, merge.now);
    } else if (!winner) {
      const others = kind?.join ? held.filter((other) => !other.isParked && !superseded.includes(other)) : [];
      this.#apply(change, [...others, change]);
    }
  }

  /** Two changes with one number: both origins are copies of one running node. The larger text stays, everywhere. */
  #mayHeal(change: Change, now: number): boolean {
    const twin = this.#log.changes.byKey(change.kind, change.key).find((other) => compareVersions(other, change) === 0);
    if (twin === undefined) {
      this.#log.cleared.remove(change);
      return true;
    }
    if (twin.body === change.body) return false;
    this.#log.flags.raise('number-used-twice', change.origin, now);
    if ((twin.body ?? '') > (change.body ?? '')) return false;
    this.#log.changes.delete(twin.id);
    return true;
  }

  #refuse(change: Change, merge: Merge): void {
    merge.result.refused += 1;
    merge.cleared.addDot(change);
    this.#log.flags.raise('not-allowed', change.origin, merge.now);
  }

  #stay(change: Change, incoming: Incoming, superseded: readonly HeldChange[], merge: Merge): void {
    const { changes } = this.#log;
    let context: ReturnType<typeof joinBases> | undefined;
    for (const loser of superseded) {
      changes.delete(loser.id);
      merge.cleared.addDot(loser);
      if (hasSeen(change.base, loser)) continue;
      context = joinBases(joinBases(loser.context, [loser]), context ?? change.base);
      this.#conflict(loser, incoming, merge);
    }
    changes.insert(change, { context, storedAt: merge.now, isParked: incoming.isParked });
    merge.result.applied += 1;
  }

  #lose(incoming: Incoming, winner: HeldChange, merge: Merge): void {
    merge.cleared.addDot(incoming);
    merge.result.superseded += 1;
    if (hasSeen(winner.context, incoming)) return;
    this.#log.changes.setContext(winner.id, joinBases(joinBases(incoming.base, [incoming]), winner.context));
    this.#conflict(incoming, winner, merge);
  }

  #conflict(loser: Incoming, winner: Incoming, merge: Merge): void {
    if (loser.body === winner.body || this.#log.kinds.get(loser.kind)?.join) return;
    this.#log.conflicts.add(loser, winner, merge.now);
    merge.result.conflicts += 1;
  }

  /** Brings the store's row to what the held changes say. */
  #apply(row: AppliedRow, held: readonly Pick<Change, 'body'>[] = this.#understood(row)): void {
    const kind = this.#log.kinds.get(row.kind);
    if (!kind) return;
    const bodies = held.flatMap(({ body }) => (body === null ? [] : [parseObject(body) ?? {}]));
    const [first, ...others] = bodies;
    const { join } = kind;
    const body = join && first ? others.reduce((left, right) => join(left, right), first) : first;
    const { origin, hlc } = row;
    kind.apply(this.#log.database, row.key, body, { origin, hlc, isLocal: origin === this.#log.origin });
  }

  #understood({ kind, key }: AppliedRow): readonly HeldChange[] {
    return this.#log.changes.byKey(kind, key).filter(({ isParked }) => !isParked);
  }

  /** Kinds that an upgrade has taught us: what waited for them is settled now. */
  #unpark(): void {
    const log = this.#log;
    this.#write(() => {
      for (const kind of log.kinds.values()) {
        for (const { key } of log.changes.parkedKeys(kind.name)) this.#settle(kind, key);
      }
    });
  }

  #settle(kind: Kind, key: string): void {
    const log = this.#log;
    for (const change of log.changes.byKey(kind.name, key)) {
      if (change.isParked && isUnderstood(kind, change)) log.changes.unpark(change.id);
    }
    const held = log.changes.byKey(kind.name, key);
    for (const change of held) {
      const others = log.changes.byKey(kind.name, key).filter(({ id }) => id !== change.id);
      if (resolve(kind, others, change, log.faults).winner) log.drop(change);
    }
    const [first] = log.changes.byKey(kind.name, key);
    if (first && !first.isParked) this.#apply(first);
  }

  #mayWrite({ origin, kind }: { readonly origin: string; readonly kind: string }): boolean | undefined {
    return this.#log.mayWrite(origin, kind, this.#log.kinds.get(kind)?.capability);
  }

  #write(action: () => void): void {
    try {
      this.#log.database.transaction(action)();
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'SQLITE_FULL') throw error;
      throw new ReplicaFullError(
        `The disk is full: the log ${this.#log.name} takes no changes of other nodes until there is space`,
        { cause: error },
      );
    }
  }
}

/** May the store be given this body? */
function isUnderstood(kind: Kind | undefined, { key, body }: Pick<Change, 'key' | 'body'>): boolean {
  if (!kind) return false;
  if (body === null) return kind.join === undefined;
  const value = parseObject(body);
  return value !== undefined && Buffer.byteLength(body) <= kind.bodyBytesMax && kind.isValid(key, value);
}
