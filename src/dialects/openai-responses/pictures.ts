// Pictures that a model made, as `image_generation_call` items.
//
// An item goes back only to the server that made it. Pictures of other providers, and those of a conversation that this
// node has stored, are told as images of the user instead: an assistant's message takes none here.

import type { MediaPart } from '../../model/chat.ts';
import { asString, type JsonObject } from '../../model/json.ts';
import { definedOnly } from '../fields.ts';
import { renderMedia } from './render-media.ts';

/** Undefined for a call that has no picture (yet). */
export function readPicture({
  id: _id,
  type: _type,
  status: _status,
  result,
  ...own
}: JsonObject): MediaPart | undefined {
  const data = asString(result) ?? '';
  if (data === '') return undefined;
  const format = asString(own.output_format)?.toLowerCase() ?? '';
  return definedOnly<MediaPart>({
    type: 'media',
    kind: 'image',
    mimeType: MIME_TYPES[format] ?? 'image/png',
    source: { type: 'base64', data },
    extensions: Object.keys(own).length > 0 ? { 'openai-responses': own } : undefined,
  });
}

/** Those of `output_format`. */
const MIME_TYPES: Readonly<Record<string, string>> = {
  png: 'image/png',
  jpeg: 'image/jpeg',
  webp: 'image/webp',
  gif: 'image/gif',
  svg: 'image/svg+xml',
};

/** A finished call with base64 as its result. */
export function pictureItem(id: string, media: MediaPart, data: string): JsonObject {
  const format = Object.entries(MIME_TYPES).find(([, mimeType]) => mimeType === media.mimeType)?.[0];
  return {
    id,
    type: 'image_generation_call',
    status: 'completed',
    ...(format !== undefined && { output_format: format }),
    ...media.extensions?.['openai-responses'],
    result: data,
  };
}

export function pictureMessage(media: MediaPart): JsonObject {
  const heading = { type: 'input_text', text: 'Picture by the assistant:' };
  return { type: 'message', role: 'user', content: [heading, renderMedia(media)] };
}
