// POST /v1/vector_stores/{id}/search: what OpenAI's search takes and gives, over our own.

import { badRequest, optionalArray, optionalNumber, optionalObject } from '../dialects/fields.ts';
import type { CollectionRef, Knowledge, SearchHit } from '../knowledge/knowledge.ts';
import { asArray, asObject, asString, type JsonObject, type JsonValue } from '../model/json.ts';
import type { StopSignal } from '../ports.ts';
import { clientAttributes, fileIdOf, fileNameOf } from './vector-store-catalog.ts';

export interface StoreSearch {
  readonly queries: readonly string[];
  readonly topK: number;
  /** 0 to 1, of the best result. */
  readonly scoreMin: number;
  /** Attributes with exactly these values. */
  readonly equal: JsonObject;
  /** Whatever else the filters say. */
  readonly isWanted: (attributes: JsonObject) => boolean;
  readonly isFiltered: boolean;
}

const TOP_K_DEFAULT = 10;
const TOP_K_MAX = 50;
const QUERIES_MAX = 10;
const QUERY_LENGTH_MAX = 4_096;
/** Filters that the index cannot apply are applied to so many of the best hits. */
const FILTERED_HITS_MAX = 500;
const FILTER_DEPTH_MAX = 5;

/** @throws GatewayError `bad_request` */
export function readSearch(body: JsonObject): StoreSearch {
  const ranking = optionalObject(body, 'ranking_options') ?? {};
  const topK = optionalNumber(body, 'max_num_results') ?? TOP_K_DEFAULT;
  if (!Number.isInteger(topK) || topK < 1 || topK > TOP_K_MAX) {
    throw badRequest('max_num_results', `'max_num_results' must be from 1 to ${TOP_K_MAX}.`);
  }
  const filters = optionalObject(body, 'filters');
  const equal = filters ? equalities(filters) : {};
  return {
    queries: readQueries(body.query),
    topK,
    scoreMin: optionalNumber(ranking, 'score_threshold', 'ranking_options.score_threshold') ?? 0,
    equal: equal ?? {},
    isWanted: filters ? compile(filters, 0) : () => true,
    isFiltered: filters !== undefined && equal === undefined,
  };
}

function readQueries(query: JsonValue | undefined): readonly string[] {
  const queries = typeof query === 'string' ? [query] : asArray(query);
  const isSound = (one: JsonValue): one is string => typeof one === 'string' && one.trim() !== '';
  if (queries.length === 0 || queries.length > QUERIES_MAX || !queries.every(isSound)) {
    throw badRequest('query', `'query' must be a text, or a list of at most ${QUERIES_MAX} texts.`);
  }
  return queries.map((one) => one.slice(0, QUERY_LENGTH_MAX));
}

/** The whole filter as plain equalities, which the index knows; undefined when it is more than that. */
function equalities(filter: JsonObject): JsonObject | undefined {
  const { type, key, value } = filter;
  if (type === 'eq' && typeof key === 'string' && value !== undefined) return { [key]: value };
  if (type !== 'and') return undefined;
  let all: JsonObject = {};
  for (const inner of asArray(filter.filters)) {
    const equal = equalities(asObject(inner) ?? {});
    if (!equal || Object.keys(equal).some((name) => Object.hasOwn(all, name))) return undefined;
    all = { ...all, ...equal };
  }
  return all;
}

function compile(filter: JsonObject, depth: number): (attributes: JsonObject) => boolean {
  const type = asString(filter.type) ?? '';
  if (depth > FILTER_DEPTH_MAX) throw badRequest('filters', `'filters' are nested more than ${FILTER_DEPTH_MAX} deep.`);
  if (type === 'and' || type === 'or') {
    const inner = (optionalArray(filter, 'filters') ?? []).map((one) => compile(asObject(one) ?? {}, depth + 1));
    return (attributes) =>
      type === 'and' ? inner.every((isTrue) => isTrue(attributes)) : inner.some((isTrue) => isTrue(attributes));
  }
  const compare = Object.hasOwn(COMPARISONS, type) ? COMPARISONS[type] : undefined;
  const { key, value } = filter;
  if (!compare || typeof key !== 'string' || value === undefined) {
    throw badRequest(
      'filters',
      `A filter needs 'type' (${Object.keys(COMPARISONS).join(', ')}, and, or), 'key' and 'value'.`,
    );
  }
  return (attributes) => compare(attributes[key], value);
}

const COMPARISONS: Readonly<Record<string, (own: JsonValue | undefined, value: JsonValue) => boolean>> = {
  eq: (own, value) => own === value,
  ne: (own, value) => own !== value,
  gt: (own, value) => order(own, value) > 0,
  gte: (own, value) => order(own, value) >= 0,
  lt: (own, value) => order(own, value) < 0,
  lte: (own, value) => order(own, value) <= 0,
  in: (own, value) => own !== undefined && asArray(value).includes(own),
  nin: (own, value) => own === undefined || !asArray(value).includes(own),
};

/** NaN, which no comparison holds for, where the two have no order. */
function order(own: JsonValue | undefined, value: JsonValue): number {
  if (typeof own === 'number' && typeof value === 'number') return own - value;
  if (typeof own === 'string' && typeof value === 'string') return own < value ? -1 : own > value ? 1 : 0;
  return Number.NaN;
}

/** Results of several queries are one list; a passage found by more than one counts by its best. */
export async function searchStore(
  { tenant, collection }: CollectionRef,
  search: StoreSearch,
  knowledge: Knowledge,
  signal: StopSignal,
): Promise<JsonObject[]> {
  const best = new Map<string, { readonly hit: SearchHit; readonly score: number }>();
  const topK = search.isFiltered ? FILTERED_HITS_MAX : search.topK;
  for (const query of search.queries) {
    const request = { tenant, collections: [collection], query, topK, attributes: search.equal };
    const hits = await knowledge.search(request, signal);
    const top = hits[0]?.score ?? 1;
    for (const hit of hits) {
      const score = top > 0 ? Math.min(1, hit.score / top) : 1;
      const key = `${hit.documentId} ${hit.position}`;
      if (score > (best.get(key)?.score ?? -1)) best.set(key, { hit, score });
    }
  }
  return [...best.values()]
    .filter(({ hit, score }) => score >= search.scoreMin && search.isWanted(hit.attributes))
    .sort((a, b) => b.score - a.score)
    .slice(0, search.topK)
    .map(({ hit, score }) => ({
      file_id: fileIdOf(hit.documentId, hit.source),
      filename: fileNameOf(hit),
      score,
      attributes: clientAttributes(hit.attributes),
      content: [{ type: 'text', text: hit.text }],
    }));
}
