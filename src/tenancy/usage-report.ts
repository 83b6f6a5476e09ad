// What was used, summed over any of the ledger's columns.

import { GatewayError } from '../errors.ts';
import { originOf } from '../replication/file-origin.ts';
import type { Database } from '../storage/database.ts';
import { DAY_MS, dayOf, monthOf } from './calendar.ts';
import { entriesInSlices } from './ledger-blocks.ts';
import type { SettledEntry, TokenCounts } from './ledger-row.ts';
import { USAGE_COUNTERS, UsageSums } from './usage-sums.ts';

/** What entries can be grouped by. */
const GROUPS = {
  tenant: ({ tenant }) => tenant,
  key: ({ keyId }) => keyId,
  model: ({ model }) => model,
  target: ({ target }) => target,
  provider: ({ provider }) => provider,
  operation: ({ operation }) => operation,
  prompt: ({ prompt }) => prompt,
  day: ({ startedAt }) => dayOf(startedAt),
  month: ({ startedAt }) => monthOf(startedAt),
  status: ({ status }) => status,
} as const satisfies Record<string, (entry: SettledEntry) => string>;

/** The same of shards, and the column that says it. */
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

export interface UsageRow extends TokenCounts {
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
  /** US dollars of the requests whose price is known; null while that is none of them. */
  readonly cost: number | null;
  /** Requests whose price is unknown: `cost` leaves them out. */
  readonly unpriced: number;
  readonly savedTokens: number;
  readonly savedCost: number;
}

/** Rows at most; more would not be read by anybody. */
const ROWS_MAX = 10_000;

/**
 * @param pause lets others work: a ledger of months is added up in a second, and requests cannot wait so long
 * @throws GatewayError `bad_request` when the mesh is asked about where there has never been one
 */
export async function usageReport(
  database: Database,
  query: UsageQuery,
  pause?: () => Promise<void>,
): Promise<UsageRow[]> {
  return query.scope === 'mesh' ? meshUsage(database, query) : await nodeUsage(database, query, pause);
}

/** Of this node, from its ledger. */
async function nodeUsage(database: Database, query: UsageQuery, pause?: () => Promise<void>): Promise<UsageRow[]> {
  const { by, since = 0, until = Number.MAX_SAFE_INTEGER } = query;
  const parts = by.map((group) => (group === 'node' ? () => '' : GROUPS[group]));
  const sums = new UsageSums((entry) => parts.map((part) => part(entry)));
  for (const slice of entriesInSlices(database, since, until)) {
    sums.add(slice.filter((entry) => isAsked(entry, query)));
    await pause?.();
  }
  return sums
    .all()
    .map(({ group, counts }) => ({ group, counts, order: Buffer.from(group.join('\0')) }))
    .sort((one, other) => Buffer.compare(one.order, other.order))
    .slice(0, ROWS_MAX)
    .map(({ group, counts }) => rowOf(group, Object.fromEntries(counts.map((count, index) => [NAMES[index], count]))));
}

const NAMES = USAGE_COUNTERS.map(({ name }) => name);

/** Of the time asked for. */
export function isAsked(entry: SettledEntry, { tenant, keyId, model }: UsageQuery): boolean {
  return (
    (tenant === undefined || entry.tenant === tenant) &&
    (keyId === undefined || entry.keyId === keyId) &&
    (model === undefined || entry.model === model)
  );
}

/** Of all nodes of the mesh, from their shards: whole days, and the groups that shards know. */
function meshUsage(database: Database, { by, since, until, tenant, keyId, model }: UsageQuery): UsageRow[] {
  if (originOf(database) === undefined) {
    throw new GatewayError('bad_request', 'This node has never been in a mesh: there is only its own usage.', {
      param: 'scope',
    });
  }
  const columns = by.map((group, index) => `${columnOf(group)} AS g${index}, `).join('');
  const names = by.map((_, index) => `g${index}`).join(', ');
  const statement = `SELECT ${columns}COUNT(*) AS shards,
      ${USAGE_COUNTERS.map(({ name, column }) => `SUM(${column}) AS ${name}`).join(', ')}
    FROM usage_shard WHERE day >= @since AND day < @until AND (@tenant IS NULL OR tenant = @tenant)
      AND (@keyId IS NULL OR key_id = @keyId) AND (@model IS NULL OR model = @model)
    ${names === '' ? '' : `GROUP BY ${names}`} ORDER BY ${names || '1'} LIMIT ${ROWS_MAX}`;
  const rows = database.prepare<unknown[], Record<string, number | string>>(statement).all({
    since: since === undefined ? '' : dayOf(since),
    until: until === undefined ? '~' : dayOf(until + DAY_MS - 1),
    tenant: tenant ?? null,
    keyId: keyId ?? null,
    model: model ?? null,
  });
  const groupOf = (row: Record<string, number | string>): string[] =>
    by.map((_, index) => String(row[`g${index}`] ?? ''));
  return rows.filter(({ shards }) => Number(shards) > 0).map((row) => rowOf(groupOf(row), row));
}

function columnOf(group: UsageGroup): string {
  return group in MESH_GROUPS ? MESH_GROUPS[group as keyof typeof MESH_GROUPS] : "''";
}

function rowOf(group: readonly string[], row: Readonly<Record<string, number | string>>): UsageRow {
  const amount = (name: string): number => Number(row[name] ?? 0);
  const dollars = (name: string): number => rounded(amount(name));
  return {
    group,
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
export function rounded(amount: number): number {
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
  return [[...by, ...COLUMNS], ...lines].map(csvLine).join('');
}

export function csvLine(fields: readonly string[]): string {
  return `${fields.map(csvField).join(',')}\r\n`;
}

/** Quoted where needed; what a spreadsheet would run as a formula is made text. */
function csvField(value: string): string {
  const safe = /^[=+@\t\r]|^-(?!\d+(?:\.\d+)?$)/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
