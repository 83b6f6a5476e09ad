// Token counts, both ways. Gemini counts thoughts beside the candidates' tokens, and tool-use prompts beside the prompt's.

import type { Usage } from '../../model/chat.ts';
import { asNumber, type JsonObject } from '../../model/json.ts';

export function parseUsage(metadata: JsonObject): Usage {
  const count = (key: string) => asNumber(metadata[key]) ?? 0;
  return {
    inputTokens: count('promptTokenCount') + count('toolUsePromptTokenCount'),
    cachedInputTokens: count('cachedContentTokenCount'),
    cacheWriteTokens: 0,
    outputTokens: count('candidatesTokenCount') + count('thoughtsTokenCount'),
    reasoningTokens: count('thoughtsTokenCount'),
    isEstimated: false,
  };
}

export function renderUsage(usage: Usage): JsonObject {
  return {
    promptTokenCount: usage.inputTokens,
    ...(usage.cachedInputTokens > 0 && { cachedContentTokenCount: usage.cachedInputTokens }),
    candidatesTokenCount: usage.outputTokens - usage.reasoningTokens,
    ...(usage.reasoningTokens > 0 && { thoughtsTokenCount: usage.reasoningTokens }),
    totalTokenCount: usage.inputTokens + usage.outputTokens,
  };
}
