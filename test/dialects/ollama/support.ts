// Shorthand for the tests of the Ollama dialect.

import type { UpstreamTarget } from '../../../src/dialects/dialect.ts';
import { ollama } from '../../../src/dialects/ollama/index.ts';
import type { ChatRequest } from '../../../src/model/chat.ts';
import type { JsonObject } from '../../../src/model/json.ts';

export const TARGET: UpstreamTarget = { model: 'qwen3', isStream: true, traits: {} };

/** A request of another dialect's client. */
export function request(fields: Partial<ChatRequest> = {}): ChatRequest {
  return {
    model: 'asked',
    isStream: true,
    messages: [{ role: 'user', parts: [{ type: 'text', text: 'hi' }] }],
    tools: [],
    sampling: {},
    ...fields,
  };
}

export function parsed(body: JsonObject): ChatRequest {
  return ollama.client.parseRequest({ model: 'm', ...body }, {});
}

export const upstream = requireUpstream();

function requireUpstream(): NonNullable<typeof ollama.upstream> {
  if (!ollama.upstream) throw new Error('ollama has an upstream side');
  return ollama.upstream;
}

export function rendered(fields: Partial<ChatRequest> = {}, target: Partial<UpstreamTarget> = {}): JsonObject {
  return upstream.renderRequest(request(fields), { ...TARGET, ...target }).body;
}
