// `data:` URIs and media types.

import type { MediaPart, MediaSource } from '../model/chat.ts';

/** Splits a base64 `data:` URI; undefined for anything else. */
export function parseDataUri(uri: string): { readonly mimeType: string; readonly data: string } | undefined {
  if (!uri.startsWith('data:')) return undefined;
  const comma = uri.indexOf(',');
  if (comma < 0) return undefined;
  const [mimeType = '', ...parameters] = uri.slice('data:'.length, comma).split(';');
  const payload = uri.slice(comma + 1);
  const isBase64 = parameters.some((parameter) => parameter.trim().toLowerCase() === 'base64');
  return {
    mimeType: mimeType.trim().toLowerCase() || 'text/plain',
    data: isBase64 ? payload : Buffer.from(decodeURIComponent(payload)).toString('base64'),
  };
}

export function formatDataUri(mimeType: string, data: string): string {
  return `data:${mimeType};base64,${data}`;
}

/** A URL field that may hold a data URI, as a media source. */
export function sourceFromUrl(url: string): { readonly source: MediaSource; readonly mimeType?: string } {
  const data = parseDataUri(url);
  return data
    ? { source: { type: 'base64', data: data.data }, mimeType: data.mimeType }
    : { source: { type: 'url', url } };
}

export function kindOfMimeType(mimeType: string): MediaPart['kind'] {
  const family = mimeType.split('/')[0];
  return family === 'image' || family === 'audio' || family === 'video' ? family : 'document';
}

/** `type/subtype` with the characters RFC 6838 allows. */
export function isMimeType(text: string): boolean {
  return /^[a-z0-9][a-z0-9!#$&^_.+-]*\/[a-z0-9][a-z0-9!#$&^_.+-]*$/i.test(text);
}
