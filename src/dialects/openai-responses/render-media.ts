// Neutral media → content parts of a message. What the wire cannot say is refused.

import { GatewayError } from '../../errors.ts';
import type { MediaPart } from '../../model/chat.ts';
import type { JsonObject } from '../../model/json.ts';
import { formatDataUri } from '../data-uri.ts';
import { definedOnly } from '../fields.ts';

export function renderMedia(part: MediaPart): JsonObject {
  const { source } = part;
  if (source.type === 'text') return { type: 'input_text', text: source.text };
  if (source.type === 'file' && source.dialect !== 'openai-responses' && source.dialect !== 'openai-chat') {
    throw unsupported(`The file '${source.fileId}' was uploaded to another provider. Send its content instead.`);
  }
  switch (part.kind) {
    case 'image':
      return definedOnly<JsonObject>({ type: 'input_image', ...imageSource(part), detail: part.detail ?? 'auto' });
    case 'document':
      return definedOnly<JsonObject>({ type: 'input_file', ...fileSource(part) });
    case 'audio':
    case 'video':
      throw unsupported(`OpenAI's Responses API takes no ${part.kind}. Use a model of another provider for it.`);
  }
}

function imageSource({ source, mimeType }: MediaPart): JsonObject {
  switch (source.type) {
    case 'base64':
      return { image_url: formatDataUri(mimeType ?? 'image/png', source.data) };
    case 'url':
      return { image_url: source.url };
    case 'file':
      return { file_id: source.fileId };
    case 'text':
      return {};
  }
}

function fileSource({ source, mimeType, fileName }: MediaPart): JsonObject {
  switch (source.type) {
    case 'base64': {
      const type = mimeType ?? 'application/pdf';
      // A file without a name is refused.
      return { filename: fileName ?? `document.${type.split('/')[1]}`, file_data: formatDataUri(type, source.data) };
    }
    case 'url':
      return { file_url: source.url };
    case 'file':
      return { file_id: source.fileId };
    case 'text':
      return {};
  }
}

function unsupported(message: string): GatewayError {
  return new GatewayError('unsupported', message);
}
