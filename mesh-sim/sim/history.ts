// What happened in a simulated world, as the checkers read it.

import type { UpstreamMood } from '../topologies.ts';
import type { UpstreamCall } from './sim-upstream.ts';
import type { Timeline } from './timeline.ts';

export type MachineState = 'up' | 'starting' | 'paused' | 'draining' | 'off';

/** One machine's course. */
export interface MachineHistory {
  readonly index: number;
  readonly name: string;
  readonly peer: string;
  readonly hasUpstream: boolean;
  readonly state: Timeline<MachineState>;
  readonly mood: Timeline<UpstreamMood>;
  readonly isDiskFull: Timeline<boolean>;
  /** When its disk was replaced by an older copy. */
  readonly losses: number[];
  /** It ended while entries of its ledger may have waited for space. All else is refused by a full disk at once. */
  hasLostEntries: boolean;
  /** It was shut out of the mesh; when. */
  evictedAt: number | undefined;
}

/** How a request ended for its client. `open`: not at all. */
export type AskEnd = 'open' | 'answered' | 'failed' | 'left' | 'lost';

/** One request of a client. */
export interface AskHistory {
  readonly number: number;
  readonly id: string;
  readonly machine: number;
  readonly prompt: string;
  readonly tenant: string;
  readonly isStream: boolean;
  /** The id of the key it used; absent: none. */
  readonly key: string | undefined;
  readonly at: number;
  /** Others ask the same, and a kept answer will do. */
  readonly isQuestion: boolean;
  /** The entry node knew the key when it was asked. */
  readonly isKeyOfEntry: boolean;
  /** Requests a minute of its tenant, as the entry node knew it then; absent: none, or the key was unknown. */
  readonly limit: number | undefined;
  /** The entry node knew that the key is revoked when it was asked. */
  readonly isRevoked: boolean;
  /** `left`: the client went. `lost`: its node died. */
  end: AskEnd;
  endedAt: number;
  /** What the client was shown. */
  text: string;
  hasTerminal: boolean;
  errorCode: string | undefined;
  errorMessage: string;
}

/** A virtual key, and when it was revoked on which machine. */
export interface KeyHistory {
  readonly secret: string;
  readonly id: string;
  /** Where it was made. */
  readonly machine: number;
  readonly revocations: { readonly at: number; readonly machine: number }[];
}

/** A document that was written, or deleted (`version` undefined then). */
export interface WriteHistory {
  readonly machine: number;
  readonly document: string;
  readonly version: string | undefined;
  /** What the machine held when it was written; undefined: no such document. */
  readonly over: string | undefined;
  readonly at: number;
  /** Its client was told that it is done. */
  isAcknowledged: boolean;
}

/** Lines of what a machine holds, by the name of a table. */
export type Replica = Readonly<Record<string, readonly string[]>>;

export interface UsageSum {
  readonly node: string;
  readonly tenant: string;
  readonly requests: number;
  readonly outputTokens: number;
}

/** A request that one node sent to another. */
export interface ForwardHistory {
  readonly at: number;
  readonly from: string;
  readonly to: string;
  readonly requestId: string;
  readonly attempt: number;
}

/** One node's conclusion about another. */
export interface VerdictHistory {
  readonly at: number;
  readonly by: number;
  readonly about: string;
  readonly from: string;
  readonly to: string;
  readonly reason: string;
}

/** A row of a ledger, as it stood at the end. */
export interface LedgerRow {
  readonly machine: number;
  readonly requestId: string;
  readonly operation: string;
  readonly tenant: string;
  readonly status: string;
  readonly outputTokens: number;
}

/** How a node was at the end, all faults undone and some time later. */
export interface FinalState {
  readonly machine: number;
  readonly running: number;
  /** What it believes of each other machine: a state, `heard` (alive, no connection) or `nobody`. */
  readonly beliefs: readonly string[];
  /** Of its view, by number. */
  readonly members: readonly number[];
  readonly timers: number;
  readonly replica: Replica;
  /** As it knows it of all nodes. */
  readonly usage: readonly UsageSum[];
}

export interface History {
  readonly startedAt: number;
  readonly machines: readonly MachineHistory[];
  readonly asks: readonly AskHistory[];
  readonly keys: readonly KeyHistory[];
  readonly writes: readonly WriteHistory[];
  readonly forwards: readonly ForwardHistory[];
  readonly verdicts: readonly VerdictHistory[];
  readonly calls: readonly UpstreamCall[];
  /** Of those, the ones that were still running at the end. */
  readonly openCalls: readonly UpstreamCall[];
  /** `from to`, by number: does anything pass? */
  readonly links: ReadonlyMap<string, Timeline<boolean>>;
  /** Lines that a node logged as an error. */
  readonly errors: readonly { readonly at: number; readonly machine: number; readonly text: string }[];
  readonly ledger: readonly LedgerRow[];
  readonly final: readonly FinalState[];
  /** From then on nothing is wrong any more, and everybody is told what happened. */
  readonly faultsUndoneAt: number;
  readonly endedAt: number;
  /** The nodes knew each other when it began. */
  readonly isWarm: boolean;
  /** Packets got lost by chance, too. */
  readonly isLossy: boolean;
  /** Longest way there and back. */
  readonly roundTripMs: number;
  /** Everybody could reach everybody at the end. */
  readonly isWholeNetwork: boolean;
}

export function isLinked(history: History, a: number, b: number, from: number, to: number): boolean {
  const held = (way: string): boolean => history.links.get(way)?.held(true, from, to) ?? true;
  return held(`${a} ${b}`) && held(`${b} ${a}`);
}
