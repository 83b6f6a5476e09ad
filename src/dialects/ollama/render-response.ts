// ChatResponse → the unstreamed body of an answer for a client.

import type { ChatRequest, ChatResponse, Part, ToolCallPart, Usage } from '../../model/chat.ts';
import type { JsonObject } from '../../model/json.ts';
import { argumentsObject } from '../tool-arguments.ts';
import { CHAT_SHAPE } from './answer-shape.ts';
import { doneReasonOf, renderLogprobs } from './wire.ts';

export function renderResponse(response: ChatResponse, request: ChatRequest, shape = CHAT_SHAPE): string {
  const { original } = response;
  if (original?.dialect === 'ollama') return shape.own(original.text);
  // Ollama's wire has one answer only.
  const choice = response.choices[0];
  return JSON.stringify({
    model: response.model || request.model,
    ...(response.createdAt !== undefined && { created_at: isoTime(response.createdAt) }),
    ...shape.said(renderMessage(choice?.parts ?? [])),
    ...(choice?.logprobs && { logprobs: renderLogprobs(choice.logprobs) }),
    ...doneFields(doneReasonOf(choice?.finishReason), response.usage),
  });
}

function renderMessage(parts: readonly Part[]): JsonObject {
  const text = parts.flatMap((part) => (part.type === 'text' || part.type === 'refusal' ? [part.text] : []));
  const thinking = parts.flatMap((part) => (part.type === 'reasoning' ? [part.text] : []));
  const calls = parts.filter((part) => part.type === 'tool-call');
  return {
    role: 'assistant',
    content: text.join(''),
    ...(thinking.some((piece) => piece !== '') && { thinking: thinking.join('') }),
    ...(calls.length > 0 && { tool_calls: calls.map(renderToolCall) }),
  };
}

/** The id, which older servers lack, comes back from clients that send the message whole in the next request. */
export function renderToolCall(call: Pick<ToolCallPart, 'id' | 'name' | 'argumentsJson'>, index: number): JsonObject {
  return { id: call.id, function: { index, name: call.name, arguments: argumentsObject(call.argumentsJson) } };
}

/** Clients compute tokens per second from the durations (ns) and expect numbers; we know none of them. */
export function doneFields(doneReason: string, usage: Usage | undefined): JsonObject {
  return {
    done: true,
    done_reason: doneReason,
    total_duration: 0,
    load_duration: 0,
    prompt_eval_count: usage?.inputTokens ?? 0,
    prompt_eval_duration: 0,
    eval_count: usage?.outputTokens ?? 0,
    eval_duration: 0,
  };
}

/** @param seconds since 1970 */
export function isoTime(seconds: number): string {
  return new Date(seconds * 1_000).toISOString();
}
