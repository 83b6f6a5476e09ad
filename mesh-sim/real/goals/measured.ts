// One promise of the mesh and what came out, as one row of docs/benchmarks.md.

import { Histogram } from '../../../bench/histogram.ts';
import type { Seen } from '../load-process.ts';
import type { MeshNode } from '../mesh-node.ts';

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

/** A conclusion of one node about another one. */
export interface Change {
  readonly at: number;
  readonly to: string;
  readonly name: string;
}

/** What a node has concluded of others since then, by its log. */
export function changes(node: MeshNode, since: number): readonly Change[] {
  return node.log.flatMap(({ at, text }): Change[] => {
    if (at < since || !text.includes('"to":"')) return [];
    const { to, name } = JSON.parse(text) as { readonly to: string; readonly name: string };
    return [{ at, to, name }];
  });
}
