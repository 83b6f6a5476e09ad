// A collected answer → a `text_completion` body. Reasoning is not part of the text and is left out; a refusal is shown.

import type { ChatRequest, ChatResponse, Choice } from '../../model/chat.ts';
import type { JsonObject } from '../../model/json.ts';
import { renderUsage } from '../openai-chat/answer-fields.ts';
import { legacyAnswerId, renderLegacyFinish, renderLegacyLogprobs } from './answer-fields.ts';

export function renderResponse(response: ChatResponse, request: ChatRequest): string {
  return JSON.stringify({
    id: legacyAnswerId(response.id),
    object: 'text_completion',
    created: response.createdAt ?? 0,
    model: response.model || request.model,
    choices: response.choices.map(renderChoice),
    ...(response.usage && { usage: renderUsage(response.usage) }),
  });
}

function renderChoice(choice: Choice): JsonObject {
  const texts = choice.parts.flatMap((part) => (part.type === 'text' || part.type === 'refusal' ? [part.text] : []));
  return {
    text: texts.join(''),
    index: choice.index,
    logprobs: choice.logprobs ? renderLegacyLogprobs(choice.logprobs) : null,
    finish_reason: renderLegacyFinish(choice.finishReason),
  };
}
