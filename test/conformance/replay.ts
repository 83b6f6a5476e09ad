// A server that answers with recorded bytes, whole or cut anywhere: what the faithful upstreams once said, broken off
// after any frame or byte.

import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { RecordedRequest, Upstream } from '../support/upstreams/server.ts';

export interface Recording {
  readonly contentType: string;
  readonly bytes: Buffer;
  /** Each with what separates it from the next; together they are `bytes`. */
  readonly frames: readonly Buffer[];
}

/** Asks an upstream once more what it was asked last, and keeps the answer. */
export async function recordLast(upstream: Upstream): Promise<Recording> {
  const { path, query, headers, bytes, method }: RecordedRequest = upstream.lastRequest;
  const { connection: _, 'content-length': __, host: ___, ...kept } = headers;
  const url = `${upstream.url}${path}?${new URLSearchParams(query)}`;
  const response = await fetch(url, { method, headers: kept, body: new Uint8Array(bytes) });
  const text = await response.text();
  const contentType = response.headers.get('content-type') ?? '';
  const separator = contentType.includes('event-stream') ? /(?<=\r\n\r\n|\n\n)/ : /(?<=\n)/;
  return {
    contentType,
    bytes: Buffer.from(text),
    frames: text.split(separator).map((frame) => Buffer.from(frame)),
  };
}

/** `end`: as HTTP wants it. `cut`: the socket is destroyed. */
export type Ending = 'end' | 'cut';

export class Replay implements AsyncDisposable {
  readonly #server: Server;
  requestCount = 0;
  #answer: { readonly contentType: string; readonly bytes: Buffer; readonly ending: Ending } | undefined;

  constructor() {
    this.#server = createServer((request, response) => {
      request.resume().once('end', () => this.#respond(response));
    });
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  respondWith(contentType: string, bytes: Buffer, ending: Ending): void {
    this.#answer = { contentType, bytes, ending };
  }

  #respond(response: ServerResponse): void {
    this.requestCount += 1;
    if (!this.#answer) throw new Error('Nothing was recorded.');
    const { contentType, bytes, ending } = this.#answer;
    response.writeHead(200, { 'content-type': contentType });
    response.flushHeaders();
    if (ending === 'end') response.end(bytes);
    else if (bytes.length === 0) response.socket?.destroy();
    else response.write(bytes, () => response.socket?.destroy());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
