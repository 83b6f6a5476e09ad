// OpenAI's endpoints, and Azure's paths to the same.

import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { RouteHints } from '../dialects/dialect.ts';
import { compactRequestBody, renderCompacted } from '../dialects/openai-responses/compact-endpoint.ts';
import {
  conversationItems,
  isStoreWanted,
  listedInput,
  withHistory,
  withReferencedItems,
} from '../dialects/openai-responses/items.ts';
import { dialects } from '../dialects/registry.ts';
import { GatewayError } from '../errors.ts';
import { asString, type JsonObject } from '../model/json.ts';
import type { ResponseHistory } from '../storage/response-history.ts';
import { checkEndpoint } from '../tenancy/scopes.ts';
import { type ChatEndpointDeps, type ChatEndpointOptions, chatEndpoint, type OnAnswer } from './chat-endpoint.ts';
import { embeddingsEndpoint } from './embeddings-endpoint.ts';
import { sendJson } from './exchange.ts';
import { tokenCountEndpoint } from './token-count-endpoint.ts';
import { listObject, readPage } from './vector-store-objects.ts';

export interface OpenAiRoutesDeps extends ChatEndpointDeps {
  readonly history: ResponseHistory;
}

export function openAiRoutes(server: FastifyInstance, deps: OpenAiRoutesDeps): void {
  const chat = { config: { dialect: 'openai-chat' } } as const;
  server.post('/v1/chat/completions', chat, chatEndpoint('openai-chat', deps));
  server.post(
    '/v1/completions',
    { config: { dialect: 'openai-completions' } },
    chatEndpoint('openai-completions', deps),
  );
  server.post('/v1/embeddings', chat, embeddingsEndpoint('openai-chat', deps));
  azureRoutes(server, deps);
  responsesRoutes(server, deps);
}

/** The AzureOpenAI client names the model in the path, as a deployment; the body's may be empty. */
function azureRoutes(server: FastifyInstance, deps: OpenAiRoutesDeps): void {
  const hints = (request: FastifyRequest): RouteHints => ({
    model: (request.params as { deployment: string }).deployment,
  });
  const chat = { config: { dialect: 'openai-chat' } } as const;
  const base = '/openai/deployments/:deployment';
  server.post(`${base}/chat/completions`, chat, chatEndpoint('openai-chat', deps, { hints }));
  server.post(
    `${base}/completions`,
    { config: { dialect: 'openai-completions' } },
    chatEndpoint('openai-completions', deps, { hints }),
  );
  server.post(`${base}/embeddings`, chat, embeddingsEndpoint('openai-chat', deps, hints));
}

function responsesRoutes(server: FastifyInstance, deps: OpenAiRoutesDeps): void {
  const options = { config: { dialect: 'openai-responses' } } as const;
  server.post('/v1/responses', options, chatEndpoint('openai-responses', deps, rememberedConversations(deps)));
  server.post('/v1/responses/compact', options, chatEndpoint('openai-responses', deps, compaction(deps)));
  server.post('/v1/responses/input_tokens', options, tokenCountEndpoint('openai-responses', deps));
  server.get('/v1/responses/:id', options, (request, reply) => {
    if ((request.query as { readonly stream?: string }).stream === 'true') throw noSecondStream();
    sendJson(reply, 200, JSON.stringify(stored(request, deps.history).response));
    return reply;
  });
  server.get('/v1/responses/:id/input_items', options, (request, reply) => {
    sendJson(reply, 200, JSON.stringify(inputPage(request, deps.history)));
    return reply;
  });
  server.delete('/v1/responses/:id', options, (request, reply) => {
    const { id } = request.params as { id: string };
    checkEndpoint(request.principal, CONVERSATIONS);
    if (!deps.history.delete(request.principal.tenant, id)) throw unknownResponse(id);
    sendJson(reply, 200, JSON.stringify({ id, object: 'response', deleted: true }));
    return reply;
  });
}

/** The scope of endpoints that kept conversations belong to: who may not chat may not read what others have chatted. */
const CONVERSATIONS = 'chat';

/** Its answer is no Response, and nobody goes on from it by name: nothing is kept. */
function compaction(deps: OpenAiRoutesDeps): ChatEndpointOptions {
  const { prepare } = rememberedConversations(deps);
  return {
    client: { ...dialects['openai-responses'].client, renderResponse: renderCompacted },
    prepare: (sent, principal) => compactRequestBody(prepare?.(sent, principal) ?? sent),
  };
}

/** Puts the earlier conversation before the new input, items in place of their names, and keeps the new one. */
function rememberedConversations({ history, config, logger }: OpenAiRoutesDeps): ChatEndpointOptions {
  const prepare: ChatEndpointOptions['prepare'] = (sent, { tenant }) => {
    const body = withReferencedItems(sent, (id) => history.item(tenant, id));
    const id = asString(body.previous_response_id);
    if (id === undefined) return body;
    const previous = history.get(tenant, id);
    if (!previous) {
      throw new GatewayError(
        'bad_request',
        `Previous response with id '${id}' not found. It may have expired, or was sent with store: false.`,
        {
          param: 'previous_response_id',
        },
      );
    }
    return withHistory(body, previous.items);
  };
  const onAnswer: OnAnswer = (shown, request, { tenant }) => {
    if (!config().responses.isStored || !request.original || !isStoreWanted(request)) return;
    const body = shown();
    const id = asString(body?.id);
    if (!body || id === undefined) return;
    try {
      // The original is the prepared body: it has the earlier conversation too.
      history.put(tenant, id, { items: conversationItems(request.original.body, body), response: body });
    } catch (error) {
      // A full disk costs the conversation its memory, not the client its answer.
      logger.error({ err: error }, 'an answer could not be stored');
    }
  };
  return { prepare, onAnswer };
}

/** The newest first, as at OpenAI, unless asked otherwise. */
function inputPage(request: FastifyRequest, history: ResponseHistory): JsonObject {
  const { items, response } = stored(request, history);
  const query = request.query as Record<string, unknown>;
  const { after, limit } = readPage(query);
  const all = listedInput(items, response);
  if (query.order !== 'asc') all.reverse();
  const start = after === undefined ? 0 : all.findIndex(({ id }) => id === after) + 1;
  if (after !== undefined && start === 0)
    throw new GatewayError('not_found', `Item '${after}' not found.`, { param: 'after' });
  return listObject(all.slice(start, start + limit), start + limit < all.length);
}

function stored(request: FastifyRequest, history: ResponseHistory) {
  const { id } = request.params as { id: string };
  checkEndpoint(request.principal, CONVERSATIONS);
  const found = history.get(request.principal.tenant, id);
  if (!found) throw unknownResponse(id);
  return found;
}

/** An SDK that waits for events would take the whole body for a stream without any. */
function noSecondStream(): GatewayError {
  const message = 'A response that is kept cannot be streamed again: ask for it without stream.';
  return new GatewayError('unsupported', message, { param: 'stream' });
}

function unknownResponse(id: string): GatewayError {
  return new GatewayError('not_found', `Response with id '${id}' not found.`, { param: 'id' });
}
