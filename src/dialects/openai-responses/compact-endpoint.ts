// `/responses/compact`: the compaction of a conversation by a call of its own, as older Codex makes it. It is the same
// request as one that ends with a trigger, and another answer: all that the client goes on with.

import type { ChatRequest, ChatResponse } from '../../model/chat.ts';
import {
  asArray,
  asObject,
  asString,
  isObject,
  type JsonObject,
  type JsonValue,
  parseObject,
} from '../../model/json.ts';
import { asksForCompaction, COMPACTION_TRIGGER, compactionItem, isCompaction } from './compaction.ts';
import { inputItems } from './items.ts';
import { ownItemId } from './own-items.ts';
import { identityOf, renderResponse } from './render-response.ts';

/** Of the users' own messages, how many characters stay beside the summary, the newest first. */
const KEPT_LENGTH_MAX = 64_000;

export function compactRequestBody(body: JsonObject): JsonObject {
  const items = inputItems(body);
  const input = asksForCompaction(items) ? items : [...items, COMPACTION_TRIGGER];
  return { ...body, input, stream: false, store: false };
}

/** What a client of `/responses/compact` goes on with: the users' newest messages, and the item for everything else. */
export function renderCompacted(response: ChatResponse, request: ChatRequest): string {
  const body = parseObject(renderResponse(response, request)) ?? {};
  const output = asArray(body.output).filter(isObject);
  const compaction =
    output.find(isCompaction) ?? compactionItem(ownItemId('cmp', identityOf(response.id), 0), textOf(output));
  const { id, created_at, model, usage } = body;
  const kept = keptMessages(inputItems(request.original?.body ?? {}));
  return JSON.stringify({ id, object: 'response.compaction', created_at, model, output: [...kept, compaction], usage });
}

function keptMessages(items: readonly JsonValue[]): JsonObject[] {
  const kept: JsonObject[] = [];
  let room = KEPT_LENGTH_MAX;
  for (const item of items.toReversed()) {
    if (!isObject(item) || item.role !== 'user') continue;
    room -= JSON.stringify(item).length;
    if (room < 0) break;
    kept.unshift({ type: 'message', ...item });
  }
  return kept;
}

/** A server that does not know the trigger may have answered it all the same. */
function textOf(output: readonly JsonObject[]): string {
  const parts = output.flatMap((item) => asArray(item.content));
  return parts.map((part) => asString(asObject(part)?.text) ?? '').join('');
}
