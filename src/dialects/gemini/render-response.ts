// ChatResponse → a whole GenerateContentResponse.

import type { ChatRequest, ChatResponse, Choice } from '../../model/chat.ts';
import type { JsonObject } from '../../model/json.ts';
import { renderFinishReason } from './finish-reason.ts';
import { renderGrounding } from './grounding.ts';
import { renderLogprobs } from './logprobs.ts';
import { answerPart } from './render-parts.ts';
import { renderUsage } from './usage.ts';

export function renderResponse(response: ChatResponse, request: ChatRequest): string {
  if (response.original?.dialect === 'gemini') return response.original.text;
  return JSON.stringify({
    candidates: response.choices.map(renderCandidate),
    ...(response.usage && { usageMetadata: renderUsage(response.usage) }),
    modelVersion: response.model || request.model,
    responseId: response.id,
  });
}

function renderCandidate(choice: Choice): JsonObject {
  const texts = choice.parts.filter((part) => part.type === 'text');
  const annotations = texts.flatMap((part) => part.annotations ?? []);
  const parts = choice.parts.flatMap(answerPart);
  return {
    // Google's SDK takes a content without parts for an invalid answer and forgets the turn.
    content: { parts: parts.length > 0 ? parts : [{ text: '' }], role: 'model' },
    finishReason: renderFinishReason(choice.finishReason),
    index: choice.index,
    ...(annotations.length > 0 && {
      groundingMetadata: renderGrounding(annotations, texts.map((part) => part.text).join('')),
    }),
    ...(choice.logprobs && { logprobsResult: renderLogprobs(choice.logprobs) }),
  };
}
