// `data:` URIs and media types.

import type { MediaPart, MediaSource } from '../model/chat.ts';

/** Splits a `data:` URI, base64 or percent-encoded text; undefined for anything else. */
export function parseDataUri(uri: string): { readonly mimeType: string; readonly data: string } | undefined {
  if (uri.slice(0, 5).toLowerCase() !== 'data:') return undefined;
  const comma = uri.indexOf(',');
  if (comma < 0) return undefined;
  const [mimeType = '', ...parameters] = uri.slice('data:'.length, comma).split(';');
  const payload = uri.slice(comma + 1);
  const isBase64 = parameters.some((parameter) => parameter.trim().toLowerCase() === 'base64');
  const data = isBase64 ? payload : percentDecoded(payload);
  return data === undefined ? undefined : { mimeType: normalMimeType(mimeType), data };
}

/** As base64; undefined where the text is not valid percent-encoding. */
function percentDecoded(payload: string): string | undefined {
  try {
    return Buffer.from(decodeURIComponent(payload)).toString('base64');
  } catch (thrown) {
    if (thrown instanceof URIError) return undefined;
    throw thrown;
  }
}

/** RFC 2397: no type means plain text. `image/jpg` is no registered type, but clients send it and upstreams refuse it. */
function normalMimeType(text: string): string {
  const mimeType = text.trim().toLowerCase() || 'text/plain';
  return mimeType === 'image/jpg' ? 'image/jpeg' : mimeType;
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
