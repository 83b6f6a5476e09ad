// What an answer may be made of, as clients write it: `["image", "text"]` at OpenRouter, `["TEXT", "IMAGE"]` at Gemini.

import type { Modality } from '../model/chat.ts';
import { asArray, type JsonValue } from '../model/json.ts';

/** Undefined where only text is wanted, or something else than text and pictures. */
export function readModalities(value: JsonValue | undefined): readonly Modality[] | undefined {
  const words = asArray(value).map((word) => (typeof word === 'string' ? word.toLowerCase() : ''));
  return words.includes('image') && words.every(isModality) ? words.filter(isModality) : undefined;
}

function isModality(word: string): word is Modality {
  return word === 'text' || word === 'image';
}
