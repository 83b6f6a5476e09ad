// Messages → input items, for conversations of other dialects and for those that were edited.

import type { Message, Part, ReasoningPart, ToolCallPart, ToolResultPart } from '../../model/chat.ts';
import { asNumber, type JsonObject, type JsonValue } from '../../model/json.ts';
import type { UpstreamTraits } from '../dialect.ts';
import { definedOnly } from '../fields.ts';
import { freeTextInput } from '../free-text-tool.ts';
import { plainToolCallId } from '../tool-call-id.ts';
import { textOf } from '../turns.ts';
import { renderAnnotation } from './annotations.ts';
import { wireToolOf } from './client-tools.ts';
import { withoutOwnItems } from './own-items.ts';
import { parseItems } from './parse-items.ts';
import { pictureMessage } from './pictures.ts';
import { renderMedia } from './render-media.ts';

export function renderItems(messages: readonly Message[], traits: UpstreamTraits): JsonObject[] {
  return messages.flatMap((message) => renderMessage(message, traits));
}

/** Like `renderItems`, but messages that nobody edited go out as the very items they came from. */
export function renderEditedItems(
  messages: readonly Message[],
  originalItems: readonly JsonValue[],
  traits: UpstreamTraits,
): JsonValue[] {
  return messages.flatMap((message) => {
    const range = message.extensions?.['openai-responses'];
    const first = asNumber(range?.firstItem);
    const count = asNumber(range?.itemCount);
    if (first === undefined || count === undefined) return renderMessage(message, traits);
    const items = originalItems.slice(first, first + count);
    const isUntouched = JSON.stringify(partsOf(items)) === JSON.stringify(message.parts);
    return isUntouched ? withoutOwnItems(items) : renderMessage(message, traits);
  });
}

function partsOf(items: readonly JsonValue[]): Part[] {
  return parseItems(items).flatMap((message) => message.parts);
}

function renderMessage(message: Message, traits: UpstreamTraits): JsonObject[] {
  switch (message.role) {
    case 'system': {
      const text = textOf(message.parts);
      const role = traits.systemRole ?? 'system';
      return text === '' ? [] : [{ type: 'message', role, content: [{ type: 'input_text', text }] }];
    }
    case 'assistant':
      return renderAssistant(message.parts);
    case 'user':
    case 'tool':
      return renderUser(message.parts);
  }
}

/** Tool results stand alone as items; what is around them stays in order. */
function renderUser(parts: readonly Part[]): JsonObject[] {
  const items: JsonObject[] = [];
  let content: JsonObject[] = [];
  const closeMessage = () => {
    if (content.length > 0) items.push({ type: 'message', role: 'user', content });
    content = [];
  };
  for (const part of parts) {
    if (part.type === 'tool-result') {
      closeMessage();
      items.push(renderToolResult(part));
    } else if (part.type === 'text' && part.text !== '') {
      content.push({ type: 'input_text', text: part.text });
    } else if (part.type === 'media') {
      content.push(renderMedia(part));
    }
  }
  closeMessage();
  return items;
}

function renderAssistant(parts: readonly Part[]): JsonObject[] {
  const items: JsonObject[] = [];
  let content: JsonObject[] = [];
  let offset = 0;
  const closeMessage = () => {
    if (content.length > 0) items.push({ type: 'message', role: 'assistant', content });
    content = [];
    offset = 0;
  };
  for (const part of withCallsLast(parts)) {
    if (part.type === 'text' && part.text !== '') {
      const start = offset;
      const annotations = (part.annotations ?? []).flatMap((annotation): JsonObject[] => {
        const wire = renderAnnotation(annotation, start);
        return wire ? [wire] : [];
      });
      content.push({ type: 'output_text', text: part.text, annotations });
      offset += part.text.length;
    } else if (part.type === 'refusal') {
      content.push({ type: 'refusal', refusal: part.text });
    } else if (part.type === 'reasoning') {
      closeMessage();
      items.push(...renderReasoning(part));
    } else if (part.type === 'tool-call') {
      closeMessage();
      items.push(renderCall(part));
    } else if (part.type === 'media' && part.kind === 'image') {
      closeMessage();
      items.push(pictureMessage(part));
    }
  }
  closeMessage();
  return items;
}

/** Nothing may come between calls and their results, and pictures are told by the user. */
function withCallsLast(parts: readonly Part[]): readonly Part[] {
  if (!parts.some((part) => part.type === 'media')) return parts;
  return [...parts.filter((part) => part.type !== 'tool-call'), ...parts.filter((part) => part.type === 'tool-call')];
}

/** Reasoning of other providers is dropped: OpenAI takes back only what it sealed itself. */
function renderReasoning({ text, signature }: ReasoningPart): JsonObject[] {
  if (signature?.dialect !== 'openai-responses') return [];
  const summary = text === '' ? [] : [{ type: 'summary_text', text }];
  return [
    definedOnly<JsonObject>({ type: 'reasoning', id: signature.id, summary, encrypted_content: signature.value }),
  ];
}

/** A call of this dialect's own client goes back under the names that it came with. */
function renderCall(part: ToolCallPart): JsonObject {
  const { name, namespace, isCustom } = wireToolOf(part);
  const fields = { call_id: plainToolCallId(part.id), name, ...(namespace !== undefined && { namespace }) };
  return isCustom
    ? { type: 'custom_tool_call', ...fields, input: freeTextInput(part.argumentsJson) }
    : { type: 'function_call', ...fields, arguments: part.argumentsJson };
}

function renderToolResult(part: ToolResultPart): JsonObject {
  const hasMedia = part.parts.some((inner) => inner.type === 'media');
  const output: JsonValue = hasMedia
    ? part.parts.map(
        (inner): JsonObject => (inner.type === 'media' ? renderMedia(inner) : { type: 'input_text', text: inner.text }),
      )
    : textOf(part.parts, '\n');
  const isCustom = part.extensions?.['openai-responses']?.type === 'custom';
  const type = isCustom ? 'custom_tool_call_output' : 'function_call_output';
  return { type, call_id: plainToolCallId(part.toolCallId), output };
}
