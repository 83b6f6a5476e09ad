// Anthropic's endpoints.

import type { FastifyInstance } from 'fastify';
import { type ChatEndpointDeps, chatEndpoint } from './chat-endpoint.ts';
import { tokenCountEndpoint } from './token-count-endpoint.ts';

export function anthropicRoutes(server: FastifyInstance, deps: ChatEndpointDeps): void {
  const options = { config: { dialect: 'anthropic' } } as const;
  server.post('/v1/messages', options, chatEndpoint('anthropic', deps));
  server.post('/v1/messages/count_tokens', options, tokenCountEndpoint('anthropic', deps));
}
