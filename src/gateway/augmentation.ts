// Knowledge for a request: passages are searched once, and each target is sent as many as its model has room for. A
// brain that is slow or away never fails a request that can do without.

import { KNOWLEDGE_DEFAULTS, type KnowledgeConfig } from '../config/knowledge.ts';
import { GatewayError, toGatewayError } from '../errors.ts';
import { addressOf, documentIds, type NumberedPassage, placeOf, selectPassages } from '../knowledge/augment.ts';
import { lastWritten, searchQuery } from '../knowledge/augment-query.ts';
import { type PassageBlock, renderPassages } from '../knowledge/augment-template.ts';
import type { Knowledge, SearchHit } from '../knowledge/knowledge.ts';
import type { ChatRequest, Message, Part } from '../model/chat.ts';
import type { Clock, StopSignal } from '../ports.ts';
import type { Passage as QuotablePassage } from '../providers/extractive-material.ts';
import type { AccountantDeps } from '../tenancy/accountant.ts';
import type { Principal } from '../tenancy/principal.ts';
import { AbortScope } from './abort-scope.ts';
import type { AnswerFrames } from './answer-frames.ts';
import { CitingFrames } from './citing-frames.ts';
import { type KnowledgeWish, visibleCollections } from './knowledge-wish.ts';
import type { Target } from './target.ts';
import { estimateInputTokens } from './token-estimate.ts';
import type { KnowledgeTrace, RequestTrace } from './trace.ts';

export interface AugmentationDeps {
  readonly clock: Clock;
  readonly facts: AccountantDeps['facts'];
  /** Absent: this node has no knowledge brain. */
  readonly knowledge?: Knowledge;
  readonly knowledgeConfig?: () => KnowledgeConfig;
}

/** Who asks, until when, and where it is noted. */
export interface Asker {
  readonly trace: RequestTrace;
  readonly principal: Principal;
  readonly signal: StopSignal;
}

/** Room is left for so many tokens of an answer whose length nobody has bounded. */
const OUTPUT_TOKENS = 1_024;
/** Estimated tokens may be fewer than the model counts. */
const ESTIMATE_MARGIN = 0.85;
/** More hits than are wanted, in place of those that say the same: a file may be in several collections. */
const HITS_A_PASSAGE = 2;

/** The passages of one request. */
export class Augmentation {
  readonly passages: readonly NumberedPassage[];
  readonly #request: ChatRequest;
  readonly #maxTokens: number;
  readonly #facts: AugmentationDeps['facts'];
  readonly #trace: KnowledgeTrace;
  readonly #blocks = new Map<number, PassageBlock | undefined>();
  #inputTokens: number | undefined;

  constructor(
    passages: readonly NumberedPassage[],
    request: ChatRequest,
    maxTokens: number,
    facts: AugmentationDeps['facts'],
    trace: KnowledgeTrace,
  ) {
    this.passages = passages;
    this.#request = request;
    this.#maxTokens = maxTokens;
    this.#facts = facts;
    this.#trace = trace;
  }

  /** The request with the passages that the target's model has room for beside the conversation and its answer. */
  requestFor(request: ChatRequest, target: Target): ChatRequest {
    const block = this.#blockFor(request, target);
    return block && !target.account.isBuiltin ? withBlock(request, block.text) : request;
  }

  /** The answer with its citations; `request` is what the target was sent. */
  citing(frames: AnswerFrames, request: ChatRequest, target: Target): AnswerFrames {
    const block = this.#blockFor(request, target);
    // The builtin answerer cites by itself; what hosted tools say stands only in the frames as they came.
    const isAsItCame = target.account.isBuiltin || request.tools.some(({ isHosted }) => isHosted);
    if (!block || isAsItCame || !isCiting(request)) return frames;
    const cited = new Set<number>();
    return new CitingFrames(frames, block.passages, (numbers) => {
      for (const number of numbers) cited.add(number);
      this.#trace.citedCount = cited.size;
    });
  }

  #blockFor(request: ChatRequest, { account, model }: Target): PassageBlock | undefined {
    const context = this.#facts(account.provider, model, account.name)?.contextLength;
    const room = context === undefined ? this.#maxTokens : this.#roomIn(context, request.sampling.maxOutputTokens);
    const budget = Math.min(this.#maxTokens, room);
    if (!this.#blocks.has(budget)) {
      this.#blocks.set(budget, renderPassages(this.passages, budget, isCiting(this.#request)));
    }
    return this.#blocks.get(budget);
  }

  #roomIn(context: number, maxOutputTokens = Math.min(OUTPUT_TOKENS, context / 4)): number {
    this.#inputTokens ??= estimateInputTokens(this.#request);
    return Math.max(0, Math.floor(context * ESTIMATE_MARGIN - this.#inputTokens - maxOutputTokens));
  }
}

/** In an answer that must be JSON, numbers in brackets are lists. */
function isCiting({ responseFormat }: ChatRequest): boolean {
  return responseFormat === undefined || responseFormat.type === 'text';
}

/**
 * Undefined when there is nothing to add.
 * @throws GatewayError `unavailable` when the request cannot do without, or the reason it was aborted
 */
export async function augment(
  request: ChatRequest,
  wish: KnowledgeWish,
  asker: Asker,
  deps: AugmentationDeps,
): Promise<Augmentation | undefined> {
  const trace: KnowledgeTrace = {
    outcome: 'empty',
    passageCount: 0,
    citedCount: 0,
    documentIds: [],
    passageHashes: [],
  };
  asker.trace.knowledge = trace;
  const startedAt = deps.clock.elapsed();
  const found = await search(request, wish, asker, deps);
  trace.durationMs = deps.clock.elapsed() - startedAt;
  if (!('hits' in found)) {
    trace.outcome = found.outcome;
    if (!wish.isRequired) return undefined;
    throw new GatewayError('unavailable', 'The knowledge that this request requires cannot be searched now.', {
      cause: found.cause,
      retryAfterMs: 1_000,
    });
  }
  const passages = selectPassages(found.hits, wish);
  if (passages.length === 0) return undefined;
  const block = renderPassages(passages, wish.maxTokens, isCiting(request));
  if (!block) return undefined;
  trace.outcome = 'used';
  trace.passageCount = block.passages.length;
  trace.documentIds = documentIds(block.passages);
  trace.passageHashes = block.passages.map(({ hit }) => hit.passageHash);
  trace.tokens = block.tokens;
  return new Augmentation(block.passages, request, wish.maxTokens, deps.facts, trace);
}

/** For the builtin answerer, which quotes from whatever its client may see when the request itself brought nothing. */
export async function searchAll(
  request: ChatRequest,
  asker: Asker,
  deps: AugmentationDeps,
): Promise<Augmentation | undefined> {
  const collections = visibleCollections(asker.principal);
  if (!deps.knowledge || !collections) return undefined;
  return augment(request, { ...BUILTIN_WISH, collections }, asker, deps);
}

/** It has nothing to say without passages, so it waits longer for them. */
const BUILTIN_WISH = { topK: 12, maxTokens: 6_000, minScore: 0, isRequired: false, timeoutMs: 5_000 };

/** Passages as the builtin answerer quotes them. */
export function quotable(augmentation: Augmentation | undefined): readonly QuotablePassage[] {
  return (augmentation?.passages ?? []).map(({ hit }) => ({
    text: hit.text,
    source: { title: placeOf(hit), url: addressOf(hit), documentId: hit.documentId },
  }));
}

type Found =
  | { readonly hits: readonly SearchHit[] }
  | { readonly outcome: 'late' | 'unavailable'; readonly cause?: unknown };

async function search(
  request: ChatRequest,
  { collections, topK, timeoutMs }: KnowledgeWish,
  { principal, signal }: Asker,
  { knowledge, clock, knowledgeConfig }: AugmentationDeps,
): Promise<Found> {
  if (!knowledge) return { outcome: 'unavailable' };
  const query = searchQuery(request.messages);
  if (query === '') return { hits: [] };
  const scope = new AbortScope(clock, signal);
  const waitMs = timeoutMs ?? knowledgeConfig?.().searchTimeoutMs ?? KNOWLEDGE_DEFAULTS.searchTimeoutMs;
  scope.deadline(waitMs, 'The knowledge search has not ended');
  try {
    const { tenant } = principal;
    return {
      hits: await Promise.race([
        knowledge.search({ tenant, collections, query, topK: topK * HITS_A_PASSAGE }, scope.signal),
        rejectedOn(scope.signal),
      ]),
    };
  } catch (cause) {
    if (signal.aborted) throw signal.reason;
    if (scope.isLate) return { outcome: 'late', cause: scope.signal.reason };
    return { outcome: 'unavailable', cause: toGatewayError(cause) };
  } finally {
    scope.end();
  }
}

/** A brain that does not heed the signal must not hold the request up either. */
function rejectedOn(signal: StopSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

/**
 * The passages go in front of the last text that a user wrote: everything before it is as it was in the turn before, so
 * that providers' prompt caches stay warm, and the question stands last, where models heed it most.
 */
function withBlock(request: ChatRequest, block: string): ChatRequest {
  const index = lastWritten(request.messages, request.messages.length);
  if (index === undefined) return request;
  const messages = request.messages.map((message, position) =>
    position === index ? inFront(message, block) : message,
  );
  return {
    ...request,
    messages,
    ...(request.original && { original: { ...request.original, isConversationEdited: true } }),
  };
}

/** In the same part: many servers take a user's content as one text only. */
function inFront(message: Message, block: string): Message {
  const index = message.parts.findIndex((part) => part.type === 'text' && part.text.trim() !== '');
  const parts = message.parts.map((part, position): Part => {
    if (position !== index || part.type !== 'text') return part;
    return { ...part, text: `${block}\n\n${part.text}` };
  });
  return { ...message, parts };
}
