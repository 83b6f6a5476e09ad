// What a simulated machine holds of the data that travels, read from its files.

import type { LedgerRow, Replica, UsageSum } from './history.ts';
import type { Machine } from './machine.ts';

/** What each machine must hold alike in the end: a line for each row. */
const TABLES: readonly { readonly name: string; readonly file: string; readonly sql: string }[] = [
  {
    name: 'documents',
    file: 'knowledge.db',
    sql: `SELECT source || ' ' || content_hash FROM document ORDER BY 1`,
  },
  {
    name: 'passages',
    file: 'knowledge.db',
    sql: `SELECT source || ' ' || position || ' ' || text FROM document_passage JOIN document ON document.id = document
      JOIN entry ON entry.id = entry JOIN passage ON passage.id = entry.passage ORDER BY 1`,
  },
  { name: 'keys', file: 'gateway.db', sql: `SELECT id || ' ' || tenant || ' ' || name FROM virtual_key ORDER BY 1` },
  { name: 'revocations', file: 'gateway.db', sql: 'SELECT key FROM key_revocation ORDER BY 1' },
  {
    // Of tenants that were only named by a key there is nothing to tell.
    name: 'tenants',
    file: 'gateway.db',
    sql: `SELECT id || ' ' || is_disabled || ' ' || limits FROM tenant WHERE limits <> '{}' ORDER BY 1`,
  },
  {
    name: 'usage',
    file: 'gateway.db',
    sql: `SELECT concat_ws(' ', day, tenant, key_id, model, node, epoch, requests, failed, cache_hits, output_tokens)
      FROM usage_shard ORDER BY 1`,
  },
  {
    name: 'kept answers',
    file: 'cache-log.db',
    sql: `SELECT kind || ' ' || key || ' ' || hlc FROM replication_change ORDER BY 1`,
  },
];

export function replicaOf({ disk }: Machine): Replica {
  const lines = TABLES.map(({ name, file, sql }) => {
    const rows = disk.file(file)?.prepare<[], string>(sql).pluck().all() ?? [];
    return [name, rows] as const;
  });
  return Object.fromEntries(lines);
}

/** The version of each document, by its source. */
export function documentsOn({ disk }: Machine): ReadonlyMap<string, string> {
  const rows = disk
    .file('knowledge.db')
    ?.prepare<[], [string, string]>('SELECT source, content_hash FROM document')
    .raw()
    .all();
  return new Map(rows);
}

export function knowsKey({ disk }: Machine, key: string): boolean {
  return disk.file('gateway.db')?.prepare('SELECT 1 FROM virtual_key WHERE id = ?').get(key) !== undefined;
}

export function hasRevocation({ disk }: Machine, key: string): boolean {
  return disk.file('gateway.db')?.prepare('SELECT 1 FROM key_revocation WHERE key = ?').get(key) !== undefined;
}

/** What each node has used, as this machine knows it. */
export function usageOn({ disk }: Machine): readonly UsageSum[] {
  const rows = disk
    .file('gateway.db')
    ?.prepare<[], UsageSum>(
      `SELECT node, tenant, SUM(requests) AS requests, SUM(output_tokens) AS outputTokens FROM usage_shard
       GROUP BY node, tenant ORDER BY node, tenant`,
    )
    .all();
  return rows ?? [];
}

export function ledgerOf({ disk, options }: Machine): readonly LedgerRow[] {
  const rows = disk
    .file('gateway.db')
    ?.prepare<[], Omit<LedgerRow, 'machine'>>(
      'SELECT request_id AS requestId, operation, tenant, status, output_tokens AS outputTokens FROM ledger ORDER BY id',
    )
    .all();
  return (rows ?? []).map((row) => ({ machine: options.index, ...row }));
}
