// Our own shape, which the data directory's prices.json has: {"models": [a row of the table, …]}. Whatever is wrong in a
// row leaves the row out, with a sentence: a wrong price is worse than none.

import { CAPABILITIES, type Capability } from '../../model/capability.ts';
import { asArray, asNumber, asObject, asString, type JsonObject, type JsonValue } from '../../model/json.ts';
import { presetNamed } from '../../providers/preset-lookup.ts';
import type { ModelFacts, Price, PriceChange, PriceTier } from '../price.ts';
import { isModelName, readRates, row, tokens, withTiers } from './facts.ts';
import type { Remarks } from './remarks.ts';

const DATE = /^\d{4}-\d{2}-\d{2}$/;
const TEXT_LENGTH_MAX = 500;

export function isOwn(file: JsonObject): boolean {
  return Array.isArray(file.models);
}

export function readOwn(file: JsonObject, date: string, remarks: Remarks): ModelFacts[] {
  return asArray(file.models).flatMap((value, index) => {
    const found = readRow(asObject(value) ?? {}, date);
    if (typeof found !== 'string') return [found];
    remarks.add(`rows left out because ${found}`, nameOf(value, index));
    return [];
  });
}

export function renderOwn(rows: readonly ModelFacts[]): string {
  const lines = rows.map((facts) => `    ${JSON.stringify(facts)}`);
  return `{\n  "models": [\n${lines.join(',\n')}\n  ]\n}\n`;
}

function nameOf(value: JsonValue, index: number): string {
  const { provider, model } = asObject(value) ?? {};
  return typeof model === 'string' ? `${provider}/${model}` : `number ${index + 1}`;
}

/** The row, or what is wrong with it. */
function readRow(raw: JsonObject, today: string): ModelFacts | string {
  const provider = asString(raw.provider) ?? '';
  const model = asString(raw.model) ?? '';
  const price = raw.price === undefined ? undefined : readPrice(asObject(raw.price) ?? {});
  const changes = raw.changes === undefined ? undefined : readChanges(raw.changes);
  const capabilities = asArray(raw.capabilities);
  const quality = raw.quality === undefined ? undefined : asNumber(raw.quality);
  const source = asString(raw.source) ?? 'file';
  const date = raw.date ?? today;
  const remark = raw.remark === undefined ? undefined : asString(raw.remark);
  if (!presetNamed(provider)) return 'the provider is no preset';
  if (!isModelName(model)) return 'the model has no usable name';
  if (raw.price !== undefined && !price) return 'the price is no amounts';
  if (raw.changes !== undefined && !changes) return 'a change is not a day and a price';
  if (!capabilities.every(isCapability)) return `a capability is none of ${CAPABILITIES.join(', ')}`;
  if (hasWrong(raw.contextLength) || hasWrong(raw.maxOutputTokens)) return 'a length is not a number of tokens';
  if (raw.quality !== undefined && !isQuality(quality)) return 'the quality is not from 0 to 100';
  if (typeof date !== 'string' || !isDay(date)) return 'the date is not YYYY-MM-DD';
  if ((remark ?? '').length > TEXT_LENGTH_MAX || source.length > TEXT_LENGTH_MAX) return 'a text is too long';
  const contextLength = tokens(raw.contextLength);
  const maxOutputTokens = tokens(raw.maxOutputTokens);
  return row({
    provider,
    model,
    price,
    changes,
    contextLength,
    maxOutputTokens,
    capabilities,
    quality,
    remark,
    source,
    date,
  });
}

function readPrice(raw: JsonObject): Price | undefined {
  const rates = readRates(raw);
  const tiers = asArray(raw.tiers).map((value) => readTier(asObject(value) ?? {}));
  const isWrong = tiers.includes(undefined) || (raw.tiers !== undefined && !Array.isArray(raw.tiers));
  return rates && !isWrong
    ? withTiers(
        rates,
        tiers.filter((tier) => tier !== undefined),
      )
    : undefined;
}

function readTier(raw: JsonObject): PriceTier | undefined {
  const aboveInputTokens = tokens(raw.aboveInputTokens);
  const price = readRates(asObject(raw.price) ?? {});
  return aboveInputTokens !== undefined && price ? { aboveInputTokens, price } : undefined;
}

function readChanges(raw: JsonValue): PriceChange[] | undefined {
  const changes = asArray(raw).map((value) => {
    const { from, price } = asObject(value) ?? {};
    const read = readPrice(asObject(price) ?? {});
    return typeof from === 'string' && isDay(from) && read ? { from, price: read } : undefined;
  });
  if (!Array.isArray(raw) || changes.includes(undefined)) return undefined;
  return changes.filter((change) => change !== undefined).sort((left, right) => (left.from < right.from ? -1 : 1));
}

/** One that the calendar has. */
function isDay(text: string): boolean {
  const at = DATE.test(text) ? Date.parse(text) : Number.NaN;
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(text);
}

function hasWrong(raw: unknown): boolean {
  return raw !== undefined && tokens(raw) === undefined;
}

function isCapability(value: JsonValue): value is Capability {
  return CAPABILITIES.some((capability) => capability === value);
}

function isQuality(value: number | undefined): boolean {
  return value !== undefined && value >= 0 && value <= 100;
}
