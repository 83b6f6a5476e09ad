// The ledger's entries one by one, as text for other programs. Half a million must neither fill memory nor hold anything
// up: they come some hundreds at a time, and the next ones when the reader wants them.

import { GatewayError } from '../errors.ts';
import type { Database } from '../storage/database.ts';
import { rowsInSlices } from './ledger-blocks.ts';
import { type Columns, entryDetails, settledEntry } from './ledger-row.ts';
import { csvLine, isAsked, rounded, UNKNOWN_COST, type UsageQuery } from './usage-report.ts';
import { isUnpriced } from './usage-sums.ts';

/** `jsonl`: an object a line. */
export const ENTRY_FORMATS = ['jsonl', 'csv'] as const;
export type EntryFormat = (typeof ENTRY_FORMATS)[number];

/** Some 500 entries, written out in a few milliseconds. */
const PIECE_BLOCKS = 2;

/**
 * In the order in which they were settled, but for fractions of a second.
 * @param pause lets others work between two pieces
 * @throws GatewayError `bad_request`: other nodes tell sums alone
 */
export function usageEntries(
  database: Database,
  query: UsageQuery,
  format: EntryFormat,
  pause?: () => Promise<void>,
): AsyncGenerator<string> {
  if (query.scope === 'mesh') {
    throw new GatewayError('bad_request', 'Other nodes tell their sums, and no single entries.', { param: 'scope' });
  }
  return pieces(database, query, format, pause);
}

async function* pieces(
  database: Database,
  query: UsageQuery,
  format: EntryFormat,
  pause?: () => Promise<void>,
): AsyncGenerator<string> {
  const { since = 0, until = Number.MAX_SAFE_INTEGER } = query;
  const lineOf = format === 'csv' ? csvOf : jsonOf;
  if (format === 'csv') yield csvLine(Object.keys(fieldsOf([])));
  for (const slice of rowsInSlices(database, since, until, PIECE_BLOCKS)) {
    const asked = slice.filter((columns) => isAsked(settledEntry(columns), query));
    if (asked.length > 0) yield asked.map(lineOf).join('');
    await pause?.();
  }
}

function jsonOf(columns: Columns): string {
  const fields = fieldsOf(columns);
  return `${JSON.stringify({ ...fields, tags: JSON.parse(fields.tags || '{}') })}\n`;
}

function csvOf(columns: Columns): string {
  const fields = fieldsOf(columns);
  const cost = fields.cost ?? (isUnpriced(settledEntry(columns)) ? UNKNOWN_COST : '');
  return csvLine(Object.values({ ...fields, cost }).map((value) => String(value ?? '')));
}

/** In the order of the columns. */
function fieldsOf(columns: Columns) {
  const entry = settledEntry(columns);
  const details = entryDetails(columns);
  return {
    requestId: details.requestId,
    startedAt: new Date(entry.startedAt).toISOString(),
    tenant: entry.tenant,
    key: entry.keyId,
    tags: details.tags,
    operation: entry.operation,
    prompt: entry.prompt,
    model: entry.model,
    status: entry.status,
    chain: details.chain,
    target: entry.target,
    provider: entry.provider,
    inputTokens: entry.inputTokens,
    cachedTokens: entry.cachedTokens,
    cacheWriteTokens: entry.cacheWriteTokens,
    outputTokens: entry.outputTokens,
    reasoningTokens: entry.reasoningTokens,
    isEstimated: details.isEstimated,
    cost: entry.cost === null ? null : rounded(entry.cost),
    savedTokens: entry.savedTokens,
    savedCost: rounded(entry.savedCost),
    attempts: entry.attempts,
    ttftMs: details.ttftMs,
    durationMs: details.durationMs,
    error: details.error,
  };
}
