// Counting a prompt's tokens: `/v1/messages/count_tokens`, both sides.

import type { ChatRequest } from '../../model/chat.ts';
import { asNumber, type JsonObject, parseObject } from '../../model/json.ts';
import type { UpstreamCall, UpstreamTarget } from '../dialect.ts';
import { renderRequest } from './render-request.ts';

/** Fields that say how to answer, which the counting endpoint refuses. */
const ANSWER_FIELDS: ReadonlySet<string> = new Set([
  'max_tokens',
  'stream',
  'temperature',
  'top_p',
  'top_k',
  'stop_sequences',
  'metadata',
  'service_tier',
  'container',
  'diagnostics',
  'inference_geo',
]);

export function renderTokenCountRequest(request: ChatRequest, target: UpstreamTarget): UpstreamCall {
  const call = renderRequest(request, target);
  const body: JsonObject = {};
  for (const [key, value] of Object.entries(call.body)) if (!ANSWER_FIELDS.has(key)) body[key] = value;
  return { ...call, path: '/v1/messages/count_tokens', body };
}

export function parseTokenCount(text: string): number | undefined {
  return asNumber(parseObject(text)?.input_tokens);
}

export function renderTokenCount(inputTokens: number): JsonObject {
  return { input_tokens: inputTokens };
}
