// Endpoints that flowmesh does not understand and need not: the body goes on as it is with only the model renamed, and
// the answer comes back as bytes.

import { fromUpstreamError } from '../dialects/upstream-failure.ts';
import { GatewayError } from '../errors.ts';
import type { HttpResponse } from '../ports.ts';
import { AbortScope } from './abort-scope.ts';
import { admit } from './admit.ts';
import { type Attempt, walkChain } from './chain.ts';
import { policyOf } from './failure-policy.ts';
import type { PipelineDeps, RequestContext } from './pipeline.ts';
import type { VisitOutcome } from './target-health.ts';
import { failureOf, noting, openRequest, upstreamSide } from './upstream-http.ts';

export interface PassThroughRequest {
  readonly model: string;
  /** Under the account's base URL. */
  readonly path: string;
  readonly contentType: string;
  /** The body with the model renamed to what the target calls it. */
  bodyFor(model: string): string | Uint8Array;
}

/** @throws GatewayError when no target answered */
export async function handlePassThrough(
  request: PassThroughRequest,
  context: RequestContext,
  deps: PipelineDeps,
): Promise<OpaqueAnswer> {
  const { trace, signal, ownKeys } = context;
  const chain = await admit({ model: request.model, inputTokens: 0, maxOutputTokens: 0 }, context, deps);
  const requestScope = new AbortScope(deps.clock, signal);
  requestScope.deadline(chain.totalMs, 'The answer was not complete');
  const attempt: Attempt<OpenAnswer> = async (target, key) => {
    const scope = new AbortScope(deps.clock, requestScope.signal);
    scope.deadline(target.timeouts.ttftMs, 'The upstream did not answer');
    try {
      if (!upstreamSide(target).hasOpenAiEndpoints) {
        throw new GatewayError('unsupported', `${target.account.name} has no ${request.path}.`);
      }
      const { path, contentType } = request;
      const call = { path, text: request.bodyFor(target.model), headers: { 'content-type': contentType } };
      const opened = await openRequest(noting(deps.http, trace), target, key, call, scope);
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
    this.#onEnd(outcome);
  }
}
