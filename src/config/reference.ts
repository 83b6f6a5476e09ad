// The schema as rows for people: what docs/configuration.md and the file of `flowmesh init` say of each key.

import { asArray, asObject, asString, isObject, type JsonObject, type JsonValue } from '../model/json.ts';
import { BYTES, DURATION, formatQuantity, type Quantity, quantityPattern } from './quantity.ts';

export interface ReferenceRow {
  readonly key: string;
  /** In words: `duration`, `list of text`. */
  readonly type: string;
  /** As it would be written in the file; undefined when there is none. */
  readonly defaultText: string | undefined;
  readonly meaning: string;
}

/** One row for each key of a mapping's JSON schema. */
export function rowsOf(schema: JsonObject): ReferenceRow[] {
  const required = asArray(schema.required);
  return Object.entries(asObject(schema.properties) ?? {}).map(([key, value]) => {
    const property = asObject(value) ?? {};
    return {
      key,
      type: required.includes(key) ? `${typeOf(property)}, required` : typeOf(property),
      defaultText: defaultOf(property),
      meaning: asString(property.description) ?? '',
    };
  });
}

function defaultOf(schema: JsonObject): string | undefined {
  const value = schema.default;
  if (value === undefined) return undefined;
  const quantity = quantityOf(schema);
  if (quantity !== undefined && typeof value === 'number') return formatQuantity(value, quantity);
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function quantityOf(schema: JsonObject): Quantity | undefined {
  const patterns = asArray(schema.anyOf).map((branch) => asString(asObject(branch)?.pattern) ?? '');
  return [DURATION, BYTES].find((quantity) => patterns.some((text) => text.startsWith(quantityPattern(quantity))));
}

function typeOf(schema: JsonObject): string {
  const named = asString(schema.$ref) ?? asString(asObject(asArray(schema.allOf)[0])?.$ref);
  if (named !== undefined) return named.slice(named.lastIndexOf('/') + 1).toLowerCase();
  if (asString(schema.pattern)?.startsWith('^https')) return 'url';
  const quantity = quantityOf(schema);
  if (quantity !== undefined) return quantity === DURATION ? 'duration' : 'size';
  const branches = asArray(schema.anyOf).filter(isObject);
  if (branches.length > 0) return [...new Set(branches.filter(isOwnValue).map(typeOf))].join(' or ');
  if (schema.enum !== undefined) return asArray(schema.enum).join(', ');
  return typeName(schema, schema.type);
}

/** Not only the text with a variable in it, which may stand for any value. */
function isOwnValue({ pattern }: JsonObject): boolean {
  return asString(pattern)?.startsWith('\\$\\{') !== true;
}

function typeName(schema: JsonObject, type: JsonValue | undefined): string {
  if (Array.isArray(type)) return typeName(schema, type[0]);
  switch (type) {
    case 'integer':
    case 'number':
      return `${schema.minimum} to ${schema.maximum}`;
    case 'boolean':
      return 'true, false';
    case 'array':
      return `list of ${plural(typeOf(asObject(schema.items) ?? {}))}`;
    case 'object':
      return 'mapping';
    default:
      return 'text';
  }
}

function plural(type: string): string {
  return ['target', 'condition'].includes(type) ? `${type}s` : type;
}
