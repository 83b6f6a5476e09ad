// What each node has used, by tenant, key, model and day, in gateway.db: the ledger's sums in a form that travels. A
// shard is counted by one process of one node and only grows; the sum of all shards is the mesh's usage.

import type { JsonObject } from '../model/json.ts';
import type { Database } from '../storage/database.ts';
import { dayOf } from './calendar.ts';
import type { SettledEntry } from './ledger-row.ts';
import { USAGE_COUNTERS, UsageSums } from './usage-sums.ts';

/** Append only: a released step never changes. */
export const USAGE_SHARD_MIGRATIONS: readonly string[] = [
  `CREATE TABLE usage_shard (
     day TEXT NOT NULL,
     tenant TEXT NOT NULL,
     key_id TEXT NOT NULL,
     model TEXT NOT NULL,
     node TEXT NOT NULL,
     epoch TEXT NOT NULL,
     requests INTEGER NOT NULL DEFAULT 0,
     hedges INTEGER NOT NULL DEFAULT 0,
     shadows INTEGER NOT NULL DEFAULT 0,
     failed INTEGER NOT NULL DEFAULT 0,
     cache_hits INTEGER NOT NULL DEFAULT 0,
     input_tokens INTEGER NOT NULL DEFAULT 0,
     cached_tokens INTEGER NOT NULL DEFAULT 0,
     cache_write_tokens INTEGER NOT NULL DEFAULT 0,
     output_tokens INTEGER NOT NULL DEFAULT 0,
     reasoning_tokens INTEGER NOT NULL DEFAULT 0,
     cost REAL NOT NULL DEFAULT 0,
     unpriced INTEGER NOT NULL DEFAULT 0,
     saved_tokens INTEGER NOT NULL DEFAULT 0,
     saved_cost REAL NOT NULL DEFAULT 0,
     PRIMARY KEY (day, tenant, key_id, model, node, epoch)
   ) WITHOUT ROWID;
   CREATE TABLE usage_known (id INTEGER PRIMARY KEY CHECK (id = 1), known_until INTEGER NOT NULL);
   CREATE INDEX usage_shard_by_tenant ON usage_shard (tenant, day);
   CREATE INDEX usage_shard_by_key ON usage_shard (key_id, day);`,
];

/** Which shard: its columns and the words of its key. */
const PARTS = ['node', 'epoch', 'tenant', 'key_id', 'model', 'day'] as const;
/** Names of models in shards; clients may ask for longer ones. */
const MODEL_LENGTH_MAX = 120;

const COUNTER_COLUMNS = USAGE_COUNTERS.map(({ column }) => column);
const COLUMNS = [...PARTS, ...COUNTER_COLUMNS];

type ShardPart = (typeof PARTS)[number];
/** Its parts as text, its counters as numbers. */
export type ShardRow = Readonly<Record<string, string | number>>;

/** Adds to a shard; gives it as it is then. */
const ADD = `INSERT INTO usage_shard (${COLUMNS.join(', ')}) VALUES (${COLUMNS.map(() => '?').join(', ')})
  ON CONFLICT DO UPDATE SET ${COUNTER_COLUMNS.map((column) => `${column} = ${column} + excluded.${column}`).join(', ')}
  RETURNING ${COLUMNS.join(', ')}`;

/** Adds entries of the ledger to the shards of `node` and `epoch`; gives these as they are then. */
export function addEntries(
  database: Database,
  { node, epoch }: { readonly node: string; readonly epoch: string },
  entries: Iterable<SettledEntry>,
): ShardRow[] {
  const add = database.prepare<(string | number)[], ShardRow>(ADD);
  const sums = new UsageSums(({ tenant, keyId, model, startedAt }) => [
    tenant,
    keyId,
    shortened(model),
    dayOf(startedAt),
  ]);
  sums.add(entries);
  return sums.all().flatMap(({ group, counts }) => add.all(node, epoch, ...group, ...counts));
}

function shortened(model: string): string {
  return model.length <= MODEL_LENGTH_MAX ? model : [...model].slice(0, MODEL_LENGTH_MAX).join('');
}

/** Brings a shard to at least these counts. */
const RAISE = `INSERT INTO usage_shard (${COLUMNS.join(', ')}) VALUES (${COLUMNS.map((column) => `@${column}`).join(', ')})
  ON CONFLICT DO UPDATE SET ${COUNTER_COLUMNS.map((column) => `${column} = max(${column}, excluded.${column})`).join(', ')}`;

export function shardKey(row: ShardRow): string {
  return JSON.stringify(PARTS.map((part) => row[part]));
}

export function countersOf(row: ShardRow): JsonObject {
  const counts = USAGE_COUNTERS.map(({ name, column }) => [name, Number(row[column])] as const);
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
}

/** Undefined for what is no key of a shard. */
export function parseShardKey(key: string): Record<ShardPart, string> | undefined {
  let words: unknown;
  try {
    words = JSON.parse(key);
  } catch {
    return undefined;
  }
  if (!Array.isArray(words) || words.length !== PARTS.length) return undefined;
  if (!words.every((word) => typeof word === 'string')) return undefined;
  const shard = Object.fromEntries(PARTS.map((part, index) => [part, words[index]])) as Record<ShardPart, string>;
  return /^\d{4}-\d\d-\d\d$/.test(shard.day) ? shard : undefined;
}

export function raiseShard(database: Database, key: string, counters: Readonly<Record<string, number>>): void {
  const counts = USAGE_COUNTERS.map(({ name, column }) => [column, counters[name] ?? 0] as const);
  database.prepare(RAISE).run({ ...parseShardKey(key), ...Object.fromEntries(counts) });
}

export function dropShard(database: Database, key: string): void {
  const shard = parseShardKey(key);
  if (!shard) return;
  database
    .prepare(`DELETE FROM usage_shard WHERE ${PARTS.map((part) => `${part} = @${part}`).join(' AND ')}`)
    .run(shard);
}

/** All at once: while a statement is read row by row, its connection takes no writes. */
export function shardsOf(database: Database): readonly ShardRow[] {
  return database.prepare<[], ShardRow>(`SELECT ${COLUMNS.join(', ')} FROM usage_shard`).all();
}
