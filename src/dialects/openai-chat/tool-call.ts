// A neutral tool call as an entry of `tool_calls`: in a history that is sent upstream and in an answer to the client.

import type { Extensions, ToolCallPart } from '../../model/chat.ts';
import { asString, type JsonObject, parseObject } from '../../model/json.ts';

export function renderToolCall(part: ToolCallPart, id: string): JsonObject {
  const { name, argumentsJson } = part;
  if (isCustomCall(part)) return { id, type: 'custom', custom: { name, input: customInput(argumentsJson) } };
  return { id, type: 'function', function: { name, arguments: argumentsJson } };
}

/** A call of a `custom` tool, whose input is free text. */
export function isCustomCall(call: { readonly extensions?: Extensions }): boolean {
  return call.extensions?.['openai-chat']?.type === 'custom';
}

/** A call in the legacy `function_call` form, which has no id. */
export function isLegacyCall(call: { readonly extensions?: Extensions }): boolean {
  return call.extensions?.['openai-chat']?.type === 'function_call';
}

/** The text inside `{"input": "…"}`, as the parser wrapped it. */
export function customInput(argumentsJson: string): string {
  return asString(parseObject(argumentsJson)?.input) ?? argumentsJson;
}
