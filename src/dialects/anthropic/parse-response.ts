// A whole Message body → one frame of events.

import { asArray, asObject, asString, type JsonObject, parseObject } from '../../model/json.ts';
import type { Frame, StreamEvent } from '../../model/stream.ts';
import { garbageError } from '../upstream-failure.ts';
import { BlockReader } from './block-reader.ts';
import { parseErrorEvent } from './errors.ts';
import { stopEvents } from './stop-reason.ts';
import { UsageTotals } from './usage.ts';

export function parseResponse(text: string): Frame {
  const value = parseObject(text);
  return {
    events: value ? bodyEvents(value, text) : [{ type: 'error', error: garbageError(text) }],
    original: { dialect: 'anthropic', data: text, ...(value && { value }), isWhole: true },
  };
}

function bodyEvents(body: JsonObject, text: string): StreamEvent[] {
  if (body.type === 'error' || asObject(body.error)) return [{ type: 'error', error: parseErrorEvent(body) }];
  if (!Array.isArray(body.content)) return [{ type: 'error', error: garbageError(text) }];
  const id = asString(body.id) ?? '';
  const reader = new BlockReader(id);
  const blocks = asArray(body.content).flatMap((block, index) => [
    ...reader.start(index, asObject(block) ?? {}),
    ...reader.stop(index),
  ]);
  const usage = asObject(body.usage);
  return [
    { type: 'response-start', id, model: asString(body.model) ?? '' },
    ...blocks,
    ...stopEvents(body),
    ...(usage ? [{ type: 'usage', usage: new UsageTotals().update(usage) } as const] : []),
    { type: 'response-end' },
  ];
}
