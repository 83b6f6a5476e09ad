// Model lists of what the client's key may ask for, in the shape of whichever SDK asks: Anthropic's names its version in a
// header, Google's its key, and the rest is OpenAI's.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { GatewayError } from '../errors.ts';
import type { ListedModel, ModelDirectory } from '../gateway/model-directory.ts';
import type { JsonObject } from '../model/json.ts';
import { clientDialect } from './client-dialect.ts';
import { sendJson } from './exchange.ts';

interface ListShape {
  one(model: ListedModel): JsonObject;
  list(models: readonly ListedModel[]): JsonObject;
}

const OPENAI: ListShape = {
  one: ({ id, ownedBy, nodes }) => {
    const model = { id, object: 'model', created: 0, owned_by: ownedBy };
    return nodes ? { ...model, nodes: [...nodes] } : model;
  },
  list: (models) => ({ object: 'list', data: models.map(OPENAI.one) }),
};

const ANTHROPIC: ListShape = {
  one: ({ id }) => ({ type: 'model', id, display_name: id, created_at: '1970-01-01T00:00:00Z' }),
  list: (models) => ({
    data: models.map(ANTHROPIC.one),
    has_more: false,
    first_id: models[0]?.id ?? null,
    last_id: models.at(-1)?.id ?? null,
  }),
};

const GEMINI: ListShape = {
  one: ({ id }) => ({
    name: `models/${id}`,
    displayName: id,
    supportedGenerationMethods: ['generateContent', 'streamGenerateContent', 'countTokens', 'embedContent'],
  }),
  list: (models) => ({ models: models.map(GEMINI.one) }),
};

export function modelRoutes(server: FastifyInstance, directory: ModelDirectory): void {
  const list =
    (shape: (request: FastifyRequest) => ListShape) => async (request: FastifyRequest, reply: FastifyReply) => {
      await directory.ready();
      sendJson(reply, 200, JSON.stringify(shape(request).list(directory.list(request.principal.scopes))));
      return reply;
    };
  const one =
    (shape: (request: FastifyRequest) => ListShape) => async (request: FastifyRequest, reply: FastifyReply) => {
      await directory.ready();
      const id = (request.params as { '*': string })['*'];
      const model = directory.find(id, request.principal.scopes);
      if (!model)
        throw new GatewayError('model_not_found', `The model '${id.slice(0, 200)}' does not exist here.`, {
          param: 'model',
        });
      sendJson(reply, 200, JSON.stringify(shape(request).one(model)));
      return reply;
    };
  const gemini = { config: { dialect: 'gemini' } } as const;
  server.get('/v1/models', list(shapeFor));
  server.get('/v1/models/*', one(shapeFor));
  server.get(
    '/v1beta/models',
    gemini,
    list(() => GEMINI),
  );
  server.get(
    '/v1beta/models/*',
    gemini,
    one(() => GEMINI),
  );
}

function shapeFor(request: FastifyRequest): ListShape {
  const dialect = clientDialect(request);
  if (dialect === 'anthropic') return ANTHROPIC;
  return dialect === 'gemini' ? GEMINI : OPENAI;
}
