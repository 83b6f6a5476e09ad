// Image, audio, video and file parts of a chat message → neutral media.

import type { MediaPart, MediaSource } from '../../model/chat.ts';
import { isObject, type JsonObject } from '../../model/json.ts';
import { isMimeType, kindOfMimeType, sourceFromUrl } from '../data-uri.ts';
import { badRequest, optionalString, requiredObject, requiredString } from '../fields.ts';
import { partExtensions } from './unmodelled-fields.ts';

/** Undefined when the part is of no media type we know. */
export function parseMediaPart(wire: JsonObject, param: string): MediaPart | undefined {
  switch (wire.type) {
    case 'image_url':
      return parseUrlPart(wire, 'image_url', 'image', param);
    case 'video_url':
      return parseUrlPart(wire, 'video_url', 'video', param);
    case 'audio_url':
      return parseUrlPart(wire, 'audio_url', 'audio', param);
    case 'document_url':
      return parseUrlPart(wire, 'document_url', 'document', param);
    case 'input_audio':
      return parseAudio(wire, param);
    case 'file':
      return parseFile(wire, param);
    default:
      return undefined;
  }
}

function parseUrlPart(wire: JsonObject, key: string, kind: MediaPart['kind'], param: string): MediaPart {
  const value = wire[key];
  // Mistral and some clients write the URL itself instead of an object around it.
  const holder = typeof value === 'string' ? { url: value } : requiredObject(value, `${param}.${key}`);
  const urlParam = `${param}.${key}.url`;
  const detail = optionalString(holder, 'detail', `${param}.${key}.detail`);
  return {
    type: 'media',
    kind,
    ...mediaFromUrl(requiredString(holder, 'url', urlParam), urlParam),
    ...(detail !== undefined && { detail }),
    ...partExtensions(wire, key),
  };
}

function mediaFromUrl(url: string, param: string): { source: MediaSource; mimeType?: string } {
  if (url === '') throw badRequest(param, `'${param}' must not be empty.`);
  const media = sourceFromUrl(url);
  if (media.source.type === 'url' && url.startsWith('data:')) {
    throw badRequest(param, `'${param}' is not a valid data URI: write data:<media type>;base64,<data>.`);
  }
  if (media.mimeType !== undefined && !isMimeType(media.mimeType)) {
    throw badRequest(
      param,
      `'${param}' has '${media.mimeType.slice(0, 100)}' where a media type such as image/png belongs.`,
    );
  }
  return media;
}

const AUDIO_MIME_TYPES: Readonly<Record<string, string>> = { mp3: 'audio/mpeg', wav: 'audio/wav' };

function parseAudio(wire: JsonObject, param: string): MediaPart {
  const audio = requiredObject(wire.input_audio, `${param}.input_audio`);
  const format = requiredString(audio, 'format', `${param}.input_audio.format`);
  const mimeType = AUDIO_MIME_TYPES[format] ?? `audio/${format}`;
  if (!isMimeType(mimeType)) {
    throw badRequest(
      `${param}.input_audio.format`,
      `'${param}.input_audio.format' must be a format such as wav or mp3.`,
    );
  }
  return {
    type: 'media',
    kind: 'audio',
    mimeType,
    source: { type: 'base64', data: requiredString(audio, 'data', `${param}.input_audio.data`) },
    ...partExtensions(wire, 'input_audio'),
  };
}

const FILE_MIME_TYPES: Readonly<Record<string, string>> = {
  txt: 'text/plain',
  md: 'text/markdown',
  csv: 'text/csv',
  html: 'text/html',
  json: 'application/json',
};

function parseFile(wire: JsonObject, param: string): MediaPart {
  const file = requiredObject(isObject(wire.file) ? wire.file : undefined, `${param}.file`);
  const fileName = optionalString(file, 'filename', `${param}.file.filename`);
  const fileId = optionalString(file, 'file_id', `${param}.file.file_id`);
  const named = { ...(fileName !== undefined && { fileName }), ...partExtensions(wire, 'file') };
  if (fileId !== undefined) {
    return { type: 'media', kind: 'document', source: { type: 'file', fileId, dialect: 'openai-chat' }, ...named };
  }
  const dataParam = `${param}.file.file_data`;
  const data = requiredString(file, 'file_data', dataParam);
  if (/^(data:|https?:\/\/)/.test(data)) {
    const media = mediaFromUrl(data, dataParam);
    return { type: 'media', kind: kindOfMimeType(media.mimeType ?? ''), ...media, ...named };
  }
  const extension = fileName?.split('.').at(-1)?.toLowerCase() ?? '';
  const mimeType = FILE_MIME_TYPES[extension] ?? 'application/pdf';
  return { type: 'media', kind: 'document', mimeType, source: { type: 'base64', data }, ...named };
}
