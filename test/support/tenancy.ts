// An accountant on a database in memory, without limits of its own: the request path needs one.

import type { Clock } from '../../src/ports.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { Accountant } from '../../src/tenancy/accountant.ts';
import { KeyRing } from '../../src/tenancy/key-ring.ts';
import { KeyStore } from '../../src/tenancy/key-store.ts';
import { Ledger } from '../../src/tenancy/ledger.ts';
import { Limiter } from '../../src/tenancy/limiter.ts';
import { TENANCY_MIGRATIONS } from '../../src/tenancy/migrations.ts';
import type { ModelFacts } from '../../src/tenancy/price.ts';
import { seededRandom } from './seeded-random.ts';

export function testAccountant(clock: Clock, facts: () => ModelFacts | undefined = () => undefined) {
  const database = openDatabase(':memory:', TENANCY_MIGRATIONS);
  const onFailure = (error: unknown): never => {
    throw error;
  };
  const ledger = new Ledger({ database, clock, onFailure });
  const limiter = new Limiter(clock, (scope) => ledger.spent(scope));
  return { database, ledger, limiter, accountant: new Accountant({ ledger, limiter, facts }) };
}

/** A key ring that nobody has made a key for. */
export function openKeyRing(clock: Clock): KeyRing {
  const database = openDatabase(':memory:', TENANCY_MIGRATIONS);
  return new KeyRing(new KeyStore(database, clock, seededRandom(1)), clock, () => new Map());
}
