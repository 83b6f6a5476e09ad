// The outside world, as flowmesh sees it. Real ones live in src/system/; tests and mesh-sim pass others.
// Nothing else in src/ may read a clock, roll a die, start a timer or open a connection.

export interface Cancellable {
  cancel(): void;
}

/** A pending timer. `refresh` restarts its full delay without allocating a new one. */
export interface Timer extends Cancellable {
  refresh(): void;
}

/** What stops work early: an AbortSignal, or anything as simple. Listeners are told once. */
export interface StopSignal {
  readonly aborted: boolean;
  /** Of the abort; what waits rejects with it. */
  readonly reason: unknown;
  addEventListener(type: 'abort', listener: () => void, options?: { readonly once?: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/**
 * What is done of requests at the end of a turn of the event loop, in this order: they are settled, others are sent to
 * upstreams, the journal is written, answers are sent to clients, the rest is done, and those that came in begin and go on.
 * Each request begins once and settles once: whoever gathers knows by that how many run.
 */
export const STAGES = ['settle', 'send', 'journal', 'reply', 'rest', 'begin', 'read'] as const;
export type Stage = (typeof STAGES)[number];

export interface Clock {
  /** Wall time in milliseconds since 1970; may jump. */
  now(): number;
  /** Monotonic milliseconds since some fixed moment; never goes back. Use it for durations. */
  elapsed(): number;
  /** Runs `action` once after `delayMs`; of many seconds, half a second later at most. */
  after(delayMs: number, action: () => void): Timer;
  /** Runs `action` after the events that are at hand, before any timer, with all others of its stage. */
  soon(action: () => void, stage?: Stage): void;
  /** Runs `action` about every `periodMs` until cancelled: at moments that suit all that is done periodically. */
  every(periodMs: number, action: () => void): Cancellable;
  /** Resolves after `delayMs`; rejects with the signal's reason when aborted. */
  sleep(delayMs: number, signal?: StopSignal): Promise<void>;
}

export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** Unpredictable bytes, for secrets. */
  bytes(count: number): Uint8Array;
  /** A fresh unique identifier (UUID v4 text). */
  uuid(): string;
}

export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
}

export interface HttpRequest {
  readonly method: string;
  /** Absolute. Only configuration decides it, never a client's request. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Aborting closes the connection at once. */
  readonly signal?: StopSignal;
  readonly connectTimeoutMs?: number;
  /**
   * Called before the request's first byte is written, perhaps twice: until then the server cannot have seen it. Must not
   * throw.
   * @param isMore another request's follows at once, and what this one writes down may be written with it
   */
  readonly onSend?: (isMore: boolean) => void;
}

export interface HttpResponse {
  readonly status: number;
  /** Lower-case names; repeated headers joined by ", ". */
  readonly headers: Readonly<Record<string, string>>;
  /** Everything that one read of the socket brought comes as one chunk; reading slowly slows the sender. */
  readonly body: AsyncIterable<Uint8Array>;
  /** All of the body, where it is here already, as small ones mostly are with their head; `body` has nothing more then. */
  readonly arrived?: (bytesMax: number) => Uint8Array | undefined;
}

export interface HttpClient {
  /** Resolves when the response head is in; rejects with `HttpFailure` before that. Never times out by itself except to connect. */
  request(request: HttpRequest): Promise<HttpResponse>;
  close(): Promise<void>;
}

/** Why no (complete) HTTP response came: `connect` means the server never saw the request. */
export class HttpFailure extends Error {
  override readonly name = 'HttpFailure';
  readonly stage: 'connect' | 'response';

  constructor(stage: 'connect' | 'response', message: string, options?: ErrorOptions) {
    super(message, options);
    this.stage = stage;
  }
}

/** One request from node to node. Paths begin with `/`; which there are, docs/mesh-protocol.md says. */
export interface MeshRequest {
  readonly path: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>;
  /** Aborting reaches the other side, whose handler's signal aborts too. */
  readonly signal?: StopSignal;
}

export interface MeshResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Reading slowly slows the sender. Leaving the loop cancels the rest. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** HTTP/1.1 over byte streams that somebody else opens; the transport of the mesh is built on it. */
export interface StreamHttpClient {
  /** As `HttpClient.request`. */
  request(request: MeshRequest): Promise<MeshResponse>;
  /** What is under way fails with this reason. */
  close(reason: Error): Promise<void>;
}

/** A request as its handler sees it: who sends it is proven by the connection, never by a header. */
export interface IncomingMeshRequest extends MeshRequest {
  readonly from: PeerId;
  readonly body: AsyncIterable<Uint8Array>;
  readonly signal: StopSignal;
}

/** Text form of a node's public key. */
export type PeerId = string;

export interface PeerConnection {
  readonly peer: PeerId;
  /** Of the other side, as it was dialled or came in; a multiaddr. */
  readonly address: string;
  readonly isInbound: boolean;
}

/** What a transport tells its node. None of them may throw. */
export interface TransportHandlers {
  /** May a connection with this peer stay, after it has proven its identity? Strangers may still open `/join`. */
  readonly isMember: (peer: PeerId) => boolean;
  readonly onConnect: (connection: PeerConnection) => void;
  /** The last connection with this peer has gone. */
  readonly onDisconnect: (peer: PeerId) => void;
  readonly onRequest: (request: IncomingMeshRequest) => Promise<MeshResponse>;
  /** A stranger's request, on the join protocol only; bodies are bounded by the transport. */
  readonly onStranger: (request: IncomingMeshRequest) => Promise<MeshResponse>;
  /** A broadcast of a member; `from` is proven. */
  readonly onBroadcast: (topic: string, from: PeerId, message: Uint8Array) => void;
  /** Somebody was found on the network. A hint, proven by nothing. */
  readonly onDiscover: (hint: PeerHint) => void;
}

export interface PeerHint {
  readonly peer: PeerId;
  readonly addresses: readonly string[];
  /** Keyed fingerprint of its mesh, to leave other meshes alone. */
  readonly meshTag?: string;
}

/** Moves bytes between nodes: libp2p for real, a simulated network in mesh-sim. */
/** Whom a broadcast is for: all, by whatever way, or those with whom there is a connection, who pass it on to nobody. */
export type BroadcastReach = 'everyone' | 'neighbours';

export interface Transport {
  readonly peer: PeerId;
  /** Begins to listen and to be found. */
  start(handlers: TransportHandlers): Promise<void>;
  stop(): Promise<void>;
  /** Where others reach this node. */
  addresses(): readonly string[];
  connections(): readonly PeerConnection[];
  /** Resolves with the proven peer behind one of the addresses. */
  dial(addresses: readonly string[], peer: PeerId | undefined, signal: AbortSignal): Promise<PeerId>;
  /**
   * Who was a stranger when it was connected is a member by now, on both sides: the connection goes on as one between
   * members. False when there is none.
   */
  promote(peer: PeerId): boolean;
  disconnect(peer: PeerId): void;
  /** Needs a connection. Resolves with the response's head; rejects with `HttpFailure`, whose stage tells whether the other side may have seen it. */
  request(peer: PeerId, request: MeshRequest): Promise<MeshResponse>;
  /** The one request a stranger may send: to become a member. */
  requestJoin(peer: PeerId, request: MeshRequest): Promise<MeshResponse>;
  /** To every member that can be reached; small messages only, delivery not promised. */
  broadcast(topic: string, message: Uint8Array, reach: BroadcastReach): Promise<void>;
  sign(message: Uint8Array): Promise<Uint8Array>;
  verify(peer: PeerId, message: Uint8Array, signature: Uint8Array): Promise<boolean>;
  /** Addresses of a member that is not connected, asked of those that are; empty when nobody knows it. */
  findPeer?(peer: PeerId, signal: AbortSignal): Promise<readonly string[]>;
  /** Tells the mesh that this node serves `key` (a model, say), where it is too large for everyone to tell everyone. */
  provide?(key: string, signal: AbortSignal): Promise<void>;
  /** Who said so. Hints: a provider may have left. */
  findProviders?(key: string, signal: AbortSignal): Promise<readonly PeerId[]>;
}

export interface NetworkInterface {
  readonly name: string;
  readonly isLoopback: boolean;
  readonly addresses: readonly {
    readonly family: 4 | 6;
    readonly host: string;
    /** Bits of the subnet. */
    readonly prefix: number;
  }[];
}

export interface DatagramSource {
  readonly host: string;
  readonly port: number;
}

export interface DatagramHandlers {
  readonly onMessage: (message: Uint8Array, from: DatagramSource) => void;
  /** The socket is of no use any more; it has closed itself. */
  readonly onError: (error: Error) => void;
}

/** One multicast group on one interface. What others send there from elsewhere does not come in. */
export interface DatagramSocket {
  /** To the group, or to one receiver. */
  send(message: Uint8Array, to?: DatagramSource): void;
  close(): void;
}

/** UDP multicast, interface by interface. */
export interface DatagramNetwork {
  /** As they are now. */
  interfaces(): readonly NetworkInterface[];
  open(
    networkInterface: NetworkInterface,
    group: { readonly family: 4 | 6; readonly host: string; readonly port: number },
    handlers: DatagramHandlers,
  ): Promise<DatagramSocket>;
}
