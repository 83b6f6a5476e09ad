// Hybrid logical clock. A stamp is text: 12 hex digits of milliseconds since 1970, then 4 of a counter, so that text
// order is time order, in JavaScript and in SQLite. Everything here is a pure function: time comes in as a parameter,
// and the last stamp is kept by the caller, in the same transaction as the change that it stamps.

export type Hlc = string;

export const FIRST_HLC: Hlc = '0000000000000000';
/** How far ahead of the mesh a stamp may be before it no longer moves our clock. */
export const AHEAD_MAX_MS = 5 * 60_000;
const TIME_MAX_MS = 2 ** 48 - 1;
const COUNTER_MAX = 0xffff;

export function hlcOf(timeMs: number, counter = 0): Hlc {
  const time = Math.min(Math.max(0, Math.floor(timeMs)), TIME_MAX_MS);
  return time.toString(16).padStart(12, '0') + counter.toString(16).padStart(4, '0');
}

/** The stamp's milliseconds since 1970. */
export function timeOf(hlc: Hlc): number {
  return Number.parseInt(hlc.slice(0, 12), 16);
}

export function isHlc(value: unknown): value is Hlc {
  return typeof value === 'string' && /^[0-9a-f]{16}$/.test(value);
}

/** The next stamp; the last of all stamps has none and stays. */
export function after(hlc: Hlc): Hlc {
  const counter = Number.parseInt(hlc.slice(12), 16);
  if (counter < COUNTER_MAX) return hlcOf(timeOf(hlc), counter + 1);
  return timeOf(hlc) < TIME_MAX_MS ? hlcOf(timeOf(hlc) + 1) : hlc;
}

export function later(left: Hlc, right: Hlc): Hlc {
  return left > right ? left : right;
}

/** Is the stamp further ahead of the mesh than any honest clock? */
export function isAhead(hlc: Hlc, meshNow: number): boolean {
  return timeOf(hlc) > meshNow + AHEAD_MAX_MS;
}

export interface StampInput {
  /** This node's last stamp. */
  readonly last: Hlc;
  /** Stamp of the row that is being replaced. */
  readonly base?: Hlc | undefined;
  /** Our own wall time. */
  readonly now: number;
  /** The mesh's median time; our own when we know no other. */
  readonly meshNow: number;
}

/**
 * max(now, base + 1, last + 1): an edit made after seeing a row beats it, whatever the clocks say. A base from the far
 * future is beaten too, but does not become our clock: else one broken clock would drag along everyone who edits.
 */
export function stamp(input: StampInput): { readonly hlc: Hlc; readonly last: Hlc } {
  const own = later(hlcOf(input.now), after(input.last));
  if (input.base === undefined || own > input.base) return { hlc: own, last: own };
  const hlc = after(input.base);
  return { hlc, last: isAhead(hlc, input.meshNow) ? own : hlc };
}

/** Our clock after seeing a foreign stamp. */
export function witness(last: Hlc, foreign: Hlc, meshNow: number): Hlc {
  return isAhead(foreign, meshNow) ? last : later(last, foreign);
}
