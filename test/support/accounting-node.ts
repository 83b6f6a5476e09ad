// What a node does with usage, without the rest of it: its gateway.db in memory with ledger, shards and change log.
// `tell(other)` brings everything it knows to another one, as the replicator would.

import { GATEWAY_MIGRATIONS } from '../../src/node-files.ts';
import { ChangeLog } from '../../src/replication/change-log.ts';
import { rememberOrigin } from '../../src/replication/file-origin.ts';
import { Replica } from '../../src/replication/replica.ts';
import { type Database, openDatabase } from '../../src/storage/database.ts';
import { gatewayKinds } from '../../src/tenancy/gateway-kinds.ts';
import { Ledger } from '../../src/tenancy/ledger.ts';
import type { EntryStatus } from '../../src/tenancy/ledger-row.ts';
import { type UsageQuery, usageReport } from '../../src/tenancy/usage-report.ts';
import { UsageShards } from '../../src/tenancy/usage-shards.ts';
import { heldBy, signAll } from '../replication/support/node.ts';
import type { ManualClock } from './manual-clock.ts';
import { seededRandom } from './seeded-random.ts';

export interface AccountingNodeOptions {
  /** Undefined: it is in no mesh yet. */
  readonly node: string | undefined;
  readonly clock: ManualClock;
  /** Of this process. */
  readonly epoch?: string;
  /** Of an earlier process; default: an empty one. */
  readonly database?: Database;
  readonly onUsage?: () => void;
  /** Members that were evicted. */
  readonly evicted?: ReadonlySet<string>;
}

export interface Used {
  readonly tenant?: string;
  readonly keyId?: string;
  readonly model?: string;
  readonly status?: EntryStatus;
  readonly inputTokens: number;
  readonly cost?: number;
}

export function accountingNode({ node, clock, epoch = 'e1', onUsage, evicted, ...more }: AccountingNodeOptions) {
  const database = more.database ?? openDatabase(':memory:', GATEWAY_MIGRATIONS);
  if (node !== undefined) rememberOrigin(database, node);
  const kinds = gatewayKinds(undefined, onUsage);
  const log = new ChangeLog(
    { database, kinds, clock, random: seededRandom(7) },
    { name: 'gateway', origin: node ?? 'nobody', mayWrite: (origin) => evicted?.has(origin) !== true },
  );
  const replica = new Replica(log);
  const onFailure = (error: unknown): never => {
    throw error;
  };
  const shards = node === undefined ? undefined : new UsageShards({ database, node, epoch, changes: log, onFailure });
  const ledger = new Ledger({ database, clock, ...(shards && { shards }), onFailure });
  const report = async (query: UsageQuery): Promise<Record<string, number>> =>
    Object.fromEntries(
      (await usageReport(database, { ...query, scope: 'mesh' })).map(({ group, inputTokens }) => [
        group.join(' '),
        inputTokens,
      ]),
    );
  const tell = (other: { readonly replica: Replica }): void => {
    ledger.flush();
    signAll({ log });
    other.replica.merge(heldBy({ log }), { now: clock.now(), meshNow: clock.now() });
  };
  const use = ({ tenant = 'acme', keyId = 'k', model = 'm', status = 'done', inputTokens, cost }: Used): void => {
    const entry = ledger.open({
      requestId: 'r',
      tenant,
      keyId,
      model,
      tags: {},
      operation: 'openai-chat',
      estimatedInputTokens: 1,
    });
    const usage = {
      inputTokens,
      cachedInputTokens: 0,
      cacheWriteTokens: 0,
      outputTokens: 0,
      reasoningTokens: 0,
      isEstimated: false,
    };
    entry.settle({ status, usage, cost, attempts: 1 });
  };
  return { database, log, replica, shards, ledger, use, tell, report };
}

export type AccountingNode = ReturnType<typeof accountingNode>;
