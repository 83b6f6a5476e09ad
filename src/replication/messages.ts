// What two nodes say to each other about one log: requests and replies as JSON bytes. Everything that comes in is
// looked at here, so that the state machines see well-formed messages only. docs/replication.md lists them.

import { asArray, asObject, asString, isObject, type JsonObject, type JsonValue, parseObject } from '../model/json.ts';
import { type Change, isWellFormed, parseBase } from './change.ts';
import type { RowKey } from './change-table.ts';
import { type Hlc, isHlc } from './hlc.ts';
import { type Dot, VersionVector } from './version-vector.ts';

/** Rows of one stretch of keys, as a hash. */
export interface AuditRange {
  /** Exclusive. */
  readonly after: RowKey;
  /** Inclusive. */
  readonly to: RowKey;
  readonly digest: string;
}

export type Request =
  | { readonly type: 'digest'; readonly digest: string }
  | { readonly type: 'want'; readonly have: VersionVector }
  | { readonly type: 'cleared'; readonly after: Dot | undefined }
  | { readonly type: 'audit'; readonly digest: string; readonly ranges: readonly AuditRange[] }
  | { readonly type: 'fetch'; readonly rows: readonly RowKey[] };

export type Reply =
  | { readonly type: 'same' }
  | {
      readonly type: 'vector';
      readonly known: VersionVector;
      readonly collected: VersionVector;
      /** Highest stamp of a dropped tombstone. */
      readonly collectedHlc: Hlc;
    }
  | Page
  | { readonly type: 'cleared'; readonly cleared: VersionVector; readonly next: Dot | undefined }
  /** For each range: undefined where nothing differs, else the versions there. `isMoved`: the vectors differ by now. */
  | {
      readonly type: 'audit';
      readonly isMoved: boolean;
      readonly ranges: readonly (readonly VersionName[] | undefined)[];
    }
  | { readonly type: 'rows'; readonly changes: readonly Change[]; readonly collected: VersionVector }
  /** Not now: ask later. */
  | { readonly type: 'busy' };

export interface Page {
  readonly type: 'page';
  readonly changes: readonly Change[];
  /** Of what was asked for, as far as this page goes. */
  readonly cleared: VersionVector;
  /** With this page comes the last of what the sender knew while it made the page. */
  readonly isLast: boolean;
}

export interface VersionName extends RowKey {
  readonly version: string;
}

/** To everyone: new changes, or only the news that there are some. */
export interface Push {
  readonly changes: readonly Change[];
  readonly digest: string;
}

/** Ranges in one audit request, rows in one fetch, versions in one reply. */
const LIST_LENGTH_MAX = 10_000;

export function renderRequest(request: Request): Uint8Array {
  switch (request.type) {
    case 'want':
      return bytesOf({ type: 'want', have: request.have.toJson() });
    case 'cleared':
      return bytesOf({ type: 'cleared', ...(request.after && { after: renderDot(request.after) }) });
    case 'audit':
      return bytesOf({
        ...request,
        ranges: request.ranges.map(({ after, to, digest }) => [after.kind, after.key, to.kind, to.key, digest]),
      });
    case 'fetch':
      return bytesOf({ type: 'fetch', rows: request.rows.map(({ kind, key }) => [kind, key]) });
    case 'digest':
      return bytesOf({ ...request });
  }
}

/** Undefined when it is not one. */
export function parseRequest(bytes: Uint8Array): Request | undefined {
  const value = parseObject(Buffer.from(bytes).toString('utf8'));
  switch (value?.type) {
    case 'digest':
      return typeof value.digest === 'string' ? { type: 'digest', digest: value.digest } : undefined;
    case 'want': {
      const have = VersionVector.parse(value.have);
      return have && { type: 'want', have };
    }
    case 'cleared':
      return { type: 'cleared', after: parseDot(value.after) };
    case 'audit': {
      const ranges = listOf(value.ranges, ([afterKind, afterKey, kind, key, digest]) =>
        areStrings(afterKind, afterKey, kind, key, digest)
          ? {
              after: { kind: String(afterKind), key: String(afterKey) },
              to: { kind: String(kind), key: String(key) },
              digest: String(digest),
            }
          : undefined,
      );
      return ranges && typeof value.digest === 'string' ? { type: 'audit', digest: value.digest, ranges } : undefined;
    }
    case 'fetch': {
      const rows = listOf(value.rows, parseRowKey);
      return rows && { type: 'fetch', rows };
    }
    default:
      return undefined;
  }
}

export function renderReply(reply: Reply): Uint8Array {
  switch (reply.type) {
    case 'vector':
      return bytesOf({ ...reply, known: reply.known.toJson(), collected: reply.collected.toJson() });
    case 'page':
      return bytesOf({
        ...renderChanges(reply.changes),
        type: 'page',
        cleared: reply.cleared.toJson(),
        isLast: reply.isLast,
      });
    case 'cleared':
      return bytesOf({
        type: 'cleared',
        cleared: reply.cleared.toJson(),
        ...(reply.next && { next: renderDot(reply.next) }),
      });
    case 'audit':
      return bytesOf({
        type: 'audit',
        isMoved: reply.isMoved,
        ranges: reply.ranges.map((rows) => rows?.map(({ kind, key, version }) => [kind, key, version]) ?? null),
      });
    case 'rows':
      return bytesOf({ ...renderChanges(reply.changes), type: 'rows', collected: reply.collected.toJson() });
    default:
      return bytesOf({ ...reply });
  }
}

/** Undefined when it is not one. */
export function parseReply(bytes: Uint8Array): Reply | undefined {
  const value = parseObject(Buffer.from(bytes).toString('utf8'));
  switch (value?.type) {
    case 'same':
    case 'busy':
      return { type: value.type };
    case 'vector': {
      const [known, collected] = [VersionVector.parse(value.known), VersionVector.parse(value.collected)];
      const { collectedHlc } = value;
      return known && collected && isHlc(collectedHlc) ? { type: 'vector', known, collected, collectedHlc } : undefined;
    }
    case 'page': {
      const [changes, cleared] = [parseChanges(value), VersionVector.parse(value.cleared)];
      return changes && cleared && { type: 'page', changes, cleared, isLast: value.isLast === true };
    }
    case 'cleared': {
      const cleared = VersionVector.parse(value.cleared);
      return cleared && { type: 'cleared', cleared, next: parseDot(value.next) };
    }
    case 'audit':
      return parseAudit(value);
    case 'rows': {
      const [changes, collected] = [parseChanges(value), VersionVector.parse(value.collected)];
      return changes && collected && { type: 'rows', changes, collected };
    }
    default:
      return undefined;
  }
}

export function renderPush(push: Push): Uint8Array {
  return bytesOf({ ...renderChanges(push.changes), digest: push.digest });
}

/** Undefined when it is not one. */
export function parsePush(bytes: Uint8Array): Push | undefined {
  const value = parseObject(Buffer.from(bytes).toString('utf8'));
  const changes = value && parseChanges(value);
  const digest = asString(value?.digest);
  return changes && digest !== undefined ? { changes, digest } : undefined;
}

/** Bytes that a change takes in a page. */
export function wireBytesOf(change: Change): number {
  return Buffer.byteLength(JSON.stringify(renderChange(change, () => 0))) + 1;
}

function renderChanges(changes: readonly Change[]): JsonObject {
  const indexes = new Map<string, number>();
  const indexOf = (origin: string): number => {
    const index = indexes.get(origin) ?? indexes.size;
    indexes.set(origin, index);
    return index;
  };
  const rendered = changes.map((change) => renderChange(change, indexOf));
  return { origins: [...indexes.keys()], changes: rendered };
}

function renderChange(change: Change, indexOf: (origin: string) => number): JsonValue[] {
  return [
    indexOf(change.origin),
    change.epoch,
    change.seq,
    change.hlc,
    change.kind,
    change.key,
    change.base.map(({ origin, epoch, seq }) => [indexOf(origin), epoch, seq]),
    change.body,
    Buffer.from(change.signature).toString('base64'),
  ];
}

function parseChanges(value: JsonObject): Change[] | undefined {
  const origins = asArray(value.origins);
  return listOf(value.changes, ([origin, epoch, seq, hlc, kind, key, base, body, signature]) => {
    const nameOf = (index: unknown): unknown => origins[Number(index)];
    const change = {
      origin: nameOf(origin),
      epoch,
      seq,
      hlc,
      kind,
      key,
      base: parseBase(asArray(base).map((dot) => [nameOf(asArray(dot)[0]) as JsonValue, ...asArray(dot).slice(1)])),
      body: body ?? null,
      signature: Buffer.from(asString(signature) ?? '', 'base64'),
    };
    return change.base !== undefined && isWellFormed(change as Change) ? (change as Change) : undefined;
  });
}

function parseAudit(value: JsonObject): Reply | undefined {
  const ranges = asArray(value.ranges).map((rows) =>
    rows === null
      ? null
      : listOf(rows, (row) => {
          const name = parseRowKey(row);
          return name && typeof row[2] === 'string' ? { ...name, version: row[2] } : undefined;
        }),
  );
  if (ranges.includes(undefined)) return undefined;
  return { type: 'audit', isMoved: value.isMoved === true, ranges: ranges.map((rows) => rows ?? undefined) };
}

function parseRowKey([kind, key]: JsonValue[]): RowKey | undefined {
  return typeof kind === 'string' && typeof key === 'string' ? { kind, key } : undefined;
}

function listOf<T>(value: unknown, parse: (entry: JsonValue[]) => T | undefined): T[] | undefined {
  if (!Array.isArray(value) || value.length > LIST_LENGTH_MAX) return undefined;
  const list: T[] = [];
  for (const entry of value) {
    const parsed = parse(asArray(entry));
    if (parsed === undefined) return undefined;
    list.push(parsed);
  }
  return list;
}

function renderDot({ origin, epoch, seq }: Dot): JsonObject {
  return { origin, epoch, seq };
}

function parseDot(value: unknown): Dot | undefined {
  const dot = asObject(value);
  if (!isObject(dot) || typeof dot.origin !== 'string') return undefined;
  return { origin: dot.origin, epoch: Number(dot.epoch), seq: Number(dot.seq) };
}

function areStrings(...values: unknown[]): boolean {
  return values.every((value) => typeof value === 'string');
}

function bytesOf(value: JsonObject): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}
