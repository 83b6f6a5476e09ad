// Which changes of one row stay. A pure decision, the same on every node and in every order of arrival: what stays are
// the changes that no other one supersedes.

import { parseObject } from '../model/json.ts';
import { type Change, canonicalText, compareVersions, hasSeen } from './change.ts';
import type { HeldChange } from './change-table.ts';
import type { Faults } from './faults.ts';
import type { Kind } from './kind.ts';

export type Incoming = Omit<Change, 'signature'> & { readonly isParked: boolean };

export interface Resolution {
  /** Held ones that the incoming change supersedes. */
  readonly superseded: readonly HeldChange[];
  /** The held one that supersedes the incoming change; undefined when it stays. */
  readonly winner: HeldChange | undefined;
}

export function resolve(
  kind: Kind | undefined,
  held: readonly HeldChange[],
  change: Incoming,
  faults: Faults,
): Resolution {
  const beats = ruleOf(kind, faults);
  const winner = held.find((other) => beats(other, change));
  if (winner) return { superseded: [], winner };
  return { superseded: held.filter((other) => beats(change, other)), winner: undefined };
}

type Side = Omit<Change, 'signature'> & { readonly isParked: boolean };

function ruleOf(kind: Kind | undefined, faults: Faults): (left: Side, right: Side) => boolean {
  // Whether a kind that we do not know is last-writer-wins, its own version must say: only what was seen is superseded.
  if (kind === undefined) return (left, right) => hasSeen(left.base, right);
  if (kind.join) return growsFrom(kind.join);
  if (faults.noTieBreak) return (left, right) => left.hlc > right.hlc || (left.hlc === right.hlc && 'id' in left);
  return (left, right) => compareVersions(left, right) > 0;
}

function growsFrom(join: NonNullable<Kind['join']>): (left: Side, right: Side) => boolean {
  return (left, right) => {
    if (left.isParked || right.isParked) return hasSeen(left.base, right);
    const [larger, smaller] = [parseObject(left.body ?? ''), parseObject(right.body ?? '')];
    if (!larger || !smaller) return false;
    if (canonicalText(join(larger, smaller)) !== canonicalText(larger)) return false;
    return canonicalText(larger) !== canonicalText(smaller) || compareVersions(left, right) > 0;
  };
}
