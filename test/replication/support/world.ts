// A small deterministic world of replicas: seeded, in virtual time, with everything that goes wrong out there. Requests
// are answered at once, but sessions may be cut after any message, pushes come late, twice or never.

import { AuditSession, digestOfRows } from '../../../src/replication/audit.ts';
import type { Change } from '../../../src/replication/change.ts';
import { compareVersions, hasSeen } from '../../../src/replication/change.ts';
import { collectTombstones } from '../../../src/replication/compaction.ts';
import type { Faults } from '../../../src/replication/faults.ts';
import { parseReply, parseRequest, renderReply, renderRequest } from '../../../src/replication/messages.ts';
import { PullSession } from '../../../src/replication/pull-session.ts';
import { answer } from '../../../src/replication/responder.ts';
import type { Database } from '../../../src/storage/database.ts';
import { openCopy, openDatabase } from '../../../src/storage/database.ts';
import { seededRandom } from '../../support/seeded-random.ts';
import { brokenKnowledge, heldBy, openNode, STORE_MIGRATIONS, signAll, type TestNode } from './node.ts';

export const DAY_MS = 86_400_000;
const TEN_YEARS_MS = 3_650 * DAY_MS;

export interface Member {
  /** Unlike its origin, never shared. */
  readonly name: string;
  readonly origin: string;
  node: TestNode;
  skewMs: number;
  island: number;
  backup: Buffer | undefined;
}

export interface WorldOptions {
  readonly seed: number;
  readonly members: number;
  readonly faults?: Faults;
  readonly pageBytesMax?: number;
  readonly keys?: number;
}

interface Written {
  readonly change: Change;
  readonly by: Member;
}

export class World {
  readonly members: Member[] = [];
  readonly journal: Written[] = [];
  bytes = 0;
  messages = 0;
  now = 1_800_000_000_000;
  readonly random;
  readonly options: WorldOptions;
  #value = 0;
  #pushes: { readonly to: Member; readonly from: Member; readonly changes: Change[] }[] = [];
  #opened = 0;

  constructor(options: WorldOptions) {
    this.options = options;
    this.random = seededRandom(options.seed);
    for (let index = 0; index < options.members; index += 1) this.join(`n${index}`);
  }

  pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.random.next() * list.length)] as T;
  }

  chance(probability: number): boolean {
    return this.random.next() < probability;
  }

  join(origin: string, database?: Database): Member {
    this.#opened += 1;
    const member: Member = {
      name: `${origin}#${this.#opened}`,
      origin,
      skewMs: 0,
      island: 0,
      backup: undefined,
      node: undefined as never,
    };
    this.open(member, database ?? openDatabase(':memory:', STORE_MIGRATIONS));
    this.members.push(member);
    return member;
  }

  /** Starts the process over this file. */
  open(member: Member, database: Database): void {
    this.#opened += 1;
    member.node = openNode({
      origin: member.origin,
      database,
      now: () => this.timeOf(member),
      meshNow: () => this.now,
      seed: this.options.seed * 1_000 + this.#opened,
      faults: this.options.faults ?? {},
    });
  }

  timeOf(member: Member): number {
    return this.now + member.skewMs;
  }

  write(member: Member, keyName?: string, isRemoval = this.chance(0.3)): void {
    const key = keyName ?? `k${Math.floor(this.random.next() * (this.options.keys ?? 6))}`;
    this.#value += 1;
    if (isRemoval) member.node.remove(key);
    else member.node.put(key, this.#value);
    this.note(member, 'register', key);
  }

  count(member: Member): void {
    this.#value += 1;
    // Its own shard, and sometimes one that a copy of it writes too.
    member.node.count(`${member.origin}/day`, { requests: Math.floor(this.random.next() * 100), tokens: this.#value });
  }

  note(member: Member, kind: string, key: string): void {
    signAll(member.node);
    const change = member.node.log.changes.byKey(kind, key).find(({ origin }) => origin === member.origin);
    if (change) this.journal.push({ change: change as Change, by: member });
  }

  /** Writes that went down with a disk before anyone heard of them. */
  forgetUnheard(): void {
    this.dropPushes();
    const heard = this.journal.filter(({ change }) => this.members.some(({ node }) => node.log.vector().has(change)));
    this.journal.splice(0, this.journal.length, ...heard);
  }

  areConnected(a: Member, b: Member): boolean {
    return a !== b && a.island === b.island;
  }

  /** One session; `cutAfter` messages it breaks. Returns whether it ended by itself. */
  sync(to: Member, from: Member, cutAfter = Number.POSITIVE_INFINITY): boolean {
    signAll(to.node);
    const session = new PullSession({ log: to.node.log, replica: to.node.replica, mayVouch: () => true }, from.name);
    const { log } = to.node;
    const head = (): number => log.known.head(to.origin, log.runningEpoch ?? 0);
    const before = head();
    const isOver = this.#run(to, from, session, cutAfter);
    // What was unsent is written anew by a node that comes back.
    if (head() > before) {
      signAll(to.node);
      const range = { origin: to.origin, epoch: log.epoch(), first: before + 1, last: head() };
      for (const change of log.changes.inRange(range, 1_000)) {
        if (change.kind === 'register') this.journal.push({ change: change as Change, by: to });
      }
    }
    return isOver;
  }

  audit(to: Member, from: Member): number {
    signAll(to.node);
    const session = new AuditSession({ log: to.node.log, replica: to.node.replica }, from.name);
    this.#run(to, from, session, Number.POSITIVE_INFINITY);
    return session.result.differences;
  }

  #run(to: Member, from: Member, session: PullSession | AuditSession, cutAfter: number): boolean {
    for (let count = 0; session.next !== undefined; count += 1) {
      if (count >= cutAfter) return false;
      if (count > 20_000) throw new Error('A session does not end');
      signAll(from.node);
      const request = renderRequest(session.next);
      const asked = parseRequest(request);
      if (!asked) throw new Error('A request cannot be read');
      const bytes = renderReply(answer(from.node.log, asked, this.options.pageBytesMax ?? 400));
      const reply = parseReply(bytes);
      if (!reply) throw new Error(`A reply cannot be read: ${Buffer.from(bytes).toString()}`);
      this.bytes += request.length + bytes.length;
      this.messages += 2;
      session.receive(reply, { now: this.timeOf(to), meshNow: this.now });
    }
    return true;
  }

  /** Sends what a member wrote last to some, late, twice or not at all. */
  push(from: Member): void {
    signAll(from.node);
    const own = heldBy(from.node).filter(({ origin }) => origin === from.origin);
    const changes = own.slice(-1 - Math.floor(this.random.next() * 3));
    for (const to of this.members) {
      if (!this.areConnected(to, from) || this.chance(0.3)) continue;
      this.#pushes.push({ to, from, changes });
      if (this.chance(0.2)) this.#pushes.push({ to, from, changes });
    }
  }

  deliverSome(): void {
    const due = this.#pushes.filter(() => this.chance(0.5));
    this.#pushes = this.#pushes.filter((push) => !due.includes(push));
    while (due.length > 0) {
      const [push] = due.splice(Math.floor(this.random.next() * due.length), 1);
      if (!push || !this.members.includes(push.to)) continue;
      const { log, replica } = push.to.node;
      const collected = log.collected.load();
      // As the replicator does: nobody takes changes from one who lacks what is forgotten here.
      if (!collected.isEmpty && !log.peers.of(push.from.name)?.known.dominates(collected)) continue;
      replica.merge(push.changes, { now: this.timeOf(push.to), meshNow: this.now });
    }
  }

  dropPushes(): void {
    this.#pushes = [];
  }

  restart(member: Member): void {
    this.open(member, member.node.database);
  }

  save(member: Member): void {
    member.backup = member.node.database.serialize();
  }

  /** The disk becomes what it was. */
  restore(member: Member): void {
    if (!member.backup) return;
    this.open(member, openCopy(member.backup));
    this.forgetUnheard();
  }

  /** A second node starts with a copy of this one's disk. */
  clone(member: Member): Member {
    return this.join(member.origin, openCopy(member.node.database.serialize()));
  }

  leave(member: Member): void {
    this.members.splice(this.members.indexOf(member), 1);
  }

  collect(member: Member, options: { ageMinMs?: number; silenceMaxMs?: number } = {}): number {
    const members = this.members.filter((other) => other !== member).map(({ name }) => name);
    // Who is alone has no other time than its own.
    const isAlone = this.members.every(({ name, island }) => name === member.name || island !== member.island);
    const now = this.timeOf(member);
    return collectTombstones(member.node.log, { now, meshNow: isAlone ? now : this.now, members, ...options });
  }

  partition(islands: number): void {
    for (const member of this.members) member.island = Math.floor(this.random.next() * islands);
  }

  heal(): void {
    for (const member of this.members) member.island = 0;
  }

  /** Rounds in which everyone asks everyone, until nothing moves. Returns whether it came to rest. */
  settle(roundsMax = 12): boolean {
    for (let round = 0; round < roundsMax; round += 1) {
      for (const to of this.members) for (const from of this.members) if (to !== from) this.sync(to, from);
      if (new Set(this.members.map(({ node }) => node.log.digest())).size === 1) return true;
    }
    return false;
  }

  /** Everything that is wrong after healing; empty when the world is fine. */
  complaints(): string[] {
    const complaints: string[] = [];
    if (!this.settle()) complaints.push('vectors do not converge');
    const [first, ...others] = this.members;
    if (!first) return complaints;
    for (const other of others) {
      if (digestOfRows(other.node.log) !== digestOfRows(first.node.log))
        complaints.push(`${other.name}: other live changes`);
      for (const view of ['rows', 'shards'] as const) {
        if (JSON.stringify(other.node[view]()) !== JSON.stringify(first.node[view]()))
          complaints.push(`${other.name}: other ${view}`);
      }
    }
    for (const { name, node } of this.members)
      complaints.push(...brokenKnowledge(node).map((text) => `${name}: ${text}`));
    for (const { name, node } of this.members) complaints.push(...storeDiffers(node).map((text) => `${name}: ${text}`));
    return complaints;
  }

  /** Of two writes the one that wins for ever, by the rule, out of everything ever written of a row. */
  winnerOf(key: string): Change | undefined {
    const writes = this.journal.filter(({ change }) => change.key === key).map(({ change }) => change);
    return writes.sort(compareVersions).at(-1);
  }

  /** Has anybody dropped tombstones? */
  get hasCollected(): boolean {
    return this.members.some(({ node }) => !node.log.collected.load().isEmpty);
  }

  /** Live rows that somebody had seen and deleted or replaced. */
  resurrected(): string[] {
    const [first] = this.members;
    if (!first) return [];
    return heldBy(first.node)
      .filter(({ body }) => body !== null)
      .filter((row) =>
        this.journal.some(
          ({ change }) => change.key === row.key && hasSeen(change.base, row) && compareVersions(change, row) !== 0,
        ),
      )
      .map(({ key }) => `${key} is back`);
  }

  skew(member: Member): void {
    member.skewMs = this.pick([0, 0, TEN_YEARS_MS, -TEN_YEARS_MS, 3_600_000, -60_000]);
  }
}

function storeDiffers(node: TestNode): string[] {
  const expected: Record<string, unknown> = {};
  for (const change of heldBy(node)) {
    if (change.kind === 'register' && change.body !== null) expected[change.key] = JSON.parse(change.body).value;
  }
  const rows = node.rows();
  const keys = new Set([...Object.keys(expected), ...Object.keys(rows)]);
  return [...keys]
    .filter((key) => expected[key] !== rows[key])
    .map((key) => `the store's ${key} is not what the log says`);
}
