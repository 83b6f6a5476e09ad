// Answers requests that come in on streams: Node's own HTTP server, which listens to nothing and is handed sockets.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Clock, IncomingMeshRequest, Logger, MeshResponse } from '../../ports.ts';
import { StreamSocket } from './stream-socket.ts';

interface RequestServerOptions {
  readonly onRequest: (request: IncomingMeshRequest) => Promise<MeshResponse>;
  /** A longer body ends its stream. */
  readonly bodyBytesMax: number;
  /** Of one stream; then it is closed. 0: any number. */
  readonly requestsPerStreamMax: number;
}

export class RequestServer {
  readonly #server: Server;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #options: RequestServerOptions;

  constructor(clock: Clock, logger: Logger, options: RequestServerOptions) {
    this.#clock = clock;
    this.#logger = logger;
    this.#options = options;
    // Who keeps a stream open and for how long is the client's business; the connection's end ends them all.
    this.#server = createServer({ keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0 });
    this.#server.maxRequestsPerSocket = options.requestsPerStreamMax;
    this.#server.on('request', (request, response) => void this.#answer(request, response));
    this.#server.on('clientError', (_error, socket) => socket.destroy());
  }

  accept(socket: StreamSocket): void {
    // Its owner is HTTP from here on; without a listener a reset between two requests would end the process.
    socket.on('error', (error) => this.#logger.debug({ peer: socket.peer, reason: error.message }, 'Stream lost'));
    this.#server.emit('connection', socket);
  }

  async #answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const socket: unknown = incoming.socket;
    if (!(socket instanceof StreamSocket)) return;
    const abort = new AbortController();
    outgoing.once('close', () => {
      if (!outgoing.writableFinished) abort.abort(new Error('The other node left'));
    });
    outgoing.sendDate = false;
    try {
      const response = await this.#options.onRequest({
        from: socket.peer,
        path: incoming.url ?? '/',
        headers: headersOf(incoming),
        body: bounded(incoming, this.#options.bodyBytesMax),
        signal: abort.signal,
      });
      await this.#send(response, outgoing);
    } catch (error) {
      if (!abort.signal.aborted) {
        this.#logger.warn({ peer: socket.peer, path: incoming.url, err: error }, 'Request of a peer failed');
      }
      // Before the head a status says it; after it only a broken stream does.
      if (outgoing.headersSent) outgoing.destroy();
      else outgoing.writeHead(error instanceof BodyTooLarge ? 413 : 500).end();
    }
  }

  async #send(response: MeshResponse, outgoing: ServerResponse): Promise<void> {
    outgoing.writeHead(response.status, response.headers);
    // A body that is at hand leaves together with its head; else the head goes ahead.
    this.#clock.soon(() => {
      if (!outgoing.writableEnded && !outgoing.destroyed) outgoing.flushHeaders();
    });
    for await (const chunk of response.body) {
      if (outgoing.destroyed) return;
      if (!outgoing.write(chunk)) await drained(outgoing);
    }
    outgoing.end();
  }
}

class BodyTooLarge extends Error {
  override readonly name = 'BodyTooLarge';
}

async function* bounded(body: IncomingMessage, bytesMax: number): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  // Not destroyed when left early: the answer still has to go out on the same stream.
  for await (const chunk of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bytesMax) throw new BodyTooLarge(`The body is longer than ${bytesMax} bytes`);
    yield chunk;
  }
}

function headersOf({ headers }: IncomingMessage): Record<string, string> {
  const result: Record<string, string> = {};
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined) result[name] = typeof value === 'string' ? value : value.join(', ');
  }
  return result;
}

function drained(outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      outgoing.off('drain', settle).off('close', settle);
      resolve();
    };
    outgoing.on('drain', settle).on('close', settle);
  });
}
