// Pictures of earlier answers, which clients send back in `images` of the assistant's message. Servers that refuse the
// field take a picture from the user only: it goes into the user message behind the turn.

import { asArray, isObject, type JsonObject, type JsonValue } from '../../model/json.ts';
import { readPictures } from './pictures.ts';
import { renderMedia } from './render-media.ts';

const HEADING = { type: 'text', text: 'Media from the assistant:' };

/** The same array when no message has any. */
export function withPicturesOfUser(messages: JsonValue[]): JsonValue[] {
  if (!messages.some(hasPictures)) return messages;
  const told: JsonValue[] = [];
  let waiting: JsonObject[] = [];
  for (const message of messages) {
    // Results of calls stay right behind their calls.
    const isResult = isObject(message) && (message.role === 'tool' || message.role === 'function');
    if (waiting.length > 0 && !isResult) {
      const isUser = isObject(message) && message.role === 'user';
      told.push({
        ...(isUser ? message : { role: 'user' }),
        content: [...waiting, ...(isUser ? partsOf(message) : [])],
      });
      waiting = [];
      if (isUser) continue;
    }
    if (!hasPictures(message)) {
      told.push(message);
      continue;
    }
    const { images: _images, ...rest } = message;
    told.push(asArray(rest.tool_calls).length > 0 ? rest : { ...rest, content: rest.content ?? '' });
    waiting = [HEADING, ...readPictures(message).map(renderMedia)];
  }
  if (waiting.length > 0) told.push({ role: 'user', content: waiting });
  return told;
}

function hasPictures(message: JsonValue): message is JsonObject {
  return isObject(message) && message.role === 'assistant' && readPictures(message).length > 0;
}

function partsOf({ content }: JsonObject): JsonValue[] {
  return typeof content === 'string' ? [{ type: 'text', text: content }] : asArray(content);
}
