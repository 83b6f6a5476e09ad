// Keeps this node's usage shards up to date with its ledger, and tells other nodes of them. They begin when the node is in
// a mesh first, with what its ledger has by then; from then on they are kept, also while the mesh is switched off.

import { GatewayError } from '../errors.ts';
import type { Kind } from '../replication/kind.ts';
import { usageShardKind } from '../replication/kinds/usage-shard.ts';
import type { ChangeRecorder } from '../storage/changes.ts';
import type { Database } from '../storage/database.ts';
import { dayOf, monthOf } from './calendar.ts';
import { entriesBetween } from './ledger-blocks.ts';
import type { SettledEntry } from './ledger-row.ts';
import type { Amounts, Spent } from './limiter.ts';
import { boundScope, IN_MONTH, IN_SCOPE, type NamesOf, ONLY_ITSELF, parseScope } from './usage-scope.ts';
import {
  addEntries,
  countersOf,
  dropShard,
  parseShardKey,
  raiseShard,
  type ShardRow,
  shardKey,
  shardsOf,
} from './usage-shard-table.ts';

const USAGE_SHARD_KIND = 'usage-shard';

export interface UsageShardsDeps {
  readonly database: Database;
  /** This node's id in its mesh. */
  readonly node: string;
  /** Of this process alone. A restored disk must not count on in shards that other nodes have seen larger. */
  readonly epoch: string;
  readonly changes: ChangeRecorder;
  /** What models are called that single limits hold for. */
  readonly namesOf?: NamesOf;
  /** Other nodes cannot be told, now or ever; requests go on. */
  readonly onFailure: (error: unknown) => void;
}

/** Of what was used before the mesh. */
const EPOCH_BEFORE = 'before';

const SUM = `SELECT
    COALESCE(SUM(CASE WHEN day = @day THEN input_tokens + output_tokens END), 0) AS dayTokens,
    COALESCE(SUM(CASE WHEN day = @day THEN cost END), 0) AS dayCost,
    COALESCE(SUM(input_tokens + output_tokens), 0) AS monthTokens, COALESCE(SUM(cost), 0) AS monthCost
  FROM usage_shard WHERE ${IN_MONTH} AND ${IN_SCOPE}
    AND (node = @node) = @isOwn`;

export class UsageShards {
  readonly #database: Database;
  readonly #node: string;
  readonly #epoch: string;
  readonly #changes: ChangeRecorder;
  readonly #onFailure: (error: unknown) => void;
  readonly #namesOf: NamesOf;
  readonly #sum;

  constructor({ database, node, epoch, changes, namesOf = ONLY_ITSELF, onFailure }: UsageShardsDeps) {
    this.#database = database;
    this.#node = node;
    this.#epoch = epoch;
    this.#changes = changes;
    this.#namesOf = namesOf;
    this.#onFailure = onFailure;
    this.#sum = database.prepare<[object], Record<string, number>>(SUM);
    database.transaction(() => this.#begin())();
  }

  /** Other nodes are told of it with all that was here before the mesh. */
  #begin(): void {
    const database = this.#database;
    if (database.prepare('SELECT 1 FROM usage_known').get() !== undefined) return;
    addEntries(
      database,
      { node: this.#node, epoch: EPOCH_BEFORE },
      entriesBetween(database, 0, Number.MAX_SAFE_INTEGER),
    );
    this.#keep(0);
  }

  /** Inside the transaction that has entered these entries in the ledger. */
  add(entries: readonly SettledEntry[]): void {
    const shards = addEntries(this.#database, { node: this.#node, epoch: this.#epoch }, entries);
    for (const shard of shards) this.#record(shard);
  }

  /** What this node has used in the running day and month, whichever of its processes it was. */
  ownSpent(scope: string, nowMs: number): Spent {
    return this.#spent(scope, nowMs, true);
  }

  /** What all others have used, as far as it is known here. */
  othersSpent(scope: string, nowMs: number): Spent {
    return this.#spent(scope, nowMs, false);
  }

  /** Wall milliseconds until when others surely knew of this node's usage; kept over restarts. */
  knownUntil(): number {
    return this.#database.prepare<[], number>('SELECT known_until FROM usage_known').pluck().get() ?? 0;
  }

  keepKnownUntil(atMs: number): void {
    try {
      this.#keep(atMs);
    } catch (error) {
      // The disk may be full. An older time is safe: after a restart more of the spending counts as unknown to others.
      this.#onFailure(error);
    }
  }

  #keep(atMs: number): void {
    this.#database.prepare('INSERT OR REPLACE INTO usage_known (id, known_until) VALUES (1, ?)').run(Math.floor(atMs));
  }

  #spent(scope: string, nowMs: number, isOwn: boolean): Spent {
    const row = this.#sum.get({
      ...boundScope(this.#database, 'usage_shard', parseScope(scope), monthOf(nowMs), this.#namesOf),
      day: dayOf(nowMs),
      node: this.#node,
      isOwn: isOwn ? 1 : 0,
    });
    const amounts = (period: string): Amounts => ({
      tokens: row?.[`${period}Tokens`] ?? 0,
      cost: row?.[`${period}Cost`] ?? 0,
    });
    return { day: amounts('day'), month: amounts('month') };
  }

  #record(row: ShardRow): void {
    try {
      this.#changes.put(USAGE_SHARD_KIND, shardKey(row), countersOf(row));
    } catch (error) {
      // A node that may not write for others has a ledger all the same.
      if (!(error instanceof GatewayError)) throw error;
      this.#onFailure(error);
    }
  }
}

/** @param onForeign usage of another node came, or of this one that it had lost */
export function usageShardsKind(onForeign: () => void): Kind {
  const kind = usageShardKind((database, key, counters, { isLocal }) => {
    if (counters) raiseShard(database, key, counters);
    else dropShard(database, key);
    if (!isLocal) onForeign();
  });
  return {
    ...kind,
    isValid: (key, body) => parseShardKey(key) !== undefined && kind.isValid(key, body),
    *rows(database) {
      for (const row of shardsOf(database)) yield { key: shardKey(row), body: countersOf(row) };
    },
  };
}
