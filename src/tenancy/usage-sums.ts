// The counters of usage: what they are called, and how each is summed up from entries of the ledger. Reports use them,
// and the shards that other nodes see.

export interface UsageCounter {
  /** In reports and on the wire. */
  readonly name: string;
  /** In the table of shards. */
  readonly column: string;
  /** Over the ledger. */
  readonly sum: string;
}

const IS_REQUEST = "operation NOT IN ('hedge', 'shadow')";

export const USAGE_COUNTERS: readonly UsageCounter[] = [
  { name: 'requests', column: 'requests', sum: `SUM(${IS_REQUEST})` },
  { name: 'hedges', column: 'hedges', sum: "SUM(operation = 'hedge' AND attempts > 0)" },
  { name: 'shadows', column: 'shadows', sum: "SUM(operation = 'shadow')" },
  { name: 'failed', column: 'failed', sum: `SUM(status IN ('error', 'aborted', 'recovered') AND ${IS_REQUEST})` },
  { name: 'cacheHits', column: 'cache_hits', sum: "SUM(status = 'cached')" },
  { name: 'inputTokens', column: 'input_tokens', sum: 'SUM(input_tokens)' },
  { name: 'cachedTokens', column: 'cached_tokens', sum: 'SUM(cached_tokens)' },
  { name: 'cacheWriteTokens', column: 'cache_write_tokens', sum: 'SUM(cache_write_tokens)' },
  { name: 'outputTokens', column: 'output_tokens', sum: 'SUM(output_tokens)' },
  { name: 'reasoningTokens', column: 'reasoning_tokens', sum: 'SUM(reasoning_tokens)' },
  { name: 'cost', column: 'cost', sum: 'COALESCE(SUM(cost), 0)' },
  {
    name: 'unpriced',
    column: 'unpriced',
    sum: `SUM(cost IS NULL AND operation <> 'count-tokens'
      AND (status <> 'error' AND operation <> 'hedge' OR input_tokens + output_tokens > 0))`,
  },
  { name: 'savedTokens', column: 'saved_tokens', sum: 'SUM(saved_tokens)' },
  { name: 'savedCost', column: 'saved_cost', sum: 'COALESCE(SUM(saved_cost), 0)' },
];
