// Google's endpoints: `POST /v1beta/models/{model}:{method}`, under /v1 as well. Model names may hold slashes.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { RouteHints } from '../dialects/dialect.ts';
import { GatewayError } from '../errors.ts';
import { type ChatEndpointDeps, chatEndpoint } from './chat-endpoint.ts';
import { embeddingsEndpoint } from './embeddings-endpoint.ts';
import { tokenCountEndpoint } from './token-count-endpoint.ts';

type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;

export function geminiRoutes(server: FastifyInstance, deps: ChatEndpointDeps): void {
  const methods = new Map<string, Handler>([
    ['generateContent', chatEndpoint('gemini', deps, { hints: hints(false) })],
    ['streamGenerateContent', chatEndpoint('gemini', deps, { hints: hints(true) })],
    ['countTokens', tokenCountEndpoint('gemini', deps, hints(false))],
    ['embedContent', embeddingsEndpoint('gemini', deps, hints(false))],
    ['batchEmbedContents', embeddingsEndpoint('gemini', deps, hints(false))],
  ]);
  const dispatch: Handler = async (request, reply) => {
    const { method } = modelAndMethod(request);
    const handler = methods.get(method);
    if (!handler) {
      throw new GatewayError(
        'not_found',
        `No method '${method.slice(0, 100)}'. Known: ${[...methods.keys()].join(', ')}.`,
      );
    }
    return handler(request, reply);
  };
  const options = { config: { dialect: 'gemini' } } as const;
  server.post('/v1beta/models/*', options, dispatch);
  server.post('/v1/models/*', options, dispatch);
}

function hints(isStream: boolean): (request: FastifyRequest) => RouteHints {
  return (request) => ({
    model: modelAndMethod(request).model,
    isStream,
    isArrayStream: isStream && (request.query as { alt?: unknown }).alt !== 'sse',
  });
}

function modelAndMethod(request: FastifyRequest): { readonly model: string; readonly method: string } {
  const rest = (request.params as { '*': string })['*'];
  const colon = rest.lastIndexOf(':');
  return { model: rest.slice(0, Math.max(0, colon)), method: rest.slice(colon + 1) };
}
