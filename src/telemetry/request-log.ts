// One log line a request, at its end. Prompts, answers, headers and credentials never get here.

import type { RequestTrace } from '../gateway/trace.ts';
import type { Logger } from '../ports.ts';

/** Of a name that no target has: clients write what they like. */
const MODEL_LENGTH_MAX = 512;

export function logRequest(logger: Logger, trace: RequestTrace): void {
  const fields = {
    requestId: trace.requestId,
    operation: trace.operation,
    model: trace.model.slice(0, MODEL_LENGTH_MAX),
    stream: trace.isStream,
    chain: trace.chain,
    target: trace.target,
    attempts: trace.attemptCount,
    ...(trace.failures.length > 0 && { failures: trace.failures }),
    ...(trace.hedge && { hedge: { ...trace.hedge, afterMs: rounded(trace.hedge.afterMs) } }),
    ttftMs: rounded(trace.ttftMs),
    durationMs: rounded(trace.durationMs),
    ...(trace.usage && {
      inputTokens: trace.usage.inputTokens,
      cachedTokens: trace.usage.cachedInputTokens,
      outputTokens: trace.usage.outputTokens,
      ...(trace.usage.isEstimated && { tokensEstimated: true }),
    }),
    ...(trace.cache !== undefined && { cache: trace.cache }),
    ...(trace.compaction && { compactedTokens: trace.compaction.beforeTokens - trace.compaction.afterTokens }),
    ...(trace.knowledge && {
      knowledge: trace.knowledge.outcome,
      passages: trace.knowledge.passageCount,
      passagesCited: trace.knowledge.citedCount,
      knowledgeMs: rounded(trace.knowledge.durationMs),
    }),
    finishReason: trace.finishReason,
    ...(trace.errorCode && { error: trace.errorCode }),
  };
  if (trace.errorCode === 'internal') logger.error({ ...fields, err: trace.cause }, 'request failed by a defect');
  else if (trace.errorCode && trace.errorCode !== 'client_closed') logger.warn(fields, 'request failed');
  else logger.info(fields, trace.errorCode ? 'request left by its client' : 'request');
}

function rounded(milliseconds: number | undefined): number | undefined {
  return milliseconds === undefined ? undefined : Math.round(milliseconds * 100) / 100;
}
