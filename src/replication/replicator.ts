// Drives one log over the network: pushes what is written here, asks peers for what is missing, answers what they ask,
// audits, and drops tombstones. All decisions are those of the state machines beside it; here are time, bytes and order.

import { GatewayError, isDiskFull } from '../errors.ts';
import type { Cancellable, Clock, Logger, Random } from '../ports.ts';
import { unlessFull } from '../storage/unless-full.ts';
import { type AuditResult, AuditSession } from './audit.ts';
import { AuditsAround, type AuditsAroundDeps } from './audits-around.ts';
import type { Change, Sign, Verify } from './change.ts';
import type { ChangeLog } from './change-log.ts';
import type { RowKey } from './change-table.ts';
import { collectTombstones } from './compaction.ts';
import {
  parsePush,
  parseReply,
  parseRequest,
  type Reply,
  type Request,
  renderReply,
  renderRequest,
} from './messages.ts';
import { OwedAudits } from './owed-audits.ts';
import { ByteBudget, ByteBudgets } from './pace.ts';
import { PullSession } from './pull-session.ts';
import { Pusher } from './pusher.ts';
import { type Replica, ReplicaFullError } from './replica.ts';
import { answer, PAGE_BYTES_MAX } from './responder.ts';
import { verifiedChanges } from './verification.ts';

/** What replication needs of the mesh. */
export interface Network {
  /** Resolves with the peer's answer; rejects when there is none. */
  request(peer: string, path: string, body: Uint8Array, signal: AbortSignal): Promise<Uint8Array>;
  /** To every connected member; delivery not promised. */
  broadcast(topic: string, message: Uint8Array): Promise<void>;
  onBroadcast(topic: string, handler: (from: string, message: Uint8Array) => void): void;
  /** Members that are connected now. */
  connected(): readonly string[];
  /** All members but ourselves. */
  members(): readonly string[];
}

export interface ReplicatorDeps {
  readonly log: ChangeLog;
  readonly replica: Replica;
  readonly network: Network;
  readonly clock: Clock;
  readonly random: Pick<Random, 'next'>;
  readonly logger: Logger;
  readonly sign: Sign;
  readonly verify: Verify;
}

export interface ReplicatorOptions {
  /** May the next page of bulk be asked for? False while tokens of forwarded answers are waiting. */
  readonly mayPage?: () => boolean;
  readonly mayVouch?: (peer: string) => boolean;
  readonly meshNow?: () => number;
  readonly bulkBytesPerSecond?: number;
  readonly pushBytesPerSecondAndOrigin?: number;
  /** False for logs that drop rows when they are full: there equal vectors do not mean equal rows. Default: true. */
  readonly isAudited?: boolean;
}

/** A burst of writes becomes one message; nobody notices 50 ms. */
const PUSH_DELAY_MS = 50;
const ROUND_MS = 5_000;
const QUIET_ROUND_MS = 30_000;
const AUDIT_MS = 10 * 60_000;
const COLLECT_MS = 60 * 60_000;
/** More would fetch the same changes from several peers at once. */
const PULLS_AT_ONCE = 2;
const REQUEST_TIMEOUT_MS = 10_000;
/** While bulk must yield, or the budget is used up, it looks again after this long. */
const YIELD_MS = 20;
const BULK_BYTES_PER_SECOND = 32 * 2 ** 20;
const PUSH_BYTES_PER_SECOND_AND_ORIGIN = 2 ** 20;
/** What is on its way arrives within this time, and then nobody need be asked. */
const DIFFERENCE_MS = 500;
/** So many nodes ask one announcer at once if they do not wait a little. */
const ANNOUNCED_SPREAD_MS = 200;

export interface ReplicationProgress {
  /** Changes that peers knew and we did not, at last sight. */
  readonly behind: number;
  /** What is still to come, as far as what came tells. */
  readonly leftBytes: number;
  /** Until the running session is over, as far as its pace tells; undefined when none is running. */
  readonly etaMs: number | undefined;
}

interface Running {
  readonly session: PullSession;
  readonly startedAt: number;
  bytes: number;
}

export class Replicator {
  readonly #deps: ReplicatorDeps;
  readonly #options: Required<ReplicatorOptions>;
  readonly #bulk: ByteBudget;
  readonly #pushes: ByteBudgets;
  readonly #timers = new Set<Cancellable>();
  readonly #stop = new AbortController();
  /** Peers that we are asking now: one session each. */
  readonly #running = new Map<string, Running>();
  #pushTimer: Cancellable | undefined;
  readonly #pusher: Pusher;
  #isQuiet = false;
  readonly #auditsAround: AuditsAround;
  /** When a peer was asked last because it said that it knows something else. */
  #differedAt = Number.NEGATIVE_INFINITY;
  /** Since the start. */
  receivedBytes = 0;

  constructor(deps: ReplicatorDeps, options: ReplicatorOptions = {}) {
    this.#deps = deps;
    this.#options = {
      mayPage: options.mayPage ?? (() => true),
      mayVouch: options.mayVouch ?? (() => true),
      meshNow: options.meshNow ?? (() => deps.clock.now()),
      bulkBytesPerSecond: options.bulkBytesPerSecond ?? BULK_BYTES_PER_SECOND,
      isAudited: options.isAudited ?? true,
      pushBytesPerSecondAndOrigin: options.pushBytesPerSecondAndOrigin ?? PUSH_BYTES_PER_SECOND_AND_ORIGIN,
    };
    const { log, sign, network } = deps;
    this.#pusher = new Pusher({ log, sign, broadcast: (message) => network.broadcast(this.path, message) });
    this.#auditsAround = new AuditsAround({
      name: log.name,
      members: () => network.members(),
      connected: () => network.connected(),
      random: deps.random,
      logger: deps.logger,
      owed: this.#owed(),
      elapsed: () => deps.clock.elapsed(),
      after: (delayMs, action) => this.#after(delayMs, action),
      audit: (peer, from) => this.audit(peer, from),
      isStopped: () => this.#stop.signal.aborted,
    });
    this.#bulk = new ByteBudget(this.#options.bulkBytesPerSecond);
    this.#pushes = new ByteBudgets(this.#options.pushBytesPerSecondAndOrigin);
  }

  get path(): string {
    return `/replication/${this.#deps.log.name}`;
  }

  start(): void {
    const { log, network, clock } = this.#deps;
    network.onBroadcast(this.path, (from, message) => void this.#guard(from, () => this.#onPush(from, message)));
    log.onWrite = () => this.#schedulePush();
    this.#pusher.load();
    this.#schedulePush();
    if (this.#options.isAudited) this.#timers.add(clock.every(AUDIT_MS, () => this.#auditAny()));
    this.#timers.add(clock.every(COLLECT_MS, () => unlessFull(() => this.collect())));
    if (this.#options.isAudited) this.#auditsAround.resume();
    this.#scheduleRound();
  }

  /** On a full disk it is done all the same, only not remembered. */
  #owed(): AuditsAroundDeps['owed'] {
    const owed = new OwedAudits(this.#deps.log.database);
    return { peers: () => owed.peers(), keep: (peers) => unlessFull(() => owed.keep(peers)) };
  }

  stop(): void {
    this.#stop.abort(new Error('Replication stops'));
    this.#deps.log.onWrite = () => undefined;
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }

  /** Another process (the command line) has written to the file. */
  notice(): void {
    this.#schedulePush();
  }

  /**
   * A peer said that it does not know the same. News that were lost on their way would else wait for a round, and those
   * are rare while all seems equal.
   */
  noticeDifference(peer: string): void {
    const { clock, network } = this.#deps;
    const now = clock.elapsed();
    if (now - this.#differedAt < ROUND_MS || !network.connected().includes(peer)) return;
    this.#differedAt = now;
    this.#after(DIFFERENCE_MS * (1 + this.#deps.random.next()), () => void this.pull(peer));
  }

  /** A member has connected: whoever was away is asked at once. */
  onConnect(peer: string): void {
    void this.pull(peer);
    if (this.#options.isAudited) this.#auditsAround.meet(peer);
  }

  /** Answers a member's request. @throws GatewayError when it cannot be read */
  async serve(body: Uint8Array): Promise<Uint8Array> {
    const request = parseRequest(body);
    if (!request) throw new GatewayError('bad_request', 'This is no request of replication');
    // What cannot be signed now is asked for later.
    await this.#deps.log.signPending(this.#deps.sign).catch((error: unknown) => {
      if (!isDiskFull(error)) throw error;
    });
    return renderReply(answer(this.#deps.log, request, PAGE_BYTES_MAX));
  }

  /** Catches up with one peer. Never rejects: what went wrong is logged, and the next round tries again. */
  async pull(peer: string): Promise<void> {
    if (this.#running.has(peer) || this.#running.size >= PULLS_AT_ONCE || this.#stop.signal.aborted) return;
    const { log, replica, clock } = this.#deps;
    const session = new PullSession({ log, replica, mayVouch: this.#options.mayVouch }, peer);
    const running = { session, startedAt: clock.elapsed(), bytes: 0 };
    this.#running.set(peer, running);
    await this.#guard(peer, () => this.#converse(peer, session, running));
    this.#running.delete(peer);
    this.#isQuiet = session.outcome === 'equal';
  }

  /** Rows of an evicted member were dropped. */
  auditAround(): void {
    if (this.#options.isAudited) this.#auditsAround.begin();
  }

  /**
   * Compares live rows with one peer and heals differences.
   * @param expectedFrom there is a reason for differences that vectors do not tell, and this is the row to begin at
   */
  async audit(peer: string, expectedFrom?: RowKey): Promise<AuditResult> {
    const { log, logger } = this.#deps;
    const session = new AuditSession(this.#deps, peer, expectedFrom);
    await this.#guard(peer, () => this.#converse(peer, session));
    const { result } = session;
    const { differences, compared } = result;
    if (differences === 0) return result;
    const fields = { peer, log: log.name, differences, compared };
    if (expectedFrom) logger.info(fields, 'replication: rows that an evicted member had replaced are back');
    else logger.error(fields, 'replication: rows differed and were healed');
    return result;
  }

  collect(): void {
    const { log, clock, network, logger } = this.#deps;
    const members = network.members();
    log.peers.keepOnly(members);
    const collected = collectTombstones(log, { now: clock.now(), meshNow: this.#options.meshNow(), members });
    if (collected > 0) logger.debug({ log: log.name, collected }, 'replication: tombstones dropped');
  }

  progress(): ReplicationProgress {
    let [behind, leftBytes, etaMs] = [0, 0, undefined as number | undefined];
    for (const { session, startedAt, bytes } of this.#running.values()) {
      const { missing, received } = session.progress;
      const left = Math.max(0, missing - received);
      behind = Math.max(behind, left);
      if (received === 0 || left === 0) continue;
      leftBytes = Math.max(leftBytes, Math.round((bytes * left) / received));
      etaMs = Math.max(etaMs ?? 0, ((this.#deps.clock.elapsed() - startedAt) * left) / received);
    }
    return { behind, leftBytes, etaMs };
  }

  #auditAny(): void {
    const peer = this.#pick();
    if (peer !== undefined) void this.audit(peer);
  }

  async #converse(peer: string, session: PullSession | AuditSession, running?: Running): Promise<void> {
    const { clock } = this.#deps;
    for (let request = session.next; request !== undefined; request = session.next) {
      if (request.type !== 'digest') await this.#yield();
      const bytes = await this.#ask(peer, request);
      this.receivedBytes += bytes.length;
      if (running) running.bytes += bytes.length;
      await this.#spend(bytes.length);
      const reply = parseReply(bytes);
      if (!reply) throw new GatewayError('upstream_garbage', `${peer} sent a reply that cannot be read`);
      await this.#verify(peer, reply);
      session.receive(reply, { now: clock.now(), meshNow: this.#options.meshNow() });
    }
  }

  async #verify(peer: string, reply: Reply): Promise<void> {
    if (reply.type !== 'page' && reply.type !== 'rows') return;
    const { log, verify, clock } = this.#deps;
    const verified = await verifiedChanges(log.name, reply.changes, verify);
    if (verified.length === reply.changes.length) return;
    log.flags.raise('forged', peer, clock.now(), reply.changes.length - verified.length);
    throw new GatewayError('upstream_garbage', `${peer} sent changes whose signatures are wrong`);
  }

  async #onPush(from: string, message: Uint8Array): Promise<void> {
    const { log, replica, clock, verify } = this.#deps;
    const push = parsePush(message);
    if (!push || push.digest === log.digest()) return;
    if (push.changes.length === 0 || !this.#mayTake(from, message.length)) return this.#pullSoon(from);
    const verified = await verifiedChanges(log.name, push.changes, verify);
    const forged = push.changes.length - verified.length;
    if (forged > 0) log.flags.raise('forged', from, clock.now(), forged);
    replica.merge(verified, { now: clock.now(), meshNow: this.#options.meshNow() });
    // A gap: something before it did not arrive.
    if (push.digest !== log.digest() && this.#isBefore(push.changes)) this.#pullSoon(from);
  }

  /** One who lacks what is forgotten here may not bring back what was deleted; it has to catch up first. */
  #mayTake(from: string, bytes: number): boolean {
    const { log, clock } = this.#deps;
    if (this.#pushes.take(from, bytes, clock.elapsed()) > 0) return false;
    const collected = log.collectedVector();
    return collected.isEmpty || log.peers.of(from)?.known.dominates(collected) === true;
  }

  #isBefore(changes: readonly Change[]): boolean {
    return changes.some(
      ({ origin, epoch, seq }) => seq > 1 && !this.#deps.log.known.has({ origin, epoch, seq: seq - 1 }),
    );
  }

  #schedulePush(): void {
    this.#pushTimer ??= this.#after(PUSH_DELAY_MS, () => {
      this.#pushTimer = undefined;
      void this.#guard('everyone', () => this.#pusher.push());
    });
  }

  #pullSoon(peer: string): void {
    this.#after(this.#deps.random.next() * ANNOUNCED_SPREAD_MS, () => void this.pull(peer));
  }

  #scheduleRound(): void {
    const period = this.#isQuiet ? QUIET_ROUND_MS : ROUND_MS;
    this.#after(period * (0.5 + this.#deps.random.next()), () => {
      const peer = this.#pick();
      if (peer !== undefined) void this.pull(peer);
      this.#scheduleRound();
    });
  }

  #pick(): string | undefined {
    const peers = this.#deps.network.connected();
    return peers[Math.floor(this.#deps.random.next() * peers.length)];
  }

  async #yield(): Promise<void> {
    while (!this.#options.mayPage()) await this.#deps.clock.sleep(YIELD_MS, this.#stop.signal);
  }

  async #spend(bytes: number): Promise<void> {
    for (;;) {
      const waitMs = this.#bulk.take(bytes, this.#deps.clock.elapsed());
      if (waitMs === 0) return;
      await this.#deps.clock.sleep(waitMs, this.#stop.signal);
    }
  }

  async #ask(peer: string, request: Request): Promise<Uint8Array> {
    const controller = new AbortController();
    const timer = this.#after(REQUEST_TIMEOUT_MS, () => controller.abort(new Error('The peer does not answer')));
    const signal = AbortSignal.any([controller.signal, this.#stop.signal]);
    try {
      return await this.#deps.network.request(peer, this.path, renderRequest(request), signal);
    } finally {
      timer.cancel();
      this.#timers.delete(timer);
    }
  }

  #after(delayMs: number, action: () => void): Cancellable {
    const timer = this.#deps.clock.after(delayMs, () => {
      this.#timers.delete(timer);
      action();
    });
    this.#timers.add(timer);
    return timer;
  }

  /** Runs something that may fail for reasons outside; the next round tries again. */
  async #guard(peer: string, action: () => Promise<void>): Promise<void> {
    const { log, logger } = this.#deps;
    try {
      await action();
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      if (error instanceof ReplicaFullError) {
        logger.error({ peer, log: log.name, err: error }, 'replication: no space for changes of other nodes');
      } else {
        logger.debug({ peer, log: log.name, error: String(error) }, 'replication: did not work this time');
      }
    }
  }
}
