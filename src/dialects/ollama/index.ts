// Ollama's native API (/api/chat, /api/embed), both sides; /api/generate is in generate.ts. Its OpenAI-compatible routes are the openai-chat dialect.

import type { Dialect } from '../dialect.ts';
import { withoutPictures } from '../without-pictures.ts';
import { embeddingClient, embeddingUpstream } from './embeddings.ts';
import { parseError, renderError } from './errors.ts';
import { parseRequest } from './parse-request.ts';
import { parseResponse } from './parse-response.ts';
import { renderRequest } from './render-request.ts';
import { renderResponse } from './render-response.ts';
import { OllamaStreamParser } from './stream-parser.ts';
import { OllamaStreamRenderer } from './stream-renderer.ts';

export const ollama: Dialect = {
  name: 'ollama',
  framing: 'ndjson',
  client: withoutPictures({
    parseRequest,
    renderResponse,
    streamRenderer: (request, answer) => new OllamaStreamRenderer(request, answer),
    renderError,
    embeddings: embeddingClient,
  }),
  upstream: {
    renderRequest,
    parseResponse,
    streamParser: () => new OllamaStreamParser(),
    parseError,
    embeddings: embeddingUpstream,
  },
};
