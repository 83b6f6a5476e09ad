// JSON Schemas as Anthropic takes them: a plain object at the root of a tool's input, and for structured output only
// the keywords that its grammar knows.

import { asArray, asObject, isObject, type JsonObject, type JsonValue } from '../../model/json.ts';

/** The schema of a tool's input. The root must be an object without alternatives: their properties are put together. */
export function inputSchema(parameters: JsonObject | undefined): JsonObject {
  if (!parameters) return { type: 'object', properties: {} };
  const { $ref: _name, ...definition } = definitionOf(parameters, parameters);
  if (parameters.$ref !== undefined) return inputSchema({ ...parameters, ...definition, $ref: undefined });
  const { anyOf, oneOf, allOf, ...rest } = parameters;
  const branchesOf = (list: JsonValue | undefined): JsonObject[] =>
    asArray(list).flatMap((branch) => (isObject(branch) ? [definitionOf(branch, parameters)] : []));
  const branches = [anyOf, oneOf, allOf].flatMap(branchesOf);
  if (branches.length === 0) return { ...rest, type: 'object', properties: asObject(rest.properties) ?? {} };
  const properties = [...branches, rest].map((branch) => asObject(branch.properties) ?? {});
  // Only what every branch of `allOf` asks for is asked for in any case.
  const required = [rest, ...branchesOf(allOf)].flatMap((branch) => asArray(branch.required));
  return {
    ...rest,
    type: 'object',
    properties: Object.assign({}, ...properties) as JsonObject,
    ...(required.length > 0 && { required }),
  };
}

/** What a branch that is only a name (`#/$defs/Circle`) stands for. */
function definitionOf(branch: JsonObject, root: JsonObject): JsonObject {
  const [, holder = '', name = ''] = /^#\/(\$defs|definitions)\/([^/]+)$/.exec(String(branch.$ref)) ?? [];
  return asObject(asObject(root[holder])?.[name]) ?? branch;
}

const KEPT = new Set(['type', 'enum', 'const', '$ref', 'title', 'default', 'required']);
const FORMATS = new Set('date-time time date duration email hostname uri ipv4 ipv6 uuid'.split(' '));

/**
 * The schema of a structured answer: objects are closed, `oneOf` becomes `anyOf`. A keyword outside the grammar
 * (bounds, patterns) goes into the description, where the model at least reads it.
 */
export function structuredSchema(schema: JsonObject): JsonObject {
  const result: JsonObject = {};
  const remarks: string[] = [];
  for (const [key, value] of Object.entries(schema)) {
    if (value === undefined || key === '$schema' || key === 'description' || key === 'additionalProperties') continue;
    if (KEPT.has(key)) result[key] = value;
    else if (key === 'properties' || key === '$defs' || key === 'definitions') result[key] = eachSchema(value);
    else if (key === 'items' && isObject(value)) result.items = structuredSchema(value);
    else if (key === 'anyOf' || key === 'oneOf') result.anyOf = [...asArray(result.anyOf), ...schemas(value)];
    else if (key === 'allOf') result.allOf = schemas(value);
    else if (key === 'format' && typeof value === 'string' && FORMATS.has(value)) result.format = value;
    else if (key === 'minItems' && (value === 0 || value === 1)) result.minItems = value;
    else remarks.push(`${key}: ${JSON.stringify(value)}`);
  }
  const isClosed = schema.type === 'object' || asArray(schema.type).includes('object') || isObject(schema.properties);
  if (isClosed) {
    // "Schema type is missing": what others take for granted must be said.
    result.type ??= 'object';
    result.additionalProperties = false;
  }
  const remark = remarks.length === 0 ? undefined : `(${remarks.join(', ')})`;
  const description = [schema.description, remark].filter((text) => typeof text === 'string' && text !== '').join(' ');
  if (description !== '') result.description = description;
  return result;
}

function schemas(value: JsonValue): JsonValue[] {
  return asArray(value).map((schema) => (isObject(schema) ? structuredSchema(schema) : schema));
}

function eachSchema(value: JsonValue): JsonObject {
  const result: JsonObject = {};
  for (const [name, schema] of Object.entries(asObject(value) ?? {})) {
    result[name] = isObject(schema) ? structuredSchema(schema) : schema;
  }
  return result;
}
