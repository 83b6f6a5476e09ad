// A message or a delta as clients of this dialect can read it. Where a server's own is so already, it stays the same object.

import { asArray, asString, isObject, type JsonObject, type JsonValue } from '../../model/json.ts';
import { readThinking } from './thinking-content.ts';

/**
 * Mistral answers in lists of parts, which OpenAI's SDKs add up to `[object Object]`; some servers name no role in later
 * deltas by an empty text, which strict clients refuse.
 */
export function soundMessage(holder: JsonObject): JsonObject {
  const isRoleSound = holder.role !== '';
  if (isRoleSound && !Array.isArray(holder.content)) return holder;
  return {
    ...holder,
    ...(!isRoleSound && { role: 'assistant' }),
    ...(Array.isArray(holder.content) && plainContent(holder, holder.content)),
  };
}

/** The texts of the parts in the fields that clients know. References and the like have none and are left out. */
function plainContent(holder: JsonObject, content: readonly JsonValue[]): JsonObject {
  const parts = content.filter(isObject);
  const textOf = (type: string, read: (part: JsonObject) => string): string =>
    parts.map((part) => (part.type === type ? read(part) : '')).join('');
  const thinking = textOf('thinking', readThinking);
  const pictures = parts.filter((part) => part.type === 'image_url');
  const images = [...asArray(holder.images), ...pictures];
  return {
    content: textOf('text', (part) => asString(part.text) ?? ''),
    ...(thinking !== '' && { reasoning_content: (asString(holder.reasoning_content) ?? '') + thinking }),
    ...(pictures.length > 0 && {
      images: images.map((image, index) => (isObject(image) ? { index, ...image } : image)),
    }),
  };
}
