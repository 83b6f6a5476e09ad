// LiteLLM's model_prices_and_context_window.json: {name: {litellm_provider, mode, input_cost_per_token, …}}, in dollars a
// token, names mostly with the provider before a slash. Read after the file that litellm 1.109.1 carries.

import { CAPABILITIES, type Capability } from '../../model/capability.ts';
import { asArray, asNumber, asObject, asString, type JsonObject } from '../../model/json.ts';
import type { ModelFacts, Price, PriceTier, Rates } from '../price.ts';
import { isModelName, isNothing, presetOf, readRates, row, tokens, withoutZeros, withTiers } from './facts.ts';
import type { Remarks } from './remarks.ts';

const SOURCE = 'https://github.com/BerriAI/litellm/blob/main/model_prices_and_context_window.json';

/** Where LiteLLM calls a provider otherwise than our preset. */
const PRESETS: Readonly<Record<string, string>> = {
  cohere_chat: 'cohere',
  together_ai: 'together',
  fireworks_ai: 'fireworks',
  nvidia_nim: 'nvidia',
  ovhcloud: 'ovh',
  vercel_ai_gateway: 'vercel',
};

/** What flowmesh can ask for; the rest is images, speech, ranking and the like. */
const MODES: ReadonlySet<string> = new Set(['chat', 'responses', 'completion', 'embedding']);

const FLAGS: Readonly<Record<string, Capability>> = {
  supports_function_calling: 'tools',
  supports_vision: 'images',
  supports_audio_input: 'audio',
  supports_pdf_input: 'documents',
  supports_response_schema: 'json-schema',
  supports_reasoning: 'reasoning',
};

export function isLitellm(file: JsonObject): boolean {
  return Object.values(file).some((facts) => asString(asObject(facts)?.litellm_provider) !== undefined);
}

export function readLitellm(file: JsonObject, date: string, remarks: Remarks): ModelFacts[] {
  const rows = new Map<string, ModelFacts>();
  // Some models stand there with and without their provider; the former are kept in better order.
  const entries = Object.entries(file).sort(
    ([left], [right]) => Number(left.includes('/')) - Number(right.includes('/')),
  );
  for (const [name, value] of entries) {
    // The first entry explains the format.
    if (name === 'sample_spec') continue;
    const facts = asObject(value) ?? {};
    const found = readModel(name, facts, date, remarks);
    if (found) rows.set(`${found.provider}/${found.model}`, found);
  }
  return [...rows.values()];
}

function readModel(name: string, facts: JsonObject, date: string, remarks: Remarks): ModelFacts | undefined {
  const owner = asString(facts.litellm_provider) ?? '';
  const provider = presetOf(owner, PRESETS);
  const mode = asString(facts.mode) ?? '';
  const model = name.startsWith(`${owner}/`) ? name.slice(owner.length + 1) : name;
  if (provider === undefined) remarks.add('models of providers without a preset, left out', name);
  else if (!MODES.has(mode)) remarks.add('models that are not for text, left out', name);
  else if (!isModelName(model)) remarks.add('models without a usable name, left out', name);
  else {
    return row({
      provider,
      model,
      price: readPrice(name, facts, mode === 'embedding', remarks),
      contextLength: tokens(facts.max_input_tokens),
      maxOutputTokens: mode === 'embedding' ? undefined : tokens(facts.max_output_tokens),
      capabilities: mode === 'embedding' ? ['embeddings'] : capabilitiesOf(facts),
      source: SOURCE,
      date,
    });
  }
  return undefined;
}

function readPrice(name: string, facts: JsonObject, isEmbedding: boolean, remarks: Remarks): Price | undefined {
  if (facts.input_cost_per_token === undefined) return undefined;
  const rates = ratesOf(facts, '', isEmbedding ? 0 : undefined);
  if (!rates) remarks.add('prices that are no amounts, taken as unknown', name);
  else if (isNothing(rates)) remarks.add('prices of zero, taken as unknown', name);
  else return withTiers(rates, tiersOf(facts, rates));
  return undefined;
}

/** @param suffix of the keys: empty, or that of a tier */
function ratesOf(facts: JsonObject, suffix: string, output?: number): Rates | undefined {
  const rates = readRates({
    input: perMillion(facts[`input_cost_per_token${suffix}`]),
    output: perMillion(facts[`output_cost_per_token${suffix}`]) ?? output,
    cacheRead: perMillion(facts[`cache_read_input_token_cost${suffix}`]),
    cacheWrite: perMillion(facts[`cache_creation_input_token_cost${suffix}`]),
    reasoning: perMillion(facts[`output_cost_per_reasoning_token${suffix}`]),
  });
  return rates && withoutZeros(rates);
}

/** What is no number is passed on as it is, and refused there. */
function perMillion(raw: unknown): unknown {
  const dollars = asNumber(raw);
  // 1e-06 × 1e6 is not quite 1 in floating point.
  return dollars === undefined ? raw : Number((dollars * 1_000_000).toPrecision(12));
}

/** `input_cost_per_token_above_200k_tokens` and the like. */
function tiersOf(facts: JsonObject, { output }: Rates): PriceTier[] {
  return Object.keys(facts).flatMap((key) => {
    const [, suffix, thousands] = /^input_cost_per_token(_above_(\d{1,6})k_tokens)$/.exec(key) ?? [];
    if (suffix === undefined) return [];
    const price = ratesOf(facts, suffix, output);
    return price && !isNothing(price) ? [{ aboveInputTokens: Number(thousands) * 1_000, price }] : [];
  });
}

function capabilitiesOf(facts: JsonObject): Capability[] {
  const has = new Set(
    Object.entries(FLAGS).flatMap(([flag, capability]) => (facts[flag] === true ? [capability] : [])),
  );
  if (asArray(facts.supported_modalities).includes('audio')) has.add('audio');
  return CAPABILITIES.filter((capability) => has.has(capability));
}
