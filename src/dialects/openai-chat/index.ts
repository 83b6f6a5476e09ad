// OpenAI's chat completions: what most clients speak, and most servers. Base URLs end with `/v1`.

import type { Dialect } from '../dialect.ts';
import {
  parseEmbeddingRequest,
  parseEmbeddingResponse,
  renderEmbeddingRequest,
  renderEmbeddingResponse,
} from './embeddings.ts';
import { parseError, renderError } from './errors.ts';
import { parseRequest } from './parse-request.ts';
import { parseResponse } from './parse-response.ts';
import { renderRequest } from './render-request.ts';
import { renderResponse } from './render-response.ts';
import { ChatStreamParser } from './stream-parser.ts';
import { ChatStreamRenderer } from './stream-renderer.ts';

export const openaiChat: Dialect = {
  name: 'openai-chat',
  framing: 'sse',
  client: {
    parseRequest,
    renderResponse,
    streamRenderer: (request, answer) => new ChatStreamRenderer(request, answer),
    renderError,
    embeddings: { parseRequest: parseEmbeddingRequest, renderResponse: renderEmbeddingResponse },
  },
  upstream: {
    hasModalities: true,
    hasOpenAiEndpoints: true,
    toolNames: { pattern: /^[A-Za-z0-9_-]+$/, lengthMax: 64 },
    hasObjectAnswersOnly: true,
    renderRequest,
    parseResponse,
    streamParser: () => new ChatStreamParser(),
    parseError,
    embeddings: { renderRequest: renderEmbeddingRequest, parseResponse: parseEmbeddingResponse },
  },
};
