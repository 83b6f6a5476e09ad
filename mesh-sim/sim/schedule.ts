// What happens in one simulation, all of it decided before it begins: so it can be printed, shrunk and run again.

import type { Fault, LinkQuality, NodeList, Topology } from '../topologies.ts';

/** What clients and operators do. Keys are named by their number in the schedule. */
export type Operation =
  | Fault
  /**
   * A client asks; `leaveAfterMs`: it goes away then. One with a `question` would be content with a kept answer to it.
   */
  | {
      readonly kind: 'ask';
      readonly machine: number;
      readonly tenant: string;
      readonly isStream: boolean;
      readonly key?: number;
      readonly question?: number;
      readonly leaveAfterMs?: number;
    }
  | { readonly kind: 'create-key'; readonly machine: number; readonly key: number; readonly tenant: string }
  | { readonly kind: 'revoke-key'; readonly machine: number; readonly key: number }
  /** So many requests a minute from now on. */
  | { readonly kind: 'limit-tenant'; readonly machine: number; readonly tenant: string; readonly requests: number }
  /** A document is written, or written anew; `edit` makes its text another one. */
  | { readonly kind: 'write'; readonly machine: number; readonly document: number; readonly edit: number }
  | { readonly kind: 'delete'; readonly machine: number; readonly document: number }
  /** A copy of the disk is put aside. */
  | { readonly kind: 'back-up'; readonly machine: number }
  /** The process is killed, and started again with the copy. */
  | { readonly kind: 'restore'; readonly machine: number };

export type TimedOperation = Operation & { readonly atMs: number };

export interface Schedule {
  readonly seed: number;
  /** For people: the topology, or how it was drawn. */
  readonly name: string;
  readonly nodes: number;
  readonly link: LinkQuality;
  readonly links: Topology['links'];
  readonly upstreams: NodeList;
  readonly present: NodeList;
  /** The nodes know each other already when it begins. */
  readonly isWarm: boolean;
  /** All wall clocks run this much faster than time: a week passes in minutes. */
  readonly wallClockRate: number;
  /** In the order of their time. */
  readonly operations: readonly TimedOperation[];
  readonly durationMs: number;
  /** All faults are undone, and there is so much time before it is judged. */
  readonly settleMs: number;
}

/** One operation as a line. */
export function describeOperation({ atMs, kind, ...fields }: TimedOperation): string {
  const details = Object.entries(fields).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return `${atMs.toFixed(0).padStart(7)} ms  ${kind} ${details.join(' ')}`;
}
