// Finds other nodes of the local network and lets them find this one, within a second and without a default route. What it
// tells are hints: who is really there is proven by connecting.

import { encodingLength, type Packet } from 'dns-packet';
import { LRUCache } from 'lru-cache';
import { atMost } from '../../model/at-most.ts';
import type { Clock, DatagramNetwork, DatagramSource, Logger, PeerHint, Random, Timer } from '../../ports.ts';
import type { Discovery, SelfDescription } from '../libp2p/libp2p-transport.ts';
import { TokenBucket } from '../token-bucket.ts';
import { heardOn } from '../zoned-address.ts';
import { type HostAnnouncement, hostAnnouncement, hostAnswer } from './host-records.ts';
import { DISCOVERY } from './limits.ts';
import { type Link, MulticastDns } from './multicast-dns.ts';
import { knownByAsker, peerAnswer, peerQuery, peersIn } from './peer-records.ts';
import { addressesOn } from './reachable-addresses.ts';

export interface MdnsDiscoveryDeps {
  readonly network: DatagramNetwork;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

export interface MdnsDiscoveryOptions {
  /** Names of interfaces; empty: all that lead to other machines. */
  readonly interfaces: readonly string[];
  /** Read for each beacon: a node may join a mesh while it runs. */
  readonly meshTag: () => string | undefined;
  /** Only when the gateway listens beyond loopback. */
  readonly host?: HostAnnouncement | undefined;
}

/** Peers whose hints are remembered. */
const KNOWN_PEERS_MAX = 1_024;
/** The same hint again within this time tells nothing new. */
const HINT_REPEAT_MS = 1_000;
/** What one-shot resolvers use instead of the port of mDNS; they are answered directly. */
const isOneShot = ({ port }: DatagramSource): boolean => port !== DISCOVERY.port;

export class MdnsDiscovery implements Discovery {
  readonly #deps: MdnsDiscoveryDeps;
  readonly #options: MdnsDiscoveryOptions;
  readonly #dns: MulticastDns;
  readonly #name: string;
  readonly #hints: TokenBucket;
  /** What peers said lately, by interface and name: on each they tell other addresses. */
  readonly #known: LRUCache<string, { readonly name: string; readonly said: string; readonly at: number }>;
  readonly #answering = new Map<Link, Timer>();
  readonly #answeredAt = new WeakMap<Link, number>();
  /** When somebody, or we, last asked there what we would ask now. */
  readonly #askedAt = new WeakMap<Link, number>();
  #self: SelfDescription | undefined;
  #onDiscover: (hint: PeerHint) => void = () => undefined;
  #querying: Timer | undefined;
  #queries = 0;
  #host: HostAnnouncement | undefined;

  constructor(deps: MdnsDiscoveryDeps, options: MdnsDiscoveryOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#host = options.host;
    this.#dns = new MulticastDns(deps.network, options.interfaces, deps.clock, deps.logger);
    this.#name = Buffer.from(deps.random.bytes(16)).toString('hex');
    this.#hints = new TokenBucket(DISCOVERY.hintsPerSecond, DISCOVERY.hintsPerSecond);
    this.#known = new LRUCache(atMost(KNOWN_PEERS_MAX));
  }

  start(self: SelfDescription, onDiscover: (hint: PeerHint) => void): void {
    this.#self = self;
    this.#onDiscover = onDiscover;
    this.#dns.start({
      onPacket: (link, packet, from) => this.#onPacket(link, packet, from),
      onLink: (link) => this.#onLink(link),
    });
    this.#scheduleQuery();
  }

  async stop(): Promise<void> {
    this.withdrawHost();
    this.#querying?.cancel();
    for (const timer of this.#answering.values()) timer.cancel();
    this.#dns.stop();
  }

  /** This node no longer takes requests: clients of the shared name shall go to others. */
  withdrawHost(): void {
    const host = this.#host;
    this.#host = undefined;
    if (host) for (const link of this.#dns.links()) link.send(hostAnnouncement(host, link.networkInterface, 0));
  }

  #onLink(link: Link): void {
    this.#answerAll(link);
    link.send(peerQuery([this.#name]));
    if (this.#host) link.send(hostAnnouncement(this.#host, link.networkInterface));
    // What is asked right after it is plugged in may get lost.
    this.#queries = 1;
    this.#scheduleQuery();
  }

  #scheduleQuery(): void {
    this.#querying?.cancel();
    const delays = DISCOVERY.queryDelaysMs;
    const before = delays[this.#queries - 1] ?? 0;
    const delayMs = (delays[this.#queries] ?? Number.NaN) - before;
    const jittered = DISCOVERY.queryPeriodMs * (0.5 + this.#deps.random.next());
    this.#querying = this.#deps.clock.after(Number.isNaN(delayMs) ? jittered : delayMs, () => {
      this.#queries += 1;
      this.#query();
      this.#scheduleQuery();
    });
  }

  #query(): void {
    // Our own name as well: questions come back to us, and tell others that whoever knows all these need not ask.
    const packet = peerQuery([this.#name, ...this.#freshNames()].slice(0, DISCOVERY.knownAnswersMax));
    const isEarly = this.#queries <= DISCOVERY.queryDelaysMs.length;
    const askedSince = this.#deps.clock.elapsed() - DISCOVERY.queryPeriodMs;
    for (const link of this.#dns.links()) {
      const isAsked = (this.#askedAt.get(link) ?? Number.NEGATIVE_INFINITY) > askedSince;
      if (isEarly || !isAsked) link.send(packet);
    }
  }

  #freshNames(): ReadonlySet<string> {
    const freshSince = this.#deps.clock.elapsed() - (DISCOVERY.peerTtlSeconds * 1_000) / 2;
    return new Set([...this.#known.values()].filter(({ at }) => at >= freshSince).map(({ name }) => name));
  }

  #onPacket(link: Link, packet: Packet, from: DatagramSource): void {
    for (const { name, hint } of peersIn(packet)) this.#onPeer(link, name, hint);
    const known = knownByAsker(packet);
    if (known && !known.has(this.#name)) {
      if (isOneShot(from)) this.#sendPeer(link, from);
      else this.#answerSoon(link);
    }
    if (known && this.#knowsAllOf(known)) this.#askedAt.set(link, this.#deps.clock.elapsed());
    const answer = this.#host && hostAnswer(packet, this.#host, link.networkInterface);
    if (!answer) return;
    if (isOneShot(from)) link.send({ ...answer, id: packet.id ?? 0, questions: packet.questions ?? [] }, from);
    else link.send(answer);
  }

  /** Nothing would come of asking, too: the answers are for everyone. */
  #knowsAllOf(names: ReadonlySet<string>): boolean {
    const fresh = this.#freshNames();
    return names.has(this.#name) && [...names].every((name) => name === this.#name || fresh.has(name));
  }

  #onPeer(link: Link, name: string, hint: PeerHint): void {
    if (hint.peer === this.#self?.peer) return;
    const now = this.#deps.clock.elapsed();
    const said = hint.addresses.join(' ');
    const key = `${link.networkInterface.name} ${name}`;
    const before = this.#known.get(key);
    this.#known.set(key, { name, said, at: now });
    if (before && before.said === said && now - before.at < HINT_REPEAT_MS) return;
    const addresses = hint.addresses.map((address) => heardOn(link.networkInterface.name, address));
    if (this.#hints.take(now)) this.#onDiscover({ ...hint, addresses });
  }

  /** At most one answer to everyone in a while, however many ask. */
  #answerSoon(link: Link): void {
    if (this.#answering.has(link)) return;
    const since = this.#deps.clock.elapsed() - (this.#answeredAt.get(link) ?? Number.NEGATIVE_INFINITY);
    const timer = this.#deps.clock.after(Math.max(0, DISCOVERY.answerSpacingMs - since), () => {
      this.#answering.delete(link);
      this.#answerAll(link);
    });
    this.#answering.set(link, timer);
  }

  #answerAll(link: Link): void {
    this.#answeredAt.set(link, this.#deps.clock.elapsed());
    this.#sendPeer(link);
  }

  #sendPeer(link: Link, to?: DatagramSource): void {
    if (!this.#self) return;
    let addresses = addressesOn(this.#deps.network, link, this.#self);
    const answerWith = (some: readonly string[]): Packet | undefined =>
      peerAnswer({ name: this.#name, addresses: some, meshTag: this.#options.meshTag() });
    let answer = answerWith(addresses);
    while (answer && encodingLength(answer) > DISCOVERY.sentBytesMax) {
      addresses = addresses.slice(0, -1);
      answer = answerWith(addresses);
    }
    if (answer) link.send(answer, to);
  }
}
