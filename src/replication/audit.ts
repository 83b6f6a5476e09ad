// Trust, but verify: two nodes with equal vectors must hold equal live rows. Every ten minutes a node compares them with
// one peer, range by range of keys, by hashes. A difference is a defect of somebody's (a damaged file, a copied running
// node, a peer that lied about cleared ranges): it is counted, flagged and healed.
//
// Healing: of two versions of a row the later wins, as ever. A row that the peer does not hold goes only when it was
// collected there, since then it was deleted; else it stays, and the peer gets it by its own audit.

import { createHash } from 'node:crypto';
import { compare } from './change.ts';
import type { ChangeLog } from './change-log.ts';
import type { HeldChange, RowKey } from './change-table.ts';
import type { AuditRange, Reply, Request, VersionName } from './messages.ts';
import type { MergeTime, Replica } from './replica.ts';

const ROWS_IN_RANGE = 256;
const RANGES_AT_ONCE = 16;
const ROWS_IN_REPLY = 1_024;
const FETCHED_AT_ONCE = 64;
/** Before every row. */
export const FIRST_ROW: RowKey = { kind: '', key: '' };
/** After every name of a kind. */
const LAST_ROW: RowKey = { kind: '~', key: '' };

export interface AuditResult {
  /** Rows that were compared; fewer than all when the vectors moved meanwhile. */
  readonly compared: number;
  readonly differences: number;
  /** All rows were compared; false when the vectors moved before. */
  readonly isComplete: boolean;
  /** All rows before it were compared. */
  readonly reached: RowKey;
}

export function answerAudit(log: ChangeLog, request: Extract<Request, { type: 'audit' }>): Reply {
  if (request.digest !== log.digest()) return { type: 'audit', isMoved: true, ranges: [] };
  const ranges = request.ranges.map(({ after, to, digest }) => {
    const rows = log.changes.liveBetween(after, to, ROWS_IN_REPLY);
    return digestOf(rows) === digest ? undefined : rows.map(nameOf);
  });
  return { type: 'audit', isMoved: false, ranges };
}

/** Asks through one peer's rows; the driver sends what `next` says, as in a pull session. */
export class AuditSession {
  readonly #log: ChangeLog;
  readonly #replica: Replica;
  readonly #peer: string;
  readonly #digest: string;
  #cursor: RowKey;
  #reached: RowKey;
  #ranges: readonly AuditRange[] = [];
  #suspects: RowKey[] = [];
  #isOver = false;
  #isMoved = false;
  #compared = 0;
  #differences = 0;

  constructor(
    { log, replica }: { readonly log: ChangeLog; readonly replica: Replica },
    peer: string,
    from: RowKey = FIRST_ROW,
  ) {
    this.#log = log;
    this.#replica = replica;
    this.#peer = peer;
    this.#digest = log.digest();
    this.#cursor = from;
    this.#reached = from;
    this.#nextRanges();
  }

  get next(): Request | undefined {
    if (this.#isOver) return undefined;
    if (this.#suspects.length > 0) return { type: 'fetch', rows: this.#suspects.slice(0, FETCHED_AT_ONCE) };
    return { type: 'audit', digest: this.#digest, ranges: this.#ranges };
  }

  get result(): AuditResult {
    const isComplete = this.#isOver && !this.#isMoved;
    return { compared: this.#compared, differences: this.#differences, isComplete, reached: this.#reached };
  }

  /** Of the changes in the reply, signatures must have been verified. @throws ReplicaFullError */
  receive(reply: Reply, time: MergeTime): void {
    // With other vectors the differences are explained; another audit will come.
    if (this.#log.digest() !== this.#digest) this.#giveUp();
    else if (reply.type === 'audit' && !reply.isMoved) this.#compare(reply.ranges);
    else if (reply.type === 'rows') this.#heal(reply, time);
    else this.#giveUp();
  }

  #giveUp(): void {
    this.#isOver = true;
    this.#isMoved = true;
  }

  #compare(theirs: readonly (readonly VersionName[] | undefined)[]): void {
    for (const [index, range] of this.#ranges.entries()) {
      const rows = this.#log.changes.liveBetween(range.after, range.to, ROWS_IN_REPLY);
      this.#compared += rows.length;
      const others = theirs[index];
      if (others) this.#suspects.push(...differing(rows.map(nameOf), others));
    }
    if (this.#suspects.length === 0) this.#advance();
  }

  #heal(reply: Extract<Reply, { type: 'rows' }>, time: MergeTime): void {
    const asked = this.#suspects.slice(0, FETCHED_AT_ONCE);
    this.#suspects = this.#suspects.slice(FETCHED_AT_ONCE);
    this.#differences += asked.length;
    this.#log.flags.raise('audit-difference', this.#peer, time.now, asked.length);
    this.#replica.heal(reply.changes, time);
    const held = new Set(reply.changes.map(textOf));
    this.#log.database.transaction(() => {
      for (const row of asked.filter((name) => !held.has(textOf(name)))) {
        for (const ours of this.#log.changes.byKey(row.kind, row.key)) {
          if (reply.collected.has(ours)) this.#replica.forget(ours, time.now);
        }
      }
    })();
    if (this.#suspects.length === 0) this.#advance();
  }

  #advance(): void {
    this.#reached = this.#cursor;
    if (compareRows(this.#cursor, LAST_ROW) === 0) this.#isOver = true;
    else this.#nextRanges();
  }

  #nextRanges(): void {
    const ranges: AuditRange[] = [];
    while (ranges.length < RANGES_AT_ONCE && compareRows(this.#cursor, LAST_ROW) < 0) {
      const rows = this.#log.changes.liveBetween(this.#cursor, LAST_ROW, ROWS_IN_RANGE);
      const last = rows.at(-1);
      const to = last && rows.length === ROWS_IN_RANGE ? { kind: last.kind, key: last.key } : LAST_ROW;
      ranges.push({
        after: this.#cursor,
        to,
        digest: digestOf(this.#log.changes.liveBetween(this.#cursor, to, ROWS_IN_REPLY)),
      });
      this.#cursor = to;
    }
    this.#ranges = ranges;
  }
}

/** Of all live rows: equal on two nodes that have converged. For tests, and to see at a glance. */
export function digestOfRows(log: ChangeLog): string {
  const hash = createHash('sha256');
  let cursor = FIRST_ROW;
  for (;;) {
    const rows = log.changes.liveBetween(cursor, LAST_ROW, ROWS_IN_RANGE);
    const last = rows.at(-1);
    if (!last) return hash.digest('hex').slice(0, 32);
    for (const row of rows) hash.update(`${textOf(row)}\0${versionOf(row)}\n`);
    cursor = { kind: last.kind, key: last.key };
  }
}

function digestOf(rows: readonly HeldChange[]): string {
  const hash = createHash('sha256');
  for (const row of rows) hash.update(`${textOf(row)}\0${versionOf(row)}\n`);
  return hash.digest('hex').slice(0, 32);
}

function nameOf(row: HeldChange): VersionName {
  return { kind: row.kind, key: row.key, version: versionOf(row) };
}

/** The signature is part of it: it differs when one number was used for two values. */
function versionOf({ hlc, origin, epoch, seq, signature }: HeldChange): string {
  const mark = createHash('sha256')
    .update(signature ?? '')
    .digest('hex')
    .slice(0, 16);
  return `${hlc} ${origin} ${epoch} ${seq} ${mark}`;
}

function differing(ours: readonly VersionName[], theirs: readonly VersionName[]): RowKey[] {
  const versions = new Map<string, { row: RowKey; ours: string; theirs: string }>();
  const entryOf = (name: VersionName) => {
    const entry = versions.get(textOf(name)) ?? { row: { kind: name.kind, key: name.key }, ours: '', theirs: '' };
    versions.set(textOf(name), entry);
    return entry;
  };
  for (const name of ours) entryOf(name).ours += `${name.version}\n`;
  for (const name of theirs) entryOf(name).theirs += `${name.version}\n`;
  return [...versions.values()].filter((entry) => entry.ours !== entry.theirs).map(({ row }) => row);
}

function compareRows(left: RowKey, right: RowKey): number {
  return compare(left.kind, right.kind) || compare(left.key, right.key);
}

function textOf({ kind, key }: RowKey): string {
  return `${kind}\0${key}`;
}
