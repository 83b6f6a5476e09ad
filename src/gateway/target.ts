// Where an attempt can go, and the ordered lists of such places.

import type { CacheRule, CompactionRule } from '../config/cache.ts';
import type { RetryConfig, Timeouts } from '../config/config.ts';
import type { ChainKnowledge } from '../config/knowledge.ts';
import type { ChainRouting, ChainShadow, HedgeConfig, PeerUse } from '../config/routing.ts';
import type { UpstreamTraits } from '../dialects/dialect.ts';
import type { JsonObject } from '../model/json.ts';
import type { Account } from '../providers/account.ts';
import type { ServingPeer } from './peers.ts';

export interface Target {
  /** `account/model`: names its health, its metrics and its log lines. */
  readonly id: string;
  readonly account: Account;
  /** The upstream's own model name. */
  readonly model: string;
  readonly timeouts: Timeouts;
  readonly retries: RetryConfig;
  /** Added to the account's headers. */
  readonly headers: Readonly<Record<string, string>>;
  /** Merged over the upstream body. */
  readonly extraBody: JsonObject | undefined;
  readonly traits: UpstreamTraits;
  /** Requests that it can run at once. Absent: unknown. */
  readonly capacity?: number;
  /** Another node, which answers with targets of its own; the account is but a name then. */
  readonly peer?: ServingPeer;
}

export interface Chain {
  readonly name: string;
  /** Best first; empty only for a model that nobody but other nodes serves. */
  readonly targets: readonly Target[];
  /** How a chat's targets are ordered, by their indexes. Absent: as they stand. */
  readonly routing?: ChainRouting;
  /** Absent: one target at a time. */
  readonly hedge?: HedgeConfig;
  /** Absent: nobody else hears of its requests. */
  readonly shadow?: ChainShadow;
  /** Reached by the name of one of its models: those targets stay in front, however the others are ordered. */
  readonly askedModel?: string;
  /** Tried instead of the rest when the prompt is too long. Empty: the rest of the chain. */
  readonly onContextLength: readonly Target[];
  /** Tried when a target refuses by content policy. Empty: the refusal is final. */
  readonly onContentFilter: readonly Target[];
  /** Put into the prompts of its requests. */
  readonly knowledge?: ChainKnowledge;
  /** Asked for more targets, once, when all of these have failed. */
  readonly overflow?: () => readonly Target[];
  /** How other nodes are used. Absent: `overflow`. */
  readonly peers?: PeerUse;
  /** All attempts together, milliseconds. */
  readonly totalMs: number;
  /** Which answers are kept, and for whom. */
  readonly cache: CacheRule;
  /** What is left out of prompts. */
  readonly compaction: CompactionRule;
}
