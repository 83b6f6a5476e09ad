// Neutral messages → chat messages, for a conversation that came in another dialect or was edited.
//
// The wire wants every tool call answered, by tool messages that directly follow it and hold text only. So calls without
// a result get one that says so, results without a call become user text, and media that a tool returned (or an
// assistant drew) wait until the tool messages are over and then follow as user content.

import type { MediaPart, Message, Part, TextPart, ToolCallPart, ToolResultPart } from '../../model/chat.ts';
import type { JsonObject } from '../../model/json.ts';
import type { UpstreamTraits } from '../dialect.ts';
import { plainToolCallId, shortToolCallId } from '../tool-call-id.ts';
import { EARLIER_RESULT, NO_RESULT, textOf } from '../turns.ts';
import { renderMedia } from './render-media.ts';
import { isCustomCall, isLegacyCall, renderToolCall } from './tool-call.ts';

export function renderMessages(messages: readonly Message[], traits: UpstreamTraits): JsonObject[] {
  const writer = new MessageWriter(traits);
  for (const message of messages) writer.add(message);
  return writer.finish();
}

class MessageWriter {
  readonly #traits: UpstreamTraits;
  readonly #written: JsonObject[] = [];
  /** Ids of calls that still wait for their result. */
  readonly #openCalls = new Set<string>();
  /** User content that had no place where it stood. */
  #deferred: (TextPart | MediaPart)[] = [];

  constructor(traits: UpstreamTraits) {
    this.#traits = traits;
  }

  add(message: Message): void {
    const results = message.parts.filter((part) => part.type === 'tool-result');
    for (const result of results) this.#addToolResult(result, message);
    if (results.length > 0 && results.length === message.parts.length) return;
    this.#closeCalls();
    switch (message.role) {
      case 'system':
        this.#flushDeferred();
        this.#written.push(this.#systemMessage(message));
        return;
      case 'assistant':
        this.#flushDeferred();
        this.#addAssistant(message);
        return;
      case 'user':
      case 'tool':
        this.#addUser(message);
    }
  }

  finish(): JsonObject[] {
    this.#closeCalls();
    this.#flushDeferred();
    return this.#written;
  }

  #systemMessage(message: Message): JsonObject {
    const own = ownFields(message);
    const role = this.#traits.systemRole ?? own.role ?? 'system';
    const texts = message.parts.filter((part) => part.type === 'text');
    const content = texts.some((part) => part.extensions?.['openai-chat']) ? userContent(texts) : textOf(texts);
    return { ...own, role, content, ...named(message) };
  }

  #addUser(message: Message): void {
    const parts = [...this.#deferred, ...message.parts.filter(isUserPart)];
    this.#deferred = [];
    this.#written.push({ ...ownFields(message), role: 'user', content: userContent(parts), ...named(message) });
  }

  /** Most servers take no reasoning back (what the client sent in fields of its own rides in `ownFields`). */
  #addAssistant(message: Message): void {
    const text = textOf(message.parts, '');
    const refusal = message.parts.flatMap((part) => (part.type === 'refusal' ? [part.text] : [])).join('');
    const calls = message.parts.filter((part) => part.type === 'tool-call');
    const media = message.parts.filter((part) => part.type === 'media');
    if (media.length > 0) this.#defer('Media from the assistant:', media);
    for (const call of calls) this.#openCalls.add(call.id);
    const isSilent = text === '' && (calls.length > 0 || refusal !== '');
    this.#written.push({
      ...(this.#traits.wantsReasoningBack && reasoningField(message)),
      ...ownFields(message),
      role: 'assistant',
      content: isSilent ? null : text,
      ...(refusal !== '' && { refusal }),
      ...this.#calls(calls),
      ...named(message),
    });
  }

  #calls(calls: readonly ToolCallPart[]): JsonObject {
    const [first] = calls;
    if (!first) return {};
    if (isLegacyCall(first)) return { function_call: { name: first.name, arguments: first.argumentsJson } };
    return {
      tool_calls: calls.map((call) => renderToolCall(call, toolCallId(call.id, this.#traits), isCustomCall(call))),
    };
  }

  #addToolResult(result: ToolResultPart, message: Message): void {
    const media = result.parts.filter((part) => part.type === 'media');
    if (!this.#openCalls.delete(result.toolCallId)) {
      this.#deferred.push({ type: 'text', text: EARLIER_RESULT }, ...result.parts);
      return;
    }
    if (media.length > 0) this.#defer(`Media from the tool call ${this.#shownId(result)}:`, media);
    const text = textOf(result.parts);
    // The wire has no flag for it.
    const content = result.isError && !/^\W*error/i.test(text) ? `Error: ${text}` : text;
    const own = ownFields(message);
    this.#written.push(
      own.role === 'function'
        ? { role: 'function', name: result.name ?? '', content }
        : { ...own, role: 'tool', tool_call_id: toolCallId(result.toolCallId, this.#traits), content },
    );
  }

  #shownId(result: ToolResultPart): string {
    return toolCallId(result.toolCallId, this.#traits);
  }

  #closeCalls(): void {
    for (const id of this.#openCalls) {
      this.#written.push({ role: 'tool', tool_call_id: toolCallId(id, this.#traits), content: NO_RESULT });
    }
    this.#openCalls.clear();
  }

  #defer(heading: string, media: readonly MediaPart[]): void {
    this.#deferred.push({ type: 'text', text: heading }, ...media);
  }

  #flushDeferred(): void {
    if (this.#deferred.length === 0) return;
    this.#written.push({ role: 'user', content: userContent(this.#deferred) });
    this.#deferred = [];
  }
}

export function toolCallId(id: string, traits: UpstreamTraits): string {
  return traits.hasShortToolCallIds ? shortToolCallId(id) : plainToolCallId(id);
}

function isUserPart(part: Part): part is TextPart | MediaPart {
  return part.type === 'text' || part.type === 'media';
}

/** One plain text is a string, which the simplest servers understand too. */
function userContent(parts: readonly (TextPart | MediaPart)[]): string | JsonObject[] {
  const [first] = parts;
  if (!first) return '';
  if (parts.length === 1 && first.type === 'text' && !first.extensions?.['openai-chat']) return first.text;
  return parts.map((part) =>
    part.type === 'text' ? { type: 'text', text: part.text, ...part.extensions?.['openai-chat'] } : renderMedia(part),
  );
}

/** Whoever thought: the server wants to know what led to the calls. */
function reasoningField(message: Message): JsonObject {
  const texts = message.parts.flatMap((part) => (part.type === 'reasoning' && part.text !== '' ? [part.text] : []));
  return texts.length === 0 ? {} : { reasoning_content: texts.join('\n\n') };
}

function ownFields(message: Message): JsonObject {
  return message.extensions?.['openai-chat'] ?? {};
}

function named(message: Message): JsonObject {
  return message.name === undefined ? {} : { name: message.name };
}
