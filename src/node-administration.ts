// What an operator may ask of a node with the admin token. Part of the composition root.

import type { ResponseCache } from './cache/response-cache.ts';
import type { Administration } from './http/admin-routes.ts';
import { keepsState } from './node-files.ts';
import type { Clock } from './ports.ts';
import type { Database } from './storage/database.ts';
import { readTraffic } from './storage/traffic-log.ts';
import { adminToken } from './tenancy/admin-token.ts';
import type { KeyStore } from './tenancy/key-store.ts';
import type { Ledger } from './tenancy/ledger.ts';
import { usageEntries } from './tenancy/usage-entries.ts';
import { usageReport } from './tenancy/usage-report.ts';

export interface AdministrationDeps {
  readonly clock: Clock;
  /** gateway.db */
  readonly database: Database;
  readonly keyStore: KeyStore;
  readonly cache: ResponseCache;
  readonly ledger: Ledger;
  readonly dataDirectory: string;
}

/** None on a node that has no file for the token; else the token is made here, if there is none yet. */
export function openAdministration(deps: AdministrationDeps): Administration | undefined {
  const { clock, database, keyStore, cache, ledger, dataDirectory } = deps;
  if (!keepsState({ dataDirectory })) return undefined;
  const pause = (): Promise<void> => new Promise((resolve) => clock.soon(resolve));
  return {
    token: adminToken(dataDirectory),
    keyStore,
    cache,
    usage(query) {
      // With what was settled a moment ago.
      ledger.flush();
      return usageReport(database, query, pause);
    },
    usageEntries(query, format) {
      ledger.flush();
      return usageEntries(database, query, format, pause);
    },
    shadowPairs: (query) => readTraffic(database, 'shadow_log', query),
  };
}
