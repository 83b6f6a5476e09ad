// The end of a request's account, whatever the ending: limits and ledger get the truth, once.

import type { Clock } from '../ports.ts';
import type { Ending } from '../tenancy/accountant.ts';
import { isKept, type RequestTrace } from './trace.ts';

/** Never rejects for what the ledger cannot write. Fills in duration and cost. */
export function settleAccount(trace: RequestTrace, clock: Clock): void {
  trace.durationMs = clock.elapsed() - trace.startedAt;
  const { promptUsage } = trace.account ?? {};
  if (promptUsage && isUnderWay(trace)) trace.usage = promptUsage;
  const cost = trace.account?.settle({
    ...trace,
    ...outcomeOf(trace),
    account: trace.accountName,
    attempts: trace.attemptCount,
    error: trace.errorCode,
  });
  if (cost !== undefined) trace.cost = cost;
}

/** It ended while an upstream had its prompt, and what that one counts for it, it has told nobody. */
function isUnderWay({ errorCode, usage, attemptCount, failures }: RequestTrace): boolean {
  return errorCode !== undefined && usage === undefined && attemptCount > failures.length;
}

/** A kept answer cost nothing, also when its client left in the middle of it. */
function outcomeOf(trace: RequestTrace): Pick<Ending, 'status' | 'usage' | 'savedUsage'> {
  const { errorCode, usage, savedUsage } = trace;
  if (errorCode !== undefined && errorCode !== 'client_closed') {
    return { status: 'error', usage: isKept(trace) ? undefined : usage, savedUsage: undefined };
  }
  if (!isKept(trace)) return { status: errorCode === undefined ? 'done' : 'aborted', usage, savedUsage };
  return { status: 'cached', usage: undefined, savedUsage: errorCode === undefined ? usage : undefined };
}
