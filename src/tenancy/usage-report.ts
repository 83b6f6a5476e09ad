// What was used, summed over any of the ledger's columns.

import type { Database } from '../storage/database.ts';
import { dayOf } from './calendar.ts';
import { USAGE_COUNTERS } from './usage-sums.ts';

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

/** The same of shards, whose days are text. */
const MESH_GROUPS = {
  tenant: 'tenant',
  key: 'key_id',
  model: 'model',
  day: 'day',
  month: 'substr(day, 1, 7)',
  node: 'node',
} as const;

export type UsageGroup = keyof typeof GROUPS | keyof typeof MESH_GROUPS;

/** `node`: what one node's ledger knows. `mesh`: what all nodes have told of theirs. */
export const USAGE_SCOPES = ['node', 'mesh'] as const;
export type UsageScopeName = (typeof USAGE_SCOPES)[number];

export const USAGE_GROUPS: Readonly<Record<UsageScopeName, readonly UsageGroup[]>> = {
  node: Object.keys(GROUPS) as UsageGroup[],
  mesh: Object.keys(MESH_GROUPS) as UsageGroup[],
};

const DAY_MS = 86_400_000;

export interface UsageQuery {
  readonly scope?: UsageScopeName;
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
  return query.scope === 'mesh' ? meshUsage(database, query) : nodeUsage(database, query);
}

/** Of this node, from its ledger. */
function nodeUsage(database: Database, query: UsageQuery): UsageRow[] {
  const source = {
    groups: GROUPS,
    counters: `COUNT(*) AS entries, ${USAGE_COUNTERS.map(({ name, sum }) => `${sum} AS ${name}`).join(', ')}`,
    rows: `ledger WHERE status <> 'forwarded' AND started_at >= @since AND started_at < @until
      AND (@keyId IS NULL OR key_id = @keyId)`,
  };
  return grouped(database, source, query, {
    since: query.since ?? 0,
    until: query.until ?? Number.MAX_SAFE_INTEGER,
  });
}

/** Of all nodes of the mesh, from their shards: whole days, and the groups that shards know. */
function meshUsage(database: Database, query: UsageQuery): UsageRow[] {
  const { since, until } = query;
  const source = {
    groups: MESH_GROUPS,
    counters: `COUNT(*) AS entries, ${USAGE_COUNTERS.map(({ name, column }) => `SUM(${column}) AS ${name}`).join(', ')}`,
    rows: 'usage_shard WHERE day >= @since AND day < @until AND (@keyId IS NULL OR key_id = @keyId)',
  };
  return grouped(database, source, query, {
    since: since === undefined ? '' : dayOf(since),
    until: until === undefined ? '~' : dayOf(until + DAY_MS - 1),
  });
}

interface UsageSource {
  readonly groups: Readonly<Partial<Record<UsageGroup, string>>>;
  readonly counters: string;
  readonly rows: string;
}

function grouped(
  database: Database,
  source: UsageSource,
  { by, tenant, keyId, model }: UsageQuery,
  time: { readonly since: number | string; readonly until: number | string },
): UsageRow[] {
  const names = by.map((_, index) => `g${index}`).join(', ');
  const columns = by.map((group, index) => `${source.groups[group] ?? "''"} AS g${index}, `).join('');
  const statement = `SELECT ${columns}${source.counters} FROM ${source.rows}
      AND (@tenant IS NULL OR tenant = @tenant) AND (@model IS NULL OR model = @model)
    ${names === '' ? '' : `GROUP BY ${names}`} ORDER BY ${names || '1'} LIMIT ${ROWS_MAX}`;
  const rows = database
    .prepare<unknown[], Record<string, number | string>>(statement)
    .all({ ...time, tenant: tenant ?? null, keyId: keyId ?? null, model: model ?? null });
  return rows.filter((row) => Number(row.entries) > 0).map((row) => rowOf(row, by.length));
}

function rowOf(row: Record<string, number | string>, groupCount: number): UsageRow {
  const amount = (name: string): number => Number(row[name] ?? 0);
  const dollars = (name: string): number => rounded(amount(name));
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
    cost: amount('cost') === 0 && amount('unpriced') > 0 ? null : dollars('cost'),
    unpriced: amount('unpriced'),
    savedTokens: amount('savedTokens'),
    savedCost: dollars('savedCost'),
  };
}

/** Sums of binary fractions end in dust: $0.00015000000000000001. Nobody is billed by the thirteenth digit. */
function rounded(amount: number): number {
  return Number(amount.toPrecision(12));
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
