// What would be done with a chat request, told without doing it. Any client key will do: it sees what its own request meets.

import type { FastifyInstance } from 'fastify';
import { dialects } from '../dialects/registry.ts';
import { explainRequest } from '../gateway/explain.ts';
import { type ChatEndpointDeps, formatHeaders } from './chat-endpoint.ts';
import { exchange, sendJson } from './exchange.ts';
import { jsonBody } from './json-body.ts';

export function explainRoutes(server: FastifyInstance, deps: ChatEndpointDeps): void {
  server.post('/flowmesh/explain', (request, reply) =>
    exchange(request, reply, 'explain', deps, async (context) => {
      const { client } = dialects['openai-chat'];
      const chat = client.parseRequest(jsonBody(request), { headers: formatHeaders(request) });
      sendJson(reply, 200, JSON.stringify(explainRequest(chat, context, deps.pipeline)));
    }),
  );
}
