// An account: our credential and base URL at one provider, ready to be called.

import type { UpstreamTraits } from '../dialects/dialect.ts';
import type { DialectName } from '../model/chat.ts';

export interface Account {
  /** Unique in this configuration; the first half of a target's id. */
  readonly name: string;
  /** Preset name. */
  readonly provider: string;
  readonly dialect: DialectName;
  /** Without a trailing slash. */
  readonly baseUrl: string;
  readonly keys: readonly string[];
  readonly auth: AuthStyle;
  /** Static headers, authentication excluded. */
  readonly headers: Readonly<Record<string, string>>;
  readonly traits: UpstreamTraits;
  /** Models known to be served; empty: unknown. */
  readonly models: readonly string[];
  /** Azure: the model is a deployment in the path. */
  readonly azureApiVersion?: string;
  /** Built in: answers without any HTTP. */
  readonly isBuiltin?: boolean;
  /** Chooses among providers itself, by the request's `models` and `provider`. */
  readonly isRouter?: boolean;
}

/** Where the key goes. */
export type AuthStyle =
  | { readonly type: 'bearer' }
  | { readonly type: 'header'; readonly name: string }
  | { readonly type: 'none' };
