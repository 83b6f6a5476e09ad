// One log line a request, at its end. Prompts, answers, headers and credentials never get here.

import type { RequestTrace } from '../gateway/trace.ts';
import type { Logger } from '../ports.ts';

/** Of a name that no target has: clients write what they like. */
const MODEL_LENGTH_MAX = 512;

export function logRequest(logger: Logger, trace: RequestTrace): void {
  const { usage, knowledge } = trace;
  // What is undefined does not reach the line.
  const fields = {
    requestId: trace.requestId,
    operation: trace.operation,
    model: trace.model.slice(0, MODEL_LENGTH_MAX),
    stream: trace.isStream,
    chain: trace.chain,
    target: trace.target,
    attempts: trace.attemptCount,
    failures: trace.failures.length > 0 ? trace.failures : undefined,
    hedge: trace.hedge && { ...trace.hedge, afterMs: rounded(trace.hedge.afterMs) },
    ttftMs: rounded(trace.ttftMs),
    durationMs: rounded(trace.durationMs),
    inputTokens: usage?.inputTokens,
    cachedTokens: usage?.cachedInputTokens,
    outputTokens: usage?.outputTokens,
    tokensEstimated: usage?.isEstimated || undefined,
    cache: trace.cache,
    compactedTokens: trace.compaction && trace.compaction.beforeTokens - trace.compaction.afterTokens,
    knowledge: knowledge?.outcome,
    passages: knowledge?.passageCount,
    passagesCited: knowledge?.citedCount,
    knowledgeMs: rounded(knowledge?.durationMs),
    finishReason: trace.finishReason,
    error: trace.errorCode,
  };
  if (trace.errorCode === 'internal') logger.error({ ...fields, err: trace.cause }, 'request failed by a defect');
  else if (trace.errorCode && trace.errorCode !== 'client_closed') logger.warn(fields, 'request failed');
  else logger.info(fields, trace.errorCode ? 'request left by its client' : 'request');
}

function rounded(milliseconds: number | undefined): number | undefined {
  return milliseconds === undefined ? undefined : Math.round(milliseconds * 100) / 100;
}
