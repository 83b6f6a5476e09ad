// Error bodies of this dialect: the shape that all of OpenAI's endpoints share.

import type { GatewayError } from '../../errors.ts';
import type { JsonObject } from '../../model/json.ts';
import type { UpstreamError } from '../../model/upstream-error.ts';
import { parseOpenAiError, renderOpenAiError } from '../openai-error.ts';

export function renderError(error: GatewayError): JsonObject {
  return renderOpenAiError(error, ['openai-responses', 'openai-chat']);
}

export function parseError(status: number, headers: Readonly<Record<string, string>>, text: string): UpstreamError {
  return parseOpenAiError('openai-responses', status, headers, text);
}
