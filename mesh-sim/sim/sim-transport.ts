// The Transport port over a network in memory. It behaves like TCP connections with proven ends: what is sent arrives
// in order or late or not at all, a killed process is noticed at once, a cut cable only by silence.

import { type Identity, verifySignature } from '../../src/mesh/identity.ts';
import {
  type BroadcastReach,
  HttpFailure,
  type IncomingMeshRequest,
  type MeshRequest,
  type MeshResponse,
  type PeerConnection,
  type PeerHint,
  type PeerId,
  type StopSignal,
  type Timer,
  type Transport,
  type TransportHandlers,
} from '../../src/ports.ts';
import { cheapSignature } from './cheap-signature.ts';
import { floodTimes } from './flood.ts';
import type { HostClock } from './host-clock.ts';
import { beginAnnouncing } from './sim-beacons.ts';
import {
  addressOf,
  bodyOf,
  type Connection,
  carried,
  giveUp,
  orBroken,
  otherEnd,
  peerOf,
  streamed,
  waitUntil,
} from './sim-link.ts';
import type { SimNetwork } from './sim-network.ts';

/** A connection over a cut cable is given up after this long, as Linux does. */
const SILENCE_MS = 15 * 60_000;
const STRANGER_LIFETIME_MS = 10_000;

export interface SimTransportOptions {
  readonly network: SimNetwork<SimTransport>;
  readonly identity: Identity;
  readonly clock: HostClock;
  /** What its beacons carry. */
  readonly meshTag?: () => string | undefined;
  /** Told of each request to a member as it is sent. */
  readonly onRequest?: (to: PeerId, request: MeshRequest) => void;
  /** Changes are signed in a way that nobody simulated forges, and that costs a fiftieth. */
  readonly hasCheapSignatures?: boolean;
  /** Beacons reach everybody whom packets reach. Default: yes. */
  readonly isDiscovered?: boolean;
}

export class SimTransport implements Transport {
  readonly peer: PeerId;
  readonly #options: SimTransportOptions;
  readonly #network: SimNetwork<SimTransport>;
  /** Of connections whose cable was cut: they end when they have been silent for long. */
  readonly #silences = new Map<Connection, Timer>();
  readonly #connections = new Map<PeerId, Connection>();
  #handlers: TransportHandlers | undefined;
  /** What the node has sent, for tests of its cost. Bytes of requests are those of their bodies and answers. */
  readonly sent = {
    broadcasts: 0,
    broadcastBytes: 0,
    largestBroadcastBytes: 0,
    requests: 0,
    requestBytes: 0,
    dials: 0,
  };
  /** Beacons that came: of everybody on the wire. */
  beaconsHeard = 0;

  constructor(options: SimTransportOptions) {
    this.#options = options;
    this.#network = options.network;
    this.peer = options.identity.peer;
    this.#network.onCut((from, to) => this.#watchSilence(from, to));
  }

  get #clock(): HostClock {
    return this.#options.clock;
  }

  get isRunning(): boolean {
    return this.#handlers !== undefined;
  }

  start(handlers: TransportHandlers): Promise<void> {
    this.#handlers = handlers;
    for (const other of this.#network.hosts.values()) other.#meetReset(this.peer);
    this.#network.hosts.set(this.peer, this);
    if (this.isDiscovered) beginAnnouncing(this, this.#network, this.#clock);
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.#handlers = undefined;
    for (const connection of [...this.#connections.values()]) this.#close(connection);
    return Promise.resolve();
  }

  /** Something has come for this process: it is looked at when the process runs. */
  deliver(action: () => void): void {
    this.#clock.deliver(action);
  }

  /** As by kill -9: the system closes its connections, which the others notice. */
  kill(): void {
    this.#clock.switchOff();
    void this.stop();
  }

  /** As by pulling the plug: nobody is told. */
  powerOff(): void {
    this.#clock.switchOff();
    this.#handlers = undefined;
    for (const connection of this.#connections.values()) {
      this.#network.clock.after(SILENCE_MS, () => this.#close(connection));
    }
    for (const other of this.#network.hosts.keys()) if (other !== this.peer) this.#network.cut(this.peer, other);
    this.#network.hosts.delete(this.peer);
  }

  addresses(): readonly string[] {
    return [addressOf(this.peer)];
  }

  connections(): readonly PeerConnection[] {
    return [...this.#connections.values()]
      .filter((connection) => connection.memberSides.has(this))
      .map((connection) => this.#described(connection));
  }

  async dial(addresses: readonly string[], peer: PeerId | undefined, signal: StopSignal): Promise<PeerId> {
    this.sent.dials += 1;
    const known = peer === undefined ? undefined : this.#connections.get(peer);
    if (known?.isOpen && known.memberSides.has(this))
      return known.dialler === this ? known.acceptor.peer : known.dialler.peer;
    const target = addresses.map(peerOf).find((found) => found !== undefined && (peer === undefined || found === peer));
    if (target === undefined || target === this.peer) throw new Error('nothing to dial');
    await this.#roundTrip(target, signal);
    const other = this.#network.hosts.get(target);
    if (!other?.isRunning) throw new Error('connection refused');
    // The system accepts for a stopped process, which then says nothing.
    await waitUntil((done) => other.deliver(done), signal);
    if (!this.isRunning || !other.isRunning) throw new Error('connection refused');
    this.#open(other);
    return target;
  }

  promote(peer: PeerId): boolean {
    const connection = this.#connections.get(peer);
    return connection?.isOpen === true && this.#promote(connection);
  }

  disconnect(peer: PeerId): void {
    const connection = this.#connections.get(peer);
    if (connection) this.#close(connection);
  }

  async request(peer: PeerId, request: MeshRequest): Promise<MeshResponse> {
    const connection = this.#connections.get(peer);
    if (!connection?.memberSides.has(this)) throw new HttpFailure('connect', 'no connection');
    const other = otherEnd(connection, this);
    if (!other.#promote(connection)) throw new HttpFailure('connect', 'refused as a stranger');
    this.#options.onRequest?.(peer, request);
    const response = await this.#exchange(connection, request, (handlers) => handlers.onRequest);
    if (request.body instanceof Uint8Array && this.#network.chance(this.#network.duplicationRate)) {
      void this.#repeat(connection, request);
    }
    return response;
  }

  /** As by somebody between the nodes who sends again what seems lost; nobody waits for the answer. */
  async #repeat(connection: Connection, { path, headers, body }: MeshRequest): Promise<void> {
    try {
      const repetition = { path, headers, ...(body && { body }) };
      const response = await this.#exchange(connection, repetition, (handlers) => handlers.onRequest);
      for await (const chunk of response.body) void chunk;
    } catch (error) {
      // The connection broke, which the request itself has met as well.
      if (!(error instanceof HttpFailure)) throw error;
    }
  }

  async requestJoin(peer: PeerId, request: MeshRequest): Promise<MeshResponse> {
    const connection = this.#connections.get(peer);
    if (!connection) throw new HttpFailure('connect', 'no connection');
    return this.#exchange(connection, request, (handlers) => handlers.onStranger);
  }

  /** Floods the graph of connections, as gossip does; members that stand still pass nothing on. */
  broadcast(topic: string, message: Uint8Array, reach: BroadcastReach): Promise<void> {
    this.sent.broadcasts += 1;
    this.sent.broadcastBytes += message.length;
    this.sent.largestBroadcastBytes = Math.max(this.sent.largestBroadcastBytes, message.length);
    const reached = floodTimes<SimTransport>(this, reach, (relay, hasIt) => relay.#passOn(message.length, hasIt));
    for (const [other, delayMs] of reached) this.#deliverBroadcast(other, delayMs, topic, message);
    return Promise.resolve();
  }

  *#passOn(bytes: number, hasIt: (host: SimTransport) => boolean): Generator<readonly [SimTransport, number]> {
    if (this.#clock.isPaused) return;
    for (const other of this.#memberNeighbours()) {
      if (hasIt(other) || !this.#network.isOpen(this.peer, other.peer)) continue;
      yield [other, this.#network.travelMs() + this.#network.queueMs(this.peer, other.peer, bytes)];
    }
  }

  sign(message: Uint8Array): Promise<Uint8Array> {
    const { identity, hasCheapSignatures } = this.#options;
    return Promise.resolve(hasCheapSignatures ? cheapSignature(this.peer, message) : identity.sign(message));
  }

  verify(peer: PeerId, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
    const isRight = this.#options.hasCheapSignatures
      ? cheapSignature(peer, message).equals(signature)
      : verifySignature(peer, message, signature);
    return Promise.resolve(isRight);
  }

  #deliverBroadcast(other: SimTransport, delayMs: number, topic: string, message: Uint8Array): void {
    const network = this.#network;
    if (network.chance(network.lossRate)) return;
    const deliver = (): void =>
      other.#clock.deliver(() => {
        if (other.#handlers?.isMember(this.peer)) other.#handlers.onBroadcast(topic, this.peer, message);
      });
    network.clock.after(delayMs, deliver);
    if (network.chance(network.duplicationRate)) network.clock.after(delayMs * 2 + network.travelMs(), deliver);
  }

  #memberNeighbours(): SimTransport[] {
    return [...this.#connections.values()]
      .filter((connection) => connection.memberSides.size === 2)
      .map((connection) => otherEnd(connection, this));
  }

  async #roundTrip(target: PeerId, signal: StopSignal): Promise<void> {
    const isWanted = (): boolean => !signal.aborted;
    await waitUntil((done) => this.#network.carry(this.peer, target, isWanted, done), signal);
    await waitUntil((done) => this.#network.carry(target, this.peer, isWanted, done), signal);
  }

  #open(other: SimTransport): void {
    const known = this.#connections.get(other.peer);
    if (known?.isOpen && known.memberSides.size === 2) return;
    if (known) this.#close(known);
    const memberSides = new Set<SimTransport>();
    if (this.#handlers?.isMember(other.peer)) memberSides.add(this);
    if (other.#handlers?.isMember(this.peer)) memberSides.add(other);
    const connection: Connection = { dialler: this, acceptor: other, memberSides, isOpen: true, onClose: new Set() };
    for (const side of [this, other]) side.#connections.set(otherEnd(connection, side).peer, connection);
    for (const side of memberSides) side.#tellOf(connection);
    if (memberSides.size < 2) {
      this.#network.clock.after(STRANGER_LIFETIME_MS, () => memberSides.size < 2 && this.#close(connection));
    }
  }

  /** The other end may be a member by now, where it was a stranger. */
  #promote(connection: Connection): boolean {
    if (connection.memberSides.has(this)) return true;
    if (!this.#handlers?.isMember(otherEnd(connection, this).peer)) return false;
    connection.memberSides.add(this);
    this.#tellOf(connection);
    return true;
  }

  #tellOf(connection: Connection): void {
    this.#clock.deliver(() => connection.isOpen && this.#handlers?.onConnect(this.#described(connection)));
  }

  #close(connection: Connection): void {
    if (!connection.isOpen) return;
    connection.isOpen = false;
    for (const side of [connection.dialler, connection.acceptor]) {
      const other = otherEnd(connection, side);
      const tell = (): void => {
        if (side.#connections.get(other.peer) !== connection) return;
        side.#connections.delete(other.peer);
        if (connection.memberSides.has(side)) side.#clock.deliver(() => side.#handlers?.onDisconnect(other.peer));
      };
      if (side === this) tell();
      else this.#network.carry(this.peer, side.peer, () => true, tell);
    }
    for (const listener of connection.onClose) listener();
  }

  #watchSilence(from: PeerId, to: PeerId): void {
    if (from !== this.peer && to !== this.peer) return;
    const connection = this.#connections.get(from === this.peer ? to : from);
    if (!connection) return;
    const silence = this.#silences.get(connection);
    if (silence) {
      silence.refresh();
      return;
    }
    const timer = this.#network.clock.after(SILENCE_MS, () => {
      this.#silences.delete(connection);
      if (this.#network.isOpen(from, to) || this.#connections.get(otherEnd(connection, this).peer) !== connection)
        return;
      connection.isOpen = false;
      const other = otherEnd(connection, this);
      this.#connections.delete(other.peer);
      for (const listener of connection.onClose) listener();
      if (connection.memberSides.has(this)) this.#clock.deliver(() => this.#handlers?.onDisconnect(other.peer));
    });
    this.#silences.set(connection, timer);
  }

  /** A machine that has started again knows nothing of the connections of its earlier life. */
  #meetReset(peer: PeerId): void {
    const connection = this.#connections.get(peer);
    if (!connection) return;
    const end = (): void => this.#close(connection);
    this.#network.carry(peer, this.peer, () => connection.isOpen, end);
  }

  #described(connection: Connection): PeerConnection {
    const other = otherEnd(connection, this);
    return { peer: other.peer, address: addressOf(other.peer), isInbound: connection.acceptor === this };
  }

  async #exchange(
    connection: Connection,
    request: MeshRequest,
    handlerOf: (handlers: TransportHandlers) => (request: IncomingMeshRequest) => Promise<MeshResponse>,
  ): Promise<MeshResponse> {
    this.sent.requests += 1;
    if (request.body instanceof Uint8Array) this.sent.requestBytes += request.body.length;
    const other = otherEnd(connection, this);
    const far = new AbortController();
    const onAbort = (): void =>
      this.#network.carry(
        this.peer,
        other.peer,
        () => connection.isOpen,
        () => far.abort(request.signal?.reason),
      );
    // A connection that breaks ends what runs over it, at both of its ends.
    const onBreak = (): void => other.#clock.deliver(() => far.abort(new HttpFailure('response', 'connection reset')));
    const end = (): void => {
      request.signal?.removeEventListener('abort', onAbort);
      connection.onClose.delete(onBreak);
    };
    request.signal?.addEventListener('abort', onAbort, { once: true });
    connection.onClose.add(onBreak);
    const link = { connection, network: this.#network, signal: request.signal };
    let response: MeshResponse | undefined;
    let isGone = false;
    try {
      await carried(link, this, other, request.body instanceof Uint8Array ? request.body.length : undefined);
      await waitUntil((done) => other.deliver(done), request.signal, connection);
      const handlers = other.#handlers;
      if (!handlers) throw new HttpFailure('response', 'connection reset');
      const incoming: IncomingMeshRequest = {
        ...request,
        from: this.peer,
        body: bodyOf(request.body),
        signal: far.signal,
      };
      const handled = handlerOf(handlers)(incoming).then((answer) => {
        response = answer;
        // Whoever asked has gone meanwhile: nobody will read it.
        if (isGone) void giveUp(answer.body);
        return answer;
      });
      await orBroken(link, handled);
      await carried(link, other, this);
      await waitUntil((done) => this.deliver(done), request.signal, connection);
      const { status, headers, body } = await handled;
      return { status, headers, body: streamed(link, other, this, body, end) };
    } catch (error) {
      isGone = true;
      if (response) void giveUp(response.body);
      if (!request.signal?.aborted) end();
      throw error;
    }
  }

  get isDiscovered(): boolean {
    return this.#options.isDiscovered !== false;
  }

  hint(): PeerHint {
    const meshTag = this.#options.meshTag?.();
    return { peer: this.peer, addresses: this.addresses(), ...(meshTag !== undefined && { meshTag }) };
  }

  hear(hint: PeerHint): void {
    this.beaconsHeard += 1;
    this.#clock.deliver(() => this.#handlers?.onDiscover(hint));
  }
}
