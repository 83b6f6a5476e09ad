// The mesh of one node: builds the parts, keeps them going with one timer, and is what the rest of the node sees of it.

import { GatewayError } from '../errors.ts';
import type { MeshCapability } from '../model/mesh-capability.ts';
import type { IncomingMeshRequest, MeshResponse, PeerHint, PeerId } from '../ports.ts';
import { DialPlan } from './dial-plan.ts';
import { Dialler } from './dialler.ts';
import { Exchange } from './exchange.ts';
import { INVITE_LIFETIME_MS, type Invite, newInvite } from './invite.ts';
import { JoinDesk } from './join-desk.ts';
import { joinMesh } from './join-mesh.ts';
import { type BroadcastHandler, MeshBroadcasts } from './mesh-broadcasts.ts';
import { type MeshCore, OwnVoice } from './mesh-core.ts';
import { type MeshCounters, newCounters } from './mesh-counters.ts';
import type { MeshDeps, MeshListener } from './mesh-deps.ts';
import { meshTag } from './mesh-keys.ts';
import { type MeshStatus, meshStatus, type PeerStatus, peerStatus } from './mesh-status.ts';
import { MeshStore } from './mesh-store.ts';
import { OtherProcesses } from './other-processes.ts';
import { patience } from './patience.ts';
import { PeerBook } from './peer-book.ts';
import { type PeerChange, PeerView } from './peer-view.ts';
import { Prober } from './prober.ts';
import { Registrar } from './registrar.ts';
import { SelfDoubt } from './self-doubt.ts';
import { TICK_MS, Upkeep } from './upkeep.ts';
import { Whereabouts } from './whereabouts.ts';
import { reasonOf, refusal } from './wire.ts';

export type MeshRequestHandler = (request: IncomingMeshRequest) => Promise<MeshResponse>;

/** Of a peer that requests wait for: a packet that is lost on the way is sent again well within it. */
const PRESENCE_TIMEOUT_MS = 800;
/** How long a parting word may take to be sent. */
const FAREWELL_MS = 150;

export class Mesh {
  readonly #core: MeshCore;
  readonly #deps: MeshDeps;
  readonly #exchange: Exchange;
  readonly #desk: JoinDesk;
  readonly #upkeep: Upkeep;
  readonly #broadcasts: MeshBroadcasts;
  readonly #whereabouts: Whereabouts;
  readonly #handlers = new Map<string, MeshRequestHandler>();
  readonly #listeners: MeshListener[] = [];

  constructor(deps: MeshDeps) {
    const { transport, clock, random, logger, database, keys, settings, local, onUnreached = () => undefined } = deps;
    const store = new MeshStore(database);
    this.#deps = deps;
    const registrar = new Registrar({
      store,
      keys,
      clock,
      logger,
      self: settings,
      adminKey: settings.adminKey,
      onMember: (peer) => this.#onMember(peer),
      onEnd: (peer, reason) => this.#onEnd(peer, reason),
    });
    this.#core = {
      transport,
      clock,
      random,
      logger,
      store,
      registrar,
      view: new PeerView((change) => this.#onChange(change)),
      book: new PeerBook(),
      plan: new DialPlan(transport.peer, random),
      doubt: new SelfDoubt(TICK_MS),
      counters: newCounters(),
      own: new OwnVoice(local, store, clock),
    };
    const onNews = (peer: PeerId): void => this.#broadcasts.tellOf(peer);
    this.#exchange = new Exchange(this.#core, {
      onNews,
      onDoubted: (incarnation) => this.#upkeep.refute(incarnation),
      onProbe: (target) => prober.probeFor(target),
    });
    this.#broadcasts = new MeshBroadcasts(this.#core, this.#exchange, (peer, digest) => {
      for (const listener of this.#listeners) listener.onReplicationDigest?.(peer, digest);
    });
    const dialler = new Dialler(this.#core, this.#exchange, onNews);
    const prober = new Prober(this.#core, this.#exchange, (peer) => dialler.connect(peer), onUnreached);
    this.#whereabouts = new Whereabouts({
      transport,
      clock,
      logger,
      plan: this.#core.plan,
      members: () => this.#core.view.all().map(({ peer }) => peer),
      isConnected: (peer) => this.#core.view.get(peer)?.isConnected === true,
      ownModels: () => this.#core.own.status().models.map(({ model }) => model),
      connect: (peer) => dialler.connect(peer),
    });
    const otherProcesses = new OtherProcesses({
      core: this.#core,
      database,
      join: (invite) => this.join(invite),
      leave: () => this.leave(),
      tellOf: onNews,
    });
    this.#upkeep = new Upkeep({
      core: this.#core,
      exchange: this.#exchange,
      prober,
      dialler,
      sendHeartbeat: (bytes) => this.#broadcasts.sendHeartbeat(bytes),
      onSecond: () => {
        otherProcesses.look();
        this.#whereabouts.look();
      },
    });
    const { counters } = this.#core;
    this.#desk = new JoinDesk({ self: transport.peer, clock, random, logger, store, registrar, counters, onNews });
  }

  /** What beacons carry; undefined while the node belongs to no mesh. */
  meshTag(): string | undefined {
    const papers = this.#core.registrar.papers;
    return papers && meshTag(papers.membership.roots.meshId);
  }

  async start(): Promise<void> {
    const { transport, plan, clock, registrar } = this.#core;
    registrar.load();
    for (const address of this.#deps.settings.bootstrap) plan.addBootstrap(address, clock.elapsed());
    await transport.start({
      isMember: (peer) => registrar.isMember(peer),
      onConnect: ({ peer }) => this.#onConnect(peer),
      onDisconnect: (peer) => this.#onDisconnect(peer),
      onRequest: (request) => this.#answered(request, (incoming) => this.#dispatch(incoming)),
      onStranger: (request) => this.#answered(request, (incoming) => this.#desk.handle(incoming)),
      onBroadcast: (topic, from, message) => this.#broadcasts.take(topic, from, message),
      onDiscover: (hint) => this.#onDiscover(hint),
    });
    this.#upkeep.start();
  }

  async stop(): Promise<void> {
    const { clock, transport, registrar } = this.#core;
    this.#upkeep.stop();
    this.#upkeep.sayGoodbye();
    if (registrar.papers) await clock.sleep(FAREWELL_MS);
    await transport.stop();
  }

  /** Others are told at once to send nothing more. */
  drain(): void {
    this.#core.own.isDraining = true;
    this.#upkeep.hurry();
  }

  /** Something about this node has changed that others should not learn only with the next heartbeat. */
  announce(): void {
    this.#upkeep.hurry();
  }

  /** The peer view: every other member and how it is. */
  view(): readonly PeerStatus[] {
    return (this.#core.registrar.papers?.membership.members() ?? [])
      .filter(({ peer }) => peer !== this.#core.transport.peer)
      .map((member) => peerStatus(this.#core, member));
  }

  /** One peer of the view. */
  peer(peer: PeerId): PeerStatus | undefined {
    const member = this.#core.registrar.papers?.membership.member(peer);
    return member && this.#core.registrar.isMember(peer) ? peerStatus(this.#core, member) : undefined;
  }

  status(): MeshStatus {
    return meshStatus(this.#core, this.view());
  }

  get counters(): Readonly<MeshCounters> {
    return this.#core.counters;
  }

  /** Requests of members whose path begins with `prefix`; the longest prefix decides. */
  onRequest(prefix: string, handler: MeshRequestHandler): void {
    this.#handlers.set(prefix, handler);
  }

  /** Broadcasts of members on one more of `MESH_TOPICS`. */
  onBroadcast(topic: string, handler: BroadcastHandler): void {
    this.#broadcasts.on(topic, handler);
  }

  /** On one of `MESH_TOPICS`. */
  broadcast(topic: string, message: Uint8Array): Promise<void> {
    return this.#broadcasts.send(topic, message);
  }

  listen(listener: MeshListener): void {
    this.#listeners.push(listener);
  }

  /** Of all members: our wall clock corrected by the median of what the clocks of others differ. */
  now(): number {
    const { view, book, clock } = this.#core;
    const offsets = [0];
    for (const { peer, isConnected } of view.all()) {
      const { clockOffsetMs } = book.entry(peer);
      if (isConnected && clockOffsetMs !== undefined) offsets.push(clockOffsetMs);
    }
    offsets.sort((a, b) => a - b);
    return clock.now() + (offsets[Math.floor((offsets.length - 1) / 2)] ?? 0);
  }

  /** A request to a peer failed in a way that says something about the peer: it is looked after at once. */
  reportFailure(peer: PeerId, reason: string): void {
    this.#core.view.failed(peer, reason, this.#core.clock.elapsed());
    this.#upkeep.probeSuspects();
  }

  /** Meets members that serve a model which nobody serves who is connected; undefined when there is nothing to wait for. */
  find(model: string): Promise<void> | undefined {
    return this.#whereabouts.find(model);
  }

  /** Asks it now. True also when this node cannot tell, because its own timers come late. */
  async isThere(peer: PeerId): Promise<boolean> {
    const { doubt, clock, logger, book } = this.#core;
    try {
      await this.#exchange.ping(peer, patience(PRESENCE_TIMEOUT_MS, book.entry(peer).leastRttMs) * doubt.factor, false);
      return true;
    } catch (error) {
      logger.debug({ peer, reason: reasonOf(error) }, 'a peer that requests wait for does not answer');
      return doubt.isDoubtful(clock.elapsed());
    }
  }

  /** May a write of this kind by that node be taken? */
  isAllowed(peer: PeerId, capability: MeshCapability): boolean {
    return this.#core.registrar.isAllowed(peer, capability);
  }

  /**
   * Do writes of that node count, if they need one of these capabilities? Undefined while we have never heard of it. Our
   * own do as long as we belong to no mesh.
   */
  mayWrite(peer: PeerId, capabilities: readonly MeshCapability[]): boolean | undefined {
    const { registrar, transport } = this.#core;
    return !registrar.papers && peer === transport.peer ? true : registrar.mayWrite(peer, capabilities);
  }

  /** Undefined when no key of this node can grant that. */
  invite(capabilities: readonly MeshCapability[], name?: string): Invite | undefined {
    const { store, clock, random, transport, registrar } = this.#core;
    const papers = registrar.papers;
    if (!papers || !capabilities.every((wanted) => papers.certifier.grants.includes(wanted))) return undefined;
    const { meshId } = papers.membership.roots;
    const invite = newInvite({ meshId, inviter: transport.peer, addresses: transport.addresses() }, random);
    const now = clock.now();
    store.addInvite(invite, { name, capabilities, expiresAt: now + INVITE_LIFETIME_MS }, now);
    return invite;
  }

  /** @throws Error with a reason for people */
  async join(invite: Invite): Promise<void> {
    const { transport, clock, random, registrar, plan, logger } = this.#core;
    if (registrar.papers) throw new Error('this node belongs to a mesh already; let it leave that one first');
    const joined = await joinMesh(invite, { transport, clock, random, name: this.#deps.settings.name });
    registrar.adopt(joined.roots, joined.credential);
    registrar.admit(joined.inviter);
    transport.disconnect(invite.inviter);
    plan.hint(invite.inviter, invite.addresses, true, clock.elapsed());
    logger.info({ meshId: invite.meshId, inviter: invite.inviter }, 'joined a mesh by invite');
    this.#upkeep.hurry();
  }

  /** @returns false when this node may not evict */
  evict(peer: PeerId, reason: string): boolean {
    const { registrar } = this.#core;
    const removal = registrar.papers?.certifier.evict(peer, reason);
    if (!removal || !registrar.remove(removal).ok) return false;
    this.#broadcasts.tellOf(peer);
    return true;
  }

  /** Says goodbye for good; the node then belongs to no mesh. */
  async leave(): Promise<void> {
    const { registrar, clock, transport } = this.#core;
    const papers = registrar.papers;
    if (!papers) return;
    registrar.remove(papers.certifier.leave('it left'));
    this.#broadcasts.tellOf(transport.peer);
    await clock.sleep(FAREWELL_MS);
    for (const { peer } of papers.membership.members()) this.#onEnd(peer, 'this node left');
    registrar.forget();
  }

  /** A defect here is told to both sides, and ends nothing but the request. */
  async #answered(request: IncomingMeshRequest, handle: MeshRequestHandler): Promise<MeshResponse> {
    try {
      return await handle(request);
    } catch (error) {
      const { logger } = this.#core;
      const isEnding = error instanceof GatewayError && error.code === 'unavailable';
      if (request.signal.aborted || isEnding)
        logger.debug({ peer: request.from, err: error }, 'a request of a peer was given up');
      else logger.error({ peer: request.from, path: request.path, err: error }, 'a request of a peer failed here');
      return refusal(500, 'the request failed here');
    }
  }

  async #dispatch(request: IncomingMeshRequest): Promise<MeshResponse> {
    if (request.path.startsWith('/mesh/')) return this.#exchange.handle(request);
    const prefix = [...this.#handlers.keys()]
      .filter((candidate) => request.path.startsWith(candidate))
      .sort((a, b) => b.length - a.length)[0];
    const handler = prefix === undefined ? undefined : this.#handlers.get(prefix);
    return handler?.(request) ?? refusal(404, 'there is no such path');
  }

  /** Beacons are hints: of other meshes they are left alone, of strangers they are heeded seldom. */
  #onDiscover({ peer, addresses, meshTag: tag }: PeerHint): void {
    const { registrar, plan, clock } = this.#core;
    const isMember = registrar.isMember(peer);
    if (isMember || (tag !== undefined && tag === this.meshTag())) {
      plan.hint(peer, addresses, isMember, clock.elapsed());
      this.#upkeep.dial();
    }
  }

  #onConnect(peer: PeerId): void {
    this.#core.view.connected(peer);
    for (const listener of this.#listeners) listener.onConnect?.(peer);
  }

  #onDisconnect(peer: PeerId): void {
    const { view, plan, clock } = this.#core;
    const now = clock.elapsed();
    view.disconnected(peer, now);
    plan.lost(peer, now);
    this.#upkeep.probeSuspects();
  }

  #onMember(peer: PeerId): void {
    const { view, plan, clock, transport, registrar, store, logger } = this.#core;
    if (peer === transport.peer || !registrar.isMember(peer)) return;
    const now = clock.elapsed();
    if (!view.get(peer)) {
      const member = registrar.papers?.membership.member(peer);
      logger.info({ peer, name: member?.name, capabilities: member?.capabilities }, 'a member became known');
    }
    view.add(peer, now);
    plan.hint(peer, store.addressesOf(peer), true, now);
  }

  #onEnd(peer: PeerId, reason: string): void {
    const { view, plan, book, transport, logger } = this.#core;
    if (peer === transport.peer) {
      if (reason.startsWith('left')) return;
      logger.error({ reason }, 'this node is a member of the mesh no more');
      for (const connection of transport.connections()) transport.disconnect(connection.peer);
      return;
    }
    if (view.get(peer)) logger.warn({ peer, reason }, 'a membership ended');
    view.forget(peer);
    plan.forget(peer);
    book.forget(peer);
    transport.disconnect(peer);
    for (const listener of this.#listeners) listener.onEnd?.(peer);
  }

  #onChange({ peer, from, to, reason }: PeerChange): void {
    const { counters, logger, registrar, book } = this.#core;
    if (to === 'alive') book.entry(peer).missedProbes = 0;
    if (to === 'suspect') counters.suspicions += 1;
    if (to === 'dead') counters.deaths += 1;
    if (to === 'alive' && (from === 'dead' || from === 'suspect')) counters.revivals += 1;
    const name = registrar.papers?.membership.member(peer)?.name;
    logger.info({ peer, name, from, to, reason }, `a peer is ${to}`);
  }
}
