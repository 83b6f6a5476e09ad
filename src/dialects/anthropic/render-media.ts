// Images and documents → Anthropic's blocks. What it cannot look at is refused in a sentence that says so.

import { GatewayError } from '../../errors.ts';
import type { MediaPart } from '../../model/chat.ts';
import type { JsonObject } from '../../model/json.ts';
import { isMimeType } from '../data-uri.ts';
import { furtherFieldsOf } from './extensions.ts';

const IMAGE_TYPES = new Set(['image/jpeg', 'image/png', 'image/gif', 'image/webp']);
/** Media types besides text/* whose bytes are text. */
const TEXT_TYPES = new Set(['application/json', 'application/xml', 'application/yaml', 'application/x-yaml']);

export function renderMedia(part: MediaPart): JsonObject {
  const further = furtherFieldsOf(part);
  if (part.kind === 'image') return { type: 'image', source: imageSource(part), ...further };
  if (part.kind === 'document') {
    const title = part.fileName === undefined ? {} : { title: part.fileName };
    return { type: 'document', source: documentSource(part), ...title, ...further };
  }
  throw unsupported(`Anthropic models take no ${part.kind}: send a transcript or choose another model.`);
}

function imageSource(part: MediaPart): JsonObject {
  if (part.source.type !== 'base64') return linkedSource(part);
  const mimeType = knownMimeType(part).replace('image/jpg', 'image/jpeg');
  if (!IMAGE_TYPES.has(mimeType)) {
    throw unsupported(`Anthropic models take images as JPEG, PNG, GIF or WebP, not as ${mimeType}.`);
  }
  return { type: 'base64', media_type: mimeType, data: part.source.data };
}

function documentSource(part: MediaPart): JsonObject {
  if (part.source.type === 'text') return { type: 'text', media_type: 'text/plain', data: part.source.text };
  if (part.source.type !== 'base64') return linkedSource(part);
  const mimeType = knownMimeType(part);
  if (mimeType === 'application/pdf') return { type: 'base64', media_type: mimeType, data: part.source.data };
  if (mimeType.startsWith('text/') || TEXT_TYPES.has(mimeType)) {
    return { type: 'text', media_type: 'text/plain', data: Buffer.from(part.source.data, 'base64').toString() };
  }
  throw unsupported(`Anthropic models take documents as PDF or text, not as ${mimeType}.`);
}

function linkedSource({ source, kind }: MediaPart): JsonObject {
  if (source.type === 'url' && /^https?:/i.test(source.url)) return { type: 'url', url: source.url };
  if (source.type === 'file' && source.dialect === 'anthropic') return { type: 'file', file_id: source.fileId };
  if (source.type === 'file') {
    throw unsupported(`The ${kind} is a file kept at another provider, which Anthropic cannot read: send its content.`);
  }
  throw unsupported(`Anthropic models read a linked ${kind} only from an http or https address.`);
}

function knownMimeType({ mimeType, kind }: MediaPart): string {
  if (mimeType !== undefined && isMimeType(mimeType)) return mimeType.toLowerCase();
  throw new GatewayError('bad_request', `A ${kind} sent as data needs a media type such as image/png.`);
}

function unsupported(message: string): GatewayError {
  return new GatewayError('unsupported', message);
}
