// What clients ask besides chat and get whole: embeddings and token counts. Same chains, same failover.

import { cross } from '../dialects/crossing.ts';
import type { UpstreamCall } from '../dialects/dialect.ts';
import { dialects } from '../dialects/registry.ts';
import { GatewayError } from '../errors.ts';
import type { ChatRequest, Usage } from '../model/chat.ts';
import type { EmbeddingRequest, EmbeddingResponse } from '../model/embedding.ts';
import { roughTokens } from '../model/rough-tokens.ts';
import { AbortScope } from './abort-scope.ts';
import { admit } from './admit.ts';
import { type Attempt, type AttemptResult, walkChain } from './chain.ts';
import { attemptEmbed } from './forward-attempt.ts';
import { heldByText } from './held-tokens.ts';
import { withoutKnowledgeField } from './knowledge-wish.ts';
import { withAnyPeers } from './peer-targets.ts';
import type { PipelineDeps, RequestContext } from './pipeline.ts';
import type { Chain, Target } from './target.ts';
import { estimateInputTokens, estimateTextTokens } from './token-estimate.ts';
import { ANSWER_BYTES_MAX, failureOf, noting, openCall, readText, upstreamSide } from './upstream-http.ts';

const NO_USAGE: Usage = {
  inputTokens: 0,
  cachedInputTokens: 0,
  cacheWriteTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  isEstimated: false,
};

export async function handleEmbeddings(
  request: EmbeddingRequest,
  context: RequestContext,
  deps: PipelineDeps,
): Promise<EmbeddingResponse> {
  const here = wholeAttempt(context, deps, (target) => {
    const { embeddings } = upstreamSide(target);
    if (!embeddings) throw new GatewayError('unsupported', `${target.account.name} has no embeddings.`);
    const call = embeddings.renderRequest(request, { model: target.model, isStream: false, traits: target.traits });
    return { call, read: (text) => vectorForEach(request, embeddings.parseResponse(text)) };
  });
  const attempt: typeof here = (scope) => (target, key, signal) =>
    target.peer ? attemptEmbed(request, target, target.peer, context, deps, signal) : here(scope)(target, key, signal);
  const held = {
    inputTokens: embeddedTokens(request, ({ length }) => roughTokens(length)),
    heldInputTokens: () => embeddedTokens(request, heldByText),
  };
  const chain = await admit({ ...held, maxOutputTokens: 0, model: request.model }, context, deps);
  if (request.inputs.length === 0) return nothingEmbedded(request, context);
  const walked = withAnyPeers(chain, request.model, context, deps);
  const { answer: response, target } = await walkWhole(walked, attempt, context, deps);
  const inputTokens = response.inputTokens ?? estimateEmbeddedTokens(request);
  const isEstimated = response.inputTokens === undefined;
  context.trace.usage = { ...NO_USAGE, inputTokens, isEstimated };
  // Some upstreams say neither which model embedded nor what it read.
  return { ...response, model: response.model || target.model, inputTokens, isEstimated };
}

/** Only Ollama takes an empty list (https://github.com/ollama/ollama/blob/main/server/routes.go), others refuse it. */
function nothingEmbedded({ model }: EmbeddingRequest, { trace }: RequestContext): EmbeddingResponse {
  trace.usage = NO_USAGE;
  return { model, vectors: [], inputTokens: 0 };
}

/** Some servers embed the first text of a batch only: which text a vector is of would not be known. */
function vectorForEach({ inputs }: EmbeddingRequest, answer?: EmbeddingResponse): EmbeddingResponse | undefined {
  if (!answer || answer.vectors.length === inputs.length) return answer;
  throw new GatewayError(
    'upstream_garbage',
    `The upstream answered with ${answer.vectors.length} vectors for ${inputs.length} inputs.`,
  );
}

/** A list of token ids counts itself. */
function embeddedTokens({ inputs }: EmbeddingRequest, tokensOf: (text: string) => number): number {
  return inputs.reduce((sum, input) => sum + (typeof input === 'string' ? tokensOf(input) : input.length), 0);
}

function estimateEmbeddedTokens({ inputs }: EmbeddingRequest): number {
  const texts = inputs.filter((input) => typeof input === 'string');
  const ids = inputs.reduce((sum, input) => sum + (typeof input === 'string' ? 0 : input.length), 0);
  return estimateTextTokens(texts) + ids;
}

export interface TokenCount {
  readonly inputTokens: number;
  readonly isEstimated: boolean;
}

/** Asks the first target when it can count its own tokens; else, or when that fails, an estimate. */
export async function handleTokenCount(
  request: ChatRequest,
  context: RequestContext,
  deps: PipelineDeps,
): Promise<TokenCount> {
  const counted = withoutKnowledgeField(request);
  const chain = await admit({ model: request.model, inputTokens: 0, maxOutputTokens: 0 }, context, deps);
  const first = chain.targets.find((target) => !target.account.isBuiltin);
  const tokenCount = first && upstreamSide(first).tokenCount;
  if (first && tokenCount) {
    const attempt = wholeAttempt(context, deps, (target) => {
      const { request: crossed } = cross(counted, dialects[target.account.dialect]);
      const call = tokenCount.renderRequest(crossed, { model: target.model, isStream: false, traits: target.traits });
      return { call, read: (text) => tokenCount.parseResponse(text) };
    });
    try {
      const counting = { ...chain, targets: [first] };
      const { answer } = await walkWhole(counting, attempt, context, deps);
      return { inputTokens: answer, isEstimated: false };
    } catch (error) {
      // A count is advice: the client can go on with an estimate, but not when it left or sent nonsense.
      if (!(error instanceof GatewayError) || error.code === 'client_closed' || error.code === 'bad_request')
        throw error;
    }
  }
  return { inputTokens: estimateInputTokens(request), isEstimated: true };
}

interface WholeCall<Answer> {
  readonly call: UpstreamCall;
  read(text: string): Answer | undefined;
}

/** An attempt whose answer is one JSON body; `prepare` may throw what the target cannot express. */
function wholeAttempt<Answer>(
  { trace }: RequestContext,
  deps: PipelineDeps,
  prepare: (target: Target) => WholeCall<Answer>,
): (scope: AbortScope) => Attempt<Answer> {
  return (requestScope) =>
    async (target, key): Promise<AttemptResult<Answer>> => {
      const scope = new AbortScope(deps.clock, requestScope.signal);
      scope.deadline(target.timeouts.ttftMs, 'The upstream did not answer');
      try {
        const { call, read } = prepare(target);
        const opened = await openCall(noting(deps.http, trace), target, key, call, scope);
        if (!opened.ok) return opened;
        const answer = read(await readText(opened.response, ANSWER_BYTES_MAX, 'fail'));
        if (answer !== undefined) return { ok: true, answer };
        return {
          ok: false,
          failure: { code: 'upstream_garbage', message: 'The upstream answered with something unreadable.' },
        };
      } catch (thrown) {
        return failureOf(scope.signal.aborted ? scope.signal.reason : thrown, requestScope.signal);
      } finally {
        scope.end();
      }
    };
}

async function walkWhole<Answer>(
  chain: Chain,
  attempt: (scope: AbortScope) => Attempt<Answer>,
  { trace, signal, ownKeys }: RequestContext,
  deps: PipelineDeps,
): Promise<{ readonly answer: Answer; readonly target: Target }> {
  const scope = new AbortScope(deps.clock, signal);
  scope.deadline(chain.totalMs, 'The answer was not complete');
  try {
    const answered = await walkChain(chain, attempt(scope), { ...deps, signal: scope.signal, trace, ownKeys });
    answered.release('success');
    trace.ttftMs = deps.clock.elapsed() - trace.startedAt;
    return answered;
  } finally {
    scope.end();
  }
}
