// Compaction on the request path: each form of the request is compacted once, and the trace learns what that saved.

import { compactRequest } from '../cache/compaction.ts';
import type { ChatRequest } from '../model/chat.ts';
import type { RequestPlan } from './plan-request.ts';
import type { Chain, Target } from './target.ts';
import { estimateTextTokens } from './token-estimate.ts';
import type { RequestTrace } from './trace.ts';

/** What a target is sent, compacted where the chain wants it. */
export function compactedFor(
  { compaction }: Pick<Chain, 'compaction'>,
  requestFor: RequestPlan['requestFor'],
  trace: RequestTrace,
): (target: Target) => ChatRequest {
  if (!compaction.isEnabled) return requestFor;
  // Routers get another form of it than other targets.
  const forms = new Map<ChatRequest, ChatRequest>();
  return (target) => {
    const request = requestFor(target);
    const known = forms.get(request);
    if (known) return known;
    const compacted = compactRequest(request, compaction);
    if (compacted) noteSaved(trace, tokensOf(compacted.before), tokensOf(compacted.after));
    const form = compacted?.request ?? request;
    forms.set(request, form);
    return form;
  };
}

/**
 * The usual estimate has no tokens for runs of spaces, nor for single line breaks. Tokenizers have one for each; a single
 * space belongs to the word after it.
 */
function tokensOf(texts: readonly string[]): number {
  const runs = texts.flatMap((text) => text.match(/\s{2,}|\n/g) ?? []).filter((run) => !/\n\s/.test(run));
  return estimateTextTokens(texts) + runs.length;
}

function noteSaved(trace: RequestTrace, beforeTokens: number, afterTokens: number): void {
  trace.compaction = { beforeTokens, afterTokens };
  trace.savedUsage = {
    inputTokens: Math.max(0, beforeTokens - afterTokens),
    cachedInputTokens: 0,
    cacheWriteTokens: 0,
    outputTokens: 0,
    reasoningTokens: 0,
    isEstimated: true,
  };
}
