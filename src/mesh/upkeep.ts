// What a node does for its mesh all the time, in small steps with one timer: looks after suspects, dials, sends
// heartbeats, fetches what heartbeats say is different elsewhere, and has its certificate renewed.

import type { Cancellable, PeerId } from '../ports.ts';
import type { Dialler } from './dialler.ts';
import type { Exchange } from './exchange.ts';
import { renderHeartbeat } from './heartbeat.ts';
import { HeartbeatClock } from './heartbeat-clock.ts';
import type { MeshCore } from './mesh-core.ts';
import { patience } from './patience.ts';
import type { Prober } from './prober.ts';
import type { Papers } from './registrar.ts';
import { reasonOf } from './wire.ts';

export const TICK_MS = 200;
/** Longer periods, in ticks. */
const EVERY_SECOND = 5;
const EVERY_MINUTE = 300;
/** Pings of peers that are well, only to know how far away they are. */
const ROUND_TRIP_PERIOD_MS = 60_000;
const ROUND_TRIP_TIMEOUT_MS = 2_000;
/** One that seems further away may just have been busy: it is asked some times before it is believed. */
const FAR_MS = 150;
const FAR_PERIOD_MS = 2_000;
const FAR_ASKED = 3;
/**
 * A connection with a peer that was silent for so long is given up and dialled anew: TCP doubles its pauses while a line
 * is cut, so the old one would wake up to two minutes after the line is mended.
 */
const HANG_UP_AFTER_MS = 15_000;
/** A peer is not asked for its lists more often. */
const FETCH_PERIOD_MS = 1_000;

export interface UpkeepDeps {
  readonly core: MeshCore;
  readonly exchange: Exchange;
  readonly prober: Prober;
  readonly dialler: Dialler;
  readonly sendHeartbeat: (bytes: Uint8Array) => void;
  /** Once a second. */
  readonly onSecond: () => void;
}

export class Upkeep {
  readonly #core: MeshCore;
  readonly #deps: UpkeepDeps;
  readonly #heartbeats = new HeartbeatClock();
  #timer: Cancellable | undefined;
  #ticks = 0;

  constructor(deps: UpkeepDeps) {
    this.#core = deps.core;
    this.#deps = deps;
  }

  start(): void {
    this.#timer = this.#core.clock.every(TICK_MS, () => this.#tick());
    this.#tick();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** The next heartbeat goes out as soon as it may. */
  hurry(): void {
    this.#heartbeats.force();
  }

  /** Somebody was found: to wait for the next tick would cost every newcomer a tenth of a second at each step. */
  dial(): void {
    if (this.#timer && this.#papers()) this.#deps.dialler.run(this.#core.clock.elapsed());
  }

  /** Others may believe less of this node than is true: only it can say so, with a higher number. */
  refute(incarnation: number): void {
    if (this.#core.own.raiseIncarnation(incarnation)) this.hurry();
  }

  probeSuspects(): void {
    const { view, doubt, clock } = this.#core;
    for (const peer of view.tick(clock.elapsed(), doubt.factor)) void this.#deps.prober.probe(peer);
  }

  sayGoodbye(): void {
    const { own, registrar } = this.#core;
    if (!registrar.papers) return;
    own.isLeaving = true;
    this.#sendHeartbeat(registrar.papers.membership.digest(), 0);
  }

  #tick(): void {
    const { clock, doubt, view, logger } = this.#core;
    const now = clock.elapsed();
    const pausedMs = doubt.tick(now);
    if (pausedMs > 0) {
      logger.warn(
        { pausedMs: Math.round(pausedMs) },
        'this node stood still; it doubts itself before it doubts others',
      );
      view.paused(pausedMs);
      this.refute(0);
    }
    if (this.#ticks % EVERY_SECOND === 0) this.#deps.onSecond();
    this.#ticks += 1;
    const papers = this.#papers();
    if (!papers) return;
    this.probeSuspects();
    this.#deps.dialler.run(now);
    const memberCount = papers.membership.members().length;
    const digest = papers.membership.digest();
    const intervalMs = this.#heartbeats.due(now, this.#core.own.status(), digest, memberCount);
    if (intervalMs !== undefined) this.#sendHeartbeat(digest, intervalMs);
    if (this.#ticks % EVERY_SECOND === 0) {
      this.#hangUp(now);
      this.#catchUp(now, digest);
    }
    if (this.#ticks % EVERY_MINUTE === 0) this.#renew();
  }

  /** Undefined while this node belongs to no mesh. */
  #papers(): Papers | undefined {
    const { registrar, transport } = this.#core;
    return registrar.papers?.membership.endOf(transport.peer) === undefined ? registrar.papers : undefined;
  }

  #sendHeartbeat(membershipDigest: string, intervalMs: number): void {
    const { own, doubt, counters } = this.#core;
    own.announces(intervalMs);
    counters.heartbeatsSent += 1;
    const bytes = renderHeartbeat(own.heartbeat(doubt.lagMs, membershipDigest));
    this.#deps.sendHeartbeat(bytes);
  }

  #hangUp(now: number): void {
    const { view, transport, logger } = this.#core;
    for (const { peer, state, since, isConnected, heardAt } of view.all()) {
      if (!isConnected || (state !== 'dead' && state !== 'unknown')) continue;
      if (now - (heardAt ?? since) < HANG_UP_AFTER_MS) continue;
      logger.debug({ peer }, 'a connection is given up that nothing comes through');
      transport.disconnect(peer);
    }
  }

  /** Fetches what heartbeats say is different elsewhere, and measures the way now and then. */
  #catchUp(now: number, digest: string): void {
    const { view, book } = this.#core;
    let isFetchingMembers = false;
    for (const { peer, state, isConnected, heartbeat } of view.all()) {
      if (state !== 'alive' || !isConnected || !heartbeat) continue;
      const entry = book.entry(peer);
      if (heartbeat.modelsDigest !== entry.modelsDigest && now - entry.modelsAskedAt >= FETCH_PERIOD_MS) {
        entry.modelsAskedAt = now;
        this.#inBackground(peer, 'fetching its models', this.#deps.exchange.fetchModels(peer));
      }
      // One at a time: whoever is asked first has most likely all that is missing.
      const isBehind = heartbeat.membershipDigest !== digest && now - entry.membersAskedAt >= FETCH_PERIOD_MS;
      if (isBehind && !isFetchingMembers) {
        isFetchingMembers = true;
        entry.membersAskedAt = now;
        this.#inBackground(peer, 'fetching its members', this.#deps.exchange.fetchMembers(peer));
      }
      const seemsFar = (entry.leastRttMs ?? 0) > FAR_MS && entry.rttCount < FAR_ASKED;
      if (now - entry.pingedAt >= (seemsFar ? FAR_PERIOD_MS : ROUND_TRIP_PERIOD_MS)) {
        entry.pingedAt = now;
        this.#inBackground(
          peer,
          'a ping',
          this.#deps.exchange.ping(peer, patience(ROUND_TRIP_TIMEOUT_MS, entry.leastRttMs), false),
        );
      }
    }
  }

  #inBackground(peer: PeerId, what: string, work: Promise<void>): void {
    const { clock, logger, view } = this.#core;
    work.catch((error: unknown) => {
      const reason = `${what}: ${reasonOf(error)}`;
      logger.debug({ peer, reason }, 'a request to a peer failed');
      view.failed(peer, reason, clock.elapsed());
    });
  }

  #renew(): void {
    const { registrar, view, random } = this.#core;
    registrar.endExpired(view.all().map(({ peer }) => peer));
    if (!registrar.needsRenewal()) return;
    const admins = view
      .all()
      .filter(({ peer, state, isConnected }) => state === 'alive' && isConnected && registrar.isAllowed(peer, 'admin'));
    const admin = admins[Math.floor(random.next() * admins.length)];
    if (admin) this.#inBackground(admin.peer, 'renewing the certificate', this.#deps.exchange.renew(admin.peer));
  }
}
