// The OpenAI chat wire, as little of it as tests of the request path need.

import type { FakeAnswer } from './fake-http.ts';

const CHUNK = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1_700_000_000, model: 'up' };

export const ROLE = chunk({ role: 'assistant', content: '' });
export const STOP = chunk({}, 'stop');
export const USAGE = sse({
  ...CHUNK,
  choices: [],
  usage: { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 },
});
export const DONE = 'data: [DONE]\n\n';

export function text(content: string): string {
  return chunk({ content });
}

export function sse(value: object): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}

function chunk(delta: object, finishReason: string | null = null): string {
  return sse({ ...CHUNK, choices: [{ index: 0, delta, finish_reason: finishReason }] });
}

/** A complete streamed answer, each frame in a read of its own. */
export function streamed(...pieces: readonly string[]): FakeAnswer {
  return { headers: SSE_HEADERS, chunks: [ROLE, ...pieces.map(text), STOP, USAGE, DONE] };
}

/** A stream of exactly these reads. */
export function stream(chunks: readonly string[], ending: FakeAnswer['ending'] = 'end'): FakeAnswer {
  return { headers: SSE_HEADERS, chunks, ending };
}

export const SSE_HEADERS = { 'content-type': 'text/event-stream' };
export const JSON_HEADERS = { 'content-type': 'application/json' };

export function completion(content: string, usage: object | undefined = { prompt_tokens: 11, completion_tokens: 7 }) {
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1_700_000_000,
    model: 'up',
    choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
    ...(usage && { usage }),
  };
}

export function whole(content: string): FakeAnswer {
  return { headers: JSON_HEADERS, chunks: [completion(content)] };
}

/** An error answer in OpenAI's shape. */
export function failed(
  status: number,
  options: { readonly message?: string; readonly code?: string; readonly headers?: Record<string, string> } = {},
): FakeAnswer {
  const { message = `failed with ${status}`, code = null, headers } = options;
  return {
    status,
    headers: { ...JSON_HEADERS, ...headers },
    chunks: [{ error: { message, type: 'error', param: null, code } }],
  };
}
