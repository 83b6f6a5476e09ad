// Shadow traffic: a share of a chain's requests is asked elsewhere too, after the real answer has ended, and both answers
// are kept side by side. Nothing here can slow or fail a client: copies wait in a bounded queue, are dropped when it is
// full or the node is busy, and use only what their tenant's limits have left.

import { GatewayError, toGatewayError } from '../errors.ts';
import type { ChatRequest } from '../model/chat.ts';
import { replayable, type ShadowAnswer, type ShadowPair } from '../model/replay.ts';
import type { Clock, StopSignal } from '../ports.ts';
import type { Principal } from '../tenancy/principal.ts';
import type { Answer } from './answer.ts';
import { AnswerText } from './answer-text.ts';
import type { RequestContext } from './pipeline.ts';
import { withoutRoutingFields } from './routing/openrouter.ts';
import { settleAccount } from './settle.ts';
import { RequestTrace } from './trace.ts';

/** A real request whose answer has ended well. */
export interface ShadowJob {
  readonly request: ChatRequest;
  readonly chain: string;
  readonly to: string;
  /** Its entry in the ledger. */
  readonly entryId: string;
  readonly principal: Principal;
  readonly served: ShadowAnswer;
}

/** What became of a copy. */
export type ShadowOutcome = 'answered' | 'failed' | 'queue-full' | 'node-busy' | 'over-limit';

export interface ShadowDeps {
  readonly clock: Clock;
  /** The request path. */
  readonly ask: (request: ChatRequest, context: RequestContext) => Promise<Answer>;
  readonly limits: () => { readonly queueMax: number; readonly concurrencyMax: number };
  /** Clients need the node for themselves. */
  readonly isBusy: () => boolean;
  readonly keep: (id: string, tenant: string, pair: ShadowPair) => void;
  readonly onOutcome: (outcome: ShadowOutcome) => void;
  /** Told once of each copy that was asked. */
  readonly onTrace: (trace: RequestTrace) => void;
}

export class ShadowRunner {
  readonly #deps: ShadowDeps;
  readonly #stopping = new AbortController();
  #queue: ShadowJob[] = [];
  #running = 0;
  #onIdle: (() => void) | undefined;

  constructor(deps: ShadowDeps) {
    this.#deps = deps;
  }

  /** Returns at once; never throws. */
  offer(job: ShadowJob): void {
    const { clock, limits, isBusy, onOutcome } = this.#deps;
    if (this.#stopping.signal.aborted) return;
    if (isBusy()) onOutcome('node-busy');
    else if (this.#queue.length >= limits().queueMax) onOutcome('queue-full');
    // What the client still has to get goes first.
    else if (this.#queue.push(job) === 1) clock.soon(() => this.#next());
  }

  /** Drops what waits, and resolves when what runs has ended. */
  stop(): Promise<void> {
    this.#queue = [];
    this.#stopping.abort(new GatewayError('draining', 'This node is shutting down.'));
    if (this.#running === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onIdle = resolve;
    });
  }

  #next(): void {
    const { limits, isBusy, onOutcome } = this.#deps;
    while (this.#running < limits().concurrencyMax) {
      const job = this.#queue.shift();
      if (!job) break;
      if (isBusy()) onOutcome('node-busy');
      else void this.#run(job);
    }
  }

  async #run(job: ShadowJob): Promise<void> {
    this.#running += 1;
    try {
      await this.#ask(job);
    } finally {
      this.#running -= 1;
      if (this.#running === 0) this.#onIdle?.();
      this.#next();
    }
  }

  async #ask(job: ShadowJob): Promise<void> {
    const { clock, ask, onTrace, onOutcome } = this.#deps;
    const trace = new RequestTrace(`${job.entryId}~shadow`, 'shadow', clock.elapsed());
    const text = new AnswerText();
    let failure: GatewayError | undefined;
    try {
      const answer = await ask(copyOf(job), contextOf(job, trace, this.#stopping.signal));
      for (let batch = await answer.next(); batch; batch = await answer.next()) text.add(batch);
    } catch (thrown) {
      failure = toGatewayError(thrown);
      trace.errorCode = failure.code;
      if (failure.cause !== undefined) trace.cause = failure.cause;
    }
    if (failure && isOverLimit(failure)) {
      onOutcome('over-limit');
      return;
    }
    settleAccount(trace, clock);
    onTrace(trace);
    this.#conclude(job, trace, text, failure);
  }

  #conclude(job: ShadowJob, trace: RequestTrace, text: AnswerText, failure: GatewayError | undefined): void {
    const { keep, onOutcome } = this.#deps;
    onOutcome(failure ? 'failed' : 'answered');
    if (this.#stopping.signal.aborted || text.isTooLong) return;
    const { chain, to, request, served, principal, entryId } = job;
    const shadow = { ...shadowAnswer(trace, text.text, trace.cost), ...(failure && { error: failure.message }) };
    keep(entryId, principal.tenant, { chain, to, request: replayable(request), served, shadow });
  }
}

/** The tenant's limits had no room for it, so nobody was asked and nothing was entered. */
function isOverLimit({ code }: GatewayError): boolean {
  return code === 'rate_limited' || code === 'budget_exhausted';
}

/** What is known of an answer at its end. */
export function shadowAnswer(trace: RequestTrace, text: string, cost: number | undefined): ShadowAnswer {
  const { target, ttftMs, durationMs = 0, usage, finishReason } = trace;
  return {
    text,
    totalMs: durationMs,
    ...(target !== undefined && { target }),
    ...(ttftMs !== undefined && { ttftMs }),
    ...(usage && { usage }),
    ...(cost !== undefined && { cost }),
    ...(finishReason && { finish: finishReason }),
  };
}

/** Where it goes has been decided: neither the client's own wishes nor its headers count. */
function copyOf({ request, to }: ShadowJob): ChatRequest {
  return { ...withoutRoutingFields(request), model: to };
}

/** What the client's key may be used for does not bind the operator, who chose the other chain; its limits do. */
function contextOf({ principal }: ShadowJob, trace: RequestTrace, signal: StopSignal): RequestContext {
  return {
    trace,
    signal,
    principal: { ...principal, scopes: {} },
    ownKeys: new Map(),
    headers: () => ({}),
    isExplained: false,
    isShadow: true,
  };
}
