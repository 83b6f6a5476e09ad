// Gemini's Schema → JSON Schema: lower-case types, `nullable` as a null type, 64-bit counts as numbers.

import { asObject, asString, type JsonObject, type JsonValue } from '../../model/json.ts';
import { camelName } from './wire-names.ts';

const COUNTS: ReadonlySet<string> = new Set([
  'minItems',
  'maxItems',
  'minLength',
  'maxLength',
  'minProperties',
  'maxProperties',
]);

export function jsonSchema(schema: JsonObject): JsonObject {
  const result: JsonObject = {};
  for (const [name, value] of Object.entries(schema)) {
    const key = camelName(name);
    const converted = convertedField(key, value);
    if (converted !== undefined) result[key] = converted;
  }
  return schema.nullable === true ? nullable(result) : result;
}

function convertedField(key: string, value: JsonValue | undefined): JsonValue | undefined {
  switch (key) {
    case 'type':
      return value === 'TYPE_UNSPECIFIED' ? undefined : asString(value)?.toLowerCase();
    case 'properties':
      return Object.fromEntries(
        Object.entries(asObject(value) ?? {}).map(([name, property]) => [name, jsonSchema(asObject(property) ?? {})]),
      );
    case 'items':
      return jsonSchema(asObject(value) ?? {});
    case 'anyOf':
      return Array.isArray(value) ? value.map((branch) => jsonSchema(asObject(branch) ?? {})) : undefined;
    case 'example':
      return undefined;
    // Google's own hints, without meaning to anyone else.
    case 'nullable':
    case 'propertyOrdering':
      return undefined;
    case 'format':
      return value === 'enum' ? undefined : value;
    default:
      return COUNTS.has(key) && typeof value === 'string' ? Number(value) : value;
  }
}

function nullable(schema: JsonObject): JsonObject {
  if (Array.isArray(schema.anyOf)) return { ...schema, anyOf: [...schema.anyOf, { type: 'null' }] };
  return {
    ...schema,
    ...(schema.type !== undefined && { type: [schema.type, 'null'] }),
    ...(Array.isArray(schema.enum) && { enum: [...schema.enum, null] }),
  };
}
