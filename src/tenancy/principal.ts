// Who asks, and what they may do: what a request's key turns into.

/** Limits of one scope; absent means unlimited. */
export interface LimitSpec {
  readonly requestsPerMinute?: number;
  readonly tokensPerMinute?: number;
  /** Requests running at once. */
  readonly concurrent?: number;
  /** US dollars. */
  readonly costPerDay?: number;
  readonly costPerMonth?: number;
  readonly tokensPerDay?: number;
  readonly tokensPerMonth?: number;
  /** Further limits for single models, by any name of what the client asks for; `*` at the end stands for anything. */
  readonly models?: Readonly<Record<string, LimitSpec>>;
}

/** What a key may be used for; absent means everything. */
export interface Scopes {
  /** Model names a client may ask for; `*` at the end stands for anything. */
  readonly models?: readonly string[];
  /** Chains that may serve it. */
  readonly chains?: readonly string[];
  /** Operations: `chat`, `embeddings`, `count-tokens`, `audio`, `images`, `moderations`, `rerank`, `knowledge`, `metrics`. */
  readonly endpoints?: readonly string[];
  /** Knowledge collections. */
  readonly collections?: readonly string[];
  /** Client addresses, e.g. `192.168.1.0/24`. */
  readonly cidrs?: readonly string[];
}

export interface Principal {
  readonly tenant: string;
  /** Absent for anonymous clients. */
  readonly keyId?: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly scopes: Scopes;
  /** By provider: the account whose credential this principal's requests use. */
  readonly accounts: Readonly<Record<string, string>>;
  /** By scope (`tenant:acme`, `key:k_123`): all of them hold. */
  readonly limits: readonly ScopedLimits[];
}

export interface ScopedLimits {
  readonly scope: string;
  readonly spec: LimitSpec;
}

/** The tenant of everyone who has no key of a tenant. */
export const DEFAULT_TENANT = 'default';

export const ANONYMOUS: Principal = { tenant: DEFAULT_TENANT, tags: {}, scopes: {}, accounts: {}, limits: [] };

/** Does a name fit one of the patterns? A pattern is a name, or a beginning followed by `*`. */
export function matchesAny(name: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => (pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern));
}
