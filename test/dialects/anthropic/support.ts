// Small builders for the Anthropic dialect's tests.

import { anthropic } from '../../../src/dialects/anthropic/index.ts';
import type { UpstreamTarget } from '../../../src/dialects/dialect.ts';
import type { ChatRequest, Message } from '../../../src/model/chat.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import type { Frame, StreamEvent } from '../../../src/model/stream.ts';

export const upstream = anthropic.upstream!;
export const client = anthropic.client;

export function target(model = 'claude-sonnet-4-5', extra: Partial<UpstreamTarget> = {}): UpstreamTarget {
  return { model, isStream: false, traits: {}, ...extra };
}

/** A request of another dialect. */
export function request(extra: Partial<ChatRequest> = {}): ChatRequest {
  return { model: 'm', isStream: false, messages: [user('Hi')], tools: [], sampling: {}, ...extra };
}

export function user(text: string): Message {
  return { role: 'user', parts: [{ type: 'text', text }] };
}

export function body(extra: JsonObject = {}): JsonObject {
  return { model: 'claude', max_tokens: 100, messages: [{ role: 'user', content: 'Hi' }], ...extra };
}

export function wire(type: string, fields: JsonObject = {}): { event: string; data: string } {
  return { event: type, data: JSON.stringify({ type, ...fields }) };
}

export function messageStart(usage: JsonObject = { input_tokens: 10, output_tokens: 1 }): {
  event: string;
  data: string;
} {
  return wire('message_start', { message: { id: 'msg_1', model: 'claude-x', role: 'assistant', content: [], usage } });
}

export function parseAll(messages: readonly { event?: string; data: string }[]): Frame[] {
  const parser = upstream.streamParser();
  const frames = messages.map((message) => parser.parse(message));
  const last = parser.end();
  return last ? [...frames, last] : frames;
}

export function eventsOf(messages: readonly { event?: string; data: string }[]): StreamEvent[] {
  return parseAll(messages).flatMap((frame) => [...frame.events]);
}

export function renderEvents(events: readonly StreamEvent[]): string {
  const renderer = client.streamRenderer(request({ model: 'asked' }), { id: 'abc', createdAt: 0 });
  return events.map((event) => renderer.render({ events: [event] })).join('');
}

/** The wire text as parsed events, each checked to carry its own name. */
export function wireEvents(text: string): JsonObject[] {
  return text
    .split('\n\n')
    .filter((event) => event !== '')
    .map((event) => {
      const match = /^event: (\S+)\ndata: (.*)$/.exec(event);
      if (!match) throw new Error(`not an event: ${event}`);
      const data = JSON.parse(match[2]!) as JsonObject;
      if (data.type !== match[1]) throw new Error(`event ${match[1]} carries ${String(data.type)}`);
      return data;
    });
}
