// What a node counts and what it holds its clients to: the ledger, the limits and, in a mesh, its part in those that all
// nodes share. Part of the composition root.

import type { Clock, Logger, Random } from './ports.ts';
import { originOf } from './replication/file-origin.ts';
import type { ChangeRecorder } from './storage/changes.ts';
import type { Database } from './storage/database.ts';
import type { LineJournal } from './storage/line-journal.ts';
import { Escrow, escrowSpending, type MeshSight } from './tenancy/escrow.ts';
import { Ledger } from './tenancy/ledger.ts';
import { Limiter } from './tenancy/limiter.ts';
import { RateShares, type ShareNetwork } from './tenancy/rate-shares.ts';
import type { NamesOf } from './tenancy/usage-scope.ts';
import { UsageShards } from './tenancy/usage-shards.ts';

export interface AccountingDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** gateway.db */
  readonly database: Database;
  readonly journal: LineJournal;
  readonly recorder: ChangeRecorder;
  readonly namesOf: NamesOf;
  /** How much of its mesh the node sees. Absent without a mesh. */
  readonly sight: (() => MeshSight) | undefined;
  /** Asks other nodes for shares of limits. Absent without a mesh. */
  readonly shareNetwork: ShareNetwork | undefined;
  readonly onFailure: (error: unknown) => void;
}

export interface Accounting {
  readonly ledger: Ledger;
  readonly limiter: Limiter;
  readonly escrow: Escrow | undefined;
  readonly rates: RateShares | undefined;
}

export function openAccounting(deps: AccountingDeps): Accounting {
  const { clock, random, database, journal, namesOf, sight, shareNetwork, onFailure } = deps;
  const shards = usageShards(deps);
  const ledger = new Ledger({ database, clock, journal, ...(shards && { shards }), namesOf, onFailure });
  const escrow = sight && shards && new Escrow({ clock, sight, spending: escrowSpending(ledger, shards, clock) });
  const rates = sight && shareNetwork && new RateShares({ clock, random, sight, network: shareNetwork });
  const limiter = new Limiter(clock, (scope) => ledger.spent(scope), escrow, rates, namesOf);
  return { ledger, limiter, escrow, rates };
}

/** None on a node that has never been in a mesh. */
function usageShards({ database, random, recorder, namesOf, logger }: AccountingDeps): UsageShards | undefined {
  const node = originOf(database);
  if (node === undefined) return undefined;
  return new UsageShards({
    database,
    node,
    epoch: random.uuid().slice(0, 8),
    changes: recorder,
    namesOf,
    onFailure: (error) => logger.warn({ err: error }, 'usage cannot be told to other nodes'),
  });
}
