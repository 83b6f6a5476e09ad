// `flowmesh prices`: what models cost and can do, as this configuration knows it, and how to bring that up to date.

import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Config } from '../config/config.ts';
import { DEFAULTS } from '../config/defaults.ts';
import { defaultDataDirectory } from '../config/paths.ts';
import { presets } from '../providers/presets.ts';
import type { ModelFacts, Price, Rates } from '../tenancy/price.ts';
import { priceStorePath, readPriceStore, writePriceStore } from '../tenancy/price-store.ts';
import { configuredPrices, PriceTable } from '../tenancy/price-table.ts';
import { PRICE_FILE_BYTES_MAX, readPriceFile } from '../tenancy/price-update.ts';
import { CommandError, codeOf, EXIT } from './command-error.ts';
import { configFromFile } from './load-config.ts';
import { type Surroundings, withSurroundings } from './surroundings.ts';
import { counted, harmless, note, print, printJson, table } from './terminal.ts';
import { writeFailure } from './write-file.ts';

export interface PricesOptions {
  readonly config?: string;
  readonly json?: boolean;
}

/** Not a number that could be mistaken for free. */
const UNKNOWN = 'unknown';

export async function listPrices({ config, json }: PricesOptions): Promise<void> {
  const rows = await withSurroundings(async (around) => openTable(config, around).prices.rows());
  if (json) {
    printJson(rows);
    return;
  }
  print(table([['PROVIDER', 'MODEL', 'INPUT', 'CACHE READ', 'CACHE WRITE', 'OUTPUT', 'CONTEXT'], ...rows.map(cells)]));
  note('US dollars for a million tokens. `flowmesh prices show MODEL` says more of one.');
}

export async function showPrice(name: string, { config, json }: PricesOptions): Promise<void> {
  const found = await withSurroundings(async (around) => factsNamed(name, openTable(config, around)));
  if (found.length === 0) {
    throw new CommandError(
      `Nothing is known of '${name}': its price is unknown. \`prices:\` in the configuration sets it.`,
    );
  }
  if (json) printJson(found);
  else print(found.map(description).join('\n\n'));
}

export async function updatePrices(file: string, { config }: PricesOptions): Promise<void> {
  await withSurroundings(async (around) => {
    const { dataDirectory } = configOf(config, around);
    const today = dayOf(around);
    const { rows, problems } = readPriceFile(readNamed(file), today);
    for (const problem of problems) note(`note: ${harmless(problem)}`);
    if (rows.length === 0) throw new CommandError(`There is no price to take from ${file}.`);
    const known = new Map(readPriceStore(dataDirectory, today).rows.map((row) => [keyOf(row), row]));
    // A day to come would stand before every newer table, of whichever version.
    for (const row of rows) known.set(keyOf(row), row.date > today ? { ...row, date: today } : row);
    try {
      writePriceStore(dataDirectory, [...known.values()]);
    } catch (error) {
      throw writeFailure(priceStorePath(dataDirectory), error);
    }
    print(
      `Took ${counted(rows.length, 'model')} from ${file}; ${priceStorePath(dataDirectory)} has ${known.size} now.`,
    );
    print('A running node reads it when it starts again.');
  });
}

export interface OpenTable {
  readonly config: Pick<Config, 'accounts'>;
  readonly prices: PriceTable;
}

/** The prices that this configuration and its data directory know. */
export function openTable(named: string | undefined, around: Surroundings): OpenTable {
  const config = configOf(named, around);
  const { rows, problems } = readPriceStore(config.dataDirectory, dayOf(around));
  for (const problem of problems) note(`note: ${harmless(`${priceStorePath(config.dataDirectory)}: ${problem}`)}`);
  return { config, prices: new PriceTable(around.clock, { ...configuredPrices(config), fileRows: rows }) };
}

/** Prices need no accounts, so nothing is searched for where there is no configuration. */
function configOf(
  named: string | undefined,
  around: Surroundings,
): Pick<Config, 'accounts' | 'prices' | 'dataDirectory'> {
  const loaded = configFromFile(named, around);
  if (loaded) return loaded.config;
  const dataDirectory = defaultDataDirectory(around.env) ?? resolve(around.directory, '.flowmesh');
  return { accounts: {}, prices: DEFAULTS.prices, dataDirectory };
}

function dayOf({ clock }: Surroundings): string {
  return new Date(clock.now()).toISOString().slice(0, 'YYYY-MM-DD'.length);
}

function readNamed(file: string): string {
  try {
    if (statSync(file).size > PRICE_FILE_BYTES_MAX)
      throw new CommandError(`${file} is larger than 32 MiB.`, EXIT.usage);
    return readFileSync(file, 'utf8');
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT') throw new CommandError(`There is no file ${file}.`, EXIT.usage, { cause: error });
    if (code === 'EISDIR') throw new CommandError(`${file} is a directory.`, EXIT.usage, { cause: error });
    if (code === 'EACCES') throw new CommandError(`This user may not read ${file}.`, EXIT.usage, { cause: error });
    throw error;
  }
}

/** `account/model`, `provider/model`, or the bare name at every provider that knows it. */
function factsNamed(name: string, { config, prices }: OpenTable): ModelFacts[] {
  const [owner = '', ...rest] = name.split('/');
  const model = rest.join('/');
  const account = config.accounts[owner];
  const provider = account?.provider ?? presets.find((preset) => preset.name === owner)?.name;
  if (provider !== undefined && model !== '') {
    const facts = prices.find(provider, model, account && owner);
    if (facts) return [facts];
  }
  const found = presets.flatMap((preset) => (preset.isBuiltin ? [] : (prices.find(preset.name, name) ?? [])));
  return [...new Map(found.map((facts) => [keyOf(facts), facts])).values()];
}

function keyOf({ provider, model }: ModelFacts): string {
  return `${provider}/${model}`;
}

function cells({ provider, model, price, contextLength }: ModelFacts): string[] {
  const context = contextLength === undefined ? UNKNOWN : contextLength.toLocaleString('en');
  if (!price) return [provider, harmless(model), UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, context];
  const { input, output, cacheRead = input, cacheWrite = input } = price;
  return [provider, harmless(model), ...[input, cacheRead, cacheWrite, output].map(dollars), context];
}

function dollars(rate: number): string {
  return String(Number(rate.toPrecision(6)));
}

function description(facts: ModelFacts): string {
  const lines: [name: string, value: string | undefined][] = [
    ['price', facts.price ? rates(facts.price) : UNKNOWN],
    ...tierLines(facts.price),
    ...(facts.changes ?? []).map(({ from, price }): [string, string] => [`from ${from}`, rates(price)]),
    ['context', facts.contextLength?.toLocaleString('en') ?? UNKNOWN],
    ['longest answer', facts.maxOutputTokens?.toLocaleString('en')],
    ['can do', facts.capabilities.join(', ') || UNKNOWN],
    ['quality', facts.quality?.toString()],
    ['remark', facts.remark],
    ['source', `${facts.source}, read ${facts.date}`],
  ];
  const rows = lines.flatMap(([name, value]) => (value === undefined ? [] : [[`  ${name}`, harmless(value)]]));
  return `${harmless(keyOf(facts))}\n${table(rows)}`;
}

function tierLines(price: Price | undefined): [name: string, value: string][] {
  return (price?.tiers ?? []).map((tier) => [`above ${tier.aboveInputTokens.toLocaleString('en')}`, rates(tier.price)]);
}

function rates({ input, output, cacheRead, cacheWrite, reasoning }: Rates): string {
  const parts = [
    `$${dollars(input)} in`,
    ...(cacheRead === undefined ? [] : [`$${dollars(cacheRead)} cache read`]),
    ...(cacheWrite === undefined ? [] : [`$${dollars(cacheWrite)} cache write`]),
    `$${dollars(output)} out`,
    ...(reasoning === undefined ? [] : [`$${dollars(reasoning)} reasoning`]),
  ];
  return `${parts.join(', ')} for a million tokens`;
}
