// Takes undici's callbacks for one request and hands the answer out as a body that is pulled: reading slowly slows the sender.

import type { Dispatcher } from 'undici';
import { HttpFailure, type HttpRequest, type HttpResponse, type StopSignal } from '../ports.ts';
import { systemClock } from './system-clock.ts';

export interface ResponseReceiverOptions {
  readonly signal: StopSignal | undefined;
  /** Unread bytes of the answer after which its sender is stopped. */
  readonly unreadBytesMax: number;
  /** The request's first byte is about to be written. */
  readonly onSend?: HttpRequest['onSend'] | undefined;
}

export class ResponseReceiver implements Dispatcher.DispatchHandler {
  readonly #resolve: (response: HttpResponse) => void;
  readonly #reject: (reason: unknown) => void;
  readonly #signal: StopSignal | undefined;
  readonly #unreadBytesMax: number;
  readonly #onSend: HttpRequest['onSend'] | undefined;
  readonly #onAbort = (): void => this.#abort();
  #controller: Dispatcher.DispatchController | undefined;
  #body: PulledBody | undefined;

  constructor(
    resolve: (response: HttpResponse) => void,
    reject: (reason: unknown) => void,
    { signal, unreadBytesMax, onSend }: ResponseReceiverOptions,
  ) {
    this.#resolve = resolve;
    this.#reject = reject;
    this.#signal = signal;
    this.#unreadBytesMax = unreadBytesMax;
    this.#onSend = onSend;
    if (signal?.aborted) reject(signal.reason);
    else signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#signal?.aborted) controller.abort(asError(this.#signal.reason));
    else this.#onSend?.(false);
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 200) return;
    const body = new PulledBody(controller, this.#unreadBytesMax);
    this.#body = body;
    const arrived = (bytesMax: number): Uint8Array | undefined => body.arrived(bytesMax);
    systemClock.soon(() => this.#resolve({ status, headers: joined(headers), body, arrived }), 'read');
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
  readonly #unreadBytesMax: number;
  #chunks: Buffer[] = [];
  #unreadBytes = 0;
  #isEnded = false;
  #failure: { readonly reason: unknown } | undefined;
  #reader: { resolve(result: IteratorResult<Uint8Array>): void; reject(reason: unknown): void } | undefined;

  constructor(controller: Dispatcher.DispatchController, unreadBytesMax: number) {
    this.#controller = controller;
    this.#unreadBytesMax = unreadBytesMax;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  push(chunk: Buffer): void {
    this.#unreadBytes += chunk.length;
    // At the end of the turn everything that this read of the socket brought is here and makes one chunk.
    if (this.#chunks.push(chunk) === 1 && this.#reader) systemClock.soon(() => this.#wake(), 'read');
    if (this.#unreadBytes > this.#unreadBytesMax) this.#controller.pause();
  }

  end(): void {
    this.#isEnded = true;
    this.#wake();
  }

  fail(reason: unknown): void {
    this.#failure = { reason };
    this.#wake();
  }

  /** The whole body, of at most so many bytes; undefined while something of it is still to come. */
  arrived(bytesMax: number): Uint8Array | undefined {
    return this.#isEnded && this.#unreadBytes > 0 && this.#unreadBytes <= bytesMax ? this.#taken() : undefined;
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

  /** All chunks that are here. */
  #taken(): Buffer {
    const chunks = this.#chunks;
    const bytes = this.#unreadBytes;
    this.#chunks = [];
    this.#unreadBytes = 0;
    const [first] = chunks;
    return chunks.length === 1 && first ? first : Buffer.concat(chunks, bytes);
  }

  #wake(): void {
    const reader = this.#reader;
    if (!reader) return;
    if (this.#chunks.length > 0) {
      const value = this.#taken();
      this.#reader = undefined;
      reader.resolve({ done: false, value });
      // Last, because it may hand over what waited, and the end, before it returns.
      if (this.#controller.paused) this.#controller.resume();
    } else if (this.#failure) {
      this.#reader = undefined;
      reader.reject(this.#failure.reason);
    } else if (this.#isEnded) {
      this.#reader = undefined;
      reader.resolve({ done: true, value: undefined });
    }
  }
}
