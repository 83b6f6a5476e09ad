// One change: a row's whole new value or its tombstone. What is signed, what is refused, and which of two wins.

import { asArray, isObject, type JsonObject, parseObject } from '../model/json.ts';
import { type Hlc, isHlc } from './hlc.ts';
import type { Dot } from './version-vector.ts';

export interface Change extends Dot {
  readonly hlc: Hlc;
  readonly kind: string;
  readonly key: string;
  /** The newest change of each origin that its writer had seen of this row; tells true conflicts from edits. */
  readonly base: readonly Dot[];
  /** JSON text exactly as signed; null is a tombstone. */
  readonly body: string | null;
  readonly signature: Uint8Array;
}

const ORIGIN_LENGTH_MAX = 128;
const KIND_LENGTH_MAX = 64;
export const KEY_BYTES_MAX = 1_024;
/** Of kinds that this version does not know; each known kind sets its own, lower one. */
export const BODY_BYTES_MAX = 1_048_576;
const SIGNATURE_BYTES_MAX = 256;
/** More writers than this have seldom touched one row; forgetting the oldest may only show a conflict too many. */
const BASE_LENGTH_MAX = 8;

/** Signs with this node's key. */
export type Sign = (message: Uint8Array) => Promise<Uint8Array>;
/** Did this origin sign the message? */
export type Verify = (origin: string, message: Uint8Array, signature: Uint8Array) => Promise<boolean>;

const encoder = new TextEncoder();

/** The bytes that are signed. The log's name is among them, so that a change of one log is worth nothing in another. */
export function signedBytes(log: string, change: Omit<Change, 'signature'>): Uint8Array {
  const { origin, epoch, seq, hlc, kind, key, base, body } = change;
  return encoder.encode(
    JSON.stringify(['flowmesh-change-1', log, origin, epoch, seq, hlc, kind, key, renderBase(base), body]),
  );
}

export function renderBase(base: readonly Dot[]): [string, number, number][] {
  return base.map(({ origin, epoch, seq }) => [origin, epoch, seq]);
}

/** Undefined when it is not a base. */
export function parseBase(value: unknown): Dot[] | undefined {
  if (!Array.isArray(value) || value.length > BASE_LENGTH_MAX) return undefined;
  const dots = value.map((entry) => {
    const [origin, epoch, seq] = asArray(entry);
    return { origin, epoch, seq };
  });
  return dots.every(isDot) ? dots : undefined;
}

function isDot(dot: { origin: unknown; epoch: unknown; seq: unknown }): dot is Dot {
  return (
    typeof dot.origin === 'string' &&
    dot.origin.length > 0 &&
    dot.origin.length <= ORIGIN_LENGTH_MAX &&
    isPositive(dot.epoch) &&
    isPositive(dot.seq)
  );
}

function isPositive(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) > 0;
}

/** Is it within every limit that holds for all kinds? For what comes from outside; bodies are looked at by their kind. */
export function isWellFormed(change: Change): boolean {
  return (
    isDot(change) &&
    isHlc(change.hlc) &&
    typeof change.kind === 'string' &&
    /^[a-z0-9.:-]+$/.test(change.kind) &&
    change.kind.length <= KIND_LENGTH_MAX &&
    typeof change.key === 'string' &&
    Buffer.byteLength(change.key) <= KEY_BYTES_MAX &&
    change.signature.length <= SIGNATURE_BYTES_MAX &&
    (change.body === null ||
      (typeof change.body === 'string' &&
        Buffer.byteLength(change.body) <= BODY_BYTES_MAX &&
        parseObject(change.body) !== undefined))
  );
}

/** What decides between two changes of one row. */
export interface Version extends Dot {
  readonly hlc: Hlc;
}

/**
 * Last writer wins by (hlc, origin). Epoch and number only decide between two nodes that run with one restored disk,
 * and so with one origin. Positive when `left` wins.
 */
export function compareVersions(left: Version, right: Version): number {
  return (
    compare(left.hlc, right.hlc) ||
    compare(left.origin, right.origin) ||
    left.epoch - right.epoch ||
    left.seq - right.seq
  );
}

export function compare(left: string, right: string): number {
  if (left === right) return 0;
  return left > right ? 1 : -1;
}

/** Had the writer whose base this is seen the change? */
export function hasSeen(base: readonly Dot[], dot: Dot): boolean {
  return base.some(({ origin, epoch, seq }) => origin === dot.origin && epoch === dot.epoch && seq >= dot.seq);
}

/** The newest of each origin and epoch out of both; the last ones when there are too many. */
export function joinBases(left: readonly Dot[], right: readonly Dot[]): Dot[] {
  const newest = new Map<string, Dot>();
  for (const dot of [...left, ...right]) {
    const name = `${dot.origin} ${dot.epoch}`;
    const held = newest.get(name);
    newest.delete(name);
    newest.set(name, held && held.seq > dot.seq ? held : { origin: dot.origin, epoch: dot.epoch, seq: dot.seq });
  }
  return [...newest.values()].slice(-BASE_LENGTH_MAX);
}

/** JSON text with sorted names: equal values have equal text. */
export function canonicalText(value: JsonObject): string {
  return JSON.stringify(value, (_name, inner: unknown) =>
    isObject(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => compare(a, b))) : inner,
  );
}
