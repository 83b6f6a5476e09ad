// Ollama's native endpoints, for clients that know nothing else.

import type { FastifyInstance, FastifyRequest } from 'fastify';
import { generateClient, isLoadRequest, renderLoaded } from '../dialects/ollama/generate.ts';
import { GatewayError } from '../errors.ts';
import type { ModelDirectory } from '../gateway/model-directory.ts';
import { asString } from '../model/json.ts';
import { type ChatEndpointDeps, chatEndpoint } from './chat-endpoint.ts';
import { embeddingsEndpoint } from './embeddings-endpoint.ts';
import { sendJson } from './exchange.ts';
import { jsonBody } from './json-body.ts';

/** The protocol's version that we speak, as clients check it. */
const OLLAMA_VERSION = '0.12.0';

const MODIFIED_AT = '1970-01-01T00:00:00Z';
const DETAILS = { format: '', family: '', families: [], parameter_size: '', quantization_level: '' };
/** Clients look here for `tools` before they offer any. */
const SHOWN = {
  modelfile: '',
  parameters: '',
  template: '',
  details: DETAILS,
  model_info: {},
  capabilities: ['completion', 'tools', 'vision'],
  modified_at: MODIFIED_AT,
};

export function ollamaRoutes(server: FastifyInstance, deps: ChatEndpointDeps, directory: ModelDirectory): void {
  const options = { config: { dialect: 'ollama' } } as const;
  const refuseUnknown = async (id: string, { principal }: FastifyRequest): Promise<void> => {
    await directory.ready();
    if (directory.find(id, principal.scopes)) return;
    throw new GatewayError('model_not_found', `The model '${id.slice(0, 200)}' does not exist here.`);
  };
  server.post('/api/chat', options, chatEndpoint('ollama', deps));
  const generate = chatEndpoint('ollama', deps, { client: generateClient });
  server.post('/api/generate', options, async (request, reply) => {
    const body = jsonBody(request);
    if (!isLoadRequest(body)) return generate(request, reply);
    const loaded = renderLoaded(body, Math.floor(deps.clock.now() / 1_000));
    await refuseUnknown(loaded.model, request);
    sendJson(reply, 200, JSON.stringify(loaded));
    return reply;
  });
  for (const path of ['/api/embed', '/api/embeddings']) server.post(path, options, embeddingsEndpoint('ollama', deps));
  server.get('/api/version', options, (_request, reply) => {
    sendJson(reply, 200, JSON.stringify({ version: OLLAMA_VERSION }));
    return reply;
  });
  server.get('/api/tags', options, async (request, reply) => {
    await directory.ready();
    const models = directory.list(request.principal.scopes).map(({ id }) => ({
      name: id,
      model: id,
      modified_at: MODIFIED_AT,
      size: 0,
      digest: '',
      details: DETAILS,
    }));
    sendJson(reply, 200, JSON.stringify({ models }));
    return reply;
  });
  server.post('/api/show', options, async (request, reply) => {
    const body = jsonBody(request);
    await refuseUnknown(asString(body.model) ?? asString(body.name) ?? '', request);
    sendJson(reply, 200, JSON.stringify(SHOWN));
    return reply;
  });
  server.get('/api/ps', options, (_request, reply) => {
    // Nothing is loaded here: the models are elsewhere.
    sendJson(reply, 200, '{"models":[]}');
    return reply;
  });
}
