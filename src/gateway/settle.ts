// The end of a request's account, whatever the ending: limits and ledger get the truth, once.

import type { Clock } from '../ports.ts';
import type { RequestTrace } from './trace.ts';

/** Never rejects for what the ledger cannot write. Fills in duration and cost. */
export function settleAccount(trace: RequestTrace, clock: Clock): void {
  trace.durationMs = clock.elapsed() - trace.startedAt;
  const cost = trace.account?.settle({
    ...trace,
    status: trace.errorCode === undefined ? 'done' : trace.errorCode === 'client_closed' ? 'aborted' : 'error',
    account: trace.accountName,
    attempts: trace.attemptCount,
    error: trace.errorCode,
  });
  if (cost !== undefined) trace.cost = cost;
}
