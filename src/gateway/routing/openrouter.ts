// The routing fields that OpenRouter has added to OpenAI's chat request, `models` and `provider`, as neutral preferences,
// and what they mean for our candidates. https://openrouter.ai/docs/features/provider-routing

import type { StrategyName } from '../../config/routing.ts';
import { badRequest, optionalBoolean, optionalNumber, optionalObject, optionalString } from '../../dialects/fields.ts';
import type { ChatRequest } from '../../model/chat.ts';
import { isObject, type JsonObject } from '../../model/json.ts';
import type { Candidate, RouteRequestFacts } from './candidate.ts';

export interface RoutePreferences {
  /** Models to fall back to, after the one that was asked for. */
  readonly models: readonly string[];
  /** Names of accounts or providers, or `account/model`: first these, in this order. */
  readonly order: readonly string[];
  /** Empty: all. */
  readonly only: readonly string[];
  readonly ignore: readonly string[];
  readonly isFallbackAllowed: boolean;
  /** Whoever would drop a field of the request is out. */
  readonly requiredFields: readonly string[] | undefined;
  /** Dollars for one million tokens. An unknown price is over any limit. */
  readonly maxPrice: { readonly input?: number; readonly output?: number };
  /** Replaces the chain's strategy. */
  readonly strategy: StrategyName | undefined;
}

/** A fallback list longer than this is no wish but an attack on the router. */
const NAMES_MAX = 50;

const STRATEGIES: Readonly<Record<string, StrategyName>> = {
  price: 'cost-optimal',
  latency: 'fastest',
  // Tokens a second are not measured; whoever begins early is seldom slow.
  throughput: 'fastest',
};

/** Top-level fields that say which models may answer: that is settled here, by this gateway's names and the key's scopes. */
const MODEL_FIELDS = ['models', 'route'];
/** All that only routing reads. */
const ROUTING_FIELDS = [...MODEL_FIELDS, 'provider'];

/**
 * Undefined when the client has no such wishes.
 * @throws GatewayError `bad_request` which names the field
 */
export function readPreferences({ original }: ChatRequest): RoutePreferences | undefined {
  if (original?.dialect !== 'openai-chat' && original?.dialect !== 'openai-completions') return undefined;
  const { body } = original;
  const provider = optionalObject(body, 'provider');
  if (!provider && (body.models === undefined || body.models === null)) return undefined;
  return { models: names(body, 'models'), ...readProvider(provider ?? {}, body) };
}

function readProvider(provider: JsonObject, body: JsonObject): Omit<RoutePreferences, 'models'> {
  const isEveryFieldRequired = optionalBoolean(provider, 'require_parameters', 'provider.require_parameters') ?? false;
  return {
    order: names(provider, 'order', 'provider.order'),
    only: names(provider, 'only', 'provider.only'),
    ignore: names(provider, 'ignore', 'provider.ignore'),
    isFallbackAllowed: optionalBoolean(provider, 'allow_fallbacks', 'provider.allow_fallbacks') ?? true,
    requiredFields: isEveryFieldRequired ? Object.keys(body) : undefined,
    maxPrice: readMaxPrice(optionalObject(provider, 'max_price', 'provider.max_price') ?? {}),
    strategy: readSort(provider),
  };
}

function readMaxPrice(price: JsonObject): RoutePreferences['maxPrice'] {
  const input = optionalNumber(price, 'prompt', 'provider.max_price.prompt');
  const output = optionalNumber(price, 'completion', 'provider.max_price.completion');
  return { ...(input !== undefined && { input }), ...(output !== undefined && { output }) };
}

function readSort(provider: JsonObject): StrategyName | undefined {
  const sort = isObject(provider.sort)
    ? optionalString(provider.sort, 'by', 'provider.sort.by')
    : optionalString(provider, 'sort', 'provider.sort');
  if (sort === undefined) return undefined;
  const strategy = Object.hasOwn(STRATEGIES, sort) ? STRATEGIES[sort] : undefined;
  if (!strategy) throw badRequest('provider.sort', "'provider.sort' must be price, latency or throughput.");
  return strategy;
}

function names(owner: JsonObject, key: string, param = key): readonly string[] {
  const value = owner[key];
  if (value === undefined || value === null) return [];
  const texts = Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
  if (!Array.isArray(value) || texts.length < value.length || texts.length > NAMES_MAX) {
    throw badRequest(param, `'${param}' must be a list of at most ${NAMES_MAX} strings.`);
  }
  return texts;
}

/** Every name to route by, the asked one first, each once. */
export function askedModels(model: string, preferences: RoutePreferences | undefined): readonly string[] {
  return [...new Set([model, ...(preferences?.models ?? [])])];
}

/** For upstreams that do not route themselves: they refuse fields they do not know. */
export function withoutRoutingFields(request: ChatRequest): ChatRequest {
  return without(request, ROUTING_FIELDS);
}

/** For those that do: how to choose a provider is their business, too. */
export function withoutModelFields(request: ChatRequest): ChatRequest {
  return without(request, MODEL_FIELDS);
}

function without(request: ChatRequest, fields: readonly string[]): ChatRequest {
  const { original } = request;
  if (!original || !fields.some((field) => original.body[field] !== undefined)) return request;
  const body = { ...original.body };
  for (const field of fields) delete body[field];
  return { ...request, original: { ...original, body } };
}

export interface Refused {
  readonly id: string;
  /** As a sentence's end: `x is not among provider.only`. */
  readonly because: string;
}

/** Who may serve at all. These are the client's own limits, so they hold even when nobody is left. */
export function admit<Given extends Candidate>(
  candidates: readonly Given[],
  facts: RouteRequestFacts,
  preferences: RoutePreferences,
): { readonly admitted: readonly Given[]; readonly refused: readonly Refused[] } {
  const judged = candidates.map((candidate) => ({ candidate, because: refusal(candidate, facts, preferences) }));
  return {
    admitted: judged.filter(({ because }) => because === undefined).map(({ candidate }) => candidate),
    refused: judged.flatMap(({ candidate: { id }, because }) => (because === undefined ? [] : [{ id, because }])),
  };
}

function refusal(candidate: Candidate, facts: RouteRequestFacts, preferences: RoutePreferences): string | undefined {
  const { only, ignore, maxPrice, requiredFields, order, isFallbackAllowed } = preferences;
  if (ignore.some((name) => isCalled(candidate, name))) return 'is among provider.ignore';
  // It gets the client's `provider` field and keeps to it by itself; its providers' names are not ours.
  if (candidate.isRouter) return undefined;
  if (only.length > 0 && !only.some((name) => isCalled(candidate, name))) return 'is not among provider.only';
  if (!isFallbackAllowed && order.length > 0 && !order.some((name) => isCalled(candidate, name))) {
    return 'is not among provider.order, and provider.allow_fallbacks is false';
  }
  const { input, output } = maxPrice;
  if (isOver(candidate.price?.input, input) || isOver(candidate.price?.output, output)) {
    return 'costs more than provider.max_price, or its price is unknown';
  }
  return requiredFields && dropped(candidate, facts, requiredFields);
}

function isOver(price: number | undefined, limit: number | undefined): boolean {
  return limit !== undefined && (price === undefined || price > limit);
}

function dropped(
  { refusedFields = [], capabilities }: Candidate,
  facts: RouteRequestFacts,
  requiredFields: readonly string[],
): string | undefined {
  const field = refusedFields.find((name) => requiredFields.includes(name));
  if (field !== undefined) return `does not take '${field}', which provider.require_parameters asks for`;
  const needs = facts.isReasoningAsked ? [...facts.needs, 'reasoning' as const] : facts.needs;
  const lacking = capabilities && needs.find((need) => !capabilities.includes(need));
  return lacking && `cannot do ${lacking}, which provider.require_parameters asks for`;
}

/** Does the client name it among those that it wants first? */
export function isListed(candidate: Candidate, { order }: RoutePreferences): boolean {
  return order.some((name) => isCalled(candidate, name));
}

/** The listed ones first, in the list's order; the others stay as the strategy has them. */
export function preferListed<Given extends Candidate>(
  candidates: readonly Given[],
  { order, isFallbackAllowed }: RoutePreferences,
): readonly Given[] {
  const listed = order.flatMap((name) => candidates.filter((candidate) => isCalled(candidate, name)));
  const all = [...new Set([...listed, ...candidates])];
  return isFallbackAllowed || order.length > 0 ? all : all.slice(0, 1);
}

/** OpenRouter's names may go on with a variant (`deepinfra/turbo`), so the part before the slash is enough. */
function isCalled({ id, names: own }: Candidate, asked: string): boolean {
  const name = asked.toLowerCase();
  const vendor = name.split('/')[0];
  return (
    id.toLowerCase() === name || own.some((known) => known.toLowerCase() === name || known.toLowerCase() === vendor)
  );
}
