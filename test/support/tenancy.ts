// An accountant on a database in memory, without limits of its own: the request path needs one.

import type { Clock } from '../../src/ports.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { Accountant } from '../../src/tenancy/accountant.ts';
import { Ledger } from '../../src/tenancy/ledger.ts';
import { Limiter } from '../../src/tenancy/limiter.ts';
import { TENANCY_MIGRATIONS } from '../../src/tenancy/migrations.ts';
import type { ModelFacts } from '../../src/tenancy/price.ts';

export function testAccountant(clock: Clock, facts: () => ModelFacts | undefined = () => undefined) {
  const database = openDatabase(':memory:', TENANCY_MIGRATIONS);
  const ledger = new Ledger(database, clock);
  const limiter = new Limiter(clock, (scope) => ledger.spent(scope));
  const onLedgerFailure = (error: unknown): never => {
    throw error;
  };
  return { database, ledger, limiter, accountant: new Accountant({ ledger, limiter, facts, onLedgerFailure }) };
}
