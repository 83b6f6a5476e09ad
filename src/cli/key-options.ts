// The options that describe a key or a tenant, as the same object that the admin API takes: one reader checks both.

import { CommandError, EXIT } from './command-error.ts';

type Fields = Readonly<Record<string, unknown>>;

/** As the command line's parser names them. */
export interface LimitOptions {
  readonly rpm?: string;
  readonly tpm?: string;
  readonly concurrent?: string;
  readonly costPerDay?: string;
  readonly costPerMonth?: string;
  readonly tokensPerDay?: string;
  readonly tokensPerMonth?: string;
}

export interface ScopeOptions {
  readonly models?: string;
  readonly chains?: string;
  readonly endpoints?: string;
  readonly collections?: string;
  readonly cidr?: string;
}

export interface PairOptions {
  readonly tag?: readonly string[];
  readonly account?: readonly string[];
}

/** Option → the admin API's field. */
const LIMIT_FIELDS: Readonly<Record<keyof LimitOptions, string>> = {
  rpm: 'requestsPerMinute',
  tpm: 'tokensPerMinute',
  concurrent: 'concurrent',
  costPerDay: 'costPerDay',
  costPerMonth: 'costPerMonth',
  tokensPerDay: 'tokensPerDay',
  tokensPerMonth: 'tokensPerMonth',
};

const SCOPE_FIELDS: Readonly<Record<keyof ScopeOptions, string>> = {
  models: 'models',
  chains: 'chains',
  endpoints: 'endpoints',
  collections: 'collections',
  cidr: 'cidrs',
};

/** @throws CommandError for what is no number */
export function limitsOf(options: LimitOptions): Fields {
  return picked(options, LIMIT_FIELDS, (text, option) => {
    if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
    const flag = option.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    throw new CommandError(`--${flag} must be a number, 0 or more.`, EXIT.usage);
  });
}

export function scopesOf(options: ScopeOptions): Fields {
  return picked(options, SCOPE_FIELDS, (text) => text.split(',').map((part) => part.trim()));
}

/** `--tag team=web --tag plan=pro` */
export function pairsOf(flag: keyof PairOptions, pairs: readonly string[] = []): Fields {
  return Object.fromEntries(
    pairs.map((pair) => {
      const equals = pair.indexOf('=');
      if (equals < 1) throw new CommandError(`Write --${flag} as name=value.`, EXIT.usage);
      return [pair.slice(0, equals).trim(), pair.slice(equals + 1).trim()];
    }),
  );
}

function picked<Options extends object>(
  options: Options,
  fields: Readonly<Record<keyof Options & string, string>>,
  read: (text: string, option: string) => unknown,
): Fields {
  return Object.fromEntries(
    Object.entries<string>(fields).flatMap(([option, field]) => {
      const text = options[option as keyof Options];
      return typeof text === 'string' ? [[field, read(text, option)]] : [];
    }),
  );
}
