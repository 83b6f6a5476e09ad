// OpenAI's legacy text completions, for the clients that still speak it (editors that complete code). No upstream side:
// their prompts become conversations.

import type { Dialect } from '../dialect.ts';
import { renderError } from '../openai-chat/errors.ts';
import { withoutPictures } from '../without-pictures.ts';
import { parseRequest } from './parse-request.ts';
import { renderResponse } from './render-response.ts';
import { CompletionStreamRenderer } from './stream-renderer.ts';

export const openaiCompletions: Dialect = {
  name: 'openai-completions',
  framing: 'sse',
  client: withoutPictures({
    parseRequest,
    renderResponse,
    streamRenderer: (request, answer) => new CompletionStreamRenderer(request, answer),
    renderError,
  }),
};
