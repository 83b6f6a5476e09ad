// Which dialect a client speaks where no route says it: at paths that several share, and at those that nobody has.

import type { FastifyRequest } from 'fastify';
import type { DialectName } from '../model/chat.ts';

export function clientDialect({ url, headers, routeOptions }: FastifyRequest): DialectName {
  const { dialect } = routeOptions.config;
  if (dialect !== undefined) return dialect;
  if (headers['anthropic-version'] !== undefined || url.startsWith('/v1/messages')) return 'anthropic';
  const isGoogles = headers['x-goog-api-key'] !== undefined || headers['x-goog-api-client'] !== undefined;
  if (isGoogles || url.startsWith('/v1beta/')) return 'gemini';
  return url.startsWith('/api/') ? 'ollama' : 'openai-chat';
}
