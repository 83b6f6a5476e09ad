// Ollama's /api/generate, for clients only: a prompt becomes a conversation, and its answer is told without the roles.

import type { ChatRequest } from '../../model/chat.ts';
import { asObject, type JsonObject, parseObject } from '../../model/json.ts';
import type { ClientSide, RouteHints } from '../dialect.ts';
import { badRequest, optionalArray, optionalBoolean, optionalString, requiredString } from '../fields.ts';
import { INFILL_INSTRUCTION, infillText } from '../infill.ts';
import type { AnswerShape } from './answer-shape.ts';
import { renderError } from './errors.ts';
import { parseRequest as parseChat, parseImage } from './parse-request.ts';
import { isoTime, renderResponse } from './render-response.ts';
import { OllamaStreamRenderer } from './stream-renderer.ts';

export const generateClient: ClientSide = {
  parseRequest: (body, route) => parseGenerate(body, route),
  renderResponse: (response, request) => renderResponse(response, request, GENERATE_SHAPE),
  streamRenderer: (request, answer) => new OllamaStreamRenderer(request, answer, GENERATE_SHAPE),
  renderError,
};

const GENERATE_SHAPE: AnswerShape = {
  said: ({ content, thinking, tool_calls: calls }) => ({
    response: content ?? '',
    ...(thinking !== undefined && { thinking }),
    ...(calls !== undefined && { tool_calls: calls }),
  }),
  own(text, value = parseObject(text)) {
    const { message, ...others } = asObject(value) ?? {};
    return JSON.stringify({ ...others, ...GENERATE_SHAPE.said(asObject(message) ?? {}) });
  },
};

/** The original is what Ollama's own chat would be asked: an Ollama upstream gets the client's options as they are. */
function parseGenerate(body: JsonObject, route: RouteHints): ChatRequest {
  refuseWhatChatCannotDo(body);
  const { prompt, suffix, system, images, template, context, raw, tools, ...others } = body;
  return parseChat({ ...others, messages: messagesOf(body) }, route);
}

function messagesOf(body: JsonObject): JsonObject[] {
  const prompt = requiredString(body, 'prompt');
  const suffix = optionalString(body, 'suffix');
  const images = optionalArray(body, 'images') ?? [];
  // Here, where the client knows them by this name.
  for (const [position, image] of images.entries()) parseImage(image, `images[${position}]`);
  const system = [optionalString(body, 'system'), suffix && INFILL_INSTRUCTION].filter(Boolean).join('\n\n');
  return [
    ...(system ? [{ role: 'system', content: system }] : []),
    {
      role: 'user',
      content: suffix ? infillText(prompt, suffix) : prompt,
      ...(images.length > 0 && { images }),
    },
  ];
}

/** Each model has its own template and its own token ids, and only its server knows them. */
function refuseWhatChatCannotDo(body: JsonObject): void {
  if (optionalBoolean(body, 'raw')) {
    throw badRequest('raw', "'raw' is not supported: leave it out, and the prompt becomes the user's message.");
  }
  if (optionalString(body, 'template')) {
    throw badRequest('template', "'template' is not supported: the model's own is used. Put instructions in 'system'.");
  }
  if (optionalArray(body, 'context')?.length) {
    throw badRequest('context', "'context' is not supported: send the conversation as messages to /api/chat.");
  }
}

/** Without a prompt nothing is asked: the client wants the model loaded, or out of memory. */
export function isLoadRequest(body: JsonObject): boolean {
  return body.prompt === undefined || body.prompt === null || body.prompt === '';
}

/**
 * Models are loaded where they run: the answer says that it is done.
 * @param createdAt seconds since 1970
 */
export function renderLoaded(body: JsonObject, createdAt: number): JsonObject & { readonly model: string } {
  const isUnload = /^0[a-z]*$/.test(String(body.keep_alive));
  return {
    model: requiredString(body, 'model'),
    created_at: isoTime(createdAt),
    response: '',
    done: true,
    done_reason: isUnload ? 'unload' : 'load',
  };
}
