// Mistral's `thinking` content part: `{type: 'thinking', thinking: [{type: 'text', text}]}`, also seen with plain text.

import { asArray, asString, isObject, type JsonObject } from '../../model/json.ts';

export function readThinking(part: JsonObject): string {
  if (typeof part.thinking === 'string') return part.thinking;
  return asArray(part.thinking)
    .map((piece) => (isObject(piece) ? (asString(piece.text) ?? '') : ''))
    .join('');
}
