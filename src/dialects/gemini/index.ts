// Google's generateContent API, as clients speak it and as Gemini answers it.

import type { Dialect } from '../dialect.ts';
import { embeddingClient, embeddingUpstream } from './embeddings.ts';
import { parseError, renderError } from './errors.ts';
import { parseRequest } from './parse-request.ts';
import { parseResponse } from './parse-response.ts';
import { renderRequest } from './render-request.ts';
import { renderResponse } from './render-response.ts';
import { GeminiStreamParser } from './stream-parser.ts';
import { GeminiStreamRenderer } from './stream-renderer.ts';
import { parseTokenCount, renderTokenCount, renderTokenCountRequest } from './token-count.ts';

export const gemini: Dialect = {
  name: 'gemini',
  framing: 'sse',
  client: {
    parseRequest,
    renderResponse,
    streamRenderer: (request, answer) => new GeminiStreamRenderer(request, answer),
    renderError,
    renderTokenCount,
    embeddings: embeddingClient,
  },
  upstream: {
    hasModalities: true,
    // The narrowest that Google's several references give.
    toolNames: { pattern: /^[A-Za-z_][A-Za-z0-9_.-]*$/, lengthMax: 63 },
    renderRequest,
    parseResponse,
    streamParser: () => new GeminiStreamParser(),
    parseError,
    tokenCount: { renderRequest: renderTokenCountRequest, parseResponse: parseTokenCount },
    embeddings: embeddingUpstream,
  },
};
