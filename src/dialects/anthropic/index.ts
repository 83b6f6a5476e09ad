// Anthropic's Messages API, both sides: answers streamed or whole, and token counts.

import type { Dialect } from '../dialect.ts';
import { withoutPictures } from '../without-pictures.ts';
import { parseError, renderError } from './errors.ts';
import { parseRequest } from './parse-request.ts';
import { parseResponse } from './parse-response.ts';
import { renderRequest } from './render-request.ts';
import { renderResponse } from './render-response.ts';
import { AnthropicStreamParser } from './stream-parser.ts';
import { AnthropicStreamRenderer } from './stream-renderer.ts';
import { parseTokenCount, renderTokenCount, renderTokenCountRequest } from './token-count.ts';

export const anthropic: Dialect = {
  name: 'anthropic',
  framing: 'sse',
  client: withoutPictures({
    parseRequest,
    renderResponse,
    streamRenderer: (request, answer) => new AnthropicStreamRenderer(request, answer),
    renderError,
    renderTokenCount,
  }),
  upstream: {
    toolNames: { pattern: /^[A-Za-z0-9_-]+$/, lengthMax: 128 },
    renderRequest,
    parseResponse,
    streamParser: () => new AnthropicStreamParser(),
    parseError,
    tokenCount: { renderRequest: renderTokenCountRequest, parseResponse: parseTokenCount },
  },
};
