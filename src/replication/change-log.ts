// One file's change log: records what this node writes, and answers what is known, held, cleared and collected.
//
// known = held or cleared, always. `collected` is what was known everywhere when tombstones were dropped: whoever lacks
// any of it may hold rows that were deleted meanwhile (see snapshot.ts).

import { GatewayError } from '../errors.ts';
import { type JsonObject, parseObject } from '../model/json.ts';
import type { Clock, Random } from '../ports.ts';
import type { ChangeRecorder } from '../storage/changes.ts';
import type { Database } from '../storage/database.ts';
import { canonicalText, compareVersions, joinBases, KEY_BYTES_MAX, type Sign, signedBytes } from './change.ts';
import { ChangeTable, type HeldChange } from './change-table.ts';
import { Conflicts } from './conflicts.ts';
import { freshEpoch } from './epoch.ts';
import { type Faults, NO_FAULTS } from './faults.ts';
import { Flags } from './flags.ts';
import { FIRST_HLC, type Hlc, hlcOf, isAhead, later, stamp } from './hlc.ts';
import type { Kind } from './kind.ts';
import { OriginTable } from './origin-table.ts';
import { PeerKnowledge } from './peer-knowledge.ts';
import { RangeTable } from './range-table.ts';
import type { VersionVector } from './version-vector.ts';

export interface ChangeLogDeps {
  /** Its schema contains REPLICATION_MIGRATIONS. */
  readonly database: Database;
  readonly kinds: readonly Kind[];
  readonly clock: Pick<Clock, 'now'>;
  readonly random: Pick<Random, 'next'>;
}

/**
 * May the origin write rows of this kind? Undefined while we cannot tell: its membership may still be on its way.
 * `capability` is undefined for kinds that this version does not know.
 */
export type MayWrite = (origin: string, kind: string, capability: string | undefined) => boolean | undefined;

export interface ChangeLogOptions {
  /** Same on all nodes, e.g. `gateway`; part of every signature. */
  readonly name: string;
  /** This node. */
  readonly origin: string;
  readonly mayWrite?: MayWrite;
  /** The mesh's median time, ms since 1970; our own clock's when absent. */
  readonly meshNow?: () => number;
  /** Other processes may write to the file: commands beside the node. Default: yes. */
  readonly hasOtherWriters?: boolean;
  readonly conflictsMax?: number;
  readonly faults?: Faults;
}

/** Signed in one go, so that a burst of writes does not wait for one signature after another. */
const SIGNED_AT_ONCE = 256;

export class ChangeLog implements ChangeRecorder {
  readonly name: string;
  readonly origin: string;
  readonly database: Database;
  readonly kinds: ReadonlyMap<string, Kind>;
  readonly changes: ChangeTable;
  readonly known: RangeTable;
  readonly cleared: RangeTable;
  readonly collected: RangeTable;
  readonly conflicts: Conflicts;
  readonly flags: Flags;
  readonly peers: PeerKnowledge;
  readonly faults: Faults;
  readonly mayWrite: MayWrite;
  readonly hasOtherWriters: boolean;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #random: Pick<Random, 'next'>;
  readonly #meshNow: () => number;
  readonly #state;
  readonly #setState;
  readonly #dataVersion;
  /** Called after a write, still inside its transaction. */
  onWrite: () => void = () => undefined;
  #epoch: number | undefined;
  #digest: { readonly of: VersionVector; readonly text: string } | undefined;
  /** Of `replication_state`, as it was read or written. */
  readonly #states = new Map<string, string | undefined>();
  /** When they were. */
  #statesOf = { rollbacks: 0, commits: 0 };
  /** How many this process has made, whether they were rolled back afterwards or not. */
  #writes = 0;
  /** After so many of them all were signed. */
  #signedAt: { readonly writes: number; readonly rollbacks: number } | undefined;

  constructor(deps: ChangeLogDeps, options: ChangeLogOptions) {
    const { database } = deps;
    const origins = new OriginTable(database);
    this.name = options.name;
    this.origin = options.origin;
    this.database = database;
    this.kinds = new Map(deps.kinds.map((kind) => [kind.name, kind]));
    this.changes = new ChangeTable(database, origins);
    this.known = new RangeTable(database, 'replication_known', origins);
    this.cleared = new RangeTable(database, 'replication_cleared', origins);
    this.collected = new RangeTable(database, 'replication_collected', origins);
    this.conflicts = new Conflicts(database, options.conflictsMax);
    this.flags = new Flags(database);
    this.peers = new PeerKnowledge(database);
    this.faults = options.faults ?? NO_FAULTS;
    this.mayWrite = options.mayWrite ?? (() => true);
    this.hasOtherWriters = options.hasOtherWriters ?? true;
    this.#clock = deps.clock;
    this.#random = deps.random;
    this.#meshNow = options.meshNow ?? (() => deps.clock.now());
    this.#state = database.prepare<[string], string>('SELECT value FROM replication_state WHERE name = ?').pluck();
    this.#setState = database.prepare('INSERT OR REPLACE INTO replication_state (name, value) VALUES (?, ?)');
    this.#dataVersion = database.prepare<[], number>('PRAGMA data_version').pluck();
  }

  put(kind: string, key: string, body: JsonObject): void {
    const definition = this.#kind(kind, key);
    const held = this.changes.byKey(kind, key);
    const text = canonicalText(this.#grown(definition, key, body, held));
    if (Buffer.byteLength(text) > definition.bodyBytesMax) {
      throw new GatewayError('body_too_large', `The ${kind} ${key} is larger than ${definition.bodyBytesMax} bytes`);
    }
    if (!definition.isValid(key, body)) throw new Error(`The ${kind} ${key} has a body that its own kind refuses`);
    this.#writeOver(held, kind, key, text);
  }

  remove(kind: string, key: string): void {
    if (this.#kind(kind, key).join) throw new Error(`Rows of the kind ${kind} only grow and cannot be removed`);
    this.write(kind, key, null);
  }

  /**
   * A new change of this node over whatever is held of the row. The store is the caller's business.
   * @param floor a stamp that the change must beat, besides those of the held ones
   */
  write(kind: string, key: string, body: string | null, floor?: Hlc): void {
    this.#writeOver(this.changes.byKey(kind, key), kind, key, body, floor);
  }

  #writeOver(held: readonly HeldChange[], kind: string, key: string, body: string | null, floor = FIRST_HLC): void {
    if (!this.database.inTransaction) throw new Error('Changes are recorded in the transaction that writes the row');
    const now = this.#clock.now();
    // Of a row that is not here there may be a tombstone elsewhere that we have dropped already: beat that as well.
    const beaten = later(newest(held)?.hlc ?? this.collectedHlc, floor);
    const { hlc, last } = stamp({ last: this.lastHlc(now), base: beaten, now, meshNow: this.#meshNow() });
    const epoch = this.epoch();
    const seq = this.known.head(this.origin, epoch) + 1;
    const base = held.reduce<ReturnType<typeof joinBases>>(
      (joined, change) => joinBases(joinBases(joined, change.context), [change]),
      [],
    );
    for (const change of held) this.drop(change);
    this.#writes += 1;
    this.changes.insert(
      { origin: this.origin, epoch, seq, hlc, kind, key, base, body, signature: null },
      { storedAt: now, isParked: false },
    );
    this.known.add({ origin: this.origin, epoch, first: seq, last: seq });
    this.keepHlc(last);
    this.onWrite();
  }

  /** No longer held: from now on cleared. */
  drop(change: Pick<HeldChange, 'id' | 'origin' | 'epoch' | 'seq'>): void {
    this.changes.delete(change.id);
    if (!this.faults.noClearedRanges) this.cleared.add({ ...change, first: change.seq, last: change.seq });
  }

  /** Brings rows into the log that were written while nobody recorded, as far as this node may. Returns how many. */
  adoptRows(): number {
    let adopted = 0;
    this.database.transaction(() => {
      for (const kind of this.kinds.values()) {
        if (!this.mayWrite(this.origin, kind.name, kind.capability)) continue;
        for (const { key, body } of kind.rows?.(this.database) ?? []) {
          if (this.changes.byKey(kind.name, key).length > 0) continue;
          this.put(kind.name, key, body);
          adopted += 1;
        }
      }
    })();
    return adopted;
  }

  /** Of this process: made with its first write, so that a copy of the file never numbers its changes alike. */
  epoch(): number {
    this.#epoch ??= freshEpoch(this.#clock.now(), this.#random, this.vector().epochs(this.origin));
    return this.#epoch;
  }

  /** The epoch that `epoch()` would use, without beginning one. */
  get runningEpoch(): number | undefined {
    return this.#epoch;
  }

  /** The next write begins a new epoch. */
  leaveEpoch(): void {
    this.#epoch = undefined;
  }

  /** A stamp of an earlier epoch that is far ahead is forgotten: then the clock was wrong and has been put right. */
  lastHlc(now: number): Hlc {
    const last = this.#stateOf('last-hlc') ?? FIRST_HLC;
    return this.#epoch === undefined && isAhead(last, Math.max(now, this.#meshNow())) ? hlcOf(now) : last;
  }

  keepHlc(hlc: Hlc): void {
    this.#keep('last-hlc', hlc);
  }

  /** The highest stamp of a tombstone that was dropped: what is written anew by a node that comes back must beat it. */
  get collectedHlc(): Hlc {
    return this.#stateOf('collected-hlc') ?? FIRST_HLC;
  }

  keepCollectedHlc(hlc: Hlc): void {
    this.#keep('collected-hlc', later(this.collectedHlc, hlc));
  }

  /** Another number after each commit of another connection to the file. */
  otherCommits(): number {
    return this.hasOtherWriters ? (this.#dataVersion.get() ?? 0) : 0;
  }

  /** What is known. Shared: not to be changed by the caller. */
  vector(): VersionVector {
    this.#notice();
    return this.known.vector();
  }

  /** What was known everywhere when its tombstones were dropped. Shared as well. */
  collectedVector(): VersionVector {
    this.#notice();
    return this.collected.vector();
  }

  /** Of what is known; equal on two nodes when both know the same. */
  digest(): string {
    const known = this.vector();
    if (this.#digest?.of !== known) this.#digest = { of: known, text: known.digest() };
    return this.#digest.text;
  }

  /** Nothing may be sent before: what is unsigned would be held back, and with it what it superseded. */
  async signPending(sign: Sign): Promise<void> {
    while (!this.#isSigned) {
      const writes = this.#writes;
      const { rollbacks } = this.database;
      const pending = this.changes.unsigned(SIGNED_AT_ONCE);
      if (pending.length > 0) {
        const signatures = await Promise.all(pending.map((change) => sign(signedBytes(this.name, change))));
        this.database.transaction(() => {
          for (const [index, change] of pending.entries()) {
            this.changes.sign(change, signatures[index] ?? new Uint8Array());
          }
        })();
      }
      if (pending.length < SIGNED_AT_ONCE) this.#signedAt = { writes, rollbacks };
      if (pending.length === 0) return;
    }
  }

  get hasUnsigned(): boolean {
    return !this.#isSigned && this.changes.hasUnsigned;
  }

  /** Surely; other processes leave what they write unsigned at any time. */
  get #isSigned(): boolean {
    const { writes, rollbacks } = this.#signedAt ?? {};
    return !this.hasOtherWriters && writes === this.#writes && rollbacks === this.database.rollbacks;
  }

  /** What other processes have committed is read anew. */
  #notice(): void {
    const commits = this.otherCommits();
    const { rollbacks } = this.database;
    if (commits !== this.#statesOf.commits) for (const table of [this.known, this.collected]) table.forget();
    else if (rollbacks === this.#statesOf.rollbacks) return;
    this.#states.clear();
    this.#statesOf = { commits, rollbacks };
  }

  #stateOf(name: string): string | undefined {
    this.#notice();
    if (!this.#states.has(name)) this.#states.set(name, this.#state.get(name));
    return this.#states.get(name);
  }

  #keep(name: string, value: string): void {
    this.#setState.run(name, value);
    this.#states.set(name, value);
  }

  /** Of a kind that only grows, a writer who knows less than the log must not shrink the row. */
  #grown({ join, apply }: Kind, key: string, body: JsonObject, held: readonly HeldChange[]): JsonObject {
    if (!join) return body;
    const joined = held
      .filter(({ isParked }) => !isParked)
      .reduce((larger, change) => join(larger, parseObject(change.body ?? '') ?? larger), body);
    if (canonicalText(joined) !== canonicalText(body)) {
      apply(this.database, key, joined, { origin: this.origin, hlc: this.lastHlc(this.#clock.now()), isLocal: true });
    }
    return joined;
  }

  #kind(name: string, key: string): Kind {
    const kind = this.kinds.get(name);
    if (!kind) throw new Error(`Nobody has told the change log of the kind ${name}`);
    if (Buffer.byteLength(key) > KEY_BYTES_MAX) {
      throw new GatewayError('bad_request', `A key of ${name} is longer than ${KEY_BYTES_MAX} bytes`);
    }
    if (!this.mayWrite(this.origin, name, kind.capability)) {
      throw new GatewayError(
        'forbidden',
        `This node may not write ${name}: it lacks the capability ${kind.capability}`,
      );
    }
    return kind;
  }
}

export function newest(held: readonly HeldChange[]): HeldChange | undefined {
  return held.reduce<HeldChange | undefined>(
    (best, change) => (best === undefined || compareVersions(change, best) > 0 ? change : best),
    undefined,
  );
}
