// The end of a request's account, whatever the ending: limits and ledger get the truth, once.

import type { Clock } from '../ports.ts';
import type { Ending } from '../tenancy/accountant.ts';
import { isKept, type RequestTrace } from './trace.ts';

/** Never rejects for what the ledger cannot write. Fills in duration and cost. */
export function settleAccount(trace: RequestTrace, clock: Clock): void {
  trace.durationMs = clock.elapsed() - trace.startedAt;
  if (!trace.account) return;
  const { promptUsage } = trace.account;
  if (promptUsage && isUnderWay(trace)) trace.usage = promptUsage;
  const { status, usage, savedUsage } = outcomeOf(trace);
  const cost = trace.account.settle({
    status,
    usage,
    savedUsage,
    chain: trace.chain,
    target: trace.target,
    provider: trace.provider,
    account: trace.accountName,
    targetModel: trace.targetModel,
    isOwnKey: trace.isOwnKey,
    isForwarded: trace.isForwarded,
    attempts: trace.attemptCount,
    ttftMs: trace.ttftMs,
    durationMs: trace.durationMs,
    error: trace.errorCode,
  });
  if (cost !== undefined) trace.cost = cost;
}

/** It ended while an upstream had its prompt, and what that one counts for it, it has told nobody. */
function isUnderWay({ errorCode, usage, attemptCount, enteredApartCount, failures }: RequestTrace): boolean {
  return errorCode !== undefined && usage === undefined && attemptCount - enteredApartCount > failures.length;
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
