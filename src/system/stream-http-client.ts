// HTTP/1.1 over byte streams that somebody else opens: undici's pool keeps them warm and never mixes two requests on one.

import type { Duplex } from 'node:stream';
import { type Dispatcher, Pool } from 'undici';
import type { MeshRequest, MeshResponse, StreamHttpClient } from '../ports.ts';
import { ResponseReceiver } from './response-receiver.ts';

/** An idle stream costs some 20 KB on both sides; opening one costs a millisecond. */
const KEEP_ALIVE_MS = 60_000;
/** Little, as the stream below buffers a window of its own. */
const UNREAD_BYTES_MAX = 32 * 1024;
/** The host is whoever is at the other end of the stream. */
const ORIGIN = 'http://peer';

export function streamHttpClient(openStream: () => Promise<Duplex>, streamsMax: number): StreamHttpClient {
  const pool = new Pool(ORIGIN, {
    // undici's type asks for a socket of the network; of it, it uses what every Duplex has.
    connect: (_options, done) => {
      openStream().then(
        (stream) => done(null, stream as Parameters<typeof done>[1] & Duplex),
        (error: Error) => done(error, null),
      );
    },
    connections: streamsMax,
    keepAliveTimeout: KEEP_ALIVE_MS,
    pipelining: 1,
    allowH2: false,
  });
  return {
    request: (request: MeshRequest) =>
      new Promise<MeshResponse>((resolve, reject) => {
        pool.dispatch(
          {
            path: request.path,
            method: 'POST',
            headers: request.headers,
            body: bodyOf(request),
            // Deadlines are the gateway's: it knows the first token from the head.
            headersTimeout: 0,
            bodyTimeout: 0,
          },
          new ResponseReceiver(resolve, reject, { signal: request.signal, unreadBytesMax: UNREAD_BYTES_MAX }),
        );
      }),
    close: (reason) => pool.destroy(reason),
  };
}

/** undici sends async iterables chunked; only its type does not say so. */
function bodyOf({ body }: MeshRequest): NonNullable<Dispatcher.DispatchOptions['body']> | null {
  return (body ?? null) as NonNullable<Dispatcher.DispatchOptions['body']> | null;
}
