// Ollama's errors: `{"error": "sentence"}`, as a body with a status or as a line inside a stream.

import type { GatewayError } from '../../errors.ts';
import { asObject, asString, type JsonObject, parseObject } from '../../model/json.ts';
import type { UpstreamError } from '../../model/upstream-error.ts';
import { foreignError, originalError, retryAfterMs, upstreamError } from '../upstream-failure.ts';

export function parseError(status: number, headers: Readonly<Record<string, string>>, text: string): UpstreamError {
  const body = parseObject(text);
  const message = body && messageOf(body);
  if (!body || message === undefined) return foreignError(status, headers, text);
  return upstreamError({
    status,
    message,
    retryAfterMs: retryAfterMs(headers),
    original: originalError('ollama', status, body),
  });
}

/** A line inside a stream, or an unstreamed body with status 200, that has an `error`. */
export function reportedError(value: JsonObject): UpstreamError {
  return upstreamError({ message: messageOf(value) ?? JSON.stringify(value.error) });
}

/** Proxies before Ollama (and its own /v1 routes) nest the sentence as OpenAI does. */
function messageOf(body: JsonObject): string | undefined {
  return asString(body.error) ?? asString(asObject(body.error)?.message);
}

/** Ollama's clients read nothing but the sentence, so the request id stays in its header. */
export function renderError(error: GatewayError): JsonObject {
  return { error: error.message };
}
