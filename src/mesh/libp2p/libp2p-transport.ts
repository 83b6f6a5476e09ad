// Transport on libp2p: TCP, Noise and yamux below; HTTP/1.1 over pooled streams for requests, gossip for broadcasts, a
// distributed hash table for who is where. Loaded by dynamic import only: with the mesh off not one module of it is loaded.

import type { Connection } from '@libp2p/interface';
import type { Multiaddr } from '@multiformats/multiaddr';
import type {
  BroadcastReach,
  Clock,
  Logger,
  MeshRequest,
  MeshResponse,
  PeerConnection,
  PeerHint,
  PeerId,
  Transport,
  TransportHandlers,
} from '../../ports.ts';
import { type Identity, identityFromSeed, verifySignature } from '../identity.ts';
import { hostIn } from './addresses.ts';
import { Broadcasts } from './broadcasts.ts';
import { Dialer } from './dialer.ts';
import { Directory } from './directory.ts';
import { Gate } from './gate.ts';
import { createLibp2pNode, type Libp2pNode } from './libp2p-node.ts';
import { LIMITS, PROTOCOL } from './limits.ts';
import { type OpenHttpClient, PeerRequests } from './peer-requests.ts';
import { RequestServer } from './request-server.ts';
import { StreamSocket } from './stream-socket.ts';

/** Finds others on the local network and lets them find us. */
export interface Discovery {
  start(self: SelfDescription, onDiscover: (hint: PeerHint) => void): void;
  stop(): Promise<void>;
}

export interface SelfDescription {
  readonly peer: PeerId;
  /** As configured; addresses of all interfaces may hide behind 0.0.0.0. */
  readonly listen: readonly string[];
  addresses(): readonly string[];
}

export interface Libp2pTransportDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly openHttpClient: OpenHttpClient;
  readonly discovery?: Discovery | undefined;
}

export interface Libp2pTransportOptions {
  /** Raw Ed25519 private key, 32 bytes. */
  readonly privateKey: Uint8Array;
  /** Multiaddrs, e.g. /ip4/0.0.0.0/tcp/2403. */
  readonly listen: readonly string[];
  /** Multiaddrs that others shall be told instead of those of the interfaces. */
  readonly announce?: readonly string[];
  /** Every topic that is ever broadcast. */
  readonly topics: readonly string[];
  /** May others be told this IP address of ours? By default all but loopback, unless nothing else is listened on. */
  readonly isAnnounced?: (host: string) => boolean;
  /** 32 bytes that all nodes share, for an outer shield around every connection. */
  readonly shield?: Uint8Array;
  /** A body longer than this ends its stream. */
  readonly requestBodyBytesMax: number;
  readonly inboundConnectionsPerSecondAndHost?: number;
}

/** Of topics. Only members' connections carry them, so they need not name the mesh, which a node may join while it runs. */
const TOPIC_PREFIX = 'flowmesh/';

export async function createLibp2pTransport(
  deps: Libp2pTransportDeps,
  options: Libp2pTransportOptions,
): Promise<Libp2pTransport> {
  const gate = new Gate();
  const identity = identityFromSeed(options.privateKey);
  const node = await createLibp2pNode(
    {
      identity,
      listen: options.listen,
      announce: options.announce ?? [],
      isAnnounced: announceFilter(options),
      shield: options.shield,
      topics: options.topics.map((topic) => TOPIC_PREFIX + topic),
      inboundConnectionsPerSecondAndHost:
        options.inboundConnectionsPerSecondAndHost ?? LIMITS.inboundConnectionsPerSecondAndHost,
    },
    gate,
  );
  return new Libp2pTransport(node, gate, identity, deps, options);
}

export class Libp2pTransport implements Transport {
  readonly peer: PeerId;
  readonly #node: Libp2pNode;
  readonly #gate: Gate;
  readonly #deps: Libp2pTransportDeps;
  readonly #options: Libp2pTransportOptions;
  readonly #identity: Identity;
  readonly #dialer: Dialer;
  readonly #directory: Directory;
  readonly #broadcasts: Broadcasts;
  readonly #requests: PeerRequests;
  readonly #joins: PeerRequests;
  /** Those that carry everything; the oldest of a peer is used. */
  readonly #members = new Map<PeerId, Connection[]>();
  readonly #strangers = new Map<PeerId, Connection[]>();

  constructor(
    node: Libp2pNode,
    gate: Gate,
    identity: Identity,
    deps: Libp2pTransportDeps,
    options: Libp2pTransportOptions,
  ) {
    this.peer = node.peerId.toString();
    this.#node = node;
    this.#gate = gate;
    this.#deps = deps;
    this.#options = options;
    this.#identity = identity;
    this.#dialer = new Dialer(node, gate, deps.clock);
    this.#directory = new Directory(node, deps.clock);
    this.#broadcasts = new Broadcasts(node.services.pubsub, TOPIC_PREFIX, deps.clock);
    const { openHttpClient, clock } = deps;
    this.#requests = new PeerRequests(PROTOCOL.request, (peer) => this.#memberConnection(peer), openHttpClient, clock);
    this.#joins = new PeerRequests(PROTOCOL.join, (peer) => this.#anyConnection(peer), openHttpClient, clock);
  }

  async start(handlers: TransportHandlers): Promise<void> {
    this.#gate.useMembers(handlers.isMember, (connection) => this.#onPromoted(connection, handlers));
    await this.#serve(PROTOCOL.request, this.#memberServer(handlers), LIMITS.streamsPerPeerMax);
    await this.#serve(PROTOCOL.join, this.#strangerServer(handlers), 1);
    this.#node.addEventListener('connection:open', ({ detail }) => this.#onOpen(detail, handlers));
    this.#node.addEventListener('connection:close', ({ detail }) => this.#onClose(detail, handlers));
    try {
      await this.#node.start();
    } catch (error) {
      throw listenError(error, this.#options.listen);
    }
    this.#broadcasts.start(this.#options.topics, handlers);
    this.#deps.discovery?.start(
      { peer: this.peer, listen: this.#options.listen, addresses: () => this.addresses() },
      handlers.onDiscover,
    );
    this.#deps.logger.info({ peer: this.peer, addresses: this.addresses() }, 'Mesh transport listens');
  }

  async stop(): Promise<void> {
    await this.#deps.discovery?.stop();
    await Promise.all([this.#requests.close(), this.#joins.close()]);
    await this.#node.stop();
  }

  addresses(): readonly string[] {
    return this.#node.getMultiaddrs().map(String);
  }

  connections(): readonly PeerConnection[] {
    return [...this.#members.values()].flatMap(([connection]) => (connection ? [described(connection)] : []));
  }

  async dial(addresses: readonly string[], peer: PeerId | undefined, signal: AbortSignal): Promise<PeerId> {
    if (peer === this.peer) throw new Error('A node cannot connect to itself');
    if (peer !== undefined && this.#memberConnection(peer)) return peer;
    const connection = await this.#dialer.dial(addresses, peer, signal);
    const proven = connection.remotePeer.toString();
    // Whom we met as a stranger and who is a member by now: only the new connection carries everything.
    if (!this.#gate.isStranger(connection)) this.#abortAll(this.#strangers.get(proven), 'It is a member now');
    return proven;
  }

  promote(peer: PeerId): boolean {
    const connection = this.#anyConnection(peer);
    if (!connection) return false;
    if (this.#gate.isStranger(connection)) this.#gate.promote(connection);
    // It refused that as long as we were a stranger to it.
    else this.#identify(connection);
    return true;
  }

  disconnect(peer: PeerId): void {
    this.#abortAll(this.#members.get(peer), 'This node left');
    this.#abortAll(this.#strangers.get(peer), 'This node left');
  }

  request(peer: PeerId, request: MeshRequest): Promise<MeshResponse> {
    return this.#requests.request(peer, request);
  }

  requestJoin(peer: PeerId, request: MeshRequest): Promise<MeshResponse> {
    return this.#joins.request(peer, request);
  }

  broadcast(topic: string, message: Uint8Array, reach: BroadcastReach): Promise<void> {
    return this.#broadcasts.publish(topic, message, reach);
  }

  async sign(message: Uint8Array): Promise<Uint8Array> {
    return this.#identity.sign(message);
  }

  async verify(peer: PeerId, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
    return verifySignature(peer, message, signature);
  }

  findPeer(peer: PeerId, signal: AbortSignal): Promise<readonly string[]> {
    return this.#directory.findPeer(peer, signal);
  }

  provide(key: string, signal: AbortSignal): Promise<void> {
    return this.#directory.provide(key, signal);
  }

  findProviders(key: string, signal: AbortSignal): Promise<readonly PeerId[]> {
    return this.#directory.findProviders(key, signal);
  }

  #memberServer({ isMember, onRequest }: TransportHandlers): RequestServer {
    const { clock, logger } = this.#deps;
    return new RequestServer(clock, logger, {
      // Asked again for each request: streams outlive an eviction by the moment until their connection is closed.
      onRequest: (request) => (isMember(request.from) ? onRequest(request) : Promise.resolve(FORBIDDEN)),
      bodyBytesMax: this.#options.requestBodyBytesMax,
      requestsPerStreamMax: 0,
    });
  }

  #strangerServer({ onStranger }: TransportHandlers): RequestServer {
    const { clock, logger } = this.#deps;
    return new RequestServer(clock, logger, {
      onRequest: onStranger,
      bodyBytesMax: LIMITS.strangerBodyBytesMax,
      requestsPerStreamMax: 1,
    });
  }

  async #serve(protocol: string, server: RequestServer, streamsMax: number): Promise<void> {
    await this.#node.handle(
      protocol,
      (stream, connection) => server.accept(new StreamSocket(stream, connection.remotePeer.toString())),
      { maxInboundStreams: streamsMax, maxOutboundStreams: LIMITS.streamsPerPeerMax },
    );
  }

  #onOpen(connection: Connection, handlers: TransportHandlers): void {
    if (!this.#gate.isStranger(connection)) {
      this.#onMember(connection, handlers);
      return;
    }
    add(this.#strangers, connection.remotePeer.toString(), connection);
    const timer = this.#deps.clock.after(LIMITS.strangerLifetimeMs, () => {
      if (this.#gate.isStranger(connection)) connection.abort(new Error('A stranger may not stay'));
    });
    connection.addEventListener('close', () => timer.cancel());
  }

  #onPromoted(connection: Connection, handlers: TransportHandlers): void {
    const peer = connection.remotePeer.toString();
    if (remove(this.#strangers, peer, connection)) this.#cleanUp(peer, this.#joins.forget(peer));
    this.#onMember(connection, handlers);
  }

  #onMember(connection: Connection, handlers: TransportHandlers): void {
    const isFirst = add(this.#members, connection.remotePeer.toString(), connection);
    this.#identify(connection);
    if (isFirst) handlers.onConnect(described(connection));
  }

  /** Tells each side what the other speaks; gossip and the directory begin with it. */
  #identify(connection: Connection): void {
    this.#node.services.identify.identify(connection).catch((error: unknown) => {
      const peer = connection.remotePeer.toString();
      this.#deps.logger.debug({ peer, reason: String(error) }, 'Peer did not identify itself');
    });
  }

  #onClose(connection: Connection, handlers: TransportHandlers): void {
    const peer = connection.remotePeer.toString();
    if (remove(this.#strangers, peer, connection)) {
      this.#cleanUp(peer, this.#joins.forget(peer), this.#node.peerStore.delete(connection.remotePeer));
    } else if (remove(this.#members, peer, connection)) {
      this.#cleanUp(peer, this.#requests.forget(peer));
      handlers.onDisconnect(peer);
    }
  }

  #cleanUp(peer: PeerId, ...work: readonly Promise<unknown>[]): void {
    Promise.all(work).catch((error: unknown) => {
      this.#deps.logger.debug({ peer, reason: String(error) }, 'Not everything of a closed connection was cleaned up');
    });
  }

  #memberConnection(peer: PeerId): Connection | undefined {
    return this.#members.get(peer)?.find(({ status }) => status === 'open');
  }

  #anyConnection(peer: PeerId): Connection | undefined {
    return this.#memberConnection(peer) ?? this.#strangers.get(peer)?.find(({ status }) => status === 'open');
  }

  #abortAll(connections: readonly Connection[] = [], reason: string): void {
    for (const connection of [...connections]) connection.abort(new Error(reason));
  }
}

/** They are asked for several times a second, and addresses are costly to write. */
const DESCRIPTIONS = new WeakMap<Connection, PeerConnection>();

const FORBIDDEN: MeshResponse = { status: 403, headers: {}, body: (async function* () {})() };

function described(connection: Connection): PeerConnection {
  const known = DESCRIPTIONS.get(connection);
  if (known) return known;
  const description = {
    peer: connection.remotePeer.toString(),
    address: connection.remoteAddr.toString(),
    isInbound: connection.direction === 'inbound',
  };
  DESCRIPTIONS.set(connection, description);
  return description;
}

/** Whether it is the first one of the peer. */
function add(connections: Map<PeerId, Connection[]>, peer: PeerId, connection: Connection): boolean {
  const ofPeer = connections.get(peer) ?? [];
  ofPeer.push(connection);
  connections.set(peer, ofPeer);
  return ofPeer.length === 1;
}

/** Whether it was the last one of the peer. */
function remove(connections: Map<PeerId, Connection[]>, peer: PeerId, connection: Connection): boolean {
  const ofPeer = connections.get(peer) ?? [];
  const index = ofPeer.indexOf(connection);
  if (index < 0) return false;
  ofPeer.splice(index, 1);
  if (ofPeer.length > 0) return false;
  connections.delete(peer);
  return true;
}

function announceFilter({ isAnnounced, listen }: Libp2pTransportOptions): (address: Multiaddr) => boolean {
  const isLocalOnly = listen.every((address) => /^\/ip4\/127\.|^\/ip6\/::1\//.test(address));
  const isFine = isAnnounced ?? ((host: string) => isLocalOnly || !(host.startsWith('127.') || host === '::1'));
  return (address) => {
    const host = hostIn(address);
    return host === undefined || isFine(host);
  };
}

/** libp2p says it in many lines; for people one sentence will do. */
function listenError(error: unknown, listen: readonly string[]): unknown {
  if (!(error instanceof Error) || error.name !== 'UnsupportedListenAddressesError') return error;
  const reason = /\b(EADDRINUSE|EACCES|EADDRNOTAVAIL)\b/.exec(error.message)?.[1] ?? 'no address can be used';
  return new Error(
    `The mesh cannot listen on ${listen.join(', ')} (${reason}). Choose other addresses with mesh.listen.`,
    { cause: error },
  );
}
