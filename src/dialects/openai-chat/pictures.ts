// Pictures that a model made. OpenAI's own API has no field for them; OpenRouter's and LiteLLM's `images` of a message or
// a delta is what clients of this dialect know.
// https://openrouter.ai/docs/features/multimodal/image-generation https://docs.litellm.ai/docs/completion/image_generation_chat

import type { MediaPart } from '../../model/chat.ts';
import { asArray, asObject, asString, type JsonObject, type JsonValue } from '../../model/json.ts';
import { isMimeType, sourceFromUrl } from '../data-uri.ts';
import { definedOnly } from '../fields.ts';
import { renderMedia } from './render-media.ts';

/** Those of a message or a delta; what is no picture in them is left out. */
export function readPictures({ images }: JsonObject): MediaPart[] {
  return asArray(images).flatMap((entry) => readPicture(entry) ?? []);
}

function readPicture(entry: JsonValue): MediaPart | undefined {
  const wire = asObject(entry)?.image_url;
  const { source, mimeType } = sourceFromUrl(asString(wire) ?? asString(asObject(wire)?.url) ?? '');
  if (source.type === 'base64' && !isPicture(mimeType)) return undefined;
  if (source.type === 'url' && !/^https?:/i.test(source.url)) return undefined;
  return definedOnly<MediaPart>({ type: 'media', kind: 'image', source, mimeType });
}

function isPicture(mimeType: string | undefined): boolean {
  return mimeType?.startsWith('image/') === true && isMimeType(mimeType);
}

/** @param index its place in the list: OpenAI's Python SDK adds up the lists of several chunks by it, and fails without */
export function renderPicture(media: MediaPart, index: number): JsonObject {
  const { extensions: _own, ...picture } = media;
  return { index, ...renderMedia(picture) };
}
