// A neutral tool call as an entry of `tool_calls`: in a history that is sent upstream and in an answer to the client.

import type { ChatRequest, Extensions, ToolCallPart } from '../../model/chat.ts';
import type { JsonObject } from '../../model/json.ts';
import { freeTextInput } from '../free-text-tool.ts';

/** @param isCustom its tool takes free text */
export function renderToolCall({ name, argumentsJson }: ToolCallPart, id: string, isCustom: boolean): JsonObject {
  if (isCustom) return { id, type: 'custom', custom: { name, input: freeTextInput(argumentsJson) } };
  return { id, type: 'function', function: { name, arguments: argumentsJson } };
}

/** The names of the client's own `custom` tools: an upstream of another dialect calls them as functions. */
export function customToolNames({ tools }: Pick<ChatRequest, 'tools'>): ReadonlySet<string> {
  return new Set(tools.flatMap((tool) => (tool.isFreeText ? [tool.name] : [])));
}

/** A call that came as `custom` on this wire. */
export function isCustomCall(call: { readonly extensions?: Extensions }): boolean {
  return call.extensions?.['openai-chat']?.type === 'custom';
}

/** A call in the legacy `function_call` form, which has no id. */
export function isLegacyCall(call: { readonly extensions?: Extensions }): boolean {
  return call.extensions?.['openai-chat']?.type === 'function_call';
}
