// The cache as the request path sees it: which requests may be answered from it, which answers may be kept, and which
// requests share one upstream answer while it is being made.

import { type AnsweringTarget, ageOf, type CachedAnswer, type CacheSpace } from '../cache/cached-answer.ts';
import { fingerprint } from '../cache/fingerprint.ts';
import type { ResponseCache } from '../cache/response-cache.ts';
import type { CacheRule } from '../config/cache.ts';
import { GatewayError } from '../errors.ts';
import type { ChatRequest, ChatResponse, Part } from '../model/chat.ts';
import { responseEvents } from '../model/collect.ts';
import { type CacheWish, readCacheWish } from './cache-wish.ts';
import { Flight, type FlightOptions } from './flight.ts';
import type { RequestContext } from './pipeline.ts';
import type { Chain } from './target.ts';
import { estimateUsage } from './token-estimate.ts';
import type { RequestTrace } from './trace.ts';

/** `shared`: read along while another client's answer came in. `bypass`: the cache had no part in it. */
export type CacheOutcome = 'hit' | 'miss' | 'shared' | 'bypass';

/** A request that the cache may have an answer to. */
export interface CacheTicket {
  readonly key: string;
  readonly space: CacheSpace;
  /** Of its space when the request came. */
  readonly epoch: number;
  readonly rule: CacheRule;
  readonly wish: CacheWish;
}

export class Caching {
  readonly #store: ResponseCache;
  /** By fingerprint: answers that are being made. */
  readonly #flights = new Map<string, Flight>();
  /** Requests of chains with a cache, since the start. */
  readonly counts: Record<CacheOutcome, number> = { hit: 0, miss: 0, shared: 0, bypass: 0 };

  constructor(store: ResponseCache) {
    this.#store = store;
  }

  /**
   * Undefined when the cache has no part in this request; the trace tells why.
   * @param passages hashes of the passages that were put into the prompt
   * @throws GatewayError `bad_request` for a header of a wrong shape, `not_cached`
   */
  ticketFor(
    request: ChatRequest,
    chain: Chain,
    context: RequestContext,
    passages: readonly string[] = [],
  ): CacheTicket | undefined {
    const rule = chain.cache;
    if (!rule.isEnabled) return undefined;
    const wish = readCacheWish(context.headers());
    const isBypassed = (!wish.isReadAllowed && !wish.isKeepAllowed) || !isCacheable(request, rule, context);
    if (isBypassed && wish.isOnlyCached) throw notCached();
    if (isBypassed) {
      this.note(context.trace, 'bypass');
      return undefined;
    }
    const scope = rule.scope === 'shared' ? 'shared' : tenantScope(context.principal.tenant);
    const space = { scope, namespace: wish.namespace };
    const key = fingerprint(request, { ...space, chain: identityOf(chain), passages });
    return { key, space, epoch: this.#store.epochOf(space), rule, wish };
  }

  /** A kept answer that is young enough for the chain and for the client. */
  find({ key, rule, wish }: CacheTicket): CachedAnswer | undefined {
    const answer = wish.isReadAllowed ? this.#store.find(key) : undefined;
    if (!answer) return undefined;
    const ageMs = this.ageOf(answer);
    return ageMs < rule.ttlMs && ageMs <= wish.maxAgeMs ? answer : undefined;
  }

  ageOf(answer: CachedAnswer): number {
    return ageOf(answer, this.#store.now());
  }

  /** The answer to an equal request that is being made; none for a client that wants a fresh one. */
  flight({ key, wish }: CacheTicket): Flight | undefined {
    return wish.isReadAllowed ? this.#flights.get(key) : undefined;
  }

  /** Begins an answer that others may join. */
  launch(ticket: CacheTicket, request: ChatRequest, start: FlightOptions['start']): Flight {
    const { key, wish } = ticket;
    const flight: Flight = new Flight({
      start,
      onClosed: () => {
        if (this.#flights.get(key) === flight) this.#flights.delete(key);
      },
      onComplete: (response, answeredBy) => this.#keep(ticket, request, response, answeredBy),
    });
    if (wish.isReadAllowed) this.#flights.set(key, flight);
    return flight;
  }

  note(trace: RequestTrace, outcome: CacheOutcome): void {
    trace.cache = outcome;
    this.counts[outcome] += 1;
  }

  #keep(ticket: CacheTicket, request: ChatRequest, response: ChatResponse, answeredBy: AnsweringTarget): void {
    if (!ticket.wish.isKeepAllowed || !isWorthKeeping(response, request)) return;
    this.#store.put({
      key: ticket.key,
      ...ticket.space,
      epoch: ticket.epoch,
      model: request.model,
      answeredBy,
      usage: response.usage ?? estimateUsage(request, textOf(response)),
      createdAt: this.#store.now(),
      maxAgeMs: ticket.rule.ttlMs,
      // Each replay is an answer of its own, with a name and a time of its own.
      events: responseEvents({ id: '', model: response.model, choices: response.choices, ...usageOf(response) }),
    });
  }
}

/** The name of what a tenant keeps for itself. */
export function tenantScope(tenant: string): string {
  return `tenant:${tenant}`;
}

export function noteAnswering(trace: RequestTrace, { target, provider, account, model }: AnsweringTarget): void {
  trace.target = target;
  trace.provider = provider;
  trace.accountName = account;
  trace.targetModel = model;
}

/** Of the target that answered, as the chain's walk has left it. */
export function answeringTarget(trace: RequestTrace): AnsweringTarget {
  const { target = '', provider = '', accountName = '', targetModel = '' } = trace;
  return { target, provider, account: accountName, model: targetModel };
}

/**
 * A request asks for the same answer each time when its temperature is 0. What depends on the provider's memory, on tools
 * that it runs, or on the client's own credential is never answered from the cache.
 */
function isCacheable(request: ChatRequest, { requests }: CacheRule, { ownKeys }: RequestContext): boolean {
  if (ownKeys.size > 0 || request.untranslatable !== undefined) return false;
  if (request.tools.some((tool) => tool.isHosted)) return false;
  return requests === 'all' || request.sampling.temperature === 0;
}

const WORTH_KEEPING: ReadonlySet<Part['type']> = new Set(['tool-call', 'media']);

/** Complete, and neither refused, nor empty, nor cut by a bound that the client did not set. */
function isWorthKeeping({ choices }: ChatResponse, { sampling }: ChatRequest): boolean {
  return (
    choices.length > 0 &&
    choices.every(({ finishReason: { unified }, parts }) => {
      if (unified === 'length' && sampling.maxOutputTokens === undefined) return false;
      if (unified === 'content-filter' || unified === 'other') return false;
      return parts.some((part) => (part.type === 'text' ? part.text !== '' : WORTH_KEEPING.has(part.type)));
    })
  );
}

/** Nothing was to be bought. */
export function notCached(): GatewayError {
  return new GatewayError('not_cached', 'There is no kept answer to this request.');
}

const identities = new WeakMap<Chain, string>();

/** Who may answer, and what else the chain decides: after a change of it nothing kept before is found. */
function identityOf(chain: Chain): string {
  const known = identities.get(chain);
  if (known !== undefined) return known;
  const { name, askedModel = null, targets, compaction } = chain;
  const places = targets.map(({ id, extraBody = null }) => [id, extraBody]);
  const identity = JSON.stringify([name, askedModel, places, compaction]);
  identities.set(chain, identity);
  return identity;
}

function usageOf({ usage }: ChatResponse): Pick<ChatResponse, 'usage'> {
  return usage ? { usage } : {};
}

function textOf({ choices }: ChatResponse): string {
  const parts = choices.flatMap((choice) => choice.parts);
  return parts.map((part) => ('text' in part ? part.text : 'argumentsJson' in part ? part.argumentsJson : '')).join('');
}
