// Embeddings in any dialect that has them.

import type { FastifyReply, FastifyRequest } from 'fastify';
import type { RouteHints } from '../dialects/dialect.ts';
import { dialects } from '../dialects/registry.ts';
import { GatewayError } from '../errors.ts';
import { handleEmbeddings } from '../gateway/operations.ts';
import type { RequestContext } from '../gateway/pipeline.ts';
import type { DialectName } from '../model/chat.ts';
import type { ChatEndpointDeps } from './chat-endpoint.ts';
import { answerHeaders, exchange, sendJson } from './exchange.ts';
import { jsonBody } from './json-body.ts';

export function embeddingsEndpoint(
  name: DialectName,
  deps: ChatEndpointDeps,
  hints: (request: FastifyRequest) => RouteHints = () => ({}),
) {
  const { embeddings } = dialects[name].client;
  return (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const work = async (context: RequestContext): Promise<void> => {
      if (!embeddings) throw new GatewayError('not_found', `The ${name} API has no embeddings.`);
      const asked = embeddings.parseRequest(jsonBody(request), hints(request));
      const response = await handleEmbeddings(asked, context, deps.pipeline);
      sendJson(reply, 200, JSON.stringify(embeddings.renderResponse(response, asked)), answerHeaders(context.trace));
    };
    return exchange(request, reply, 'embeddings', deps, work, deps.pipeline.peers !== undefined);
  };
}
