// Peak EWMA of a target's time to first token (after Finagle): a slower sample counts at once and in full, faster ones
// pull it down bit by bit. So trouble is seen after one answer, and a lucky answer does not hide it.

import type { Candidate, TtftReading } from './candidate.ts';

export interface PeakEwma {
  readonly valueMs: number;
  /** Monotonic time of the last sample. */
  readonly observedAt: number;
}

/** Faster samples that far apart weigh 63 %. Long enough to even out prompts of different length. */
const DECAY_MS = 10_000;
/**
 * How long until half of a measurement's bad news is forgotten while no new one comes. A target that nobody asks any
 * more can only prove itself when it is asked again: one ten times slower is tried after some three minutes.
 */
const FORGET_HALF_LIFE_MS = 60_000;

export function observeTtft(previous: PeakEwma | undefined, ttftMs: number, at: number): PeakEwma {
  if (previous === undefined || ttftMs >= previous.valueMs) return { valueMs: ttftMs, observedAt: at };
  const kept = Math.exp(-Math.max(0, at - previous.observedAt) / DECAY_MS);
  return { valueMs: previous.valueMs * kept + ttftMs * (1 - kept), observedAt: at };
}

/** An attempt that failed after a while: whoever hangs is slow, but whoever fails at once is not fast. */
export function observeFailure(previous: PeakEwma | undefined, waitedMs: number, at: number): PeakEwma | undefined {
  return waitedMs > (previous?.valueMs ?? 0) ? { valueMs: waitedMs, observedAt: at } : previous;
}

export function readTtft(ewma: PeakEwma, at: number): TtftReading {
  return { ttftMs: ewma.valueMs, ageMs: Math.max(0, at - ewma.observedAt) };
}

/** What to expect now: old measurements are believed less, in favour of the target. Undefined: never measured. */
export function expectedTtftMs({ ttft, waitingMs = 0 }: Pick<Candidate, 'ttft' | 'waitingMs'>): number | undefined {
  if (ttft === undefined) return undefined;
  // Whoever has been waiting for longer than that already knows better.
  return Math.max(waitingMs, ttft.ttftMs * 2 ** (-ttft.ageMs / FORGET_HALF_LIFE_MS));
}
