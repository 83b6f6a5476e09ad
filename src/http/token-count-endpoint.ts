// "How long is this prompt?" in the dialects that have such an endpoint.

import type { FastifyReply, FastifyRequest } from 'fastify';
import type { RouteHints } from '../dialects/dialect.ts';
import { dialects } from '../dialects/registry.ts';
import { GatewayError } from '../errors.ts';
import { handleTokenCount } from '../gateway/operations.ts';
import type { DialectName } from '../model/chat.ts';
import { type ChatEndpointDeps, formatHeaders } from './chat-endpoint.ts';
import { answerHeaders, exchange, sendJson } from './exchange.ts';
import { jsonBody } from './json-body.ts';

export function tokenCountEndpoint(
  name: DialectName,
  deps: ChatEndpointDeps,
  hints: (request: FastifyRequest) => RouteHints = () => ({}),
) {
  const { client } = dialects[name];
  return (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> =>
    exchange(request, reply, 'count-tokens', deps, async (context) => {
      const { renderTokenCount } = client;
      if (!renderTokenCount) throw new GatewayError('not_found', `The ${name} API has no token count.`);
      const chat = client.parseRequest(jsonBody(request), {
        ...hints(request),
        headers: formatHeaders(request),
        isTokenCount: true,
      });
      const { inputTokens, isEstimated } = await handleTokenCount(chat, context, deps.pipeline);
      const headers = { ...answerHeaders(context.trace), ...(isEstimated && { 'x-flowmesh-estimated': 'true' }) };
      sendJson(reply, 200, JSON.stringify(renderTokenCount(inputTokens)), headers);
    });
}
