// Error bodies of this dialect: the shape that all of OpenAI's endpoints share, and what servers put inside a 200.

import type { GatewayError } from '../../errors.ts';
import { asNumber, asObject, asString, type JsonObject } from '../../model/json.ts';
import type { UpstreamError } from '../../model/upstream-error.ts';
import { openAiEventError, parseOpenAiError, renderOpenAiError } from '../openai-error.ts';

export function renderError(error: GatewayError): JsonObject {
  return renderOpenAiError(error, ['openai-chat', 'openai-responses']);
}

export function parseError(status: number, headers: Readonly<Record<string, string>>, text: string): UpstreamError {
  return parseOpenAiError('openai-chat', status, headers, text);
}

/** The error that a 200 carries instead of an answer, or in the middle of one; undefined when the body has none. */
export function errorInside(body: JsonObject, event?: string): UpstreamError | undefined {
  const { error } = body;
  if (typeof error === 'string' && error !== '') return openAiEventError('openai-chat', { message: error });
  const inner = asObject(error);
  if (inner) return openAiEventError('openai-chat', inner);
  // MiniMax has no HTTP status of its own for many of them; 0 is its word for success.
  const minimax = asObject(body.base_resp);
  if (minimax && asNumber(minimax.status_code)) {
    const message = asString(minimax.status_msg) ?? '';
    return openAiEventError('openai-chat', { message, code: `minimax_${minimax.status_code}` });
  }
  // vLLM and Mistral write the error itself.
  const isBare = body.object === 'error' || event === 'error';
  return isBare ? openAiEventError('openai-chat', body) : undefined;
}
