// One replica on a real SQLite file in memory, with a store of registers and one of usage counters beside its log.

import type { Change } from '../../../src/replication/change.ts';
import { ChangeLog, type ChangeLogOptions } from '../../../src/replication/change-log.ts';
import type { Faults } from '../../../src/replication/faults.ts';
import type { Kind } from '../../../src/replication/kind.ts';
import { registerKind } from '../../../src/replication/kinds/register.ts';
import { usageShardKind } from '../../../src/replication/kinds/usage-shard.ts';
import { Replica } from '../../../src/replication/replica.ts';
import { REPLICATION_MIGRATIONS } from '../../../src/replication/schema.ts';
import { VersionVector } from '../../../src/replication/version-vector.ts';
import { type Database, openDatabase } from '../../../src/storage/database.ts';
import { seededRandom } from '../../support/seeded-random.ts';

export const STORE_MIGRATIONS: readonly string[] = [
  'CREATE TABLE register (key TEXT PRIMARY KEY, body TEXT NOT NULL)',
  'CREATE TABLE shard (key TEXT PRIMARY KEY, body TEXT NOT NULL)',
  ...REPLICATION_MIGRATIONS,
];

export const REGISTER: Kind = registerKind({ name: 'register', table: 'register', capability: 'config:write' });
export const SHARD: Kind = usageShardKind((database, key, counters) => {
  if (!counters) {
    database.prepare('DELETE FROM shard WHERE key = ?').run(key);
    return;
  }
  const text = JSON.stringify(Object.fromEntries(Object.entries(counters).sort()));
  database.prepare('INSERT OR REPLACE INTO shard VALUES (?, ?)').run(key, text);
});

export interface TestNode {
  readonly database: Database;
  readonly log: ChangeLog;
  readonly replica: Replica;
  put(key: string, value: unknown): void;
  remove(key: string): void;
  count(key: string, counters: Record<string, number>): void;
  /** Value by key, out of the store. */
  rows(): Record<string, unknown>;
  shards(): Record<string, unknown>;
}

export interface TestNodeOptions {
  readonly origin: string;
  readonly database?: Database;
  readonly now?: () => number;
  readonly meshNow?: () => number;
  readonly seed?: number;
  readonly kinds?: readonly Kind[];
  readonly faults?: Faults;
  readonly mayWrite?: ChangeLogOptions['mayWrite'];
  readonly conflictsMax?: number;
}

const START = 1_800_000_000_000;

export function openNode(options: TestNodeOptions): TestNode {
  const database = options.database ?? openDatabase(':memory:', STORE_MIGRATIONS);
  const log = new ChangeLog(
    {
      database,
      kinds: options.kinds ?? [REGISTER, SHARD],
      clock: { now: options.now ?? (() => START) },
      random: seededRandom(options.seed ?? 1),
    },
    {
      name: 'test',
      origin: options.origin,
      hasOtherWriters: false,
      ...(options.meshNow && { meshNow: options.meshNow }),
      ...(options.faults && { faults: options.faults }),
      ...(options.mayWrite && { mayWrite: options.mayWrite }),
      ...(options.conflictsMax !== undefined && { conflictsMax: options.conflictsMax }),
    },
  );
  const replica = new Replica(log);
  const write = (action: () => void): void => database.transaction(action)();
  const table = (name: string): Record<string, unknown> =>
    Object.fromEntries(
      database
        .prepare<[], { key: string; body: string }>(`SELECT key, body FROM ${name} ORDER BY key`)
        .all()
        .map(({ key, body }) => [key, JSON.parse(body)]),
    );
  return {
    database,
    log,
    replica,
    put: (key, value) =>
      write(() => {
        const body = { value: value as string };
        database.prepare('INSERT OR REPLACE INTO register VALUES (?, ?)').run(key, JSON.stringify(body));
        log.put('register', key, body);
      }),
    remove: (key) =>
      write(() => {
        database.prepare('DELETE FROM register WHERE key = ?').run(key);
        log.remove('register', key);
      }),
    count: (key, counters) =>
      write(() => {
        SHARD.apply(database, key, counters, { origin: log.origin, hlc: '', isLocal: true });
        log.put('usage-shard', key, counters);
      }),
    rows: () => Object.fromEntries(Object.entries(table('register')).map(([key, body]) => [key, (body as any).value])),
    shards: () => table('shard'),
  };
}

/** Signs at once, with a signature that says who and what; the real ones are asynchronous. */
export function signAll({ log }: Pick<TestNode, 'log'>): void {
  if (!log.hasUnsigned) return;
  for (const change of log.changes.unsigned(1_000_000)) log.changes.sign(change, Buffer.from(`${change.origin}!`));
}

export const signature = (origin: string): Uint8Array => Buffer.from(`${origin}!`);

/** Everything that a node holds, as it would be sent. */
export function heldBy({ log }: Pick<TestNode, 'log'>): Change[] {
  return [...log.vector().ranges()].flatMap((range) =>
    log.changes
      .inRange(range, 1_000_000)
      .map((change) => ({ ...change, signature: change.signature ?? signature(change.origin) })),
  );
}

/** What breaks the law "known is held or cleared, and nothing else"; empty when it holds. */
export function brokenKnowledge({ log }: Pick<TestNode, 'log'>): string[] {
  const backed = log.cleared.load();
  for (const change of heldBy({ log })) backed.addDot(change);
  const rows = log.database
    .prepare<[], { origin: string; epoch: number; seq: number }>(
      `SELECT o.name AS origin, epoch, seq FROM replication_change c JOIN replication_origin o ON o.id = c.origin`,
    )
    .all();
  const held = new VersionVector();
  for (const row of rows) held.addDot(row);
  backed.merge(held);
  const known = log.vector();
  return [
    ...[...known.minus(backed).ranges()].map(
      (range) => `known, but neither held nor cleared: ${JSON.stringify(range)}`,
    ),
    ...[...backed.minus(known).ranges()].map((range) => `held or cleared, but not known: ${JSON.stringify(range)}`),
  ];
}
