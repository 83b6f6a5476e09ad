// The chat templates of many open models (Qwen, Gemma) know one system message, the first, and fail on any other. Agents
// send several, and also between the turns. So the leading ones become one, and a later one stays in its place as text of
// the user. Works on wire messages with `role` and `content`, as OpenAI's chat API and Ollama have them.

import { asArray, asObject, isObject, type JsonObject, type JsonValue } from '../model/json.ts';
import { taggedSystemText } from './turns.ts';

/** The same array when there is nothing to change. */
export function withOneSystemMessage(messages: JsonValue[]): JsonValue[] {
  if (!messages.some((message, index) => index > 0 && isSystem(message))) return messages;
  const firstOther = messages.findIndex((message) => !isSystem(message));
  // A conversation of nothing but system messages: the last one is what to answer.
  const systemCount = firstOther < 0 ? messages.length - 1 : firstOther;
  const result: JsonValue[] = mergedSystem(messages.slice(0, systemCount));
  /** The message that we made last. */
  let made: JsonObject | undefined;
  for (const message of messages.slice(systemCount)) {
    const last = result.at(-1);
    if (!isSystem(message)) {
      // Two user messages in a row, one of them ours: the same templates want turns to alternate.
      const isBehindMade = made !== undefined && last === made;
      if (isBehindMade && isObject(message) && message.role === 'user') {
        result[result.length - 1] = { ...message, content: joined(made?.content, message.content) };
      } else {
        result.push(message);
      }
    } else if (isObject(last) && last.role === 'user') {
      result[result.length - 1] = { ...last, content: joined(last.content, taggedContent(message)) };
    } else {
      made = { role: 'user', content: taggedContent(message) };
      result.push(made);
    }
  }
  return result;
}

function isSystem(message: JsonValue | undefined): boolean {
  return isObject(message) && (message.role === 'system' || message.role === 'developer');
}

function mergedSystem(messages: readonly JsonValue[]): JsonValue[] {
  const [first, ...others] = messages.filter(isObject);
  if (!first) return [];
  const content = others.reduce<JsonValue | undefined>((all, message) => joined(all, message.content), first.content);
  return [content === undefined ? first : { ...first, content }];
}

function joined(first: JsonValue | undefined, second: JsonValue | undefined): JsonValue {
  if (typeof first === 'string' && typeof second === 'string') return `${first}\n\n${second}`;
  return [...partsOf(first), ...partsOf(second)];
}

function taggedContent(message: JsonValue): JsonValue {
  const content = asObject(message)?.content;
  if (typeof content === 'string') return taggedSystemText(content);
  return partsOf(content).map((part) =>
    isObject(part) && typeof part.text === 'string' ? { ...part, text: taggedSystemText(part.text) } : part,
  );
}

function partsOf(content: JsonValue | undefined): JsonValue[] {
  return typeof content === 'string' ? [{ type: 'text', text: content }] : asArray(content);
}
