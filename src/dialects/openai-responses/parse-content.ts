// Content parts of messages and tool results → neutral parts.

import type { MediaPart, RefusalPart, TextPart } from '../../model/chat.ts';
import { asArray, asObject, asString, type JsonObject, type JsonValue } from '../../model/json.ts';
import { isMimeType, kindOfMimeType, parseDataUri, sourceFromUrl } from '../data-uri.ts';
import { badRequest, definedOnly, optionalString, requiredObject, requiredString } from '../fields.ts';
import { parseAnnotation } from './annotations.ts';

export type ContentPart = TextPart | MediaPart | RefusalPart;

/** A string, an array of parts, or null. Part types that only newer OpenAI servers know stay in the original alone. */
export function parseContent(content: JsonValue | undefined, param: string): ContentPart[] {
  if (content === undefined || content === null) return [];
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  if (!Array.isArray(content)) throw badRequest(param, `'${param}' must be a string or an array of parts.`);
  let offset = 0;
  return content.flatMap((value, index) => {
    const parts = parsePart(requiredObject(value, `${param}[${index}]`), `${param}[${index}]`, offset);
    for (const part of parts) if (part.type === 'text') offset += part.text.length;
    return parts;
  });
}

function parsePart(part: JsonObject, param: string, offset: number): ContentPart[] {
  switch (part.type) {
    case 'input_text':
    case 'output_text':
    case 'text':
      return [parseText(part, param, offset)];
    case 'refusal':
      return [{ type: 'refusal', text: requiredString(part, 'refusal', `${param}.refusal`) }];
    case 'input_image':
      return [parseImage(part, param)];
    case 'input_file':
      return [parseFile(part, param)];
    case 'input_audio':
      return [parseAudio(part, param)];
    default:
      return [];
  }
}

function parseText(part: JsonObject, param: string, offset: number): TextPart {
  const text = requiredString(part, 'text', `${param}.text`);
  const annotations = asArray(part.annotations).flatMap((value) => {
    const wire = asObject(value);
    return wire ? [parseAnnotation(wire, offset)] : [];
  });
  return { type: 'text', text, ...(annotations.length > 0 && { annotations }) };
}

function parseImage(part: JsonObject, param: string): MediaPart {
  const detail = optionalString(part, 'detail', `${param}.detail`);
  const fileId = optionalString(part, 'file_id', `${param}.file_id`);
  if (fileId !== undefined) return definedOnly<MediaPart>({ ...uploaded('image', fileId), detail });
  const url = optionalString(part, 'image_url', `${param}.image_url`);
  if (url === undefined) throw badRequest(param, `'${param}' needs 'image_url' or 'file_id'.`);
  const { source, mimeType } = sourceFromUrl(url);
  if (mimeType !== undefined) checkMimeType(mimeType, `${param}.image_url`, 'image');
  return definedOnly<MediaPart>({ type: 'media', kind: 'image', source, mimeType, detail });
}

function parseFile(part: JsonObject, param: string): MediaPart {
  const fileName = optionalString(part, 'filename', `${param}.filename`);
  const fileId = optionalString(part, 'file_id', `${param}.file_id`);
  if (fileId !== undefined) return definedOnly<MediaPart>({ ...uploaded('document', fileId), fileName });
  const url = optionalString(part, 'file_url', `${param}.file_url`);
  if (url !== undefined) {
    return definedOnly<MediaPart>({ type: 'media', kind: 'document', source: { type: 'url', url }, fileName });
  }
  const fileData = optionalString(part, 'file_data', `${param}.file_data`);
  if (fileData === undefined) throw badRequest(param, `'${param}' needs 'file_data', 'file_url' or 'file_id'.`);
  const inline = parseDataUri(fileData) ?? { mimeType: mimeTypeOfName(fileName), data: fileData };
  checkMimeType(inline.mimeType, `${param}.file_data`);
  return definedOnly<MediaPart>({
    type: 'media',
    kind: kindOfMimeType(inline.mimeType),
    mimeType: inline.mimeType,
    source: { type: 'base64', data: inline.data },
    fileName,
  });
}

function parseAudio(part: JsonObject, param: string): MediaPart {
  const audio = requiredObject(part.input_audio, `${param}.input_audio`);
  const format = requiredString(audio, 'format', `${param}.input_audio.format`);
  const data = requiredString(audio, 'data', `${param}.input_audio.data`);
  const mimeType = format === 'mp3' ? 'audio/mpeg' : `audio/${format}`;
  checkMimeType(mimeType, `${param}.input_audio.format`, 'audio');
  return { type: 'media', kind: 'audio', mimeType, source: { type: 'base64', data } };
}

function uploaded(kind: MediaPart['kind'], fileId: string): MediaPart {
  return { type: 'media', kind, source: { type: 'file', fileId, dialect: 'openai-responses' } };
}

function checkMimeType(mimeType: string, param: string, family?: string): void {
  if (isMimeType(mimeType) && (family === undefined || mimeType.startsWith(`${family}/`))) return;
  throw badRequest(param, `'${param}' has the media type '${mimeType}', which is not ${family ?? 'a media'} type.`);
}

/** Plain base64 without a `data:` prefix says nothing of its type; PDF is what this field is nearly always used for. */
function mimeTypeOfName(fileName: string | undefined): string {
  const extension = fileName?.split('.').pop()?.toLowerCase();
  return (extension !== undefined && MIME_TYPES[extension]) || 'application/pdf';
}

const MIME_TYPES: Readonly<Record<string, string>> = {
  pdf: 'application/pdf',
  txt: 'text/plain',
  md: 'text/markdown',
  csv: 'text/csv',
  html: 'text/html',
  json: 'application/json',
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
};

/** The texts of `[{text}, …]`, as reasoning items hold them. */
export function sectionTexts(sections: JsonValue | undefined): string[] {
  return asArray(sections).flatMap((section) => asString(asObject(section)?.text) ?? []);
}
