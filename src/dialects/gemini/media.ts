// Pictures, sound, films and documents, both ways: inlineData for bytes, fileData for addresses.

import { GatewayError } from '../../errors.ts';
import type { MediaPart } from '../../model/chat.ts';
import { asObject, asString, type JsonObject } from '../../model/json.ts';
import { isMimeType, kindOfMimeType, parseDataUri } from '../data-uri.ts';
import { badRequest, definedOnly } from '../fields.ts';

const TYPES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    png: 'image/png',
    jpg: 'image/jpeg',
    jpeg: 'image/jpeg',
    webp: 'image/webp',
    gif: 'image/gif',
    heic: 'image/heic',
    heif: 'image/heif',
    wav: 'audio/wav',
    mp3: 'audio/mp3',
    aac: 'audio/aac',
    ogg: 'audio/ogg',
    flac: 'audio/flac',
    mp4: 'video/mp4',
    mov: 'video/quicktime',
    webm: 'video/webm',
    mpeg: 'video/mpeg',
    pdf: 'application/pdf',
    txt: 'text/plain',
    md: 'text/markdown',
    html: 'text/html',
    csv: 'text/csv',
  }),
);

/** Gemini demands a type; where neither the client nor the name tells one, the commonest of its kind. */
const USUAL: Readonly<Record<MediaPart['kind'], string>> = {
  image: 'image/jpeg',
  audio: 'audio/wav',
  video: 'video/mp4',
  document: 'application/pdf',
};

export function parseInlineData(blob: JsonObject, param: string): MediaPart {
  const mimeType = asString(blob.mimeType);
  const data = asString(blob.data);
  if (data === undefined) throw badRequest(`${param}.data`, `'${param}.data' must be base64 text.`);
  if (mimeType === undefined || !isMimeType(mimeType)) {
    throw badRequest(`${param}.mimeType`, `'${param}.mimeType' must be a media type like image/png.`);
  }
  return definedOnly<MediaPart>({
    type: 'media',
    kind: kindOfMimeType(mimeType),
    mimeType,
    source: { type: 'base64', data },
    fileName: asString(blob.displayName),
  });
}

/**
 * A picture in a part of an answer, with Gemini's own fields of that part. Undefined for any other part, and for the drafts
 * that belong to the model's thoughts.
 */
export function readPicture({ inlineData, thought, ...own }: JsonObject): MediaPart | undefined {
  const blob = asObject(inlineData);
  const mimeType = asString(blob?.mimeType)?.toLowerCase() ?? '';
  const data = asString(blob?.data) ?? '';
  if (thought === true || data === '' || !mimeType.startsWith('image/') || !isMimeType(mimeType)) return undefined;
  return definedOnly<MediaPart>({
    type: 'media',
    kind: 'image',
    mimeType,
    source: { type: 'base64', data },
    fileName: asString(blob?.displayName),
    extensions: Object.keys(own).length > 0 ? { gemini: own } : undefined,
  });
}

export function parseFileData(file: JsonObject, param: string): MediaPart {
  const uri = asString(file.fileUri);
  if (uri === undefined) throw badRequest(`${param}.fileUri`, `'${param}.fileUri' must be a string.`);
  const mimeType = asString(file.mimeType) ?? typeOfName(uri);
  const isGoogleOnly = /^gs:|^files\/|^https:\/\/generativelanguage\.googleapis\.com\//.test(uri);
  return definedOnly<MediaPart>({
    type: 'media',
    kind: mimeType ? kindOfMimeType(mimeType) : 'video',
    mimeType,
    source: isGoogleOnly ? { type: 'file', fileId: uri, dialect: 'gemini' } : { type: 'url', url: uri },
    fileName: asString(file.displayName),
  });
}

/** @throws GatewayError `unsupported` for a file that lives at another provider */
export function renderMedia(part: MediaPart): JsonObject {
  const { source } = part;
  switch (source.type) {
    case 'text':
      return { text: source.text };
    case 'base64':
      return { inlineData: { mimeType: typeOf(part, undefined), data: source.data } };
    case 'url': {
      const inline = parseDataUri(source.url);
      if (inline) return { inlineData: inline };
      return { fileData: { mimeType: typeOf(part, source.url), fileUri: source.url } };
    }
    case 'file':
      if (source.dialect === 'gemini') {
        return { fileData: { ...(part.mimeType && { mimeType: part.mimeType }), fileUri: source.fileId } };
      }
      throw new GatewayError(
        'unsupported',
        `The file '${source.fileId}' is stored at another provider and Gemini cannot read it. Send its content instead.`,
      );
  }
}

function typeOf(part: MediaPart, url: string | undefined): string {
  const mimeType = part.mimeType ?? typeOfName(part.fileName ?? '') ?? typeOfName(url ?? '') ?? USUAL[part.kind];
  if (!isMimeType(mimeType)) throw badRequest('messages', `'${mimeType}' is not a media type like image/png.`);
  return mimeType;
}

function typeOfName(name: string): string | undefined {
  const path = name.split(/[?#]/)[0] ?? '';
  return TYPES.get(/\.([a-z0-9]+)$/i.exec(path)?.[1]?.toLowerCase() ?? '');
}
