// One text for one value: keys in order, nothing for what is absent. JSON that the client wrote keeps the order of its
// keys, for a model writes an answer's fields in the order of its schema.

import { isObject, type JsonObject } from '../model/json.ts';

/** Hold the client's own JSON. */
const VERBATIM_KEYS: ReadonlySet<string> = new Set(['schema', 'parameters']);

/**
 * What extensions hold that decides no answer: hints to the provider's prompt cache, where a message stood among the
 * wire's items, how the stream is framed.
 */
const SILENT_EXTENSIONS: ReadonlySet<string> = new Set([
  'cache_control',
  'firstItem',
  'itemCount',
  'isInstructions',
  'alt',
]);

export function canonicalText(value: unknown, key = ''): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalText(item)).join(',')}]`;
  if (!isObject(value) || VERBATIM_KEYS.has(key)) return JSON.stringify(value) ?? 'null';
  return objectText(key === 'extensions' ? speakingExtensions(value) : value);
}

function objectText(object: JsonObject): string {
  let text = '';
  for (const key of Object.keys(object).sort()) {
    const value = object[key];
    if (value === undefined) continue;
    const written = canonicalText(value, key);
    if (key === 'extensions' && written === '{}') continue;
    text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${written}`;
  }
  return `{${text}}`;
}

/** Without what decides nothing, and without a dialect of which nothing is left. */
function speakingExtensions(extensions: JsonObject): JsonObject {
  const kept: JsonObject = {};
  for (const [dialect, fields] of Object.entries(extensions)) {
    if (!isObject(fields)) continue;
    const entries = Object.entries(fields).filter(([name]) => !SILENT_EXTENSIONS.has(name));
    if (entries.length > 0) kept[dialect] = Object.fromEntries(entries);
  }
  return kept;
}
