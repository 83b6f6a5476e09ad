// Neutral messages → `system` and `messages` as Anthropic takes them: alternating turns, no empty blocks, no white space
// at the end of a prefill.

import type { Message, Part, ReasoningPart, TextPart, ToolCallPart, ToolResultPart } from '../../model/chat.ts';
import type { JsonObject, JsonValue } from '../../model/json.ts';
import { badRequest } from '../fields.ts';
import { argumentsObject } from '../tool-arguments.ts';
import { plainToolCallId } from '../tool-call-id.ts';
import { alternatingTurns } from '../turns.ts';
import { furtherFieldsOf, renderCitations, wholeBlockOf } from './extensions.ts';
import { renderMedia } from './render-media.ts';

export interface Conversation {
  readonly system: JsonObject[];
  readonly messages: WireMessage[];
}

type WireMessage = JsonObject & { role: 'user' | 'assistant'; content: JsonObject[] };

export function renderConversation(messages: readonly Message[]): Conversation {
  const { system, turns } = alternatingTurns(messages);
  const systemBlocks = system.flatMap((message) => message.parts.flatMap(systemBlock));
  const wire: WireMessage[] = [];
  for (const { role, parts } of turns) {
    const content = parts.flatMap(role === 'user' ? userBlocks : assistantBlocks);
    const last = wire.at(-1);
    if (last?.role === role) last.content.push(...content);
    else if (content.length > 0) wire.push({ role, content });
  }
  separateEqualIds(wire);
  trimPrefill(wire);
  if (wire.length === 0) throw badRequest('messages', 'The conversation has no message with any content.');
  return { system: systemBlocks, messages: wire };
}

/** Calls of one turn need ids of their own; their results stand first in the next turn, in the calls' order. */
function separateEqualIds(wire: readonly WireMessage[]): void {
  for (const [at, { content }] of wire.entries()) {
    const seen = new Set<JsonValue | undefined>();
    for (const [position, call] of content.filter((block) => block.type === 'tool_use').entries()) {
      if (seen.has(call.id)) {
        call.id = `${String(call.id)}_${position}`;
        const result = wire[at + 1]?.content[position];
        if (result?.type === 'tool_result') result.tool_use_id = call.id;
      }
      seen.add(call.id);
    }
  }
}

function trimPrefill(wire: WireMessage[]): void {
  const last = wire.at(-1);
  const block = last?.content.at(-1);
  if (last?.role === 'assistant' && typeof block?.text === 'string') block.text = block.text.trimEnd();
}

function systemBlock(part: Part): JsonObject[] {
  return part.type === 'text' ? textBlock(part) : [];
}

function userBlocks(part: Part): JsonObject[] {
  switch (part.type) {
    case 'text':
      return textBlock(part);
    case 'media':
      return [renderMedia(part)];
    case 'tool-result':
      return [toolResultBlock(part)];
    case 'refusal':
      return textBlock({ type: 'text', text: part.text });
    // Only the assistant thinks and calls tools.
    case 'reasoning':
    case 'tool-call':
      return [];
  }
}

function assistantBlocks(part: Part): JsonObject[] {
  switch (part.type) {
    case 'text':
      return textBlock(part);
    case 'refusal':
      return textBlock({ type: 'text', text: part.text });
    case 'reasoning':
      return thinkingBlock(part);
    case 'tool-call':
      return [toolUseBlock(part)];
    // Assistant turns take no media here; the note keeps what later turns refer to.
    case 'media':
      return [{ type: 'text', text: `[${part.kind} by the assistant, not shown]` }];
    case 'tool-result':
      return [];
  }
}

/** Anthropic refuses text blocks of nothing or of white space. */
function textBlock(part: TextPart): JsonObject[] {
  const whole = wholeBlockOf(part);
  if (whole) return [{ ...whole }];
  if (part.text.trim() === '') return [];
  const citations = renderCitations(part.annotations);
  return [{ type: 'text', text: part.text, ...furtherFieldsOf(part), ...(citations.length > 0 && { citations }) }];
}

/** Only Claude's own signed thoughts, verbatim: Anthropic refuses others. */
function thinkingBlock({ text, signature, isRedacted }: ReasoningPart): JsonObject[] {
  if (signature?.dialect !== 'anthropic') return [];
  if (isRedacted) return [{ type: 'redacted_thinking', data: signature.value }];
  return [{ type: 'thinking', thinking: text, signature: signature.value }];
}

function toolUseBlock(part: ToolCallPart): JsonObject {
  return {
    type: 'tool_use',
    id: plainToolCallId(part.id),
    name: part.name,
    input: argumentsObject(part.argumentsJson),
    ...furtherFieldsOf(part),
  };
}

function toolResultBlock(part: ToolResultPart): JsonObject {
  const content = part.parts.flatMap((inner) => (inner.type === 'text' ? textBlock(inner) : [renderMedia(inner)]));
  return {
    type: 'tool_result',
    tool_use_id: plainToolCallId(part.toolCallId),
    ...(content.length > 0 && { content }),
    ...(part.isError && { is_error: true }),
    ...furtherFieldsOf(part),
  };
}
