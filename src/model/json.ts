// JSON values and the narrow readers that turn unknown wire data into typed values.

import { isRawNumber, parseJson, roundedNumber } from './exact-json.ts';

export type JsonValue = string | number | boolean | null | JsonValue[] | JsonObject;
export interface JsonObject {
  [key: string]: JsonValue | undefined;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isRawNumber(value);
}

/** The value as an object, or undefined when it is anything else. */
export function asObject(value: unknown): JsonObject | undefined {
  return isObject(value) ? value : undefined;
}

/** The value as an array; anything else is an empty one. */
export function asArray(value: unknown): JsonValue[] {
  return Array.isArray(value) ? value : [];
}

export function asString(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** A finite number, or undefined. */
export function asNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  return isRawNumber(value) ? roundedNumber(value) : undefined;
}

export function asBoolean(value: unknown): boolean | undefined {
  return typeof value === 'boolean' ? value : undefined;
}

/** Some servers and editors begin with it; JSON may not. */
export const BYTE_ORDER_MARK = '\uFEFF';

/** Parses JSON text to an object; undefined when it is not JSON or not an object. */
export function parseObject(text: string): JsonObject | undefined {
  try {
    return asObject(parseJson(text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text));
  } catch {
    return undefined;
  }
}
