// One promise of the mesh and what came out, as one row of docs/benchmarks.md.

import { Histogram } from '../../../bench/histogram.ts';
import type { Seen } from '../load-process.ts';

export interface Measured {
  readonly promise: string;
  readonly bound: string;
  readonly measured: string;
  /** Absent: nothing was promised. */
  readonly isKept?: boolean;
}

export function most(promise: string, value: number, bound: number, unit: string, digits = 0): Measured {
  return {
    promise,
    bound: `≤ ${bound}${unit}`,
    measured: `${value.toFixed(digits)}${unit}`,
    isKept: value <= bound,
  };
}

export function none(promise: string, count: number, of: number): Measured {
  return { promise, bound: '0', measured: `${count} of ${of}`, isKept: count === 0 };
}

export function quantile(values: readonly number[], part: number): number {
  const histogram = new Histogram();
  for (const value of values) histogram.addMs(value);
  return histogram.quantileMs(part);
}

export function ttftsOf(seen: readonly Seen[]): number[] {
  return seen.flatMap(({ ttftMs }) => ttftMs ?? []);
}

export function failed(seen: readonly Seen[]): readonly Seen[] {
  return seen.filter(({ error }) => error !== undefined);
}
