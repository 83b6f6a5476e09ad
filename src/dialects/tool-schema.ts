// The schema of a function's arguments as OpenAI's APIs take it: an object that says its properties, if only that it has
// none. Tools without arguments, as MCP servers declare them, are often just `{type: 'object'}`, which they refuse.

import { asObject, isObject, type JsonObject } from '../model/json.ts';

const REFERS_ELSEWHERE = ['$ref', 'anyOf', 'oneOf', 'allOf'];

/** The same schema where there is nothing to add. */
export function argumentsSchema(parameters: JsonObject | undefined): JsonObject {
  if (!parameters) return { type: 'object', properties: {} };
  if (parameters.type === 'object' && isObject(parameters.properties)) return parameters;
  if (REFERS_ELSEWHERE.some((keyword) => keyword in parameters)) return parameters;
  return { ...parameters, type: 'object', properties: asObject(parameters.properties) ?? {} };
}
