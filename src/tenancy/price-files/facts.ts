// What every shape of price file is read with: numbers within bounds, and rows without keys that say nothing.

import { asNumber, type JsonObject } from '../../model/json.ts';
import { presets } from '../../providers/presets.ts';
import type { ModelFacts, Price, PriceTier, Rates } from '../price.ts';

/** US dollars for a million tokens; the dearest model ever sold cost 600. More is a slip of units. */
const RATE_MAX = 100_000;
const TOKENS_MAX = 1_000_000_000;
const NAME_LENGTH_MAX = 256;

/** Rates as a file has them: some missing, none checked. */
export type RawRates = { readonly [Name in keyof Rates]?: unknown };

/** Presets whose prices a table can tell: not one's own machine, deployment or server. */
const PRICED_PROVIDERS: ReadonlySet<string> = new Set(
  presets
    .filter(({ name, baseUrl, isLocal, isBuiltin }) => baseUrl !== '' && !isLocal && !isBuiltin && name !== 'azure')
    .map(({ name }) => name),
);

/** The preset of a foreign table's provider. */
export function presetOf(provider: string, names: Readonly<Record<string, string>>): string | undefined {
  const preset = Object.hasOwn(names, provider) ? names[provider] : provider;
  return preset !== undefined && PRICED_PROVIDERS.has(preset) ? preset : undefined;
}

export function isModelName(name: string): boolean {
  return name.length <= NAME_LENGTH_MAX && /^[^\s\p{Cc}]+$/u.test(name);
}

/** Undefined when a rate is missing or not a number from 0 to the bound. */
export function readRates({ input, output, cacheRead, cacheWrite, reasoning }: RawRates): Rates | undefined {
  const rates = { input: rate(input), output: rate(output) };
  if (rates.input === undefined || rates.output === undefined) return undefined;
  const further = { cacheRead: rate(cacheRead), cacheWrite: rate(cacheWrite), reasoning: rate(reasoning) };
  const hasWrong = [cacheRead, cacheWrite, reasoning].some((raw) => raw !== undefined && rate(raw) === undefined);
  return hasWrong ? undefined : withoutUndefined({ ...rates, ...further } as Rates);
}

function rate(raw: unknown): number | undefined {
  const value = asNumber(raw);
  return value !== undefined && value >= 0 && value <= RATE_MAX ? value : undefined;
}

/** Foreign tables write 0 for what they do not know more often than for what is free. */
export function isNothing({ input, output }: Rates): boolean {
  return input === 0 && output === 0;
}

/** A cache or reasoning rate of 0 there means that none is charged apart from the input and the output. */
export function withoutZeros({ cacheRead, cacheWrite, reasoning, ...rates }: Rates): Rates {
  return {
    ...rates,
    ...(cacheRead ? { cacheRead } : {}),
    ...(cacheWrite ? { cacheWrite } : {}),
    ...(reasoning && reasoning !== rates.output ? { reasoning } : {}),
  };
}

export function withTiers(rates: Rates, tiers: readonly PriceTier[]): Price {
  if (tiers.length === 0) return rates;
  return { ...rates, tiers: tiers.toSorted((left, right) => left.aboveInputTokens - right.aboveInputTokens) };
}

/** A count of tokens, or undefined. */
export function tokens(raw: unknown): number | undefined {
  const value = asNumber(raw);
  return value !== undefined && Number.isInteger(value) && value > 0 && value <= TOKENS_MAX ? value : undefined;
}

/** Optional keys must be absent rather than undefined. */
export function withoutUndefined<Value extends object>(value: Value): Value {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as Value;
}

/** A row as the readers put it together. */
export type RawFacts = Pick<ModelFacts, 'provider' | 'model' | 'capabilities' | 'source' | 'date'> & {
  readonly [Name in keyof ModelFacts]?: ModelFacts[Name] | undefined;
};

export function row(facts: RawFacts): ModelFacts {
  return withoutUndefined(facts) as ModelFacts;
}

export function entriesOf(value: JsonObject | undefined): [string, unknown][] {
  return Object.entries(value ?? {});
}
