// How a chain's targets are ordered, and the rules that choose a chain: the shapes and the words of the file.

export const STRATEGY_NAMES = ['priority', 'round-robin', 'least-load', 'fastest', 'cost-optimal'] as const;
export type StrategyName = (typeof STRATEGY_NAMES)[number];

export const AFFINITY_MODES = ['auto', 'session', 'off'] as const;
/** auto: whatever tells a conversation. session: only what a client says outright. */
export type AffinityMode = (typeof AFFINITY_MODES)[number];

export const UNFIT_MODES = ['skip', 'last'] as const;
/** What becomes of targets that are known not to be able to serve a request while others are. */
export type UnfitMode = (typeof UNFIT_MODES)[number];

export const PEER_USES = ['never', 'overflow', 'equal'] as const;
/** How a chain uses other nodes: not at all; when none of its own targets can answer; or like its own targets. */
export type PeerUse = (typeof PEER_USES)[number];

export interface StrategyConfig {
  readonly type: StrategyName;
  /** Targets that take longer to their first content come after the others. */
  readonly maxTtftMs?: number;
  /** Targets of less or unknown quality come after the others. */
  readonly minQuality?: number;
  readonly unfit: UnfitMode;
}

export interface ChainRouting {
  readonly strategy: StrategyConfig;
  readonly affinity: AffinityMode;
  readonly members: readonly ChainMember[];
}

export type ChainMember =
  | {
      readonly type: 'target';
      /** Into the `targets` of the outermost chain. */
      readonly index: number;
      readonly weight: number;
    }
  | { readonly type: 'chain'; readonly name: string; readonly weight: number; readonly routing: ChainRouting };

/** When a second target is asked because the first is late. */
export interface HedgeConfig {
  /** Waited for the first content while too little is known of the target to wait for its p95. */
  readonly afterMs: number;
  /** Of the chain's last requests, how many may be asked twice. */
  readonly budgetPercent: number;
}

/** A share of a chain's requests is asked elsewhere too, to compare the answers. */
export interface ChainShadow {
  /** A chain or `account/model`. */
  readonly to: string;
  /** 0 to 1. */
  readonly share: number;
}

export const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;
export type Weekday = (typeof WEEKDAYS)[number];

/** ISO 639-1: those that gateway/routing/language.ts can tell apart. */
export const LANGUAGES = [
  ...['ar', 'cs', 'da', 'de', 'el', 'en', 'es', 'fa', 'fi', 'fr', 'he', 'hi', 'it', 'ja'],
  ...['ko', 'nl', 'pl', 'pt', 'ru', 'sv', 'th', 'tr', 'uk', 'zh'],
] as const;
export type Language = (typeof LANGUAGES)[number];

/** Both ends belong to it. */
export interface Bounds {
  readonly min?: number;
  readonly max?: number;
}

/** Minutes since midnight; `from` belongs to it and `to` does not. `from` after `to` goes through midnight. */
export interface TimeSpan {
  readonly from: number;
  readonly to: number;
  /** On which the span begins. Empty: every day. */
  readonly days: readonly Weekday[];
}

/** Every key that is given must hold. In lists one entry is enough; `*` stands for any text. */
export interface RuleCondition {
  /** The name the client asks for. */
  readonly models?: readonly string[];
  readonly promptTokens?: Bounds;
  readonly turns?: Bounds;
  readonly complexity?: Bounds;
  readonly tools?: boolean;
  readonly images?: boolean;
  readonly audio?: boolean;
  readonly documents?: boolean;
  readonly jsonSchema?: boolean;
  readonly reasoning?: boolean;
  readonly keywords?: readonly string[];
  /** A source that pattern.ts accepts. */
  readonly pattern?: string;
  readonly languages?: readonly Language[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly tenants?: readonly string[];
  readonly keyTags?: readonly string[];
  readonly metadata?: Readonly<Record<string, string>>;
  readonly time?: TimeSpan;
  readonly all?: readonly RuleCondition[];
  readonly any?: readonly RuleCondition[];
  readonly not?: RuleCondition;
}

export interface RuleConfig {
  readonly name?: string;
  readonly when: RuleCondition;
  /** Chain name or `account/model`. */
  readonly use: string;
}

export const DEFAULT_STRATEGY: StrategyConfig = { type: 'priority', unfit: 'skip' };
export const DEFAULT_AFFINITY: AffinityMode = 'auto';

/** Of a chain that says nothing about its order: one target after the other. */
export function plainRouting(targetCount: number): ChainRouting {
  const members = Array.from({ length: targetCount }, (_, index) => ({ type: 'target' as const, index, weight: 1 }));
  return { strategy: DEFAULT_STRATEGY, affinity: DEFAULT_AFFINITY, members };
}

export const DEFAULT_HEDGE: HedgeConfig = {
  // Longer than nearly all chat models need; those that reason are soon measured.
  afterMs: 3_000,
  // A slow upstream costs a tenth more, not twice as much.
  budgetPercent: 10,
};
