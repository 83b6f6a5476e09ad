// Requests to other nodes: one pool of streams for each peer, made with the first request and gone with the connection.

import type { Duplex } from 'node:stream';
import type { Connection } from '@libp2p/interface';
import {
  type Clock,
  HttpFailure,
  type MeshRequest,
  type MeshResponse,
  type PeerId,
  type StreamHttpClient,
} from '../../ports.ts';
import { LIMITS } from './limits.ts';
import { StreamSocket } from './stream-socket.ts';

export type OpenHttpClient = (openStream: () => Promise<Duplex>, streamsMax: number) => StreamHttpClient;

export class PeerRequests {
  readonly #protocol: string;
  readonly #connectionWith: (peer: PeerId) => Connection | undefined;
  readonly #openHttpClient: OpenHttpClient;
  readonly #clock: Clock;
  readonly #clients = new Map<PeerId, StreamHttpClient>();

  constructor(
    protocol: string,
    connectionWith: (peer: PeerId) => Connection | undefined,
    openHttpClient: OpenHttpClient,
    clock: Clock,
  ) {
    this.#protocol = protocol;
    this.#connectionWith = connectionWith;
    this.#openHttpClient = openHttpClient;
    this.#clock = clock;
  }

  async request(peer: PeerId, request: MeshRequest): Promise<MeshResponse> {
    if (request.signal?.aborted) throw request.signal.reason;
    if (!this.#connectionWith(peer)) throw new HttpFailure('connect', `No connection with ${peer}`);
    let client = this.#clients.get(peer);
    if (!client) {
      client = this.#openHttpClient(() => this.#openStream(peer), LIMITS.streamsPerPeerMax);
      this.#clients.set(peer, client);
    }
    return client.request(request);
  }

  /** Ends what is under way with it. */
  async forget(peer: PeerId): Promise<void> {
    const client = this.#clients.get(peer);
    this.#clients.delete(peer);
    await client?.close(new Error(`The connection with ${peer} closed`));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#clients.keys()].map((peer) => this.forget(peer)));
  }

  async #openStream(peer: PeerId): Promise<Duplex> {
    const connection = this.#connectionWith(peer);
    if (!connection) throw new Error(`No connection with ${peer}`);
    const timeout = new AbortController();
    const timer = this.#clock.after(LIMITS.streamOpenMs, () => timeout.abort(new Error(`${peer} opens no stream`)));
    try {
      const stream = await connection.newStream(this.#protocol, {
        signal: timeout.signal,
        maxOutboundStreams: LIMITS.streamsPerPeerMax,
      });
      return new StreamSocket(stream, peer);
    } finally {
      timer.cancel();
    }
  }
}
