// The counters of usage: what they are called, and what an entry of the ledger adds to each. Reports use them, and the
// shards that other nodes see.

import type { SettledEntry } from './ledger-row.ts';

export interface UsageCounter {
  /** In reports and on the wire. */
  readonly name: string;
  /** In the table of shards. */
  readonly column: string;
  readonly of: (entry: SettledEntry) => number;
}

export const USAGE_COUNTERS: readonly UsageCounter[] = [
  { name: 'requests', column: 'requests', of: (entry) => one(isRequest(entry)) },
  { name: 'hedges', column: 'hedges', of: ({ operation, attempts }) => one(operation === 'hedge' && attempts > 0) },
  { name: 'shadows', column: 'shadows', of: ({ operation }) => one(operation === 'shadow') },
  { name: 'failed', column: 'failed', of: (entry) => one(FAILED.has(entry.status) && isRequest(entry)) },
  { name: 'cacheHits', column: 'cache_hits', of: ({ status }) => one(status === 'cached') },
  { name: 'inputTokens', column: 'input_tokens', of: ({ inputTokens }) => inputTokens },
  { name: 'cachedTokens', column: 'cached_tokens', of: ({ cachedTokens }) => cachedTokens },
  { name: 'cacheWriteTokens', column: 'cache_write_tokens', of: ({ cacheWriteTokens }) => cacheWriteTokens },
  { name: 'outputTokens', column: 'output_tokens', of: ({ outputTokens }) => outputTokens },
  { name: 'reasoningTokens', column: 'reasoning_tokens', of: ({ reasoningTokens }) => reasoningTokens },
  { name: 'cost', column: 'cost', of: ({ cost }) => cost ?? 0 },
  { name: 'unpriced', column: 'unpriced', of: (entry) => one(isUnpriced(entry)) },
  { name: 'savedTokens', column: 'saved_tokens', of: ({ savedTokens }) => savedTokens },
  { name: 'savedCost', column: 'saved_cost', of: ({ savedCost }) => savedCost },
];

const FAILED: ReadonlySet<string> = new Set(['error', 'aborted', 'recovered']);

function isRequest({ operation }: SettledEntry): boolean {
  return operation !== 'hedge' && operation !== 'shadow';
}

/** What failed, or was never sent, and used nothing has no price to know. */
export function isUnpriced({ cost, operation, status, inputTokens, outputTokens }: SettledEntry): boolean {
  if (cost !== null || operation === 'count-tokens') return false;
  return (status !== 'error' && operation !== 'hedge') || inputTokens + outputTokens > 0;
}

function one(isCounted: boolean): number {
  return isCounted ? 1 : 0;
}

export interface UsageSum {
  readonly group: readonly string[];
  /** In the order of the counters. */
  readonly counts: readonly number[];
}

/** What entries of the same group come to. What another node has answered it has counted itself. */
export class UsageSums {
  readonly #groupOf: (entry: SettledEntry) => readonly string[];
  readonly #sums = new Map<string, { readonly group: readonly string[]; readonly counts: number[] }>();

  constructor(groupOf: (entry: SettledEntry) => readonly string[]) {
    this.#groupOf = groupOf;
  }

  add(entries: Iterable<SettledEntry>): void {
    for (const entry of entries) {
      if (entry.status === 'forwarded') continue;
      const group = this.#groupOf(entry);
      const name = JSON.stringify(group);
      let sum = this.#sums.get(name);
      if (!sum) {
        sum = { group, counts: USAGE_COUNTERS.map(() => 0) };
        this.#sums.set(name, sum);
      }
      const { counts } = sum;
      for (const [index, { of }] of USAGE_COUNTERS.entries()) counts[index] = (counts[index] ?? 0) + of(entry);
    }
  }

  all(): UsageSum[] {
    return [...this.#sums.values()];
  }
}
