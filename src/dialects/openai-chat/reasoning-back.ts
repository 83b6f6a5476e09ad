// Thinking models behind the chat API that want their reasoning back while they call tools: a message without
// `reasoning_content` makes DeepSeek and Kimi refuse the whole conversation.
// https://api-docs.deepseek.com/guides/thinking_mode https://docs.z.ai/guides/capabilities/thinking-mode

import { asArray, isObject, type JsonObject, type JsonValue } from '../../model/json.ts';
import { readReasoning } from './reasoning-details.ts';

/** Stands where no reasoning is known: the field must be there, and some versions refuse an empty one. */
const UNKNOWN = ' ';

/** Every assistant message of a conversation with tool calls gets the field; the same array when none lacks it. */
export function withReasoningBack(messages: JsonValue[]): JsonValue[] {
  const isCalling = messages.some((message) => isObject(message) && asArray(message.tool_calls).length > 0);
  if (!isCalling || !messages.some(isLacking)) return messages;
  return messages.map((message) => (isLacking(message) ? { ...message, reasoning_content: known(message) } : message));
}

function isLacking(message: JsonValue): message is JsonObject {
  return isObject(message) && message.role === 'assistant' && !message.reasoning_content;
}

/** Clients may have kept it under another name. */
function known(message: JsonObject): string {
  const texts = readReasoning(message).map((part) => part.text);
  return texts.filter((text) => text !== '').join('\n\n') || UNKNOWN;
}
