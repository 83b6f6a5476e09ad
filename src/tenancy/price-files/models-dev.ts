// models.dev's api.json: {provider: {models: {id: {cost: {input, output, cache_read, …}, limit, modalities, …}}}}, in
// dollars a million tokens. Its schema: https://github.com/anomalyco/models.dev/tree/dev/packages/core/src

import type { Capability } from '../../model/capability.ts';
import { asArray, asObject, asString, type JsonObject } from '../../model/json.ts';
import { isFreeVariant } from '../model-names.ts';
import type { ModelFacts, Price, PriceTier, Rates } from '../price.ts';
import {
  entriesOf,
  isModelName,
  isNothing,
  presetOf,
  type RawRates,
  readRates,
  row,
  tokens,
  withoutZeros,
  withTiers,
} from './facts.ts';
import type { Remarks } from './remarks.ts';

const SOURCE = 'https://models.dev';

/** Where models.dev calls a provider otherwise than our preset. */
const PRESETS: Readonly<Record<string, string>> = {
  google: 'gemini',
  togetherai: 'together',
  'fireworks-ai': 'fireworks',
  'perplexity-agent': 'perplexity',
  moonshotai: 'moonshot',
  alibaba: 'dashscope',
  zhipuai: 'zhipu',
  'novita-ai': 'novita',
  ovhcloud: 'ovh',
};

/** The tier that stands under a name of its own in older files. */
const LONG_CONTEXT = 200_000;

export function isModelsDev(file: JsonObject): boolean {
  return Object.values(file).some((provider) => asObject(asObject(provider)?.models) !== undefined);
}

export function readModelsDev(file: JsonObject, date: string, remarks: Remarks): ModelFacts[] {
  return Object.entries(file).flatMap(([id, value]) => {
    const models = entriesOf(asObject(asObject(value)?.models));
    const provider = presetOf(id, PRESETS);
    if (provider === undefined) {
      remarks.add('providers without a preset, left out', id);
      return [];
    }
    return models.flatMap(([model, facts]) => readModel({ provider, model, date }, asObject(facts) ?? {}, remarks));
  });
}

type Known = Pick<ModelFacts, 'provider' | 'model' | 'date'>;

function readModel(known: Known, facts: JsonObject, remarks: Remarks): ModelFacts[] {
  const name = `${known.provider}/${known.model}`;
  if (!isModelName(known.model)) {
    remarks.add('models without a usable name, left out', name);
    return [];
  }
  const limit = asObject(facts.limit) ?? {};
  return [
    row({
      ...known,
      price: readPrice(known, asObject(facts.cost), remarks),
      contextLength: tokens(limit.context),
      maxOutputTokens: tokens(limit.output),
      capabilities: capabilitiesOf(facts),
      source: SOURCE,
    }),
  ];
}

function readPrice({ provider, model }: Known, cost: JsonObject | undefined, remarks: Remarks): Price | undefined {
  if (!cost) return undefined;
  const name = `${provider}/${model}`;
  const rates = ratesOf(cost);
  if (!rates) {
    remarks.add('prices that are no amounts, taken as unknown', name);
    return undefined;
  }
  if (!isNothing(rates)) return withTiers(rates, tiersOf(cost));
  if (isFreeVariant(provider, model)) return rates;
  remarks.add('prices of zero, taken as unknown', name);
  return undefined;
}

function ratesOf(cost: JsonObject): Rates | undefined {
  const raw: RawRates = {
    input: cost.input,
    output: cost.output,
    cacheRead: cost.cache_read,
    cacheWrite: cost.cache_write,
    reasoning: cost.reasoning,
  };
  const rates = readRates(raw);
  return rates && withoutZeros(rates);
}

function tiersOf(cost: JsonObject): PriceTier[] {
  const listed = asArray(cost.tiers).flatMap((value) => {
    const tier = asObject(value) ?? {};
    return tierOf(tokens(asObject(tier.tier)?.size), tier);
  });
  return listed.length > 0 ? listed : tierOf(LONG_CONTEXT, asObject(cost.context_over_200k));
}

function tierOf(aboveInputTokens: number | undefined, cost: JsonObject | undefined): PriceTier[] {
  const price = cost && ratesOf(cost);
  return aboveInputTokens !== undefined && price ? [{ aboveInputTokens, price }] : [];
}

function capabilitiesOf(facts: JsonObject): Capability[] {
  const modalities = asObject(facts.modalities) ?? {};
  const inputs = asArray(modalities.input).map(asString);
  const hasTools = facts.tool_call === true || asObject(facts.tool_call)?.supported === true;
  return [
    ...(hasTools ? (['tools'] as const) : []),
    ...(inputs.includes('image') ? (['images'] as const) : []),
    ...(inputs.includes('audio') ? (['audio'] as const) : []),
    ...(inputs.includes('pdf') ? (['documents'] as const) : []),
    ...(facts.structured_output === true ? (['json-schema'] as const) : []),
    ...(facts.reasoning === true ? (['reasoning'] as const) : []),
  ];
}
