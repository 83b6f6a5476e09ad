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
  return linked(source, 'image_url', (data) => ({ image_url: formatDataUri(mimeType ?? 'image/png', data) }));
}

function fileSource({ source, mimeType, fileName }: MediaPart): JsonObject {
  const type = mimeType ?? 'application/pdf';
  // A file without a name is refused.
  const filename = fileName ?? `document.${type.split('/')[1]}`;
  return linked(source, 'file_url', (data) => ({ filename, file_data: formatDataUri(type, data) }));
}

function linked(source: MediaPart['source'], urlField: string, inline: (data: string) => JsonObject): JsonObject {
  switch (source.type) {
    case 'base64':
      return inline(source.data);
    case 'url':
      return { [urlField]: source.url };
    case 'file':
      return { file_id: source.fileId };
    case 'text':
      return {};
  }
}

function unsupported(message: string): GatewayError {
  return new GatewayError('unsupported', message);
}
