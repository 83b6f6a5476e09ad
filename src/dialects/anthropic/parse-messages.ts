// The conversation of a Messages API body → neutral messages.

import type { MediaPart, MediaSource, Message, Part, TextPart, ToolResultPart } from '../../model/chat.ts';
import { asArray, asObject, asString, isObject, type JsonObject, type JsonValue } from '../../model/json.ts';
import { isMimeType, sourceFromUrl } from '../data-uri.ts';
import {
  badRequest,
  definedOnly,
  optionalBoolean,
  optionalObject,
  optionalString,
  requiredArray,
  requiredObject,
  requiredString,
} from '../fields.ts';
import { blockPart, furtherFields, parseCitation, withoutPassageCitations } from './extensions.ts';
import { readSignature } from './signatures.ts';

export function parseSystem(body: JsonObject): Message[] {
  const parts = parseContent(body.system, 'system');
  return parts.length === 0 ? [] : [{ role: 'system', parts }];
}

export function parseMessages(body: JsonObject): Message[] {
  const messages = requiredArray(body, 'messages');
  if (messages.length === 0) throw badRequest('messages', 'messages: at least one message is required');
  return messages.flatMap((value, index) => parseMessage(value, `messages[${index}]`));
}

/**
 * A user message that carries tool results becomes tool messages, one a result, and a user message with the rest:
 * the form that loose dialects give and demand.
 */
function parseMessage(value: JsonValue, param: string): Message[] {
  const message = requiredObject(value, param);
  const role = requiredString(message, 'role', `${param}.role`);
  if (role !== 'user' && role !== 'assistant' && role !== 'system') {
    throw badRequest(`${param}.role`, `'${param}.role' must be user, assistant or system, not '${role}'.`);
  }
  if (message.content === undefined || message.content === null) {
    throw badRequest(`${param}.content`, `'${param}.content' is required.`);
  }
  const parts = parseContent(message.content, `${param}.content`);
  if (role !== 'user') return [{ role, parts }];
  const results = parts.filter((part) => part.type === 'tool-result');
  const rest = parts.filter((part) => part.type !== 'tool-result');
  const toolMessages = results.map((result): Message => ({ role: 'tool', parts: [result] }));
  return rest.length === 0 && results.length > 0 ? toolMessages : [...toolMessages, { role: 'user', parts: rest }];
}

function parseContent(content: JsonValue | undefined, param: string): Part[] {
  if (content === undefined || content === null) return [];
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  if (!Array.isArray(content)) throw badRequest(param, `'${param}' must be a string or an array of content blocks.`);
  return content.map((value, index) => parseBlock(requiredObject(value, `${param}[${index}]`), `${param}[${index}]`));
}

function parseBlock(block: JsonObject, param: string): Part {
  switch (requiredString(block, 'type', `${param}.type`)) {
    case 'thinking': {
      const signature = readSignature(asString(block.signature) ?? '');
      return { type: 'reasoning', text: asString(block.thinking) ?? '', ...(signature && { signature }) };
    }
    case 'redacted_thinking':
      return {
        type: 'reasoning',
        text: '',
        signature: { dialect: 'anthropic', value: requiredString(block, 'data', `${param}.data`) },
        isRedacted: true,
      };
    case 'tool_use':
      return {
        type: 'tool-call',
        id: requiredString(block, 'id', `${param}.id`),
        name: requiredString(block, 'name', `${param}.name`),
        argumentsJson: JSON.stringify(optionalObject(block, 'input', `${param}.input`) ?? {}),
        ...furtherFields(block, ['type', 'id', 'name', 'input']),
      };
    case 'tool_result':
      return parseToolResult(block, param);
    default:
      return parseShownBlock(block, param);
  }
}

function parseToolResult(block: JsonObject, param: string): ToolResultPart {
  const { content } = block;
  const parts =
    typeof content === 'string'
      ? [{ type: 'text', text: content } as const]
      : asArray(content).map((value, index) => {
          const inner = `${param}.content[${index}]`;
          return parseShownBlock(requiredObject(value, inner), inner);
        });
  return definedOnly<ToolResultPart>({
    type: 'tool-result',
    toolCallId: requiredString(block, 'tool_use_id', `${param}.tool_use_id`),
    parts,
    isError: optionalBoolean(block, 'is_error', `${param}.is_error`),
    ...furtherFields(block, ['type', 'tool_use_id', 'content', 'is_error']),
  });
}

/** Blocks that stand in messages and in tool results alike; unknown ones are kept whole for this dialect. */
function parseShownBlock(block: JsonObject, param: string): TextPart | MediaPart {
  switch (block.type) {
    case 'text':
      return parseText(block, param);
    case 'image':
      return {
        type: 'media',
        kind: 'image',
        ...parseSource(block, param),
        ...furtherFields(block, ['type', 'source']),
      };
    case 'document':
      return parseDocument(block, param);
    case 'search_result':
      return blockPart(block, searchResultText(block));
    case 'compaction':
      // Stands for everything before it, which clients leave out from then on.
      return blockPart(block, compactionText(asString(block.content) ?? ''));
    case 'tool_reference':
      // Answers a client's own tool search (Claude Code); the tool itself is among the request's tools by then.
      return blockPart(block, `The tool '${asString(block.tool_name) ?? ''}' is loaded and can be called now.`);
    default:
      return blockPart(block);
  }
}

function parseText(block: JsonObject, param: string): TextPart {
  const citations = withoutPassageCitations(asArray(block.citations)).filter(isObject);
  return {
    type: 'text',
    text: requiredString(block, 'text', `${param}.text`),
    ...(citations.length > 0 && { annotations: citations.map((citation) => parseCitation(citation)) }),
    ...furtherFields(block, ['type', 'text', 'citations']),
  };
}

function parseDocument(block: JsonObject, param: string): MediaPart {
  const fileName = optionalString(block, 'title', `${param}.title`);
  const source = requiredObject(block.source, `${param}.source`);
  // A document made of blocks is its text elsewhere; here the source goes back whole, with the images in it.
  const known = source.type === 'content' ? ['type', 'title'] : ['type', 'title', 'source'];
  return {
    type: 'media',
    kind: 'document',
    ...parseSource(block, param),
    ...(fileName !== undefined && { fileName }),
    ...furtherFields(block, known),
  };
}

function parseSource(block: JsonObject, param: string): { source: MediaSource; mimeType?: string } {
  const at = `${param}.source`;
  const source = requiredObject(block.source, at);
  switch (requiredString(source, 'type', `${at}.type`)) {
    case 'base64': {
      const mimeType = requiredString(source, 'media_type', `${at}.media_type`);
      if (!isMimeType(mimeType)) {
        throw badRequest(`${at}.media_type`, `'${at}.media_type' must be a media type such as image/png.`);
      }
      return { source: { type: 'base64', data: requiredString(source, 'data', `${at}.data`) }, mimeType };
    }
    case 'url':
      return sourceFromUrl(requiredString(source, 'url', `${at}.url`));
    case 'file':
      return {
        source: { type: 'file', fileId: requiredString(source, 'file_id', `${at}.file_id`), dialect: 'anthropic' },
      };
    case 'text':
      return { source: { type: 'text', text: requiredString(source, 'data', `${at}.data`) }, mimeType: 'text/plain' };
    case 'content':
      return { source: { type: 'text', text: blocksText(source.content) }, mimeType: 'text/plain' };
  }
  throw badRequest(`${at}.type`, `'${at}.type' must be one of base64, url, file, text, content.`);
}

function compactionText(summary: string): string {
  return summary === '' ? '' : `Summary of the conversation so far:\n${summary}`;
}

function searchResultText(block: JsonObject): string {
  const lines = [asString(block.title), asString(block.source), blocksText(block.content)];
  return lines.filter((line) => line !== undefined && line !== '').join('\n');
}

function blocksText(content: JsonValue | undefined): string {
  if (typeof content === 'string') return content;
  return asArray(content)
    .flatMap((value) => asString(asObject(value)?.text) ?? [])
    .join('\n\n');
}
