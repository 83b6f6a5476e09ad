// ChatRequest → the body of generateContent and streamGenerateContent.

import type { ChatRequest } from '../../model/chat.ts';
import { asObject, isObject, type JsonObject } from '../../model/json.ts';
import type { UpstreamCall, UpstreamTarget } from '../dialect.ts';
import { renderGenerationConfig } from './generation-config.ts';
import { modelPath } from './model-name.ts';
import { renderConversation } from './render-contents.ts';
import { withStepSignatures } from './signatures.ts';
import { renderTools } from './tools.ts';

export function renderRequest(request: ChatRequest, target: UpstreamTarget): UpstreamCall {
  const method = target.isStream ? 'streamGenerateContent?alt=sse' : 'generateContent';
  return { path: modelPath(target.model, method), body: renderBody(request, target) };
}

/** Usage needs no asking for: every Gemini answer, streamed or not, has it. */
export function renderBody(request: ChatRequest, target: UpstreamTarget): JsonObject {
  const body = request.original?.dialect === 'gemini' ? originalBody(request, target) : translatedBody(request, target);
  for (const field of target.traits.refusedFields ?? []) delete body[field];
  return body;
}

function translatedBody(request: ChatRequest, target: UpstreamTarget): JsonObject {
  return {
    ...renderConversation(request.messages, target.model),
    ...renderTools(request),
    ...renderGenerationConfig(request, target.model),
  };
}

/** The client's own body: the model stands in the path, the conversation is rendered afresh only where it must be. */
function originalBody(request: ChatRequest, target: UpstreamTarget): JsonObject {
  const { model: _model, ...body } = request.original?.body ?? {};
  if (!request.original?.isConversationEdited && isComplete(body)) {
    return { ...body, contents: [...withStepSignatures(body.contents, target.model)] };
  }
  const { contents: _contents, systemInstruction: _camel, system_instruction: _snake, ...rest } = body;
  return { ...rest, ...renderConversation(request.messages, target.model) };
}

/** We let clients leave out brackets and wrappers that Google's API demands. */
function isComplete(body: JsonObject): body is JsonObject & { contents: JsonObject[] } {
  const instruction = body.systemInstruction ?? body.system_instruction ?? {};
  if (!isObject(instruction)) return false;
  if (!Array.isArray(body.contents)) return false;
  return body.contents.every((content) => {
    const parts = asObject(content)?.parts;
    return Array.isArray(parts) && parts.every(isObject);
  });
}
