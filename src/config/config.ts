// The shape of a validated configuration: what schema.ts promises, with every default filled in, deeply frozen.
// The zero-config start builds the same shape from what it finds (see providers/discover.ts).

import type { Capability } from '../model/capability.ts';
import type { DialectName } from '../model/chat.ts';
import type { JsonObject } from '../model/json.ts';
import type { CacheConfig, CacheRule, CompactionRule, Override } from './cache.ts';
import type { AnonymousMode } from './exposure.ts';
import type { ChainKnowledge, KnowledgeConfig } from './knowledge.ts';
import type { MeshConfig } from './mesh.ts';
import type { ChainRouting, ChainShadow, HedgeConfig, PeerUse, RuleConfig } from './routing.ts';
import type { PromptsConfig, ShadowConfig } from './traffic.ts';

export interface Config {
  readonly server: ServerConfig;
  /** By account name. A target that gives `provider`, `key`, `url` itself gets an account of its own, named after the provider. */
  readonly accounts: Readonly<Record<string, AccountConfig>>;
  /** By chain name. */
  readonly chains: Readonly<Record<string, ChainConfig>>;
  /** Model name a client asks for → chain name or `account/model`. */
  readonly aliases: Readonly<Record<string, string>>;
  /** In order; the first that matches a chat request decides before its model name does. Absent: none. */
  readonly rules?: readonly RuleConfig[];
  /** Serves every model name that nothing else matches; absent: such a name is refused. */
  readonly defaultChain?: string;
  readonly timeouts: Timeouts;
  readonly retries: RetryConfig;
  readonly cooldown: CooldownConfig;
  readonly log: LogConfig;
  /** Where state lives, mode 0700. */
  readonly dataDirectory: string;
  readonly responses: ResponsesConfig;
  readonly ledger: LedgerConfig;
  readonly prompts: PromptsConfig;
  readonly shadow: ShadowConfig;
  /** Answers kept for equal requests. */
  readonly cache: CacheConfig;
  /** What is left out of prompts. */
  readonly compaction: CompactionRule;
  readonly knowledge: KnowledgeConfig;
  /** Absent: this node stands alone. */
  readonly mesh?: MeshConfig;
  /** What the operator says of models, over the built-in table (tenancy/price-table.ts). */
  readonly prices: readonly PriceConfig[];
}

export interface ServerConfig {
  /** Default 127.0.0.1; anything wider needs a key, see exposure.ts. */
  readonly host: string;
  /** Default 2402; 0 picks a free one. */
  readonly port: number;
  /** Client keys accepted as Bearer, x-api-key, x-goog-api-key, api-key. Empty: everyone on loopback. */
  readonly apiKeys: readonly string[];
  readonly anonymous: AnonymousMode;
  readonly bodyBytesMax: number;
  readonly messagesMax: number;
  /** Requests running at once; more get 503 with Retry-After. */
  readonly concurrencyMax: number;
  /** How long a shutdown waits for running answers. */
  readonly drainTimeoutMs: number;
  /** Silence on an event stream after which a keep-alive is written. */
  readonly keepAliveMs: number;
}

export interface AccountConfig {
  /** Preset name (providers/presets.ts), or `openai-compatible` with `url`. */
  readonly provider: string;
  /** Overrides the preset's base URL. */
  readonly url?: string;
  /** Overrides the preset's dialect. */
  readonly dialect?: DialectName;
  /** Tried in rotation: the next one when one is rate-limited or refused. Empty for servers without keys. */
  readonly keys: readonly string[];
  /** OpenAI-Organization, OpenAI-Project. */
  readonly organization?: string;
  readonly project?: string;
  /** Azure only. */
  readonly apiVersion?: string;
  /** Sent with every call of this account. */
  readonly headers: Readonly<Record<string, string>>;
  /** Model names this account serves, for /v1/models and for routing by bare model name. Empty: asked from the server. */
  readonly models: readonly string[];
  /** What this account's models cost, when they run on one's own machine. */
  readonly energy?: EnergyConfig;
}

export interface EnergyConfig {
  /** Drawn while answering. */
  readonly watts: number;
  /** US dollars. */
  readonly pricePerKwh: number;
  /** Written by the machine as a whole. */
  readonly tokensPerSecond: number;
  /** Tokens of prompt read. Absent: as `tokensPerSecond`. */
  readonly promptTokensPerSecond?: number;
}

/** Facts about one model; absent ones stay as the table has them. Rates are US dollars for a million tokens. */
export interface PriceConfig {
  /** At most one of `provider` and `account`; absent: the model at every provider. */
  readonly provider?: string;
  readonly account?: string;
  /** `*` at its end stands for anything. */
  readonly model: string;
  /** Present together with `output`, and before any other rate. */
  readonly input?: number;
  readonly output?: number;
  readonly cacheRead?: number;
  readonly cacheWrite?: number;
  readonly contextLength?: number;
  readonly maxOutputTokens?: number;
  readonly capabilities?: readonly Capability[];
  /** 0–100. */
  readonly quality?: number;
}

export interface ChainConfig {
  /** In the order of the file, those of nested chains in their place. */
  readonly targets: readonly TargetConfig[];
  /** How they are ordered for a request. Absent: as they stand. */
  readonly routing?: ChainRouting;
  /** Absent: one target at a time. */
  readonly hedge?: HedgeConfig;
  /** Absent: nobody else hears of its requests. */
  readonly shadow?: ChainShadow;
  /** Used instead of the rest of the chain when the prompt is too long for a target. Empty: the rest of the chain. */
  readonly onContextLength: readonly TargetConfig[];
  /** Used when a target refuses by content policy. Empty: the refusal is final. */
  readonly onContentFilter: readonly TargetConfig[];
  readonly timeouts: Partial<Timeouts>;
  readonly retries: Partial<RetryConfig>;
  readonly cache?: Override<CacheRule>;
  readonly compaction?: Override<CompactionRule>;
  /** Absent: nothing is added to prompts, unless a request asks for it. */
  readonly knowledge?: ChainKnowledge;
  /** Absent: `overflow`. */
  readonly peers?: PeerUse;
}

export interface TargetConfig {
  /** Account name; the loader has made one for targets with an inline `provider`/`key`/`url`. */
  readonly account: string;
  readonly model: string;
  readonly timeouts: Partial<Timeouts>;
  readonly retries: Partial<RetryConfig>;
  /** Added to the account's. */
  readonly headers: Readonly<Record<string, string>>;
  /** Merged into the upstream body, over what the client sent. */
  readonly extraBody: JsonObject;
  /** Overrides of the preset's quirks, e.g. `maxTokensField`. */
  readonly traits: JsonObject;
  /** Requests that it can run at once. Absent: unknown. */
  readonly capacity?: number;
}

/** Milliseconds. */
export interface Timeouts {
  readonly connectMs: number;
  /** Attempt start to first content event. */
  readonly ttftMs: number;
  /** Silence between two reads of a running answer. */
  readonly idleMs: number;
  /** The whole request, all attempts together. */
  readonly totalMs: number;
}

export interface RetryConfig {
  /** Tries at one target after the first, for network errors and 5xx. */
  readonly max: number;
  readonly backoffMs: number;
  readonly backoffMaxMs: number;
}

export interface CooldownConfig {
  /** Consecutive failures that open a target's circuit. */
  readonly failures: number;
  /** First cooldown; doubles with each failed probe. */
  readonly baseMs: number;
  readonly maxMs: number;
}

export interface LogConfig {
  readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /** `auto`: pretty on a terminal, else json. */
  readonly format: 'auto' | 'json' | 'pretty';
}

/** What previous_response_id needs kept. */
export interface ResponsesConfig {
  readonly isStored: boolean;
  readonly retentionDays: number;
  readonly entriesMax: number;
}

/** The record of what every request used. */
export interface LedgerConfig {
  readonly retentionDays: number;
}
