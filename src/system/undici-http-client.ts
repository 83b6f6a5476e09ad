// HttpClient on undici's dispatch, its leanest door: about half the CPU and memory of `request` and a fifth of `fetch`.
// https://undici.nodejs.org/#/docs/api/Dispatcher

import { LRUCache } from 'lru-cache';
import { type Dispatcher, Pool } from 'undici';
import { type HttpClient, HttpFailure, type HttpRequest, type HttpResponse } from '../ports.ts';

const CONNECT_TIMEOUT_MS = 5_000;
/** Sockets to one origin. Slow streams each hold one, so this bounds concurrent answers of one upstream. */
const CONNECTIONS_MAX = 4_096;
/** A little less than the usual 5 s of servers would still race; undici also obeys their keep-alive hints. */
const KEEP_ALIVE_MS = 4_000;
/** Unread bytes of one answer after which its sender is stopped. */
const UNREAD_BYTES_MAX = 256 * 1024;
/** Distinct URLs whose parsing is remembered. */
const PARSED_URLS_MAX = 1_000;

interface Address {
  readonly origin: string;
  readonly path: string;
}

type PoolsByOrigin = Map<string, Pool>;

export class UndiciHttpClient implements HttpClient {
  /** By connect timeout: undici fixes it when a socket is made. Few of both, as only configuration names them. */
  readonly #pools = new Map<number, PoolsByOrigin>();
  readonly #addresses = new LRUCache<string, Address>({ max: PARSED_URLS_MAX });

  request(request: HttpRequest): Promise<HttpResponse> {
    return new Promise((resolve, reject) => {
      const { origin, path } = this.#address(request.url);
      this.#pool(origin, request.connectTimeoutMs ?? CONNECT_TIMEOUT_MS).dispatch(
        {
          path,
          method: request.method as Dispatcher.HttpMethod,
          headers: request.headers,
          body: request.body ?? null,
          // Deadlines are the gateway's: it knows the first token from the head.
          headersTimeout: 0,
          bodyTimeout: 0,
        },
        new ResponseReceiver(resolve, reject, request.signal),
      );
    });
  }

  async close(): Promise<void> {
    const pools = [...this.#pools.values()].flatMap((byOrigin) => [...byOrigin.values()]);
    await Promise.all(pools.map((pool) => pool.destroy()));
  }

  #pool(origin: string, connectTimeoutMs: number): Pool {
    let byOrigin = this.#pools.get(connectTimeoutMs);
    if (!byOrigin) {
      byOrigin = new Map();
      this.#pools.set(connectTimeoutMs, byOrigin);
    }
    let pool = byOrigin.get(origin);
    if (!pool) {
      pool = new Pool(origin, {
        connect: { timeout: connectTimeoutMs },
        connections: CONNECTIONS_MAX,
        keepAliveTimeout: KEEP_ALIVE_MS,
        pipelining: 1,
        allowH2: false,
      });
      byOrigin.set(origin, pool);
    }
    return pool;
  }

  #address(text: string): Address {
    let address = this.#addresses.get(text);
    if (!address) {
      const url = new URL(text);
      address = { origin: url.origin, path: url.pathname + url.search };
      this.#addresses.set(text, address);
    }
    return address;
  }
}

/** Takes undici's callbacks for one request and hands the answer out as a pull-based body. */
class ResponseReceiver implements Dispatcher.DispatchHandler {
  readonly #resolve: (response: HttpResponse) => void;
  readonly #reject: (reason: unknown) => void;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = (): void => this.#abort();
  #controller: Dispatcher.DispatchController | undefined;
  #body: PulledBody | undefined;

  constructor(resolve: (response: HttpResponse) => void, reject: (reason: unknown) => void, signal?: AbortSignal) {
    this.#resolve = resolve;
    this.#reject = reject;
    this.#signal = signal;
    if (signal?.aborted) reject(signal.reason);
    else signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#signal?.aborted) controller.abort(asError(this.#signal.reason));
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 200) return;
    this.#body = new PulledBody(controller);
    this.#resolve({ status, headers: joined(headers), body: this.#body });
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#body?.push(chunk);
  }

  onResponseEnd(): void {
    this.#detach();
    this.#body?.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#detach();
    const failure = this.#signal?.aborted ? this.#signal.reason : failureOf(error, this.#controller !== undefined);
    if (this.#body) this.#body.fail(failure);
    else this.#reject(failure);
  }

  #abort(): void {
    const reason = this.#signal?.reason;
    // Still waiting for a connection: nobody may wait for the connect timeout after the client has left.
    this.#reject(reason);
    this.#controller?.abort(asError(reason));
  }

  #detach(): void {
    this.#signal?.removeEventListener('abort', this.#onAbort);
  }
}

function failureOf(error: Error, isSent: boolean): HttpFailure {
  // A system error's sentence names addresses; its code says as much.
  const message = (error as NodeJS.ErrnoException).code ?? error.message;
  return new HttpFailure(isSent ? 'response' : 'connect', message, { cause: error });
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}

function joined(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  const result: Record<string, string> = {};
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined) result[name] = typeof value === 'string' ? value : value.join(', ');
  }
  return result;
}

/** Chunks queue up until they are read; all that is there is read at once. A full queue pauses the socket. */
class PulledBody implements AsyncIterableIterator<Uint8Array> {
  readonly #controller: Dispatcher.DispatchController;
  #chunks: Buffer[] = [];
  #unreadBytes = 0;
  #isEnded = false;
  #failure: { readonly reason: unknown } | undefined;
  #reader: { resolve(result: IteratorResult<Uint8Array>): void; reject(reason: unknown): void } | undefined;

  constructor(controller: Dispatcher.DispatchController) {
    this.#controller = controller;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  push(chunk: Buffer): void {
    this.#unreadBytes += chunk.length;
    // A microtask later, everything that this read of the socket brought is here and makes one chunk.
    if (this.#chunks.push(chunk) === 1 && this.#reader) queueMicrotask(() => this.#wake());
    if (this.#unreadBytes > UNREAD_BYTES_MAX) this.#controller.pause();
  }

  end(): void {
    this.#isEnded = true;
    this.#wake();
  }

  fail(reason: unknown): void {
    this.#failure = { reason };
    this.#wake();
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
      if (this.#chunks.length > 0 || this.#isEnded || this.#failure) this.#wake();
    });
  }

  /** The reader lost interest: the rest of the answer is refused, which closes the connection. */
  return(): Promise<IteratorResult<Uint8Array>> {
    if (!this.#isEnded && !this.#failure) {
      this.#isEnded = true;
      this.#controller.abort(new Error('The reader left'));
    }
    return Promise.resolve({ done: true, value: undefined });
  }

  #wake(): void {
    const reader = this.#reader;
    if (!reader) return;
    const [first] = this.#chunks;
    if (first) {
      const value = this.#chunks.length === 1 ? first : Buffer.concat(this.#chunks, this.#unreadBytes);
      this.#chunks = [];
      this.#unreadBytes = 0;
      if (this.#controller.paused) this.#controller.resume();
      this.#reader = undefined;
      reader.resolve({ done: false, value });
    } else if (this.#failure) {
      this.#reader = undefined;
      reader.reject(this.#failure.reason);
    } else if (this.#isEnded) {
      this.#reader = undefined;
      reader.resolve({ done: true, value: undefined });
    }
  }
}
