// What a node says to all others at once, and hears: heartbeats, news of members, and what replication tells.

import { parseObject } from '../model/json.ts';
import type { BroadcastReach, PeerId } from '../ports.ts';
import type { Exchange } from './exchange.ts';
import { parseHeartbeat } from './heartbeat.ts';
import type { MeshCore } from './mesh-core.ts';

export type BroadcastHandler = (from: PeerId, message: Uint8Array) => void;

const HEARTBEAT_TOPIC = 'heartbeat';
const MEMBERSHIP_TOPIC = 'membership';
/** Of the change logs that nodes share: each has a topic, which is also the path of its requests. */
const REPLICATED_LOGS = ['gateway', 'knowledge', 'cache'] as const;
/** Every topic of a mesh. */
export const MESH_TOPICS: readonly string[] = [
  HEARTBEAT_TOPIC,
  MEMBERSHIP_TOPIC,
  ...REPLICATED_LOGS.map((log) => `/replication/${log}`),
];
/** Larger broadcasts of this topic are nobody's honest ones. */
const NEWS_BYTES_MAX = 32 * 1024;

export class MeshBroadcasts {
  readonly #core: MeshCore;
  readonly #exchange: Exchange;
  readonly #handlers = new Map<string, BroadcastHandler>();
  readonly #onReplicationDigest: (peer: PeerId, digest: string) => void;

  /** @param onReplicationDigest a heartbeat told what the peer knows of the data that travels */
  constructor(core: MeshCore, exchange: Exchange, onReplicationDigest: (peer: PeerId, digest: string) => void) {
    this.#core = core;
    this.#exchange = exchange;
    this.#onReplicationDigest = onReplicationDigest;
  }

  /** Of members, on one more of `MESH_TOPICS`. */
  on(topic: string, handler: BroadcastHandler): void {
    this.#handlers.set(topic, handler);
  }

  take(topic: string, from: PeerId, message: Uint8Array): void {
    const { view, counters, clock } = this.#core;
    if (topic === HEARTBEAT_TOPIC) {
      const heartbeat = parseHeartbeat(message);
      const isTaken = heartbeat !== undefined && view.heard(from, heartbeat, clock.elapsed());
      if (isTaken) counters.heartbeatsHeard += 1;
      else counters.heartbeatsRefused += 1;
      const digest = isTaken ? heartbeat.replicationDigest : undefined;
      if (digest !== undefined) this.#onReplicationDigest(from, digest);
    } else if (topic === MEMBERSHIP_TOPIC && message.length <= NEWS_BYTES_MAX) {
      const news = parseObject(Buffer.from(message).toString());
      if (news) this.#exchange.takeNews(news);
    } else {
      this.#handlers.get(topic)?.(from, message);
    }
  }

  sendHeartbeat(bytes: Uint8Array): void {
    this.#hint(HEARTBEAT_TOPIC, bytes);
  }

  /** Somebody came or went. */
  tellOf(peer: PeerId): void {
    this.#hint(MEMBERSHIP_TOPIC, Buffer.from(JSON.stringify(this.#exchange.newsOf(peer))));
  }

  /** @throws RangeError when it is too long */
  send(topic: string, message: Uint8Array): Promise<void> {
    return this.#core.transport.broadcast(topic, message, this.#reach());
  }

  /** Hints only: what is lost is told again by the next heartbeat's digests. */
  #hint(topic: string, bytes: Uint8Array): void {
    this.send(topic, bytes).catch((error: unknown) =>
      this.#core.logger.debug({ topic, err: error }, 'a broadcast could not be sent'),
    );
  }

  /** A node that is connected with all that may live tells each of them itself: nobody needs to pass it on. */
  #reach(): BroadcastReach {
    const isServed = this.#core.view
      .all()
      .every(({ state, isConnected }) => isConnected || state === 'dead' || state === 'left');
    return isServed ? 'neighbours' : 'everyone';
  }
}
