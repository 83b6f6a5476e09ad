// What this node believes of its peers: a state machine that does nothing but remember and conclude.
//
//            heartbeat, contact                 silence, one failed request, connection closed
// unknown ────────────────────────▶ alive ──────────────────────────────────────────▶ suspect
//    ▲                               ▲ ▲                                                │ │
//    │                               │ └──────────── contact, a heartbeat ◀─────────────┘ │ own probe and those of
//    │ nobody else to ask            └──────────── contact ◀──────────── dead ◀───────────┘ others fail
//
// A suspect gets no new requests; a dead one is only dialled. After silence a heartbeat is enough to be alive again;
// after a failure only an answer is, as messages may pass in one direction alone. A third party can say that it does not
// reach a peer, never that it is dead; and a node that may be deaf itself (self-doubt.ts) concludes nothing.

import type { PeerId } from '../ports.ts';
import type { Heartbeat } from './heartbeat.ts';

export type PeerState = 'unknown' | 'alive' | 'suspect' | 'dead' | 'left';

/** A conclusion, for log and counters. */
export interface PeerChange {
  readonly peer: PeerId;
  readonly from: PeerState;
  readonly to: PeerState;
  readonly reason: string;
}

/** What came of asking a suspect, directly and through others. `no-witness`: there was nobody else who answered. */
export type ProbeVerdict = 'unreachable' | 'reached-by-others' | 'no-witness';

export interface PeerBelief {
  readonly peer: PeerId;
  readonly state: PeerState;
  /** Monotonic, like all times here. */
  readonly since: number;
  readonly isConnected: boolean;
  /** Last heartbeat or answer. */
  readonly heardAt: number | undefined;
  readonly heartbeat: Heartbeat | undefined;
}

interface BeliefRecord extends PeerBelief {
  state: PeerState;
  since: number;
  isConnected: boolean;
  heardAt: number | undefined;
  heartbeat: Heartbeat | undefined;
  /** Suspected for a failure: only an answer clears it. */
  needsContact: boolean;
  nextProbeAt: number;
}

/** Silence beyond the announced interval that makes a suspect. Half a second of a stalled peer is nothing. */
const SILENCE_MS = 800;
/** Nobody may announce that it will be silent for longer. */
const INTERVAL_MAX_MS = 300_000;
const PROBE_PERIOD_MS = 1_000;
/** A suspect about whom nobody can say anything is not dead: we may be the ones who are cut off. */
const STALE_AFTER_MS = 8_000;

const GIVEN_UP: ReadonlySet<PeerState> = new Set(['dead', 'unknown']);

export class PeerView {
  readonly #records = new Map<PeerId, BeliefRecord>();
  readonly #onChange: (change: PeerChange) => void;
  /** Nothing can be concluded from the clock before: a large mesh need not be looked through at every tick. */
  #lookAt = 0;

  constructor(onChange: (change: PeerChange) => void) {
    this.#onChange = onChange;
  }

  add(peer: PeerId, now: number): void {
    if (this.#records.has(peer)) return;
    this.#records.set(peer, {
      peer,
      state: 'unknown',
      since: now,
      isConnected: false,
      heardAt: undefined,
      heartbeat: undefined,
      needsContact: false,
      nextProbeAt: 0,
    });
  }

  /** It is a member no more. */
  forget(peer: PeerId): void {
    this.#records.delete(peer);
  }

  get(peer: PeerId): PeerBelief | undefined {
    return this.#records.get(peer);
  }

  all(): readonly PeerBelief[] {
    return [...this.#records.values()];
  }

  /**
   * A heartbeat came, from the peer itself or passed on.
   * @returns false for one that is old, repeated, or of nobody we know
   */
  heard(peer: PeerId, heartbeat: Heartbeat, now: number): boolean {
    const record = this.#records.get(peer);
    if (!record || !isNewer(heartbeat, record.heartbeat)) return false;
    record.heartbeat = heartbeat;
    record.heardAt = now;
    this.#lookAt = Math.min(this.#lookAt, silentAt(record));
    if (heartbeat.state === 'leaving') this.#change(record, 'left', 'it said that it ends', now);
    else if (record.needsContact) this.#lookAgain(record, now);
    else this.#change(record, 'alive', 'a heartbeat came', now);
    return true;
  }

  /** It answered us. */
  contact(peer: PeerId, now: number): void {
    const record = this.#records.get(peer);
    if (!record) return;
    record.heardAt = now;
    record.needsContact = false;
    this.#lookAt = Math.min(this.#lookAt, silentAt(record));
    // An answer of one that is ending does not call it back; its next start does, with a higher incarnation.
    if (record.heartbeat?.state !== 'leaving') this.#change(record, 'alive', 'it answered', now);
  }

  /**
   * A peer that starts anew on a restored disk may count from below what we remember: what it tells in person holds.
   */
  restart(peer: PeerId): void {
    const record = this.#records.get(peer);
    if (record) record.heartbeat = undefined;
    this.#lookAt = 0;
  }

  connected(peer: PeerId): void {
    const record = this.#records.get(peer);
    if (record) record.isConnected = true;
    this.#lookAt = 0;
  }

  disconnected(peer: PeerId, now: number): void {
    const record = this.#records.get(peer);
    if (!record) return;
    record.isConnected = false;
    if (record.state !== 'alive' && record.state !== 'suspect') return;
    record.needsContact = true;
    if (record.state === 'alive') this.#suspect(record, 'its connection closed', now);
  }

  /** A request to it failed. */
  failed(peer: PeerId, reason: string, now: number): void {
    const record = this.#records.get(peer);
    if (!record || (record.state !== 'alive' && record.state !== 'suspect')) return;
    record.needsContact = true;
    if (record.state === 'alive') this.#suspect(record, `a request failed: ${reason}`, now);
  }

  /**
   * Looks at the clock.
   * @param factor what allowances are multiplied with
   * @returns peers to be probed now
   */
  tick(now: number, factor: number): readonly PeerId[] {
    const probes: PeerId[] = [];
    if (now < this.#lookAt) return probes;
    let lookAt = Number.POSITIVE_INFINITY;
    for (const record of this.#records.values()) {
      if (record.state === 'alive' && record.heardAt !== undefined) {
        if (now > silentAt(record, factor)) {
          this.#suspect(record, `silent for ${Math.round(now - record.heardAt)} ms`, now);
        }
        lookAt = Math.min(lookAt, silentAt(record));
      }
      // One that is given up but still connected, as over a cable that was cut for some seconds, is nobody's to dial.
      const isQuestionable = record.state === 'suspect' || (record.isConnected && GIVEN_UP.has(record.state));
      if (!isQuestionable) continue;
      if (now >= record.nextProbeAt) {
        record.nextProbeAt = now + PROBE_PERIOD_MS * factor;
        probes.push(record.peer);
      }
      lookAt = Math.min(lookAt, record.nextProbeAt);
    }
    this.#lookAt = lookAt;
    return probes;
  }

  /** A probe of a suspect got no answer. */
  probed(peer: PeerId, verdict: ProbeVerdict, now: number): void {
    const record = this.#records.get(peer);
    if (record?.state !== 'suspect') return;
    record.needsContact = true;
    if (verdict === 'unreachable') this.#change(record, 'dead', 'neither we nor others reach it', now);
    if (verdict === 'no-witness' && now - record.since > STALE_AFTER_MS) {
      this.#change(record, 'unknown', 'we do not reach it, and nobody else could be asked', now);
    }
  }

  /** This node stood still: what it did not hear meanwhile was not silence. */
  paused(durationMs: number): void {
    for (const record of this.#records.values()) {
      if (record.heardAt !== undefined) record.heardAt += durationMs;
      record.since += durationMs;
    }
  }

  #suspect(record: BeliefRecord, reason: string, now: number): void {
    record.nextProbeAt = now;
    this.#change(record, 'suspect', reason, now);
  }

  /** It lives, but we have not reached it, and perhaps cannot: that is asked before it counts. */
  #lookAgain(record: BeliefRecord, now: number): void {
    if (record.state === 'suspect' || record.state === 'alive') return;
    record.nextProbeAt = now;
    this.#change(record, 'suspect', 'a heartbeat came, but it does not answer us yet', now);
  }

  #change(record: BeliefRecord, to: PeerState, reason: string, now: number): void {
    const from = record.state;
    if (from === to) return;
    record.state = to;
    record.since = now;
    this.#lookAt = 0;
    this.#onChange({ peer: record.peer, from, to, reason });
  }
}

/** When its silence makes it a suspect. A node that doubts itself multiplies what it allows. */
function silentAt({ heardAt = 0, heartbeat }: BeliefRecord, factor = 1): number {
  return heardAt + Math.min(heartbeat?.intervalMs ?? 0, INTERVAL_MAX_MS) + SILENCE_MS * factor;
}

function isNewer(heartbeat: Heartbeat, known: Heartbeat | undefined): boolean {
  if (!known) return true;
  if (heartbeat.incarnation !== known.incarnation) return heartbeat.incarnation > known.incarnation;
  return heartbeat.sequence > known.sequence;
}
