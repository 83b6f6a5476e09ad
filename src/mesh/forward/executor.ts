// The executor's half of forwarding: another node's request walks this node's own request path, with this node's own
// accounts and never any further. It is admitted or refused before any work, entered in this node's ledger, and answered
// as lines of frames.

import { GatewayError, toGatewayError } from '../../errors.ts';
import type { Admission } from '../../gateway/admission.ts';
import type { Answer } from '../../gateway/answer.ts';
import type { ForwardedChat } from '../../gateway/peers.ts';
import type { RequestContext } from '../../gateway/pipeline.ts';
import { RequestTrace } from '../../gateway/trace.ts';
import type { ChatRequest } from '../../model/chat.ts';
import type { Clock, IncomingMeshRequest, MeshResponse, StopSignal } from '../../ports.ts';
import type { Principal } from '../../tenancy/principal.ts';
import { KEPT_ANSWER_LENGTH_MAX, type Repeatable, type Repetitions } from './repetitions.ts';
import { errorFrame, parseChat, renderError, renderFrames, TARGET_HEADER } from './wire.ts';

export interface ExecutorDeps {
  readonly clock: Clock;
  readonly admission: Admission;
  readonly repetitions: Repetitions;
  readonly handle: (request: ChatRequest, context: RequestContext) => Promise<Answer>;
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
      const chat = parseChat(await readBody(request.body, this.#deps.bodyBytesMax() * BODY_FACTOR));
      const id = `${request.from}/${chat.requestId}/${chat.attempt}`;
      const known = this.#deps.repetitions.begin(id);
      if (known !== 'new') return repeated(known);
      try {
        return await this.#execute(id, chat, request.signal);
      } catch (thrown) {
        // Who has left asks no more: what comes under its name is a repetition on the way.
        if (!request.signal.aborted) this.#deps.repetitions.forget(id);
        throw thrown;
      }
    } catch (thrown) {
      return failed(toGatewayError(thrown));
    }
  }

  async #execute(id: string, chat: ForwardedChat, signal: StopSignal): Promise<MeshResponse> {
    const { admission, clock, handle, principalOf, noteFailure, settle } = this.#deps;
    const trace = new RequestTrace(chat.requestId, 'forwarded', clock.elapsed());
    const principal = principalOf(chat.principal);
    admission.enter();
    const left = new AbortController();
    const onAbort = (): void => left.abort(new GatewayError('client_closed', 'The entry node left.'));
    signal.addEventListener('abort', onAbort, { once: true });
    const deadline = clock.after(chat.remainingMs, () =>
      left.abort(new GatewayError('upstream_timeout', 'The time of the request was over.')),
    );
    const end = (error?: GatewayError): void => {
      signal.removeEventListener('abort', onAbort);
      deadline.cancel();
      admission.leave();
      if (error) noteFailure(trace, error);
      settle(trace);
    };
    try {
      if (signal.aborted) onAbort();
      const answer = await handle(chat.request, {
        trace,
        principal,
        ownKeys: NO_KEYS,
        headers: () => ({}),
        isExplained: false,
        isForwarded: true,
        signal: left.signal,
      });
      const lines = new AnswerLines(answer, chat.request, {
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
}

const NO_KEYS: ReadonlyMap<string, string> = new Map();

interface LinesEnd {
  /** @param text all of it, unless it was too long to be kept */
  onDone(text: string | undefined): void;
  onFailure(error: GatewayError): void;
  /** By whom it was for: it may have been bought, and is not bought again. */
  onLeft(error: GatewayError): void;
}

/** The lines of a running answer. Whoever leaves them stops the upstream. */
class AnswerLines implements AsyncIterableIterator<Uint8Array> {
  readonly #answer: Answer;
  readonly #request: ChatRequest;
  readonly #end: LinesEnd;
  /** Kept for its repetition, until it is clear that it is too long. */
  #text: string | undefined = '';
  #isEnded = false;

  constructor(answer: Answer, request: ChatRequest, end: LinesEnd) {
    this.#answer = answer;
    this.#request = request;
    this.#end = end;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    if (this.#isEnded) return { done: true, value: undefined };
    try {
      const batch = await this.#answer.next();
      // Its reader may have gone while it was waited for: that was its end.
      if (this.#isEnded) return { done: true, value: undefined };
      if (!batch) return this.#finish();
      const line = renderFrames(batch, this.#request.original?.dialect);
      this.#keep(line);
      return { done: false, value: Buffer.from(line) };
    } catch (thrown) {
      if (this.#isEnded) return { done: true, value: undefined };
      return this.#fail(toGatewayError(thrown));
    }
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    if (!this.#isEnded) {
      this.#isEnded = true;
      this.#answer.cancel();
      this.#end.onLeft(new GatewayError('client_closed', 'The entry node left.'));
    }
    return { done: true, value: undefined };
  }

  #finish(): IteratorResult<Uint8Array> {
    this.#isEnded = true;
    this.#end.onDone(this.#text);
    return { done: true, value: undefined };
  }

  #keep(line: string): void {
    if (this.#text === undefined) return;
    this.#text = this.#text.length + line.length <= KEPT_ANSWER_LENGTH_MAX ? this.#text + line : undefined;
  }

  /** The head is out: the answer's last line says what broke it. */
  #fail(error: GatewayError): IteratorResult<Uint8Array> {
    this.#isEnded = true;
    this.#answer.cancel();
    this.#end.onFailure(error);
    const { code, message } = error;
    return { done: false, value: Buffer.from(renderFrames([errorFrame({ code, message })], undefined)) };
  }
}

function ok(target: string, body: AsyncIterable<Uint8Array>): MeshResponse {
  const headers = { 'content-type': 'application/x-ndjson', [TARGET_HEADER]: encodeURI(target.toWellFormed()) };
  return { status: 200, headers, body };
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
    if (length > bytesMax) throw new GatewayError('body_too_large', `A forwarded chat has at most ${bytesMax} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}
