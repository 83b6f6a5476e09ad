// What was used, summed over any of the ledger's columns.

import type { Database } from '../storage/database.ts';

/** What entries can be grouped by, and the column that says it. */
const GROUPS = {
  tenant: 'tenant',
  key: "COALESCE(key_id, '')",
  model: 'model',
  target: "COALESCE(target, '')",
  provider: "COALESCE(provider, '')",
  operation: 'operation',
  prompt: "COALESCE(prompt, '')",
  day: "strftime('%Y-%m-%d', started_at / 1000, 'unixepoch')",
  month: "strftime('%Y-%m', started_at / 1000, 'unixepoch')",
  status: 'status',
} as const;

export type UsageGroup = keyof typeof GROUPS;

export const USAGE_GROUPS = Object.keys(GROUPS) as readonly UsageGroup[];

export interface UsageQuery {
  /** One row for each combination; empty: one row for everything. */
  readonly by: readonly UsageGroup[];
  /** Milliseconds since 1970; inclusive. */
  readonly since?: number | undefined;
  /** Exclusive. */
  readonly until?: number | undefined;
  readonly tenant?: string | undefined;
  readonly keyId?: string | undefined;
  readonly model?: string | undefined;
}

export interface UsageRow {
  /** One value for each of `by`, in its order. */
  readonly group: readonly string[];
  readonly requests: number;
  /** Second attempts at another target, because the first was late; their tokens and cost are in the sums. */
  readonly hedges: number;
  /** Copies for comparing answers; their tokens and cost are in the sums. */
  readonly shadows: number;
  /** Of the requests, how many did not end well. */
  readonly failed: number;
  readonly cacheHits: number;
  readonly inputTokens: number;
  readonly cachedTokens: number;
  readonly cacheWriteTokens: number;
  readonly outputTokens: number;
  readonly reasoningTokens: number;
  /** US dollars of the requests whose price is known; null while that is none of them. */
  readonly cost: number | null;
  /** Requests whose price is unknown: `cost` leaves them out. */
  readonly unpriced: number;
  readonly savedTokens: number;
  readonly savedCost: number;
}

/** Rows at most; more would not be read by anybody. */
const ROWS_MAX = 10_000;

export function usageReport(database: Database, query: UsageQuery): UsageRow[] {
  const groups = query.by.map((group) => GROUPS[group]);
  const columns = groups.map((expression, index) => `${expression} AS g${index}`);
  const statement = `
    SELECT ${[...columns, ''].join(', ')}
      COUNT(*) AS entries,
      SUM(operation NOT IN ('hedge', 'shadow')) AS requests,
      SUM(operation = 'hedge' AND attempts > 0) AS hedges,
      SUM(operation = 'shadow') AS shadows,
      SUM(status IN ('error', 'aborted', 'recovered') AND operation NOT IN ('hedge', 'shadow')) AS failed,
      SUM(status = 'cached') AS cacheHits,
      SUM(input_tokens) AS inputTokens, SUM(cached_tokens) AS cachedTokens, SUM(cache_write_tokens) AS cacheWriteTokens,
      SUM(output_tokens) AS outputTokens, SUM(reasoning_tokens) AS reasoningTokens,
      COALESCE(SUM(cost), 0) AS cost,
      SUM(cost IS NULL AND operation <> 'count-tokens'
        AND (status <> 'error' AND operation <> 'hedge' OR input_tokens + output_tokens > 0)) AS unpriced,
      SUM(saved_tokens) AS savedTokens, COALESCE(SUM(saved_cost), 0) AS savedCost
    FROM ledger
    WHERE status <> 'forwarded' AND started_at >= @since AND started_at < @until
      AND (@tenant IS NULL OR tenant = @tenant) AND (@keyId IS NULL OR key_id = @keyId) AND (@model IS NULL OR model = @model)
    ${groups.length > 0 ? `GROUP BY ${groups.map((_, index) => `g${index}`).join(', ')}` : ''}
    ORDER BY ${groups.map((_, index) => `g${index}`).join(', ') || '1'} LIMIT ${ROWS_MAX}`;
  const rows = database.prepare<unknown[], Record<string, number | string>>(statement).all({
    since: query.since ?? 0,
    until: query.until ?? Number.MAX_SAFE_INTEGER,
    tenant: query.tenant ?? null,
    keyId: query.keyId ?? null,
    model: query.model ?? null,
  });
  return rows.filter((row) => Number(row.entries) > 0).map((row) => rowOf(row, groups.length));
}

function rowOf(row: Record<string, number | string>, groupCount: number): UsageRow {
  const amount = (name: string): number => Number(row[name] ?? 0);
  return {
    group: Array.from({ length: groupCount }, (_, index) => String(row[`g${index}`] ?? '')),
    requests: amount('requests'),
    hedges: amount('hedges'),
    shadows: amount('shadows'),
    failed: amount('failed'),
    cacheHits: amount('cacheHits'),
    inputTokens: amount('inputTokens'),
    cachedTokens: amount('cachedTokens'),
    cacheWriteTokens: amount('cacheWriteTokens'),
    outputTokens: amount('outputTokens'),
    reasoningTokens: amount('reasoningTokens'),
    cost: amount('cost') === 0 && amount('unpriced') > 0 ? null : amount('cost'),
    unpriced: amount('unpriced'),
    savedTokens: amount('savedTokens'),
    savedCost: amount('savedCost'),
  };
}

const COLUMNS = [
  'requests',
  'failed',
  'cacheHits',
  'inputTokens',
  'cachedTokens',
  'cacheWriteTokens',
  'outputTokens',
  'reasoningTokens',
  'cost',
  'unpriced',
  'savedTokens',
  'savedCost',
  'hedges',
  'shadows',
] as const satisfies readonly (keyof UsageRow)[];

/** Not a number that could be mistaken for free. */
export const UNKNOWN_COST = 'unknown';

/** RFC 4180, with a head line. */
export function usageCsv(by: readonly UsageGroup[], rows: readonly UsageRow[]): string {
  const lines = rows.map((row) => [...row.group, ...COLUMNS.map((column) => String(row[column] ?? UNKNOWN_COST))]);
  return [[...by, ...COLUMNS], ...lines].map((fields) => `${fields.map(csvField).join(',')}\r\n`).join('');
}

/** Quoted where needed; what a spreadsheet would run as a formula is made text. */
function csvField(value: string): string {
  const safe = /^[=+@\t]|^-(?!\d)/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
