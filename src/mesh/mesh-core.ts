// What the parts of the mesh share.

import type { Clock, Logger, PeerId, Random, Transport } from '../ports.ts';
import type { DialPlan } from './dial-plan.ts';
import { composeHeartbeat, type Heartbeat } from './heartbeat.ts';
import type { LocalStatus } from './local-status.ts';
import type { MeshCounters } from './mesh-counters.ts';
import type { MeshStore } from './mesh-store.ts';
import type { PeerBook } from './peer-book.ts';
import type { PeerView } from './peer-view.ts';
import type { Registrar } from './registrar.ts';
import type { SelfDoubt } from './self-doubt.ts';

export interface MeshCore {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly store: MeshStore;
  readonly registrar: Registrar;
  readonly view: PeerView;
  readonly book: PeerBook;
  readonly plan: DialPlan;
  readonly doubt: SelfDoubt;
  readonly counters: MeshCounters;
  readonly own: OwnVoice;
}

/** What this node says of itself, numbered. */
export class OwnVoice {
  readonly #status: () => LocalStatus;
  readonly #store: MeshStore;
  readonly #clock: Clock;
  #incarnation: number;
  #sequence = 0;
  #raisedAt = Number.NEGATIVE_INFINITY;
  #intervalMs = 1_000;
  isDraining = false;
  isLeaving = false;

  constructor(status: () => LocalStatus, store: MeshStore, clock: Clock) {
    this.#status = status;
    this.#store = store;
    this.#clock = clock;
    this.#incarnation = store.nextIncarnation();
  }

  get incarnation(): number {
    return this.#incarnation;
  }

  status(): LocalStatus {
    const status = this.#status();
    return this.isDraining && status.state !== 'draining' ? { ...status, state: 'draining' } : status;
  }

  announces(intervalMs: number): void {
    this.#intervalMs = intervalMs;
  }

  heartbeat(loopLagMs: number, membershipDigest: string): Heartbeat {
    this.#sequence += 1;
    return composeHeartbeat(this.status(), {
      incarnation: this.#incarnation,
      sequence: this.#sequence,
      intervalMs: this.#intervalMs,
      loopLagMs: Math.round(loopLagMs),
      wallMs: Math.max(0, Math.round(this.#clock.now())),
      membershipDigest,
      isLeaving: this.isLeaving,
    });
  }

  /** To refute what others believe; seldom, as it is written down. */
  raiseIncarnation(atLeast = 0): boolean {
    const now = this.#clock.elapsed();
    if (atLeast <= this.#incarnation && now - this.#raisedAt < RAISE_PERIOD_MS) return false;
    this.#raisedAt = now;
    this.#incarnation = this.#store.nextIncarnation(Math.max(atLeast, this.#incarnation + 1));
    return true;
  }
}

const RAISE_PERIOD_MS = 1_000;

export function isConnected({ transport }: MeshCore, peer: PeerId): boolean {
  return transport.connections().some((connection) => connection.peer === peer);
}
