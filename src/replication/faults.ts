// Known ways to get replication wrong. Tests switch them on, one at a time, to prove that the suite would notice; in
// production nothing sets them.

export interface Faults {
  /** Superseded changes just vanish. */
  readonly noClearedRanges?: boolean;
  /** Cleared ranges count as known before the whole delta is in. */
  readonly advancesOnEveryPage?: boolean;
  /** Tombstones go by age alone, whoever may not have seen them. */
  readonly collectsByTimeOnly?: boolean;
  /** Of two changes with the same stamp the one that came first stays. */
  readonly noTieBreak?: boolean;
  /** Changes get the receiver's time in place of their own stamp. */
  readonly stampsWithReceiversClock?: boolean;
}

export const NO_FAULTS: Faults = {};
