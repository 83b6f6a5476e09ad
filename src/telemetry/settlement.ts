// The one end of every request, wherever it came in.

import type { GatewayError } from '../errors.ts';
import { settleAccount } from '../gateway/settle.ts';
import type { RequestTrace } from '../gateway/trace.ts';
import type { Clock, Logger } from '../ports.ts';
import type { Metrics } from './metrics.ts';
import { logRequest } from './request-log.ts';

export interface SettlementDeps {
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

/** Limits, ledger, metrics and log: once, whatever the ending. */
export function settle(trace: RequestTrace, { clock, metrics, logger }: SettlementDeps): void {
  settleAccount(trace, clock);
  metrics.record(trace);
  logRequest(logger, trace);
}

export function noteFailure(trace: RequestTrace, error: GatewayError): void {
  trace.errorCode = error.code;
  if (error.cause !== undefined) trace.cause = error.cause;
}
