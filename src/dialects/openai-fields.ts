// What both of OpenAI's APIs know by the same name and no other dialect has. A request that changes from the one to the
// other keeps it: a price tier or a cache key that is lost on the way costs money.

import type { OriginalRequest } from '../model/chat.ts';
import { asObject, asString, type JsonObject } from '../model/json.ts';

const COMMON = ['service_tier', 'prompt_cache_key', 'prompt_cache_retention', 'safety_identifier'] as const;

export function commonFields(original: OriginalRequest | undefined): JsonObject {
  const fields: JsonObject = {};
  if (!isOpenai(original)) return fields;
  for (const name of COMMON) if (original.body[name] != null) fields[name] = original.body[name];
  return fields;
}

/** How much to write: a field of its own in chat completions, one of `text` in Responses. */
export function verbosityOf(original: OriginalRequest | undefined): string | undefined {
  if (!isOpenai(original)) return undefined;
  return asString(original.body.verbosity) ?? asString(asObject(original.body.text)?.verbosity);
}

function isOpenai(original: OriginalRequest | undefined): original is OriginalRequest {
  return original?.dialect === 'openai-chat' || original?.dialect === 'openai-responses';
}
