// A whole neutral answer → a Message body.

import type { ChatRequest, ChatResponse, Part, ReasoningPart } from '../../model/chat.ts';
import type { JsonObject } from '../../model/json.ts';
import { argumentsObject } from '../tool-arguments.ts';
import { furtherFieldsOf, renderCitations } from './extensions.ts';
import { wireSignature } from './signatures.ts';
import { renderStopReason } from './stop-reason.ts';
import { renderUsage } from './usage.ts';

export function renderResponse(response: ChatResponse, request: ChatRequest): string {
  if (response.original?.dialect === 'anthropic') return response.original.text;
  const choice = response.choices[0];
  const parts = choice?.parts ?? [];
  const hasToolCalls = parts.some((part) => part.type === 'tool-call');
  return JSON.stringify({
    ...messageHead(response.id, response.model || request.model),
    content: parts.flatMap(contentBlock),
    stop_reason: renderStopReason(choice?.finishReason, hasToolCalls),
    usage: renderUsage(response.usage),
  });
}

/** A Message whose content is still to come. */
export function messageHead(id: string, model: string): JsonObject {
  return {
    id: messageId(id),
    type: 'message',
    role: 'assistant',
    model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
  };
}

function messageId(id: string): string {
  return id.startsWith('msg_') ? id : `msg_${id.replace(/[^A-Za-z0-9_-]/g, '_')}`;
}

function contentBlock(part: Part): JsonObject[] {
  switch (part.type) {
    case 'text': {
      const citations = renderCitations(part.annotations);
      return part.text === '' ? [] : [{ type: 'text', text: part.text, ...(citations.length > 0 && { citations }) }];
    }
    // Anthropic says a refusal in plain text; the stop reason marks it.
    case 'refusal':
      return [{ type: 'text', text: part.text }];
    case 'reasoning':
      return thinkingBlock(part);
    case 'tool-call':
      return [
        {
          type: 'tool_use',
          id: part.id,
          name: part.name,
          input: argumentsObject(part.argumentsJson),
          ...furtherFieldsOf(part),
        },
      ];
    case 'media':
    case 'tool-result':
      return [];
  }
}

function thinkingBlock({ text, signature, isRedacted }: ReasoningPart): JsonObject[] {
  const value = signature ? wireSignature(signature) : '';
  if (isRedacted && signature?.dialect === 'anthropic') return [{ type: 'redacted_thinking', data: value }];
  return text === '' && value === '' ? [] : [{ type: 'thinking', thinking: text, signature: value }];
}
