// What routing may know: of a target, and of a request. Plain data; whoever reads clocks, health and prices fills it in.

import type { Weekday } from '../../config/routing.ts';
import type { Capability, Price } from '../../tenancy/price.ts';
import type { AffinityKey } from './affinity.ts';

export interface Candidate {
  /** Unique among the candidates of one chain. */
  readonly id: string;
  /** What a client may call it in `provider.order` and the like: its account and its provider. */
  readonly names: readonly string[];
  /** Share of the requests, relative to the others. 0: only when no other one can serve. */
  readonly weight: number;
  /** Requests that run at it now. */
  readonly inFlight: number;
  /** How many may run at once, where that is known. */
  readonly capacity?: number;
  /** Absent: nothing has been measured. */
  readonly ttft?: TtftReading;
  /** How long the request waits that has waited longest for its first content. Absent: none waits. */
  readonly waitingMs?: number;
  /** Recent share of failed attempts, 0 to 1. */
  readonly errorRate: number;
  /** Absent: unknown, as with everything below. */
  readonly price?: Price;
  /** 0–100. */
  readonly quality?: number;
  /** Tokens of prompt and answer together. */
  readonly contextLength?: number;
  readonly capabilities?: readonly Capability[];
  readonly isCoolingDown: boolean;
  /** Top-level request fields that its upstream refuses. */
  readonly refusedFields?: readonly string[];
  /** Its upstream routes too and understands the client's `provider` field itself. */
  readonly isRouter?: boolean;
}

export interface TtftReading {
  /** Peak EWMA of latency.ts, at the time of the last measurement. */
  readonly ttftMs: number;
  /** Time since then. */
  readonly ageMs: number;
}

export interface RouteRequestFacts {
  /** The name the client asks for. */
  readonly model: string;
  /** Estimated, the whole prompt. */
  readonly inputTokens: number;
  readonly maxOutputTokens?: number;
  /** What answers of the chain usually have, where that has been measured. */
  readonly expectedOutputTokens?: number;
  /** Without these the request cannot be served as it was meant. */
  readonly needs: readonly Capability[];
  /** The client asks for reasoning. Not a need: where it is unknown, the dialects leave it out. */
  readonly isReasoningAsked: boolean;
  /** 1 for a first question. */
  readonly turns: number;
  /** Beginning and end of the newest user message, see `examinedText`. */
  readonly userText: string;
  /** Tokens of the whole newest user message, roughly. */
  readonly userTokens: number;
  readonly toolCount: number;
  readonly imageCount: number;
  readonly documentCount: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly tenant?: string;
  readonly keyTags: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
  /** Local time of the node. */
  readonly minuteOfDay: number;
  readonly weekday: Weekday;
  /** Absent: nothing tells which conversation this is. */
  readonly affinity?: AffinityKey;
}
