// Google's REST API takes every field in camelCase and in snake_case. This makes it one spelling, and leaves alone what
// belongs to the user: arguments, results, schemas (read by schema-from-gemini.ts) and labels.

import { isObject, type JsonObject, type JsonValue } from '../../model/json.ts';

const USER_DATA: ReadonlySet<string> = new Set([
  'args',
  'response',
  'parameters',
  'parametersJsonSchema',
  'responseSchema',
  'responseJsonSchema',
  'partMetadata',
  'labels',
]);

export function camelName(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** The same message with camelCase names; a camelCase field wins over its snake_case twin. */
export function camelNames(message: JsonObject): JsonObject {
  const result: JsonObject = {};
  for (const [name, value] of Object.entries(message)) {
    const camel = camelName(name);
    if (camel !== name && message[camel] !== undefined) continue;
    result[camel] = USER_DATA.has(camel) || value === undefined ? value : camelValue(value);
  }
  return result;
}

function camelValue(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(camelValue);
  return isObject(value) ? camelNames(value) : value;
}
