// What Anthropic's grammar of structured answers can say. An object whose keys nobody names would only ever be `{}` there,
// a schema that contains itself or has no type is refused.

import { asArray, asObject, isObject, type JsonObject, type JsonValue } from '../../model/json.ts';

const TYPES = ['type', 'enum', 'const', 'anyOf', 'oneOf', 'allOf', 'properties', 'items'];

export function isInGrammar(schema: JsonObject): boolean {
  return isSayable(schema, schema, []);
}

/** @param above names of the definitions that this one stands in */
function isSayable(schema: JsonValue | undefined, root: JsonObject, above: readonly string[]): boolean {
  if (!isObject(schema)) return false;
  if (typeof schema.$ref === 'string') return isDefinitionSayable(schema.$ref, root, above);
  if (!TYPES.some((key) => schema[key] !== undefined)) return false;
  const properties = Object.values(asObject(schema.properties) ?? {});
  const isOfObject = schema.type === 'object' || asArray(schema.type).includes('object');
  if (isOfObject && properties.length === 0 && schema.additionalProperties !== false) return false;
  const lists = [schema.anyOf, schema.oneOf, schema.allOf].flatMap((list) => asArray(list));
  const items = schema.items === undefined ? [] : [schema.items];
  return [...properties, ...lists, ...items].every((inner) => isSayable(inner, root, above));
}

function isDefinitionSayable(reference: string, root: JsonObject, above: readonly string[]): boolean {
  const [, holder = '', name = ''] = /^#\/(\$defs|definitions)\/([^/]+)$/.exec(reference) ?? [];
  const definition = asObject(root[holder])?.[name];
  return !above.includes(reference) && isSayable(definition, root, [...above, reference]);
}
