// A bound of the answer's length above what a model can write: every large provider refuses the whole request for it, and
// a client that asks for a chain cannot know which model will answer. No answer becomes shorter by lowering it.

import type { ChatRequest, OriginalRequest } from '../model/chat.ts';
import { isObject, type JsonObject } from '../model/json.ts';

/** Where each wire names the bound, and where it names a part of it that must stay smaller. */
const FIELDS: Readonly<Partial<Record<OriginalRequest['dialect'], readonly (readonly string[])[]>>> = {
  'openai-chat': [['max_tokens'], ['max_completion_tokens']],
  'openai-responses': [['max_output_tokens']],
  anthropic: [['max_tokens']],
  gemini: [
    ['generationConfig', 'maxOutputTokens'],
    ['generationConfig', 'max_output_tokens'],
    ['generation_config', 'maxOutputTokens'],
    ['generation_config', 'max_output_tokens'],
  ],
  ollama: [['options', 'num_predict']],
};
const THINKING_BUDGET = ['thinking', 'budget_tokens'];
/** What thinking leaves for the answer itself. */
const ANSWER_MIN = 1_024;

/** The very same request where it keeps to the bound. */
export function withOutputBound(request: ChatRequest, tokensMax: number | undefined): ChatRequest {
  const { sampling, original } = request;
  if (tokensMax === undefined || sampling.maxOutputTokens === undefined) return request;
  if (sampling.maxOutputTokens <= tokensMax) return request;
  return {
    ...request,
    sampling: { ...sampling, maxOutputTokens: tokensMax },
    ...(original && { original: { ...original, body: loweredBody(original, tokensMax) } }),
  };
}

function loweredBody({ dialect, body }: OriginalRequest, tokensMax: number): JsonObject {
  const lowered = (FIELDS[dialect] ?? []).reduce((whole, path) => atMost(whole, path, tokensMax), body);
  return dialect === 'anthropic' ? atMost(lowered, THINKING_BUDGET, tokensMax - ANSWER_MIN) : lowered;
}

function atMost(whole: JsonObject, [name = '', ...rest]: readonly string[], most: number): JsonObject {
  const value = whole[name];
  if (rest.length > 0) return isObject(value) ? { ...whole, [name]: atMost(value, rest, most) } : whole;
  return typeof value === 'number' && value > most ? { ...whole, [name]: most } : whole;
}
