// An HTTP server that does what a test tells it to, for what no faithful provider would do. It counts what becomes of
// its connections and answers.

import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface RawRequest {
  readonly message: IncomingMessage;
  readonly body: string;
}

export type RawHandler = (response: ServerResponse, request: RawRequest, index: number) => unknown;

export class RawUpstream {
  readonly requests: RawRequest[] = [];
  /** Connections ever made. */
  connectionCount = 0;
  /** Answers that the other side broke off. */
  abortedCount = 0;
  handler: RawHandler;
  readonly #server = createServer({ noDelay: true }, this.#listener());
  readonly #waiting: (() => void)[] = [];

  constructor(handler: RawHandler) {
    this.handler = handler;
    this.#server.on('connection', () => {
      this.connectionCount += 1;
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  listen(): Promise<void> {
    return new Promise((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  /** Waits for something to be true; looks again whenever a request came or an answer ended. */
  async until(isTrue: () => boolean): Promise<void> {
    while (!isTrue()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #listener(): RequestListener {
    return (message, response) => {
      const chunks: Buffer[] = [];
      message.on('data', (chunk: Buffer) => chunks.push(chunk));
      message.on('end', () => {
        const request = { message, body: Buffer.concat(chunks).toString() };
        this.requests.push(request);
        this.#changed();
        void this.handler(response, request, this.requests.length - 1);
      });
      response.on('close', () => {
        if (!response.writableFinished) this.abortedCount += 1;
        this.#changed();
      });
    };
  }

  #changed(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

export async function startRawUpstream(handler: RawHandler): Promise<RawUpstream> {
  const upstream = new RawUpstream(handler);
  await upstream.listen();
  return upstream;
}
