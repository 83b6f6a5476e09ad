// After rows of an evicted member were dropped: what they had replaced here is good again, and members that knew of the
// eviction in time still have it. No vector tells that, so rows are compared with several of them, one after the other.
//
// Rows can be compared only between writes. A comparison that a write ends goes on later where it was; in a mesh that
// always writes it is tried ever more seldom, until it costs no more than the rounds that nodes make anyway.
//
// Who connects within an hour after is compared with, too: it may come with an older disk, on which what was replaced lies.

import type { Cancellable, Logger, Random } from '../ports.ts';
import { type AuditResult, FIRST_ROW } from './audit.ts';
import type { RowKey } from './change-table.ts';

/** So many peers are compared with. */
const PEERS_MAX = 8;
const WAIT_MS = 1_000;
/** After attempts that came no further; each doubles the wait. */
const WAIT_MAX_MS = 4_000;
/** How long whoever connects is compared with as well. */
const LATECOMERS_MS = 3_600_000;
/** While none of them can be reached. */
const AWAY_MS = 5_000;

export interface AuditsAroundDeps {
  /** Of the log. */
  readonly name: string;
  readonly members: () => readonly string[];
  readonly connected: () => readonly string[];
  readonly random: Pick<Random, 'next'>;
  readonly logger: Logger;
  /** With whom it is still to be done, kept over restarts. */
  readonly owed: { peers(): readonly string[]; keep(peers: readonly string[]): void };
  /** Monotonic milliseconds. */
  readonly elapsed: () => number;
  readonly after: (delayMs: number, action: () => void) => Cancellable;
  /** Compares with a peer from a row on. */
  readonly audit: (peer: string, from: RowKey) => Promise<AuditResult>;
  readonly isStopped: () => boolean;
}

interface Place {
  /** All rows before it have been compared. */
  readonly from: RowKey;
}

export class AuditsAround {
  readonly #deps: AuditsAroundDeps;
  /** Members that may still have something, in order. */
  readonly #left = new Map<string, Place>();
  #timer: Cancellable | undefined;
  #isComparing = false;
  #waitMs = WAIT_MS;
  /** When rows were dropped last. */
  #droppedAt = Number.NEGATIVE_INFINITY;

  constructor(deps: AuditsAroundDeps) {
    this.#deps = deps;
  }

  /** What a process before this one has left undone. */
  resume(): void {
    for (const peer of this.#deps.owed.peers()) this.#left.set(peer, { from: FIRST_ROW });
    if (this.#left.size === 0) return;
    this.#droppedAt = this.#deps.elapsed();
    this.#compareIn(WAIT_MS);
  }

  /** A member has connected. */
  meet(peer: string): void {
    if (this.#deps.elapsed() - this.#droppedAt > LATECOMERS_MS || this.#left.has(peer)) return;
    this.#left.set(peer, { from: FIRST_ROW });
    this.#keep();
    if (!this.#isComparing) this.#compareIn(WAIT_MS);
  }

  /** Rows have been dropped: whoever was compared with before is compared with anew. */
  begin(): void {
    const { random } = this.#deps;
    const members = this.#deps.members();
    const first = Math.floor(random.next() * members.length);
    const inTurn = [...members.slice(first), ...members.slice(0, first)];
    for (const peer of inTurn.slice(0, PEERS_MAX)) this.#left.set(peer, { from: FIRST_ROW });
    this.#droppedAt = this.#deps.elapsed();
    this.#keep();
    this.#waitMs = WAIT_MS;
    if (!this.#isComparing) this.#compareIn(WAIT_MS);
  }

  #keep(): void {
    this.#deps.owed.keep([...this.#left.keys()]);
  }

  #compareIn(delayMs: number): void {
    this.#timer?.cancel();
    this.#timer = this.#deps.after(delayMs * (1 + this.#deps.random.next()), () => void this.#compareNext());
  }

  /** Who cannot be reached now is waited for, as long as it is a member. */
  async #compareNext(): Promise<void> {
    const members = new Set(this.#deps.members());
    for (const peer of this.#left.keys()) if (!members.has(peer)) this.#left.delete(peer);
    const connected = new Set(this.#deps.connected());
    const next = [...this.#left].find(([peer]) => connected.has(peer));
    if (next) {
      this.#isComparing = true;
      await this.#compare(...next);
      this.#isComparing = false;
      if (!this.#left.has(next[0])) this.#keep();
    }
    if (this.#left.size > 0 && !this.#deps.isStopped()) this.#compareIn(next ? this.#waitMs : AWAY_MS);
  }

  async #compare(peer: string, place: Place): Promise<void> {
    const { isComplete, reached } = await this.#deps.audit(peer, place.from);
    const isFurther = isComplete || reached.kind !== place.from.kind || reached.key !== place.from.key;
    if (isFurther) this.#waitMs = WAIT_MS;
    else this.#waitLonger();
    // More has been dropped meanwhile, and it begins anew.
    if (this.#left.get(peer) !== place) return;
    this.#left.delete(peer);
    // After the others.
    if (!isComplete) this.#left.set(peer, { from: reached });
  }

  #waitLonger(): void {
    const { name, logger } = this.#deps;
    if (this.#waitMs === WAIT_MAX_MS) return;
    this.#waitMs = Math.min(this.#waitMs * 2, WAIT_MAX_MS);
    if (this.#waitMs < WAIT_MAX_MS) return;
    const fields = { log: name, peers: this.#left.size };
    logger.info(
      fields,
      'replication: the mesh writes all the time, so rows are compared more seldom after an eviction',
    );
  }
}
