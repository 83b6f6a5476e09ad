// Whom to dial when: a plan without sockets. Members are dialled again and again, quickly when something was heard of
// them; strangers seldom, as anybody can claim to be one. Of two nodes the one with the smaller peer id dials first.

import type { PeerId, Random } from '../ports.ts';
import { TokenBucket } from './token-bucket.ts';

export interface DialOrder {
  readonly key: string;
  /** Unknown for configured addresses that were never reached. */
  readonly peer: PeerId | undefined;
  readonly addresses: readonly string[];
}

interface Candidate {
  readonly key: string;
  peer: PeerId | undefined;
  addresses: readonly string[];
  kind: 'member' | 'stranger' | 'bootstrap';
  failures: number;
  nextAt: number;
  lastAt: number;
  lastHintAt: number;
  isUnderWay: boolean;
}

/** Every node is connected with every other up to this many; beyond, with some of them. */
export const FULL_MESH_MAX = 32;
const SPARSE_CONNECTIONS = 12;
const PARALLEL_MAX = 8;
const ADDRESSES_MAX = 8;
const STRANGERS_MAX = 256;
/** The other one of two has this long to dial first. */
const COURTESY_MS = 300;
/** A member that is hinted again is not dialled more often than this. */
const HINTED_PERIOD_MS = 700;
const BACKOFF_FIRST_MS = 200;
/** One that comes back after a week must be found within two seconds, also when its beacons do not reach us. */
const BACKOFF_MAX_MS = 1_800;
/** After these, about five seconds, the addresses may be wrong. */
const FAILURES_MANY = 5;
const STRANGER_BACKOFF_FIRST_MS = 2_000;
const STRANGER_BACKOFF_MAX_MS = 60_000;
const STRANGER_FORGOTTEN_MS = 120_000;
const JITTER = 0.3;
/** Dials that strangers may cause at once, as when a cupboard of devices is switched on; and then each second. */
const STRANGER_BURST = 16;
const STRANGERS_PER_SECOND = 1;

export class DialPlan {
  readonly #self: PeerId;
  readonly #random: Random;
  readonly #candidates = new Map<string, Candidate>();
  /** Among the candidates. */
  #memberCount = 0;
  #underWayCount = 0;
  readonly #strangerDials = new TokenBucket(STRANGER_BURST, STRANGERS_PER_SECOND);

  constructor(self: PeerId, random: Random) {
    this.#self = self;
    this.#random = random;
  }

  addBootstrap(address: string, now: number): void {
    this.#candidate(address, undefined, 'bootstrap', now).addresses = [address];
  }

  /** Somebody is, or was, at these addresses. A hint without news leaves the order of what is known. */
  hint(peer: PeerId, addresses: readonly string[], isMember: boolean, now: number): void {
    if (peer === this.#self) return;
    const kind = isMember ? 'member' : 'stranger';
    if (!isMember && !this.#candidates.has(peer) && !this.#hasRoomForStranger(now)) return;
    const candidate = this.#candidate(peer, peer, kind, now);
    this.#memberCount += Number(isMember) - Number(candidate.kind === 'member');
    candidate.kind = kind;
    if (!startsWith(candidate.addresses, addresses)) {
      candidate.addresses = [...new Set([...addresses, ...candidate.addresses])].slice(0, ADDRESSES_MAX);
    }
    candidate.lastHintAt = now;
    if (isMember) {
      const soonest = candidate.lastAt + HINTED_PERIOD_MS;
      candidate.nextAt = Math.max(soonest, Math.min(candidate.nextAt, now + this.#courtesyMs(peer)));
    }
  }

  /** It was connected until now. */
  lost(peer: PeerId, now: number): void {
    const candidate = this.#candidates.get(peer);
    if (!candidate) return;
    candidate.failures = 0;
    candidate.nextAt = now + this.#courtesyMs(peer);
  }

  forget(peer: PeerId): void {
    this.#drop(this.#candidates.get(peer));
  }

  addressesOf(peer: PeerId): readonly string[] {
    return this.#candidates.get(peer)?.addresses ?? [];
  }

  /** Members whose addresses are unknown, or have failed again and again. */
  unreached(): readonly PeerId[] {
    return [...this.#candidates.values()].flatMap(({ kind, peer, addresses, failures }) =>
      kind === 'member' && peer !== undefined && (addresses.length === 0 || failures >= FAILURES_MANY) ? [peer] : [],
    );
  }

  /** @param isConnected peers that need no dialling */
  due(now: number, isConnected: (peer: PeerId) => boolean, connectionCount: number): readonly DialOrder[] {
    let places = PARALLEL_MAX - this.#underWayCount;
    // In a large mesh: as many as are missing, and which ones is left to chance.
    const isSparse = this.#memberCount > FULL_MESH_MAX;
    if (isSparse) places = Math.min(places, SPARSE_CONNECTIONS - connectionCount);
    // Asked for with each beacon that is heard: in a large mesh hundreds of times a second, and always for this answer.
    if (places <= 0) return [];
    const ready = [...this.#candidates.values()].filter(
      ({ isUnderWay, nextAt, peer, addresses }) =>
        !isUnderWay && nextAt <= now && addresses.length > 0 && !(peer !== undefined && isConnected(peer)),
    );
    if (isSparse) this.#shuffle(ready);
    const orders: DialOrder[] = [];
    for (const candidate of ready) {
      if (orders.length >= places) break;
      if (candidate.kind === 'stranger' && !this.#strangerDials.take(now)) continue;
      this.#setUnderWay(candidate, true);
      candidate.lastAt = now;
      orders.push({ key: candidate.key, peer: candidate.peer, addresses: candidate.addresses });
    }
    return orders;
  }

  /** @param peer who was there, also when the order did not know */
  succeeded(key: string, peer: PeerId): void {
    const candidate = this.#candidates.get(key);
    if (!candidate) return;
    this.#setUnderWay(candidate, false);
    candidate.failures = 0;
    candidate.peer = peer;
    candidate.nextAt = 0;
  }

  /** @param isRefused somebody was there, and said no: asking again soon is of no use */
  failed(key: string, now: number, isRefused: boolean): void {
    const candidate = this.#candidates.get(key);
    if (!candidate) return;
    const [first, max] =
      candidate.kind === 'stranger' || isRefused
        ? [STRANGER_BACKOFF_FIRST_MS, STRANGER_BACKOFF_MAX_MS]
        : [BACKOFF_FIRST_MS, BACKOFF_MAX_MS];
    this.#setUnderWay(candidate, false);
    candidate.nextAt = now + Math.min(max, first * 2 ** Math.min(candidate.failures, 16)) * this.#jitter();
    candidate.failures += 1;
  }

  #candidate(key: string, peer: PeerId | undefined, kind: Candidate['kind'], now: number): Candidate {
    const known = this.#candidates.get(key);
    if (known) return known;
    const nextAt = now + (peer === undefined ? 0 : this.#courtesyMs(peer));
    const candidate: Candidate = {
      key,
      peer,
      kind,
      addresses: [],
      failures: 0,
      nextAt,
      lastAt: Number.NEGATIVE_INFINITY,
      lastHintAt: now,
      isUnderWay: false,
    };
    this.#candidates.set(key, candidate);
    if (kind === 'member') this.#memberCount += 1;
    return candidate;
  }

  #drop(candidate: Candidate | undefined): void {
    if (!candidate) return;
    this.#candidates.delete(candidate.key);
    this.#setUnderWay(candidate, false);
    if (candidate.kind === 'member') this.#memberCount -= 1;
  }

  #setUnderWay(candidate: Candidate, isUnderWay: boolean): void {
    this.#underWayCount += Number(isUnderWay) - Number(candidate.isUnderWay);
    candidate.isUnderWay = isUnderWay;
  }

  #courtesyMs(peer: PeerId): number {
    return this.#self < peer ? 0 : COURTESY_MS * this.#jitter();
  }

  #jitter(): number {
    return 1 - JITTER + 2 * JITTER * this.#random.next();
  }

  /** Anybody can invent peer ids: the oldest claims go, and when all are fresh the new one does. */
  #hasRoomForStranger(now: number): boolean {
    const strangers = [...this.#candidates.values()].filter(({ kind }) => kind === 'stranger');
    for (const stranger of strangers) {
      if (!stranger.isUnderWay && now - stranger.lastHintAt > STRANGER_FORGOTTEN_MS) this.#drop(stranger);
    }
    return strangers.length < STRANGERS_MAX;
  }

  #shuffle(candidates: Candidate[]): void {
    for (let index = candidates.length - 1; index > 0; index -= 1) {
      const other = Math.floor(this.#random.next() * (index + 1));
      const [a, b] = [candidates[index], candidates[other]];
      if (a && b) [candidates[index], candidates[other]] = [b, a];
    }
  }
}

/** Most hints say what is known. */
function startsWith(known: readonly string[], hinted: readonly string[]): boolean {
  return hinted.every((address, index) => known[index] === address);
}
