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
  /** How often its disk was replaced by an older copy. */
  restores: number;
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
  /** The key it used; absent: none. */
  readonly key: string | undefined;
  readonly at: number;
  /** The key was made on the entry node. */
  readonly isKeyOfEntry: boolean;
  /** The key was known to be revoked on the entry node when it was asked. */
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
}

export interface History {
  readonly startedAt: number;
  readonly machines: readonly MachineHistory[];
  readonly asks: readonly AskHistory[];
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
  readonly endedAt: number;
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
