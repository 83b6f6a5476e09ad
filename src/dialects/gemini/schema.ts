// JSON Schema → Gemini's Schema, a small subset of OpenAPI 3.0 that is refused as a whole for one unknown keyword.
//
// Used for function `parameters` and for `responseSchema`. Their JSON Schema twins (`parametersJsonSchema`,
// `responseJsonSchema`) take over only where an object's keys are left open, which this subset cannot say at all: older
// models and Gemini-compatible servers do not have them, and they ignore what they do not know without telling, while
// here every rule is ours and tested. What cannot be said is dropped or said in the description; a schema that contains
// itself is refused.

import { GatewayError } from '../../errors.ts';
import { asArray, asNumber, asObject, asString, isObject, type JsonObject, type JsonValue } from '../../model/json.ts';
import { flatSchema, SchemaReferences } from './schema-references.ts';

const DEPTH_MAX = 64;

/** @param param names the schema in error messages, e.g. `tools.get_weather.parameters` */
export function geminiSchema(schema: JsonObject, param: string): JsonObject {
  return converted(schema, { references: new SchemaReferences(schema, param), param, depth: 0 });
}

/** The field that carries a schema: Google's own name for it, or with `JsonSchema` for the twin. */
export function schemaField(ownName: 'parameters' | 'responseSchema', own: JsonObject, source: JsonObject): JsonObject {
  if (!hasOpenObject(own)) return { [ownName]: own };
  return { [ownName === 'parameters' ? 'parametersJsonSchema' : 'responseJsonSchema']: source };
}

/** Gemini refuses the whole request for one object without properties ("should be non-empty for OBJECT type"). */
function hasOpenObject(schema: JsonObject): boolean {
  if (schema.type === 'OBJECT' && !schema.properties) return true;
  const inner = [...Object.values(asObject(schema.properties) ?? {}), schema.items, ...asArray(schema.anyOf)];
  return inner.some((one) => isObject(one) && hasOpenObject(one));
}

/** The field with a function's parameters; nothing when there are none, as Gemini refuses an object without properties. */
export function parametersField(parameters: JsonObject | undefined, param: string): JsonObject {
  if (!parameters) return {};
  const source: JsonObject = { type: 'object', ...parameters };
  const own = geminiSchema(source, param);
  if (own.properties || own.anyOf) return schemaField('parameters', own, source);
  const isOpen = [source.additionalProperties, source.patternProperties].some(
    (rule) => rule === true || isObject(rule),
  );
  return isOpen ? { parametersJsonSchema: source } : {};
}

interface Place {
  readonly references: SchemaReferences;
  readonly param: string;
  readonly depth: number;
}

function converted(source: JsonValue | undefined, place: Place): JsonObject {
  if (place.depth > DEPTH_MAX) {
    throw new GatewayError('unsupported', `The schema '${place.param}' is nested deeper than ${DEPTH_MAX} levels.`, {
      param: place.param,
    });
  }
  place.references.countStep();
  const references = place.references.enter(source);
  const schema = flatSchema(asObject(source) ?? {}, references);
  const inner: Place = { references, param: place.param, depth: place.depth + 1 };
  const { branches, isNullable } = branchesOf(schema);
  if (branches.length === 0) return single(schema, isNullable, inner);
  const { anyOf: _anyOf, oneOf: _oneOf, type, ...beside } = schema;
  const base = Array.isArray(type) ? beside : { ...beside, ...(type !== undefined && { type }) };
  // Everything beside anyOf is refused (Vertex: "it must be the only field set"), so it moves into the branches.
  const variants = branches.map((branch) => withNullable(converted(merged(base, branch), inner), isNullable));
  const distinct = [...new Map(variants.map((variant) => [JSON.stringify(variant), variant])).values()];
  const [only] = distinct;
  return distinct.length === 1 && only ? only : { anyOf: distinct };
}

/** The alternatives besides null: of anyOf, of oneOf, or of an array of types. */
function branchesOf(schema: JsonObject): { branches: JsonObject[]; isNullable: boolean } {
  const types = Array.isArray(schema.type) ? schema.type : [];
  const alternatives = [schema.anyOf, schema.oneOf].map(asArray).find((list) => list.length > 0);
  if (!alternatives) {
    const named = types.filter((type) => type !== 'null').map((type) => ({ type }));
    return { branches: named, isNullable: named.length < types.length };
  }
  const branches = alternatives.flatMap((branch) => (isNull(branch) ? [] : [asObject(branch) ?? {}]));
  return { branches, isNullable: branches.length < alternatives.length || types.includes('null') };
}

function isNull(branch: JsonValue): boolean {
  const schema = asObject(branch);
  if (!schema) return false;
  const values = asArray(schema.enum);
  return (
    schema.type === 'null' ||
    ('const' in schema && schema.const === null) ||
    (values.length === 1 && values[0] === null)
  );
}

/** The branch with what stood beside it; the branch's own words win, a description is kept from either. */
function merged(base: JsonObject, branch: JsonObject): JsonObject {
  const properties =
    base.properties || branch.properties
      ? { properties: { ...asObject(base.properties), ...asObject(branch.properties) } }
      : {};
  const required =
    base.required || branch.required ? { required: [...asArray(base.required), ...asArray(branch.required)] } : {};
  return { ...base, ...branch, ...properties, ...required };
}

function withNullable(schema: JsonObject, isNullable: boolean): JsonObject {
  if (!isNullable) return schema;
  if (!Array.isArray(schema.anyOf)) return { ...schema, nullable: true };
  return { anyOf: schema.anyOf.map((branch) => withNullable(asObject(branch) ?? {}, true)) };
}

function single(schema: JsonObject, isNullable: boolean, place: Place): JsonObject {
  const { values, note, hasNull } = valuesOf(schema);
  const type = typeOf(schema, values);
  const description = [asString(schema.description), note].filter(Boolean).join(' ');
  const result: JsonObject = {
    type,
    ...(asString(schema.title) && { title: schema.title }),
    ...(description && { description }),
    ...((isNullable || hasNull || schema.nullable === true || schema.type === 'null') && { nullable: true }),
  };
  if (type === 'STRING') Object.assign(result, stringRules(schema, values));
  if (type === 'NUMBER' || type === 'INTEGER') Object.assign(result, numberRules(schema, type));
  if (type === 'ARRAY') Object.assign(result, arrayRules(schema, place));
  if (type === 'OBJECT') Object.assign(result, objectRules(schema, place));
  return result;
}

const TYPES: ReadonlyMap<unknown, string> = new Map([
  ['string', 'STRING'],
  ['number', 'NUMBER'],
  ['integer', 'INTEGER'],
  ['boolean', 'BOOLEAN'],
  ['array', 'ARRAY'],
  ['object', 'OBJECT'],
]);

/** Gemini wants a type everywhere; what may be anything is asked for as text. */
function typeOf(schema: JsonObject, values: readonly string[]): string {
  const named = TYPES.get(asString(schema.type)?.toLowerCase());
  if (named) return named;
  if (values.length > 0) return 'STRING';
  if (schema.properties || schema.additionalProperties || schema.required) return 'OBJECT';
  if (schema.items || schema.prefixItems) return 'ARRAY';
  const sample = 'const' in schema ? schema.const : asArray(schema.enum)[0];
  if (typeof sample === 'number') return Number.isInteger(sample) ? 'INTEGER' : 'NUMBER';
  if (typeof sample === 'boolean') return 'BOOLEAN';
  return schema.minimum !== undefined || schema.maximum !== undefined ? 'NUMBER' : 'STRING';
}

/** Gemini's enum holds non-empty strings only; other values are told in the description. */
function valuesOf(schema: JsonObject): { values: string[]; note: string; hasNull: boolean } {
  const all = 'const' in schema ? [schema.const ?? null] : asArray(schema.enum);
  const present = all.filter((value) => value !== null);
  const isText = present.every((value) => typeof value === 'string' && value !== '');
  const hasNull = present.length < all.length;
  if (isText) return { values: present.map(String), note: '', hasNull };
  const list = present.map((value) => JSON.stringify(value)).join(', ');
  return { values: [], note: `Allowed values: ${list}.`, hasNull };
}

function stringRules(schema: JsonObject, values: readonly string[]): JsonObject {
  return {
    ...(values.length > 0 && { enum: [...values] }),
    ...(values.length === 0 && schema.format === 'date-time' && { format: 'date-time' }),
    ...(asString(schema.pattern) && { pattern: schema.pattern }),
    ...count(schema, 'minLength'),
    ...count(schema, 'maxLength'),
  };
}

const NUMBER_FORMATS = { NUMBER: ['float', 'double'], INTEGER: ['int32', 'int64'] } as const;

function numberRules(schema: JsonObject, type: 'NUMBER' | 'INTEGER'): JsonObject {
  const format = asString(schema.format);
  const formats: readonly string[] = NUMBER_FORMATS[type];
  // The next whole number for integers; for others the bound itself, as there is no nearest number beyond it.
  const step = type === 'INTEGER' ? 1 : 0;
  const above = asNumber(schema.exclusiveMinimum);
  const below = asNumber(schema.exclusiveMaximum);
  const least = [asNumber(schema.minimum), above === undefined ? undefined : above + step];
  const most = [asNumber(schema.maximum), below === undefined ? undefined : below - step];
  const minimum = least.filter((bound) => bound !== undefined);
  const maximum = most.filter((bound) => bound !== undefined);
  return {
    ...(format && formats.includes(format) && { format }),
    ...(minimum.length > 0 && { minimum: Math.max(...minimum) }),
    ...(maximum.length > 0 && { maximum: Math.min(...maximum) }),
  };
}

function arrayRules(schema: JsonObject, place: Place): JsonObject {
  const tuple = [...asArray(schema.prefixItems), ...asArray(schema.items)];
  // Gemini has no tuples: any of their items may stand anywhere.
  const items = tuple.length > 0 ? { anyOf: tuple } : schema.items;
  return { items: converted(items, place), ...count(schema, 'minItems'), ...count(schema, 'maxItems') };
}

function objectRules(schema: JsonObject, place: Place): JsonObject {
  const properties: JsonObject = {};
  for (const [name, property] of Object.entries(asObject(schema.properties) ?? {})) {
    if (property !== false) properties[name] = converted(property, place);
  }
  const names = Object.keys(properties);
  if (names.length === 0) return {};
  const required = [...new Set(asArray(schema.required))].filter((name) => names.includes(String(name)));
  return {
    properties,
    ...(required.length > 0 && { required }),
    ...count(schema, 'minProperties'),
    ...count(schema, 'maxProperties'),
  };
}

function count(schema: JsonObject, key: string): JsonObject {
  const value = asNumber(schema[key]);
  return value === undefined ? {} : { [key]: value };
}
