// Where a search may look: the id ranges of the collections that were named, and nothing else.

import type { Database, Statement } from '../../storage/database.ts';
import { collectionOf, SPAN } from '../store/identity.ts';

export interface Scope {
  /** Inclusive ranges of entry and document ids, ascending, neighbours joined. */
  readonly ranges: readonly (readonly [first: number, last: number])[];
  readonly collections: ReadonlySet<number>;
  /** Do the ranges hold nothing but these collections? If not, ids have to be looked through. */
  readonly isExact: boolean;
  readonly passages: number;
  /** Characters. */
  readonly length: number;
  /** Equal for equal collections. */
  readonly key: string;
}

/** Beyond this many ranges one pass over all ids between the first and the last is cheaper than seeking to each. */
const RANGES_MAX = 48;

interface CollectionRow {
  readonly id: number;
  readonly name: string;
  readonly passages: number;
  readonly length: number;
}

export class Scopes {
  readonly #collections: Statement<[string], CollectionRow>;

  constructor(database: Database) {
    this.#collections = database.prepare(
      'SELECT id, name, passages, length FROM collection WHERE tenant = ? AND passages > 0 ORDER BY id',
    );
  }

  /** @param patterns names of collections, `*` at the end stands for anything; none: all of the tenant */
  resolve(tenant: string, patterns: readonly string[]): Scope {
    const rows = this.#collections.all(tenant).filter(({ name }) => isNamed(name, patterns));
    const ranges = rangesOf(rows.map(({ id }) => id));
    return {
      ranges: ranges.length > RANGES_MAX ? hullOf(ranges) : ranges,
      isExact: ranges.length <= RANGES_MAX,
      collections: new Set(rows.map(({ id }) => id)),
      passages: rows.reduce((sum, { passages }) => sum + passages, 0),
      length: rows.reduce((sum, { length }) => sum + length, 0),
      key: rows.map(({ id }) => id).join(','),
    };
  }
}

export function isInScope(scope: Scope, id: number): boolean {
  return scope.collections.has(collectionOf(id));
}

function isNamed(name: string, patterns: readonly string[]): boolean {
  if (patterns.length === 0) return true;
  return patterns.some((pattern) => (pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern));
}

function rangesOf(ids: readonly number[]): (readonly [number, number])[] {
  const ranges: [number, number][] = [];
  for (const id of ids) {
    const last = ranges.at(-1);
    if (last && last[1] === id * SPAN - 1) last[1] = (id + 1) * SPAN - 1;
    else ranges.push([id * SPAN, (id + 1) * SPAN - 1]);
  }
  return ranges;
}

function hullOf(ranges: readonly Scope['ranges'][number][]): Scope['ranges'] {
  const first = ranges.at(0);
  const last = ranges.at(-1);
  return first && last ? [[first[0], last[1]]] : [];
}
