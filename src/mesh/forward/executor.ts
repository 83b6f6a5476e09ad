// The executor's half of forwarding: another node's request walks this node's own request path, with this node's own
// accounts and never any further. It is admitted or refused before any work, entered in this node's ledger, and answered
// as lines of frames, with vectors, or with the bytes of an answer that is only passed on.

import { GatewayError, toGatewayError } from '../../errors.ts';
import type { Admission } from '../../gateway/admission.ts';
import type { Answer } from '../../gateway/answer.ts';
import type { OpaqueRequest } from '../../gateway/opaque-request.ts';
import type { OpaqueAnswer } from '../../gateway/pass-through.ts';
import type { Forwarded, ForwardedChat, ForwardedEmbedding, ForwardedOpaque } from '../../gateway/peers.ts';
import type { RequestContext } from '../../gateway/pipeline.ts';
import { RequestTrace } from '../../gateway/trace.ts';
import type { ChatRequest } from '../../model/chat.ts';
import type { EmbeddingRequest, EmbeddingResponse } from '../../model/embedding.ts';
import type { Clock, IncomingMeshRequest, MeshResponse, StopSignal } from '../../ports.ts';
import type { Principal } from '../../tenancy/principal.ts';
import { AnswerBytes, AnswerLines } from './answer-body.ts';
import { KEPT_ANSWER_LENGTH_MAX, type Repeatable, type Repetitions } from './repetitions.ts';
import {
  EMBED_PATH,
  FORWARD_PATH,
  PASS_PATH,
  parseChat,
  parseEmbedding,
  parseOpaque,
  renderError,
  renderVectors,
  TARGET_HEADER,
} from './wire.ts';

export interface ExecutorDeps {
  readonly clock: Clock;
  readonly admission: Admission;
  readonly repetitions: Repetitions;
  readonly handle: (request: ChatRequest, context: RequestContext) => Promise<Answer>;
  readonly embed: (request: EmbeddingRequest, context: RequestContext) => Promise<EmbeddingResponse>;
  readonly pass: (request: OpaqueRequest, context: RequestContext) => Promise<OpaqueAnswer>;
  /** Ledger, metrics and log of a request that has ended. */
  readonly settle: (trace: RequestTrace) => void;
  readonly noteFailure: (trace: RequestTrace, error: GatewayError) => void;
  /**
   * Who asks, as far as this node knows the key itself.
   * @throws GatewayError for a key that was revoked, say
   */
  readonly principalOf: (claimed: Principal) => Principal;
  /** Of a body, bytes. */
  readonly bodyBytesMax: () => number;
}

/** A request carries its conversation twice, neutrally and as its client wrote it. */
const BODY_FACTOR = 3;

export class Executor {
  readonly #deps: ExecutorDeps;

  constructor(deps: ExecutorDeps) {
    this.#deps = deps;
  }

  async answer(request: IncomingMeshRequest): Promise<MeshResponse> {
    try {
      const body = await readBody(request.body, this.#deps.bodyBytesMax() * BODY_FACTOR);
      switch (request.path) {
        case FORWARD_PATH:
          return await this.#once(request, parseChat(body), (id, asked) => this.#chat(id, asked, request.signal));
        case EMBED_PATH:
          return await this.#once(request, parseEmbedding(body), (id, asked) => this.#embed(id, asked, request.signal));
        case PASS_PATH:
          return await this.#once(request, parseOpaque(body), (id, asked) => this.#pass(id, asked, request.signal));
        default:
          throw new GatewayError('not_found', `This node answers nothing at ${request.path}.`);
      }
    } catch (thrown) {
      return failed(toGatewayError(thrown));
    }
  }

  /** What was executed before is not executed again. */
  async #once<Request>(
    { from, signal }: IncomingMeshRequest,
    asked: Forwarded<Request>,
    execute: (id: string, asked: Forwarded<Request>) => Promise<MeshResponse>,
  ): Promise<MeshResponse> {
    const id = `${from}/${asked.requestId}/${asked.attempt}`;
    const known = this.#deps.repetitions.begin(id);
    if (known !== 'new') return repeated(known);
    try {
      return await execute(id, asked);
    } catch (thrown) {
      // Who has left asks no more: what comes under its name is a repetition on the way.
      if (!signal.aborted) this.#deps.repetitions.forget(id);
      throw thrown;
    }
  }

  async #chat(id: string, asked: ForwardedChat, signal: StopSignal): Promise<MeshResponse> {
    const { context, end } = this.#begin(asked, 'forwarded', signal);
    const { trace } = context;
    try {
      const answer = await this.#deps.handle(asked.request, context);
      const lines = new AnswerLines(answer, asked.request, {
        onDone: (text) => {
          end();
          this.#deps.repetitions.finish(id, trace.target ?? '', text);
        },
        onFailure: (error) => {
          end(error);
          this.#deps.repetitions.forget(id);
        },
        onLeft: end,
      });
      return ok(trace.target ?? '', lines);
    } catch (thrown) {
      end(toGatewayError(thrown));
      throw thrown;
    }
  }

  async #embed(id: string, asked: ForwardedEmbedding, signal: StopSignal): Promise<MeshResponse> {
    const { context, end } = this.#begin(asked, 'embeddings/forwarded', signal);
    try {
      const text = renderVectors(await this.#deps.embed(asked.request, context));
      end();
      const target = context.trace.target ?? '';
      this.#deps.repetitions.finish(id, target, text.length <= KEPT_ANSWER_LENGTH_MAX ? text : undefined);
      return ok(target, once(Buffer.from(text)));
    } catch (thrown) {
      end(toGatewayError(thrown));
      throw thrown;
    }
  }

  async #pass(id: string, asked: ForwardedOpaque, signal: StopSignal): Promise<MeshResponse> {
    const { context, end } = this.#begin(asked, `${asked.request.path.slice(1)}/forwarded`, signal);
    try {
      const answer = await this.#deps.pass(asked.request, context);
      const target = context.trace.target ?? '';
      const body = new AnswerBytes(answer, {
        onDone: () => {
          end();
          this.#deps.repetitions.finish(id, target, undefined);
        },
        onFailure: (error) => {
          end(error);
          this.#deps.repetitions.forget(id);
        },
        onLeft: end,
      });
      const headers = { ...contentHeaders(answer.headers), [TARGET_HEADER]: targetText(target) };
      return { status: answer.status, headers, body };
    } catch (thrown) {
      end(toGatewayError(thrown));
      throw thrown;
    }
  }

  /** @returns what to call once, when it has ended */
  #begin(
    { requestId, principal: claimed, remainingMs }: Forwarded<unknown>,
    operation: string,
    signal: StopSignal,
  ): { readonly context: RequestContext; readonly end: (error?: GatewayError) => void } {
    const { admission, clock, principalOf, noteFailure, settle } = this.#deps;
    const trace = new RequestTrace(requestId, operation, clock.elapsed());
    const principal = principalOf(claimed);
    admission.enter();
    const left = new AbortController();
    const onAbort = (): void => left.abort(new GatewayError('client_closed', 'The entry node left.'));
    signal.addEventListener('abort', onAbort, { once: true });
    const deadline = clock.after(remainingMs, () =>
      left.abort(new GatewayError('upstream_timeout', 'The time of the request was over.')),
    );
    if (signal.aborted) onAbort();
    return {
      context: {
        trace,
        principal,
        ownKeys: NO_KEYS,
        headers: () => ({}),
        isExplained: false,
        isForwarded: true,
        signal: left.signal,
      },
      end: (error) => {
        signal.removeEventListener('abort', onAbort);
        deadline.cancel();
        admission.leave();
        if (error) noteFailure(trace, error);
        settle(trace);
      },
    };
  }
}

const NO_KEYS: ReadonlyMap<string, string> = new Map();

function ok(target: string, body: AsyncIterable<Uint8Array>): MeshResponse {
  const headers = { 'content-type': 'application/x-ndjson', [TARGET_HEADER]: targetText(target) };
  return { status: 200, headers, body };
}

function targetText(target: string): string {
  return encodeURI(target.toWellFormed());
}

/** How long the bytes are, their stream says. */
function contentHeaders(headers: OpaqueAnswer['headers']): Record<string, string> {
  const { 'content-type': type, 'content-disposition': disposition } = headers;
  return { ...(type && { 'content-type': type }), ...(disposition && { 'content-disposition': disposition }) };
}

function failed(error: GatewayError): MeshResponse {
  const body = Buffer.from(JSON.stringify(renderError(error)));
  return { status: error.status, headers: { 'content-type': 'application/json' }, body: once(body) };
}

function repeated(known: 'running' | Repeatable): MeshResponse {
  if (known === 'running' || known.text === undefined) {
    return failed(new GatewayError('unavailable', 'This request was sent before; its answer went there.'));
  }
  return ok(known.target, once(Buffer.from(known.text)));
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** @throws GatewayError `body_too_large` */
async function readBody(body: AsyncIterable<Uint8Array>, bytesMax: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > bytesMax)
      throw new GatewayError('body_too_large', `A forwarded request has at most ${bytesMax} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}
