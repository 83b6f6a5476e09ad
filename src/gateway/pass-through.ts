// Endpoints that flowmesh does not understand and need not: the body goes on as it is with only the model renamed, and
// the answer comes back as bytes.

import { fromUpstreamError } from '../dialects/upstream-failure.ts';
import { GatewayError } from '../errors.ts';
import type { HttpClient, HttpResponse } from '../ports.ts';
import { AbortScope } from './abort-scope.ts';
import { admit } from './admit.ts';
import { type Attempt, walkChain } from './chain.ts';
import { policyOf } from './failure-policy.ts';
import { openForward } from './forward-attempt.ts';
import { bodyFor, type OpaqueRequest } from './opaque-request.ts';
import { withAnyPeers } from './peer-targets.ts';
import type { PipelineDeps, RequestContext } from './pipeline.ts';
import type { Target } from './target.ts';
import type { VisitOutcome } from './target-health.ts';
import { type FailedCall, failureOf, noting, type OpenedCall, openRequest, upstreamSide } from './upstream-http.ts';

/** @throws GatewayError when no target answered */
export async function handlePassThrough(
  request: OpaqueRequest,
  context: RequestContext,
  deps: PipelineDeps,
): Promise<OpaqueAnswer> {
  const { trace, signal, ownKeys } = context;
  const { model } = request;
  const admitted = await admit({ model, inputTokens: 0, maxOutputTokens: 0 }, context, deps);
  const chain = withAnyPeers(admitted, model, context, deps);
  const requestScope = new AbortScope(deps.clock, signal);
  requestScope.deadline(chain.totalMs, 'The answer was not complete');
  const attempt: Attempt<OpenAnswer> = async (target, key) => {
    const scope = new AbortScope(deps.clock, requestScope.signal);
    scope.deadline(target.timeouts.ttftMs, 'The upstream did not answer');
    try {
      const opened = target.peer
        ? await openForward(request, target, target.peer, context, deps, scope.signal)
        : await openHere(request, target, key, noting(deps.http, trace), scope);
      if (!opened.ok) {
        scope.end();
        return opened;
      }
      scope.deadline(target.timeouts.idleMs, 'The upstream fell silent and sent nothing');
      scope.rest();
      return { ok: true, answer: { response: opened.response, scope } };
    } catch (thrown) {
      const reason = scope.signal.aborted ? scope.signal.reason : thrown;
      scope.end();
      return failureOf(reason, requestScope.signal);
    }
  };
  try {
    const { answer, release } = await walkChain(chain, attempt, {
      ...deps,
      signal: requestScope.signal,
      trace,
      ownKeys,
    });
    trace.ttftMs = deps.clock.elapsed() - trace.startedAt;
    return new OpaqueAnswer(answer, (outcome) => {
      release(requestScope.signal.aborted ? 'unknown' : outcome);
      requestScope.end();
    });
  } catch (error) {
    requestScope.end();
    throw error;
  }
}

function openHere(
  request: OpaqueRequest,
  target: Target,
  key: string,
  http: HttpClient,
  scope: AbortScope,
): Promise<OpenedCall | FailedCall> {
  const { path, contentType } = request;
  if (!upstreamSide(target).hasOpenAiEndpoints) {
    throw new GatewayError('unsupported', `${target.account.name} has no ${path}.`);
  }
  const call = { path, text: bodyFor(request, target.model), headers: { 'content-type': contentType } };
  return openRequest(http, target, key, call, scope);
}

interface OpenAnswer {
  readonly response: HttpResponse;
  readonly scope: AbortScope;
}

/** An answer as its upstream sends it. */
export class OpaqueAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly #body: AsyncIterator<Uint8Array>;
  readonly #scope: AbortScope;
  readonly #onEnd: (outcome: VisitOutcome) => void;
  #isEnded = false;

  constructor({ response, scope }: OpenAnswer, onEnd: (outcome: VisitOutcome) => void) {
    this.status = response.status;
    this.headers = response.headers;
    this.#body = response.body[Symbol.asyncIterator]();
    this.#scope = scope;
    this.#onEnd = onEnd;
  }

  /**
   * The bytes of one read; undefined at the end.
   * @throws GatewayError what broke the answer, or the reason the request was aborted
   */
  async next(): Promise<Uint8Array | undefined> {
    try {
      this.#scope.restart();
      const read = await this.#body.next();
      this.#scope.rest();
      if (!read.done) return read.value;
    } catch (thrown) {
      const { signal } = this.#scope;
      const reason: unknown = signal.aborted ? signal.reason : thrown;
      const error = reason instanceof GatewayError ? reason : fromUpstreamError(failureOf(reason, signal).failure);
      this.#end(policyOf(error.code).cools === 'target' ? 'failure' : 'unknown');
      throw error;
    }
    this.#end('success');
    return undefined;
  }

  /** The client left: stops the upstream. Does nothing after the end. */
  cancel(): void {
    if (this.#isEnded) return;
    this.#scope.abort(new GatewayError('client_closed', 'The answer is not wanted any more.'));
    this.#end('unknown');
  }

  #end(outcome: VisitOutcome): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#scope.end();
    // Rejects when it has failed already, which is as ended as can be.
    this.#body.return?.().catch(() => undefined);
    this.#onEnd(outcome);
  }
}
