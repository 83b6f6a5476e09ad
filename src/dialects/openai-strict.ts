// What `strict` asks of a schema at OpenAI: closed objects, all of whose properties are required. Anthropic's strictness
// asks less, and OpenAI refuses the whole request for one property that may be missing.

import { asArray, asObject, isObject, type JsonObject, type JsonValue } from '../model/json.ts';

/** The wish where OpenAI can keep it; where not, the schema is followed as well as the model can. */
export function strictAtOpenAi(isStrict: boolean | undefined, schema: JsonObject | undefined): boolean | undefined {
  return isStrict && schema && !isClosed(schema) ? false : isStrict;
}

function isClosed(schema: JsonValue | undefined): boolean {
  if (!isObject(schema)) return true;
  if (schema.allOf !== undefined || schema.oneOf !== undefined) return false;
  const properties = asObject(schema.properties);
  if (properties || schema.type === 'object' || asArray(schema.type).includes('object')) {
    const required = new Set(asArray(schema.required));
    if (schema.additionalProperties !== false) return false;
    if (!Object.keys(properties ?? {}).every((name) => required.has(name))) return false;
  }
  const maps = [properties, asObject(schema.$defs), asObject(schema.definitions)];
  const inner = [...maps.flatMap((map) => Object.values(map ?? {})), ...asArray(schema.anyOf), schema.items];
  return inner.every(isClosed);
}
