// The client's own messages with the little that a server would refuse replaced. Nothing is copied when nothing changes:
// this is the hot path, and histories are long.

import { isObject, type JsonObject, type JsonValue } from '../../model/json.ts';
import type { UpstreamTraits } from '../dialect.ts';
import { PLAIN_LENGTH_MAX, unpackToolCallId } from '../tool-call-id.ts';
import { toolCallId } from './render-messages.ts';

export function patchMessages(messages: JsonValue[], traits: UpstreamTraits): JsonValue[] {
  let patched: JsonValue[] | undefined;
  for (let i = 0; i < messages.length; i += 1) {
    const message = messages[i];
    if (!isObject(message)) continue;
    const sound = patchMessage(message, traits);
    if (sound === message) continue;
    patched ??= [...messages];
    patched[i] = sound;
  }
  return patched ?? messages;
}

function patchMessage(message: JsonObject, traits: UpstreamTraits): JsonObject {
  let patched = message;
  const { role } = message;
  if (traits.systemRole && (role === 'system' || role === 'developer') && role !== traits.systemRole) {
    patched = { ...patched, role: traits.systemRole };
  }
  for (const field of traits.refusedMessageFields ?? []) {
    if (patched[field] === undefined) continue;
    const { [field]: _refused, ...rest } = patched;
    patched = rest;
  }
  if (typeof message.tool_call_id === 'string') {
    const id = patchId(message.tool_call_id, traits);
    if (id !== message.tool_call_id) patched = { ...patched, tool_call_id: id };
  }
  if (Array.isArray(message.tool_calls)) {
    const calls = patchCalls(message.tool_calls, traits);
    if (calls !== message.tool_calls) patched = { ...patched, tool_calls: calls };
  }
  return patched;
}

function patchCalls(calls: JsonValue[], traits: UpstreamTraits): JsonValue[] {
  const isSound = calls.every(
    (call) => !isObject(call) || typeof call.id !== 'string' || patchId(call.id, traits) === call.id,
  );
  if (isSound) return calls;
  return calls.map((call) =>
    isObject(call) && typeof call.id === 'string' ? { ...call, id: patchId(call.id, traits) } : call,
  );
}

/**
 * An id without a packed signature is the client's own affair, unless the server is particular about ids. One that is
 * too long for OpenAI came from the server that answered before (vLLM's have 46 characters).
 */
function patchId(id: string, traits: UpstreamTraits): string {
  const isForeign = unpackToolCallId(id).id !== id || id.length > PLAIN_LENGTH_MAX;
  return isForeign || traits.hasShortToolCallIds ? toolCallId(id, traits) : id;
}
