// A collected answer → a chat completion body.

import type { ChatRequest, ChatResponse, Choice, Part, ReasoningPart, ToolCallPart } from '../../model/chat.ts';
import type { JsonObject } from '../../model/json.ts';
import { renderAnnotation, renderFinishReason, renderLogprobs, renderUsage } from './answer-fields.ts';
import { renderPicture } from './pictures.ts';
import { renderReasoningDetail } from './reasoning-details.ts';
import { customToolNames, isCustomCall, renderToolCall } from './tool-call.ts';

export function renderResponse(response: ChatResponse, request: ChatRequest): string {
  if (response.original?.dialect === 'openai-chat') return response.original.text;
  const style: CallStyle = { hasLegacyCalls: wantsLegacyCalls(request), customTools: customToolNames(request) };
  return JSON.stringify({
    id: answerId(response.id),
    object: 'chat.completion',
    created: response.createdAt ?? 0,
    model: response.model || request.model,
    choices: response.choices.map((choice) => renderChoice(choice, style)),
    ...(response.usage && { usage: renderUsage(response.usage) }),
  });
}

function answerId(id: string): string {
  return id.startsWith('chatcmpl-') ? id : `chatcmpl-${id}`;
}

/** A client that declared `functions` knows nothing of `tool_calls`. */
export function wantsLegacyCalls(request: ChatRequest): boolean {
  const { original } = request;
  return original?.dialect === 'openai-chat' && Array.isArray(original.body.functions) && !original.body.tools;
}

interface CallStyle {
  readonly hasLegacyCalls: boolean;
  readonly customTools: ReadonlySet<string>;
}

function renderChoice(choice: Choice, style: CallStyle): JsonObject {
  const calls = choice.parts.filter((part) => part.type === 'tool-call');
  const finish = renderFinishReason(choice.finishReason);
  return {
    index: choice.index,
    message: renderMessage(choice.parts, calls, style),
    logprobs: choice.logprobs ? renderLogprobs(choice.logprobs) : null,
    finish_reason: style.hasLegacyCalls && finish === 'tool_calls' ? 'function_call' : finish,
  };
}

function renderMessage(parts: readonly Part[], calls: readonly ToolCallPart[], style: CallStyle): JsonObject {
  const texts = parts.filter((part) => part.type === 'text');
  const content = texts.map((part) => part.text).join('');
  const refusal = parts.flatMap((part) => (part.type === 'refusal' ? [part.text] : [])).join('');
  const annotations = texts
    .flatMap((part) => (part.annotations ?? []).map(renderAnnotation))
    .filter((annotation) => annotation !== undefined);
  const pictures = parts.filter((part) => part.type === 'media');
  const isSilent = content === '' && (calls.length > 0 || refusal !== '');
  return {
    role: 'assistant',
    content: isSilent ? null : content,
    refusal: refusal === '' ? null : refusal,
    ...renderReasoning(parts.filter((part) => part.type === 'reasoning')),
    ...(annotations.length > 0 && { annotations }),
    ...(pictures.length > 0 && { images: pictures.map(renderPicture) }),
    ...renderCalls(calls, style),
  };
}

function renderReasoning(parts: readonly ReasoningPart[]): JsonObject {
  const text = parts.flatMap((part) => (part.text === '' ? [] : [part.text])).join('\n\n');
  const details = parts
    .flatMap(({ text, signature, isRedacted }) => (signature ? [{ text, signature, isRedacted }] : []))
    .map(renderReasoningDetail);
  return {
    ...(text !== '' && { reasoning_content: text }),
    ...(details.length > 0 && { reasoning_details: details }),
  };
}

function renderCalls(calls: readonly ToolCallPart[], { hasLegacyCalls, customTools }: CallStyle): JsonObject {
  const [first] = calls;
  if (!first) return {};
  if (hasLegacyCalls) return { function_call: { name: first.name, arguments: first.argumentsJson } };
  return {
    tool_calls: calls.map((call) => renderToolCall(call, call.id, customTools.has(call.name) || isCustomCall(call))),
  };
}
