// The yardstick: the leanest honest proxy on the same libraries. Parses the body, forwards it with undici's dispatch, and
// passes the answer on as it comes. No routing, keys, limits, metrics or logs. Its own process:
// `node bare-proxy.ts PORT UPSTREAM_PORT`.

import type { ServerResponse } from 'node:http';
import { fastify } from 'fastify';
import { type Dispatcher, Pool } from 'undici';

const [port, upstreamPort] = process.argv.slice(2).map(Number);
const pool = new Pool(`http://127.0.0.1:${upstreamPort}`, { pipelining: 1 });
const server = fastify({ logger: false, http: { noDelay: true } });

server.post('/v1/chat/completions', (request, reply) => {
  reply.hijack();
  pool.dispatch(
    {
      path: '/v1/chat/completions',
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer bench' },
      body: JSON.stringify(request.body),
      headersTimeout: 0,
      bodyTimeout: 0,
    },
    new Forwarder(reply.raw),
  );
});

class Forwarder implements Dispatcher.DispatchHandler {
  readonly #response: ServerResponse;

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#response.on('drain', () => controller.resume());
    this.#response.on('close', () => {
      if (!this.#response.writableFinished) controller.abort(new Error('The client left'));
    });
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    const head: Record<string, string> = {};
    for (const name of ['content-type', 'content-length']) {
      const value = headers[name];
      if (typeof value === 'string') head[name] = value;
    }
    this.#response.writeHead(status, head);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#response.write(chunk)) controller.pause();
  }

  onResponseEnd(): void {
    this.#response.end();
  }

  onResponseError(): void {
    if (this.#response.headersSent) this.#response.destroy();
    else this.#response.writeHead(502).end();
  }
}

await server.listen({ port: port ?? 0, host: '127.0.0.1' });
