// Reads client bodies field by field; a wrong type becomes one clear sentence that names the field.

import { GatewayError } from '../errors.ts';
import { asNumber, isObject, type JsonObject, type JsonValue } from '../model/json.ts';

export function badRequest(param: string, message: string): GatewayError {
  return new GatewayError('bad_request', message, { param });
}

function wrongType(param: string, expected: string, value: unknown): GatewayError {
  return badRequest(param, `'${param}' must be ${expected}, not ${kindOf(value)}.`);
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** null counts as absent, as SDKs send it for unset fields. */
export function optionalString(body: JsonObject, key: string, param = key): string | undefined {
  const value = body[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw wrongType(param, 'a string', value);
  return value;
}

export function requiredString(body: JsonObject, key: string, param = key): string {
  const value = optionalString(body, key, param);
  if (value === undefined) throw badRequest(param, `'${param}' is required.`);
  return value;
}

export function optionalNumber(body: JsonObject, key: string, param = key): number | undefined {
  const value = body[key];
  if (value === undefined || value === null) return undefined;
  const number = asNumber(value);
  if (number === undefined) throw wrongType(param, 'a number', value);
  return number;
}

/** How much may be written at most. Below zero is without bound, as local servers and their clients write it. */
export function outputBound(body: JsonObject, key: string, param = key): number | undefined {
  const bound = optionalNumber(body, key, param);
  return bound !== undefined && bound < 0 ? undefined : bound;
}

export function optionalBoolean(body: JsonObject, key: string, param = key): boolean | undefined {
  const value = body[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'boolean') throw wrongType(param, 'true or false', value);
  return value;
}

export function optionalObject(body: JsonObject, key: string, param = key): JsonObject | undefined {
  const value = body[key];
  if (value === undefined || value === null) return undefined;
  if (!isObject(value)) throw wrongType(param, 'an object', value);
  return value;
}

export function optionalArray(body: JsonObject, key: string, param = key): JsonValue[] | undefined {
  const value = body[key];
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value)) throw wrongType(param, 'an array', value);
  return value;
}

export function requiredArray(body: JsonObject, key: string, param = key): JsonValue[] {
  const value = optionalArray(body, key, param);
  if (value === undefined) throw badRequest(param, `'${param}' is required.`);
  return value;
}

export function requiredObject(value: unknown, param: string): JsonObject {
  if (value === undefined) throw badRequest(param, `'${param}' is required.`);
  if (!isObject(value)) throw wrongType(param, 'an object', value);
  return value;
}

/** OpenAI-style `stop`: a string or an array of strings. */
export function optionalStringOrStrings(body: JsonObject, key: string, param = key): string[] | undefined {
  const value = body[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return [value];
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value as string[];
  throw wrongType(param, 'a string or an array of strings', value);
}

/** Copies the defined entries only, as `exactOptionalPropertyTypes` wants it. */
export function definedOnly<T extends object>(fields: { [K in keyof T]: T[K] | undefined }): T {
  const result: Partial<T> = {};
  for (const key in fields) {
    if (fields[key] !== undefined) result[key] = fields[key];
  }
  return result as T;
}
