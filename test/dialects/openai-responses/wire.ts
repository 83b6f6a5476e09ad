// Helpers of this folder's tests: wire text ↔ frames and events.

import { openaiResponses } from '../../../src/dialects/openai-responses/index.ts';
import type { ChatRequest } from '../../../src/model/chat.ts';
import { ResponseCollector } from '../../../src/model/collect.ts';
import { isObject, type JsonObject } from '../../../src/model/json.ts';
import type { Frame, StreamEvent } from '../../../src/model/stream.ts';

/** The events of a stream whose messages carry these objects, up to and with its end. */
export function parseStream(values: readonly JsonObject[]): StreamEvent[] {
  return frames(values).flatMap((frame) => [...frame.events]);
}

export function frames(values: readonly JsonObject[]): Frame[] {
  const parser = openaiResponses.upstream!.streamParser();
  const parsed = values.map((value) => parser.parse({ event: String(value.type), data: JSON.stringify(value) }));
  const end = parser.end();
  return end ? [...parsed, end] : parsed;
}

/** The JSON objects of rendered server-sent events; checks that each event is named after its data's type. */
export function sseValues(text: string): JsonObject[] {
  return text
    .split('\n\n')
    .filter((block) => block !== '')
    .map((block) => {
      const match = /^event: (\S+)\ndata: (.*)$/s.exec(block);
      const value: unknown = JSON.parse(match?.[2] ?? 'null');
      if (!isObject(value) || value.type !== match?.[1]) throw new Error(`not a named event: ${block}`);
      return value;
    });
}

export function renderEvents(events: readonly StreamEvent[], request: ChatRequest = parse({})): JsonObject[] {
  const renderer = openaiResponses.client.streamRenderer(request, { id: 'abc', createdAt: 7 });
  return sseValues(events.map((event) => renderer.render({ events: [event] })).join(''));
}

export function parse(fields: JsonObject): ChatRequest {
  return openaiResponses.client.parseRequest({ model: 'm', input: 'x', ...fields }, {});
}

export function collect(events: readonly StreamEvent[]) {
  const collector = new ResponseCollector();
  for (const event of events) collector.add({ events: [event] });
  return collector.response();
}
