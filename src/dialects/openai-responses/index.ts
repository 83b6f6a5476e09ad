// The dialect `openai-responses`: OpenAI's Responses API, both sides.

import type { Dialect } from '../dialect.ts';
import { parseError, renderError } from './errors.ts';
import { parseRequest } from './parse-request.ts';
import { parseResponse } from './parse-response.ts';
import { renderRequest } from './render-request.ts';
import { renderResponse } from './render-response.ts';
import { ResponsesStreamParser } from './stream-parser.ts';
import { ResponsesStreamRenderer } from './stream-renderer.ts';

export const openaiResponses: Dialect = {
  name: 'openai-responses',
  framing: 'sse',
  client: {
    parseRequest,
    renderResponse,
    streamRenderer: (request, answer) => new ResponsesStreamRenderer(request, answer),
    renderError,
    renderTokenCount: (inputTokens) => ({ object: 'response.input_tokens', input_tokens: inputTokens }),
  },
  upstream: {
    hasOpenAiEndpoints: true,
    toolNames: { pattern: /^[A-Za-z0-9_-]+$/, lengthMax: 64 },
    hasObjectAnswersOnly: true,
    renderRequest,
    parseResponse,
    streamParser: () => new ResponsesStreamParser(),
    parseError,
  },
};
