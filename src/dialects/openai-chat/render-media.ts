// Neutral media → parts of a chat message. What the wire cannot say is refused: a model that silently misses the picture
// answers wrongly.

import { GatewayError } from '../../errors.ts';
import type { MediaPart } from '../../model/chat.ts';
import type { JsonObject } from '../../model/json.ts';
import { formatDataUri } from '../data-uri.ts';

export function renderMedia(part: MediaPart): JsonObject {
  const own = part.extensions?.['openai-chat'];
  return { ...renderByKind(part), ...own };
}

function renderByKind(part: MediaPart): JsonObject {
  const { source } = part;
  if (source.type === 'file') {
    // Chat and Responses share OpenAI's file store.
    if (source.dialect !== 'openai-chat' && source.dialect !== 'openai-responses') {
      throw unsupported(`A file uploaded at another provider (${source.dialect}) cannot be sent to this upstream.`);
    }
    if (part.kind === 'image')
      throw unsupported('An image by file id cannot be sent to this upstream: send its content.');
    return { type: 'file', file: { file_id: source.fileId } };
  }
  if (source.type === 'text') return { type: 'text', text: titled(part.fileName, source.text) };
  switch (part.kind) {
    case 'image': {
      const detail = part.detail === undefined ? {} : { detail: part.detail };
      return { type: 'image_url', image_url: { url: urlOf(part, source, 'image/png'), ...detail } };
    }
    case 'video':
      return { type: 'video_url', video_url: { url: urlOf(part, source, 'video/mp4') } };
    case 'audio':
      if (source.type === 'url') throw unsupported('Audio by URL cannot be sent to this upstream: send it as base64.');
      return { type: 'input_audio', input_audio: { data: source.data, format: audioFormat(part.mimeType) } };
    case 'document':
      if (source.type === 'url')
        throw unsupported('A document by URL cannot be sent to this upstream: send it as base64.');
      return renderDocument(part, source.data);
  }
}

function urlOf(
  part: MediaPart,
  source: { type: 'base64'; data: string } | { type: 'url'; url: string },
  mimeType: string,
) {
  return source.type === 'url' ? source.url : formatDataUri(part.mimeType ?? mimeType, source.data);
}

/** OpenAI knows wav and mp3; other servers may know more, so any subtype goes on. */
function audioFormat(mimeType = 'audio/wav'): string {
  const subtype = mimeType.slice(mimeType.indexOf('/') + 1).replace(/^x-/, '');
  if (subtype === 'mpeg' || subtype === 'mpga') return 'mp3';
  return subtype === 'wave' || subtype === 'vnd.wave' ? 'wav' : subtype;
}

/** Plain text is sent as text, which every server reads; anything else as a file. */
function renderDocument(part: MediaPart, data: string): JsonObject {
  const mimeType = part.mimeType ?? 'application/pdf';
  if (mimeType.startsWith('text/')) {
    return { type: 'text', text: titled(part.fileName, Buffer.from(data, 'base64').toString()) };
  }
  const filename = part.fileName ?? (mimeType === 'application/pdf' ? 'document.pdf' : 'document');
  return { type: 'file', file: { filename, file_data: formatDataUri(mimeType, data) } };
}

function titled(fileName: string | undefined, text: string): string {
  return fileName === undefined ? text : `${fileName}:\n\n${text}`;
}

function unsupported(message: string): GatewayError {
  return new GatewayError('unsupported', message);
}
