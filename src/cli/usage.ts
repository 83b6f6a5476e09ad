// `flowmesh usage`: what was used and what it cost, from the ledger in the data directory.

import { once } from 'node:events';
import { usageEntries } from '../tenancy/usage-entries.ts';
import { readUsageQuery, type WrittenUsageQuery } from '../tenancy/usage-query.ts';
import { UNKNOWN_COST, type UsageGroup, type UsageRow, usageCsv, usageReport } from '../tenancy/usage-report.ts';
import { CommandError, EXIT } from './command-error.ts';
import { withState } from './state.ts';
import { counted, harmless, note, print, printJson, table } from './terminal.ts';

export interface UsageOptions extends WrittenUsageQuery {
  readonly config?: string;
  readonly csv?: boolean;
  /** Of all nodes, as this one knows it. */
  readonly mesh?: boolean;
  readonly json?: boolean;
  /** One by one, not summed. */
  readonly entries?: boolean;
}

const AMOUNT_HEADS = ['REQUESTS', 'FAILED', 'CACHED', 'INPUT', 'OUTPUT', 'COST'];

export async function usage(options: UsageOptions): Promise<void> {
  if (options.csv && options.json) throw new CommandError('Give --csv or --json, not both.', EXIT.usage);
  if (options.entries) {
    await printEntries(options);
    return;
  }
  const { by, rows, total } = await withState(options.config, async ({ database, clock }) => {
    const query = readUsageQuery({ ...options, ...(options.mesh && { scope: 'mesh' }) }, clock.now());
    const rows = await usageReport(database, query);
    const [total] = await usageReport(database, { ...query, by: [] });
    return { by: query.by, rows, total };
  });
  if (options.csv) process.stdout.write(usageCsv(by, rows));
  else if (options.json) printJson({ by, rows: rows.map((row) => named(by, row)), total: total && named([], total) });
  else if (!total) note('Nothing was used in this time.');
  else printTable(by, rows, total);
}

async function printEntries(options: UsageOptions): Promise<void> {
  if (options.by !== undefined) throw new CommandError('Entries are not grouped: leave --by out.', EXIT.usage);
  await withState(options.config, async ({ database, clock }) => {
    const query = readUsageQuery({ ...options, ...(options.mesh && { scope: 'mesh' }) }, clock.now());
    for await (const piece of usageEntries(database, query, options.csv ? 'csv' : 'jsonl')) {
      if (!(await isWritten(piece))) return;
    }
  });
}

/** Whoever reads slowly is waited for. False when the reader has seen enough; other failures end the process. */
async function isWritten(text: string): Promise<boolean> {
  if (process.stdout.write(text)) return process.stdout.errored === null;
  return once(process.stdout, 'drain').then(
    () => true,
    () => false,
  );
}

function printTable(by: readonly UsageGroup[], rows: readonly UsageRow[], total: UsageRow): void {
  const heads = [...by.map((group) => group.toUpperCase()), ...AMOUNT_HEADS];
  const lines = by.length === 0 ? [] : rows.map((row) => [...row.group.map(harmless), ...amounts(row)]);
  const totalLine = [...by.map((_, index) => (index === 0 ? 'total' : '')), ...amounts(total)];
  print(table([heads, ...lines, totalLine]));
  if (total.unpriced === 0) return;
  const which = total.unpriced === 1 ? 'has no known price and is' : 'have no known price and are';
  note(`${counted(total.unpriced, 'request')} ${which} not in COST. \`prices:\` in the configuration sets prices.`);
}

function amounts({ requests, failed, cacheHits, inputTokens, outputTokens, ...row }: UsageRow): string[] {
  return [
    ...[requests, failed, cacheHits, inputTokens, outputTokens].map((n) => n.toLocaleString('en')),
    costText(row),
  ];
}

/** What is known of a cost that is known in part is its least. */
function costText({ cost, unpriced }: Pick<UsageRow, 'cost' | 'unpriced'>): string {
  if (cost === null) return UNKNOWN_COST;
  return `${unpriced > 0 ? 'at least ' : ''}$${cost.toFixed(cost >= 1 ? 2 : 6)}`;
}

function named(by: readonly UsageGroup[], { group, ...amounts }: UsageRow): object {
  return { ...Object.fromEntries(by.map((name, index) => [name, group[index] ?? ''])), ...amounts };
}
