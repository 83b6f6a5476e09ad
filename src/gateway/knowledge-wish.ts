// Which passages a request wants: by its own `knowledge` field or header, else by its chain; and which of the tenant's
// collections its key lets it see.

import { type ChainKnowledge, KNOWLEDGE_DEFAULTS, type KnowledgeConfig } from '../config/knowledge.ts';
import { badRequest, optionalBoolean, optionalNumber } from '../dialects/fields.ts';
import { GatewayError } from '../errors.ts';
import type { KnowledgeAccess } from '../knowledge/access.ts';
import type { ChatRequest } from '../model/chat.ts';
import { isObject, type JsonObject, type JsonValue } from '../model/json.ts';
import { matchesAny, type Principal } from '../tenancy/principal.ts';

export interface KnowledgeWish {
  /** Empty: all of the tenant. */
  readonly collections: readonly string[];
  readonly topK: number;
  readonly maxTokens: number;
  readonly minScore: number;
  /** Without passages the request shall fail. */
  readonly isRequired: boolean;
  /** Absent: as the configuration says. */
  readonly timeoutMs?: number;
}

/** The request's own part of it. `false`: none, whatever the chain says. */
export type OwnWish = Partial<KnowledgeWish> | false | undefined;

const FIELD = 'knowledge';
const TOP_K_MAX = 50;
const TOKENS_MAX = 100_000;
const COLLECTIONS_MAX = 50;
const NAME_LENGTH_MAX = 200;

/**
 * @param header the value of `x-flowmesh-knowledge`: collections separated by commas, or `none`
 * @throws GatewayError `bad_request` which names the field
 */
export function readWish({ original }: ChatRequest, header: string | undefined): OwnWish {
  const field = original?.body[FIELD];
  if (field === false) return false;
  if (field !== undefined && field !== null) {
    if (!isObject(field)) throw badRequest(FIELD, "'knowledge' must be an object with 'collections', or false.");
    return wishOf(field);
  }
  if (header === undefined) return undefined;
  const names = header.split(',').map((name) => name.trim());
  if (names.length === 1 && names[0]?.toLowerCase() === 'none') return false;
  return { collections: collectionNames(names, 'x-flowmesh-knowledge') };
}

function wishOf(field: JsonObject): Partial<KnowledgeWish> {
  const { collections } = field;
  const topK = bounded(field, 'topK', 1, TOP_K_MAX);
  const maxTokens = bounded(field, 'maxTokens', 1, TOKENS_MAX);
  const minScore = bounded(field, 'minScore', 0, 1);
  const isRequired = optionalBoolean(field, 'required', `${FIELD}.required`);
  return {
    ...(collections !== undefined && { collections: collectionNames(collections, `${FIELD}.collections`) }),
    ...(topK !== undefined && { topK: Math.floor(topK) }),
    ...(maxTokens !== undefined && { maxTokens: Math.floor(maxTokens) }),
    ...(minScore !== undefined && { minScore }),
    ...(isRequired !== undefined && { isRequired }),
  };
}

function bounded(field: JsonObject, key: string, min: number, max: number): number | undefined {
  const param = `${FIELD}.${key}`;
  const value = optionalNumber(field, key, param);
  if (value === undefined || (value >= min && value <= max)) return value;
  throw badRequest(param, `'${param}' must be from ${min} to ${max}.`);
}

function collectionNames(value: JsonValue, param: string): readonly string[] {
  const names = typeof value === 'string' ? [value] : value;
  const isSound = (name: unknown): name is string =>
    typeof name === 'string' && name !== '' && name.length <= NAME_LENGTH_MAX;
  if (!Array.isArray(names) || names.length > COLLECTIONS_MAX || !names.every(isSound)) {
    throw badRequest(param, `'${param}' must be a list of at most ${COLLECTIONS_MAX} collection names.`);
  }
  return names;
}

/** Upstreams refuse a field they do not know. */
export function withoutKnowledgeField(request: ChatRequest): ChatRequest {
  const { original } = request;
  if (original?.body[FIELD] === undefined) return request;
  const { [FIELD]: _ours, ...body } = original.body;
  return { ...request, original: { ...original, body } };
}

/**
 * What is searched for, within what the key may see; undefined when nothing is.
 * @throws GatewayError `forbidden` for a collection that the request itself names
 */
export function knowledgeWish(
  own: OwnWish,
  chain: ChainKnowledge | undefined,
  principal: Principal,
  defaults: KnowledgeConfig = KNOWLEDGE_DEFAULTS,
): KnowledgeWish | undefined {
  if (own === false || (!own && !chain)) return undefined;
  const named = own?.collections ?? (chain ? undefined : []);
  const collections = named ? permittedCollections(principal, named) : visible(principal, chain?.collections ?? []);
  if (!collections) return undefined;
  const { topK, maxTokens, minScore, required = false } = { ...defaults, ...chain };
  return { topK, maxTokens, minScore, isRequired: required, ...own, collections };
}

/**
 * The collections that a client asks for by name; all that its key may see when it names none.
 * @throws GatewayError `forbidden`
 */
function permittedCollections(principal: Principal, names: readonly string[]): readonly string[] {
  const allowed = principal.scopes.collections;
  if (!allowed) return names;
  const foreign = names.find((name) => !covers(allowed, name));
  if (foreign !== undefined || allowed.length === 0) {
    throw new GatewayError(
      'forbidden',
      foreign === undefined
        ? 'This key may not use knowledge collections.'
        : `This key may not use the collection '${foreign.slice(0, NAME_LENGTH_MAX)}'.`,
      { param: 'knowledge.collections' },
    );
  }
  return names.length === 0 ? allowed : names;
}

/** What a chain names, as far as the key may see it: the operator named it for everybody. */
function visible({ scopes }: Principal, names: readonly string[]): readonly string[] | undefined {
  const allowed = scopes.collections;
  if (!allowed) return names;
  if (names.length === 0) return allowed.length === 0 ? undefined : allowed;
  const wide = names.filter((name) => covers(allowed, name));
  const narrow = allowed.filter((name) => covers(names, name) && !wide.includes(name));
  const both = [...wide, ...narrow];
  return both.length === 0 ? undefined : both;
}

/** A pattern is covered only by one that is as wide. */
function covers(patterns: readonly string[], name: string): boolean {
  if (!name.endsWith('*')) return matchesAny(name, patterns);
  const stem = name.slice(0, -1);
  return patterns.some((pattern) => pattern.endsWith('*') && stem.startsWith(pattern.slice(0, -1)));
}

/** Those of a tenant's collections that a key may see at all. @returns undefined: none */
export function visibleCollections(principal: Principal): readonly string[] | undefined {
  return visible(principal, []);
}

/** What a key may see of the knowledge brain, for those who do not know keys. */
export function knowledgeAccess(principal: Principal): KnowledgeAccess {
  const allowed = principal.scopes.collections;
  return {
    tenant: principal.tenant,
    permitted: (names) => permittedCollections(principal, names),
    mayUse: (collection) => !allowed || matchesAny(collection, allowed),
  };
}
