// Ollama's native endpoints, for clients that know nothing else.

import type { FastifyInstance } from 'fastify';
import type { ModelDirectory } from '../gateway/model-directory.ts';
import { type ChatEndpointDeps, chatEndpoint } from './chat-endpoint.ts';
import { embeddingsEndpoint } from './embeddings-endpoint.ts';
import { sendJson } from './exchange.ts';

/** The protocol's version that we speak, as clients check it. */
const OLLAMA_VERSION = '0.12.0';

export function ollamaRoutes(server: FastifyInstance, deps: ChatEndpointDeps, directory: ModelDirectory): void {
  const options = { config: { dialect: 'ollama' } } as const;
  server.post('/api/chat', options, chatEndpoint('ollama', deps));
  server.post('/api/embed', options, embeddingsEndpoint('ollama', deps));
  server.get('/api/version', options, (_request, reply) => {
    sendJson(reply, 200, JSON.stringify({ version: OLLAMA_VERSION }));
    return reply;
  });
  server.get('/api/tags', options, (_request, reply) => {
    const models = directory.list().map(({ id }) => ({
      name: id,
      model: id,
      modified_at: '1970-01-01T00:00:00Z',
      size: 0,
      digest: '',
      details: { format: '', family: '', families: [], parameter_size: '', quantization_level: '' },
    }));
    sendJson(reply, 200, JSON.stringify({ models }));
    return reply;
  });
}
