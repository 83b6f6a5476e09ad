// What a wire object has beside the fields we model, kept so that an edited conversation can be written without loss.

import type { Extensions } from '../../model/chat.ts';
import { isObject, type JsonObject } from '../../model/json.ts';

/** Undefined when there is nothing else. */
export function fieldsBeside(wire: JsonObject, modelled: ReadonlySet<string>): JsonObject | undefined {
  let rest: JsonObject | undefined;
  for (const key of Object.keys(wire)) {
    if (modelled.has(key)) continue;
    rest ??= {};
    rest[key] = wire[key];
  }
  return rest;
}

/** Of a content part. Anthropic's cache hint is understood too, as clients of other gateways write it. */
export function partExtensions(wire: JsonObject, contentKey: string): { readonly extensions?: Extensions } {
  const rest = fieldsBeside(wire, new Set(['type', contentKey]));
  if (!rest) return {};
  const cacheControl = isObject(rest.cache_control) && { anthropic: { cache_control: rest.cache_control } };
  return { extensions: { 'openai-chat': rest, ...cacheControl } };
}
