// Knowledge as MCP tools at /mcp, over Streamable HTTP: for agents that speak MCP, with the same keys as everything else.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { knowledgeAccess } from '../gateway/knowledge-wish.ts';
import { type ExchangeDeps, exchange } from './exchange.ts';
import { demandKnowledge, type KnowledgeDeps } from './knowledge-guard.ts';

export interface McpRoutesDeps extends ExchangeDeps, KnowledgeDeps {
  readonly version: string;
}

export function mcpRoutes(server: FastifyInstance, deps: McpRoutesDeps): void {
  // GET and DELETE are for sessions, which there are none of: their 405 tells clients so.
  server.post('/mcp', { config: { dialect: 'openai-chat' } }, (request, reply) => answer(request, reply, deps));
}

function answer(request: FastifyRequest, reply: FastifyReply, deps: McpRoutesDeps): Promise<FastifyReply> {
  return exchange(request, reply, 'mcp', deps, async ({ principal }) => {
    demandKnowledge(principal);
    const { answerMcp } = await import('../knowledge/mcp/server.ts');
    const { knowledge, ingest, version, logger } = deps;
    const response = await answerMcp(webRequest(request), {
      knowledge,
      ingest,
      version,
      access: knowledgeAccess(principal),
      onDefect: (error) => logger.error({ err: error, requestId: request.id }, 'a tool failed by a defect'),
    });
    const body = Buffer.from(await response.arrayBuffer());
    reply.hijack();
    reply.raw.writeHead(response.status, {
      ...Object.fromEntries(response.headers),
      'x-request-id': request.id,
      'content-length': String(body.length),
    });
    reply.raw.end(body);
  });
}

/** The request as the SDK knows requests. Only its headers for content and protocol matter there. */
function webRequest({ headers, body }: FastifyRequest): Request {
  const kept = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value === 'string' && /^(accept|content-type|mcp-.+|last-event-id)$/.test(name)) kept.set(name, value);
  }
  const bytes = Buffer.isBuffer(body) ? new Uint8Array(body) : '';
  return new Request('http://localhost/mcp', { method: 'POST', headers: kept, body: bytes });
}
