// An HttpClient whose upstream is a function of the test: what each call gets, piece by piece, and what became of it.

import { type HttpClient, HttpFailure, type HttpRequest, type HttpResponse } from '../../src/ports.ts';

export interface FakeAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** One element is what one read of the socket brings. An object is sent as JSON. */
  readonly chunks?: readonly (string | object)[];
  /** What follows the last chunk. Default `end`. `cut` breaks the connection, `hang` says nothing more. */
  readonly ending?: 'end' | 'cut' | 'hang';
}

/** `refuse`: no connection. `hang`: no head ever comes. `reset`: the connection breaks before the head. */
export type FakeReply = FakeAnswer | 'refuse' | 'hang' | 'reset';

export interface FakeCall {
  readonly request: HttpRequest;
  /** Aborted by its signal, before its answer was complete. */
  isAborted: boolean;
  /** The reader gave up the rest of the body. */
  isAbandoned: boolean;
  /** How many chunks were read. */
  readCount: number;
}

export class FakeHttp implements HttpClient {
  readonly calls: FakeCall[] = [];
  script: (request: HttpRequest, index: number) => FakeReply;

  /** @param replies the last one repeats */
  constructor(...replies: readonly FakeReply[]) {
    this.script = (_request, index) => replies[Math.min(index, replies.length - 1)] ?? 'refuse';
  }

  /** Calls that nobody ended: neither complete, nor aborted, nor given up. */
  get openCount(): number {
    return this.#open.size;
  }

  readonly #open = new Set<FakeCall>();

  async request(request: HttpRequest): Promise<HttpResponse> {
    const call: FakeCall = { request, isAborted: false, isAbandoned: false, readCount: 0 };
    const reply = this.script(request, this.calls.length);
    this.calls.push(call);
    this.#open.add(call);
    const { signal } = request;
    const aborted = new Promise<never>((_resolve, reject) => {
      const abort = (): void => {
        if (this.#open.delete(call)) call.isAborted = true;
        reject(signal?.reason);
      };
      if (signal?.aborted) abort();
      else signal?.addEventListener('abort', abort, { once: true });
    });
    aborted.catch(() => undefined);
    if (!signal?.aborted && reply !== 'refuse') request.onSend?.(false);
    if (signal?.aborted || reply === 'hang') return aborted;
    if (reply === 'refuse' || reply === 'reset') {
      this.#open.delete(call);
      throw reply === 'refuse' ? new HttpFailure('connect', 'ECONNREFUSED') : new HttpFailure('response', 'ECONNRESET');
    }
    return { status: reply.status ?? 200, headers: reply.headers ?? {}, body: this.#body(reply, call, aborted) };
  }

  async close(): Promise<void> {}

  #body(answer: FakeAnswer, call: FakeCall, aborted: Promise<never>): AsyncIterableIterator<Uint8Array> {
    const chunks = [...(answer.chunks ?? [])];
    const next = async (): Promise<IteratorResult<Uint8Array>> => {
      if (call.isAborted) return aborted;
      const chunk = chunks.shift();
      if (chunk !== undefined) {
        call.readCount += 1;
        return { done: false, value: Buffer.from(typeof chunk === 'string' ? chunk : JSON.stringify(chunk)) };
      }
      if (answer.ending === 'hang') return aborted;
      this.#open.delete(call);
      if (answer.ending === 'cut') throw new HttpFailure('response', 'ECONNRESET');
      return { done: true, value: undefined };
    };
    return {
      next,
      return: async () => {
        if (this.#open.delete(call)) call.isAbandoned = true;
        return { done: true, value: undefined };
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }
}

/** Everything that is ready to happen has happened. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
