// The facts of a model at a provider: the built-in table, under rows of a file, under the operator's own words.

import { LRUCache } from 'lru-cache';
import type { Config, EnergyConfig, PriceConfig } from '../config/config.ts';
import { atMost } from '../model/at-most.ts';
import type { Clock } from '../ports.ts';
import { presetNamed } from '../providers/preset-lookup.ts';
import { dayOf } from './calendar.ts';
import { energyRates } from './energy.ts';
import { builtinFacts } from './model-facts.ts';
import { isFreeVariant, type RowName, rowNames, tableProvider } from './model-names.ts';
import { factsOn, type ModelFacts, type Price } from './price.ts';

export interface PriceSources {
  /** Of the data directory's prices.json. */
  readonly fileRows?: readonly ModelFacts[];
  readonly overrides?: readonly PriceConfig[];
  /** By account name. */
  readonly energy?: ReadonlyMap<string, EnergyConfig>;
}

/** What the configuration has to say. */
export function configuredPrices({ prices, accounts }: Pick<Config, 'prices' | 'accounts'>): PriceSources {
  const energy = Object.entries(accounts).flatMap(([name, account]) =>
    account.energy ? ([[name, account.energy]] as const) : [],
  );
  return { overrides: prices, energy: new Map(energy) };
}

interface Wanted {
  readonly provider: string;
  readonly model: string;
  readonly account: string | undefined;
  readonly day: string;
}

/** What `find` said of one model; there are no more of them than accounts. */
interface Found {
  readonly provider: string;
  readonly account: string | undefined;
  readonly facts: ModelFacts | undefined;
}

/** By provider and model. Alike for all tables of a process: with each reload of the configuration there is one more. */
const BUILTIN: ReadonlyMap<string, ModelFacts> = rowsOver(new Map(), builtinFacts);
const BUILTIN_PREFIXES: readonly ModelFacts[] = prefixRowsOf(BUILTIN);

/** Clients choose model names, so what is remembered of them is bounded. */
const FOUND_MAX = 5_000;

const FREE: Price = { input: 0, output: 0 };

/** The `source` of what the operator says. */
const CONFIGURATION = 'configuration';

export class PriceTable {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #rows: ReadonlyMap<string, ModelFacts>;
  /** Rows ending with `*`, longest first. */
  readonly #prefixRows: readonly ModelFacts[];
  readonly #overrides: readonly PriceConfig[];
  readonly #energy: ReadonlyMap<string, EnergyConfig>;
  /** Answers of `find` on this day, by model: asked twice a request. */
  readonly #found = new LRUCache<string, Found[]>(atMost(FOUND_MAX));
  #foundOn = '';

  constructor(clock: Pick<Clock, 'now'>, { fileRows = [], overrides = [], energy = new Map() }: PriceSources = {}) {
    this.#clock = clock;
    this.#rows = fileRows.length === 0 ? BUILTIN : rowsOver(BUILTIN, fileRows);
    this.#prefixRows = this.#rows === BUILTIN ? BUILTIN_PREFIXES : prefixRowsOf(this.#rows);
    this.#overrides = [...overrides].sort((left, right) => specificity(right) - specificity(left));
    this.#energy = energy;
  }

  /** Undefined when nothing is known of the model; without `price` when only that is unknown. */
  find(provider: string, model: string, account?: string): ModelFacts | undefined {
    const day = this.#today();
    if (day !== this.#foundOn) this.#found.clear();
    this.#foundOn = day;
    const ofModel = this.#found.get(model);
    const known = ofModel?.find((one) => one.provider === provider && one.account === account);
    if (known) return known.facts;
    const found = { provider, account, facts: this.#find(provider, model, account, day) };
    if (ofModel) ofModel.push(found);
    else this.#found.set(model, [found]);
    return found.facts;
  }

  #find(provider: string, model: string, account: string | undefined, day: string): ModelFacts | undefined {
    const names = rowNames(provider, model);
    const row = this.#row(names);
    const base = this.#priced(row && factsOn(day, row), { provider, model, account, day });
    // The closest comes last and has the last word; what it leaves out others may say.
    return this.#overrides.reduceRight((facts, override) => {
      const isMeant = isFor(override, provider, account) && names.some((name) => fits(override.model, name.model));
      return isMeant ? withOverride(facts ?? bare(provider, model, day), override) : facts;
    }, base);
  }

  /** Every row as it holds today, without the configuration's. */
  rows(): ModelFacts[] {
    const day = this.#today();
    return [...this.#rows.values()].map((row) => factsOn(day, row));
  }

  #today(): string {
    return dayOf(this.#clock.now());
  }

  #row(names: readonly RowName[]): ModelFacts | undefined {
    for (const name of names) {
      const exact = this.#rows.get(keyOf(name));
      if (exact) return exact;
    }
    return this.#prefixRows.find((row) => names.some((name) => matches(row, name)));
  }

  /** Some prices need no table: answers from here, from the operator's machine, and given away. */
  #priced(row: ModelFacts | undefined, { provider, model, account, day }: Wanted): ModelFacts | undefined {
    const energy = account === undefined ? undefined : this.#energy.get(account);
    if (energy) return { ...(row ?? bare(provider, model, day)), price: energyRates(energy) };
    if (presetNamed(provider)?.isBuiltin) return { ...bare(provider, model, day), price: FREE, source: 'flowmesh' };
    if (isFreeVariant(provider, model)) return { ...(row ?? bare(provider, model, day)), price: FREE };
    return row;
  }
}

/** A file may be older than the program: of two rows the later read one counts, and fills its gaps from the other. */
function merged(known: ModelFacts | undefined, row: ModelFacts): ModelFacts {
  if (!known) return row;
  const [older, newer] = row.date < known.date ? [row, known] : [known, row];
  // A price and its announced changes belong together.
  const { price: _price, changes: _changes, remark: _remark, ...rest } = older;
  const capabilities = newer.capabilities.length > 0 ? newer.capabilities : older.capabilities;
  return newer.price ? { ...rest, ...newer, capabilities } : { ...older, ...newer, capabilities };
}

function rowsOver(known: ReadonlyMap<string, ModelFacts>, written: readonly ModelFacts[]): Map<string, ModelFacts> {
  const rows = new Map(known);
  for (const each of written) {
    const row = { ...each, provider: tableProvider(each.provider) };
    const key = keyOf(row);
    rows.set(key, merged(rows.get(key), row));
  }
  return rows;
}

function prefixRowsOf(rows: ReadonlyMap<string, ModelFacts>): readonly ModelFacts[] {
  return [...rows.values()].filter(({ model }) => isPrefix(model)).sort(longestFirst);
}

function keyOf({ provider, model }: Pick<ModelFacts, 'provider' | 'model'>): string {
  return `${provider}/${model.toLowerCase()}`;
}

function isPrefix(model: string): boolean {
  return model.endsWith('*');
}

function longestFirst(left: ModelFacts, right: ModelFacts): number {
  return right.model.length - left.model.length;
}

function matches(row: Pick<ModelFacts, 'provider' | 'model'>, name: RowName): boolean {
  return row.provider === name.provider && fits(row.model, name.model);
}

function fits(pattern: string, model: string): boolean {
  const wanted = pattern.toLowerCase();
  return isPrefix(wanted) ? model.startsWith(wanted.slice(0, -1)) : model === wanted;
}

/** A whole name before a prefix, the account before the provider before neither, the longer before the shorter. */
function specificity({ account, provider, model }: PriceConfig): number {
  const place = account !== undefined ? 2 : provider !== undefined ? 1 : 0;
  return ((isPrefix(model) ? 0 : 1) * 3 + place) * 10_000 + model.length;
}

function isFor({ provider, account }: PriceConfig, wanted: string, wantedAccount: string | undefined): boolean {
  if (account !== undefined && account !== wantedAccount) return false;
  return provider === undefined || tableProvider(provider) === tableProvider(wanted);
}

function withOverride(facts: ModelFacts, override: PriceConfig): ModelFacts {
  const { provider: _provider, account: _account, model: _model, input, output, ...said } = override;
  const { cacheRead, cacheWrite, ...further } = said;
  if (input === undefined || output === undefined) return { ...facts, ...further };
  // The table's cache rates, tiers and remark are about the price that the operator replaces.
  const { remark: _remark, ...rest } = facts;
  const cache = { ...(cacheRead !== undefined && { cacheRead }), ...(cacheWrite !== undefined && { cacheWrite }) };
  return { ...rest, ...further, price: { input, output, ...cache }, source: CONFIGURATION };
}

/** A model of which no row tells anything. */
function bare(provider: string, model: string, day: string): ModelFacts {
  return { provider, model, capabilities: [], source: CONFIGURATION, date: day };
}
