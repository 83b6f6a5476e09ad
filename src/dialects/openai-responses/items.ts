// The conversation as Responses items: what a request brings, what is stored for `previous_response_id`, and how a
// stored history is put before a new input.

import type { ChatRequest } from '../../model/chat.ts';
import { asArray, asString, isObject, type JsonObject, type JsonValue } from '../../model/json.ts';
import { adoptedId, ownItemId } from './own-items.ts';

/** The input as items; a string is one user message. */
export function inputItems(body: JsonObject): JsonValue[] {
  const { input } = body;
  return typeof input === 'string' ? [{ type: 'message', role: 'user', content: input }] : asArray(input);
}

/**
 * The body with the stored items before its own input. Only the new call's `instructions` count, as at OpenAI. The id of
 * the earlier response stays, because the answer names it; no upstream is told.
 */
export function withHistory(body: JsonObject, historyItems: readonly JsonObject[]): JsonObject {
  return { ...body, input: [...historyItems, ...inputItems(body)] };
}

/**
 * The body with the items themselves where the client named them (the AI SDK names whatever was stored). What `find` does
 * not know stays: it may be the upstream's own.
 */
export function withReferencedItems(body: JsonObject, find: (id: string) => JsonObject | undefined): JsonObject {
  const { input } = body;
  if (!Array.isArray(input) || !input.some(isReference)) return body;
  return { ...body, input: input.map((item) => (isReference(item) && find(asString(item.id) ?? '')) || item) };
}

export function isReference(item: JsonValue): item is JsonObject {
  return isObject(item) && item.type === 'item_reference';
}

/** Calls that the upstream ran by itself: their ids mean nothing anywhere else, and the answer's text has their result. */
const SERVER_RUN_TYPES: ReadonlySet<string> = new Set(['web_search_call', 'file_search_call', 'code_interpreter_call']);

/**
 * What to store of a turn, so that `withHistory` can continue it at any upstream: its input (with the history that was
 * expanded into it) and its output, without what cannot be sent again.
 *
 * @param body the request after `withHistory`
 * @param responseBody the answer as the client got it
 */
export function conversationItems(body: JsonObject, responseBody: JsonObject): JsonObject[] {
  return [...inputItems(body), ...asArray(responseBody.output)].flatMap((item) =>
    isObject(item) ? storedItem(item) : [],
  );
}

function storedItem(item: JsonObject): JsonObject[] {
  const type = asString(item.type) ?? 'message';
  if (type === 'item_reference' || type === 'compaction_trigger' || SERVER_RUN_TYPES.has(type)) return [];
  // Kept as one of ours, because at another server, or with another key, nobody knows the item.
  if (type === 'image_generation_call') {
    return item.result ? [{ ...item, id: adoptedId('ig', asString(item.id) ?? '') }] : [];
  }
  if (type === 'reasoning') return typeof item.encrypted_content === 'string' ? [item] : [];
  // An OpenAI id would bind the item to reasoning that is perhaps not stored; without one the item stands for itself.
  if (type === 'message' || type === 'function_call' || type === 'custom_tool_call') {
    const { id: _id, status: _status, ...rest } = item;
    return [rest];
  }
  return [item];
}

/** OpenAI stores unless told not to. */
export function isStoreWanted(request: ChatRequest): boolean {
  const { original } = request;
  return original?.dialect !== 'openai-responses' || original.body.store !== false;
}

/** What `conversationItems` kept of the input, as the API lists it: with ids, and texts as parts. */
export function listedInput(items: readonly JsonObject[], responseBody: JsonObject): JsonObject[] {
  const outputCount = asArray(responseBody.output).flatMap((item) => (isObject(item) ? storedItem(item) : [])).length;
  const identity = asString(responseBody.id) ?? '';
  return items.slice(0, items.length - outputCount).map((item, position) => {
    const { type = 'message', content } = item;
    const textType = item.role === 'assistant' ? 'output_text' : 'input_text';
    return {
      id: ownItemId(type === 'message' ? 'msg' : 'fc', identity, position),
      ...item,
      type,
      ...(typeof content === 'string' && { content: [{ type: textType, text: content }] }),
      ...(type === 'message' && { status: 'completed' }),
    };
  });
}
