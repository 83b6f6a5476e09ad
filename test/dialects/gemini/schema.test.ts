// JSON Schema → Gemini's Schema: one table of what goes in and what exactly comes out.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { geminiSchema, parametersField, schemaField } from '../../../src/dialects/gemini/schema.ts';
import { jsonSchema } from '../../../src/dialects/gemini/schema-from-gemini.ts';
import { GatewayError } from '../../../src/errors.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { fc } from '../../support/property.ts';

const TABLE: readonly [behaviour: string, schema: JsonObject, expected: JsonObject][] = [
  ['types are written in upper case', { type: 'integer' }, { type: 'INTEGER' }],
  [
    'keywords that Gemini does not know are dropped',
    {
      $schema: 'http://json-schema.org/draft-07/schema#',
      $id: 'x',
      $comment: 'y',
      type: 'object',
      additionalProperties: false,
      patternProperties: { '^x': {} },
      unevaluatedProperties: false,
      strict: true,
      default: {},
      examples: [{}],
      properties: { a: { type: 'string', default: 'b', examples: ['c'], contentEncoding: 'base64' } },
      required: ['a', 'gone'],
    },
    { type: 'OBJECT', properties: { a: { type: 'STRING' } }, required: ['a'] },
  ],
  ['const becomes an enum of one', { const: 'a' }, { type: 'STRING', enum: ['a'] }],
  [
    'an enum of other values than strings is told in the description',
    { type: 'integer', enum: [1, 2], description: 'Size.' },
    { type: 'INTEGER', description: 'Size. Allowed values: 1, 2.' },
  ],
  ['a const number keeps its type', { const: 1.5 }, { type: 'NUMBER', description: 'Allowed values: 1.5.' }],
  [
    'an enum with an empty string is told in the description',
    { type: 'string', enum: ['', 'a'] },
    { type: 'STRING', description: 'Allowed values: "", "a".' },
  ],
  ['null in an enum makes it nullable', { enum: ['a', null] }, { type: 'STRING', nullable: true, enum: ['a'] }],
  ['a type array with null is nullable', { type: ['string', 'null'] }, { type: 'STRING', nullable: true }],
  [
    'several types become alternatives, each with its own rules',
    { type: ['string', 'number'], description: 'd', minLength: 1, minimum: 2 },
    {
      anyOf: [
        { type: 'STRING', description: 'd', minLength: 1 },
        { type: 'NUMBER', description: 'd', minimum: 2 },
      ],
    },
  ],
  [
    'anyOf with null becomes the other alternative, nullable',
    { anyOf: [{ type: 'string', description: 'own' }, { type: 'null' }], description: 'outer', title: 'T' },
    { type: 'STRING', title: 'T', description: 'own', nullable: true },
  ],
  [
    'oneOf becomes anyOf, and nullable goes into each alternative',
    { oneOf: [{ type: 'string' }, { type: 'integer' }, { const: null }] },
    {
      anyOf: [
        { type: 'STRING', nullable: true },
        { type: 'INTEGER', nullable: true },
      ],
    },
  ],
  [
    'what stands beside anyOf moves into its alternatives',
    {
      type: 'object',
      properties: { a: { type: 'string' }, b: { type: 'string' } },
      anyOf: [{ required: ['a'] }, { required: ['b'] }],
    },
    {
      anyOf: [
        { type: 'OBJECT', properties: { a: { type: 'STRING' }, b: { type: 'STRING' } }, required: ['a'] },
        { type: 'OBJECT', properties: { a: { type: 'STRING' }, b: { type: 'STRING' } }, required: ['b'] },
      ],
    },
  ],
  [
    'allOf is merged, with references inside',
    {
      $defs: { base: { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] } },
      allOf: [{ $ref: '#/$defs/base' }, { properties: { b: { type: 'boolean' } }, required: ['b'] }],
    },
    { type: 'OBJECT', properties: { b: { type: 'BOOLEAN' }, a: { type: 'STRING' } }, required: ['a', 'b'] },
  ],
  [
    'a reference is replaced by its target, words beside it win',
    {
      type: 'object',
      properties: { a: { $ref: '#/definitions/x~1y', description: 'mine' } },
      definitions: { 'x/y': { type: 'string', description: 'theirs' } },
    },
    { type: 'OBJECT', properties: { a: { type: 'STRING', description: 'mine' } } },
  ],
  [
    'the same reference twice in a row of properties is no recursion',
    {
      type: 'object',
      properties: { a: { $ref: '#/$defs/s' }, b: { $ref: '#/$defs/s' } },
      $defs: { s: { type: 'string' } },
    },
    { type: 'OBJECT', properties: { a: { type: 'STRING' }, b: { type: 'STRING' } } },
  ],
  [
    'exclusive bounds of integers move by one',
    { type: 'integer', exclusiveMinimum: 0, exclusiveMaximum: 10 },
    { type: 'INTEGER', minimum: 1, maximum: 9 },
  ],
  [
    'exclusive bounds of numbers become bounds, the tighter one wins',
    { type: 'number', minimum: 3, exclusiveMinimum: 0, maximum: 9, exclusiveMaximum: 8.5 },
    { type: 'NUMBER', minimum: 3, maximum: 8.5 },
  ],
  [
    'a format that Gemini accepts stays',
    { type: 'string', format: 'date-time' },
    { type: 'STRING', format: 'date-time' },
  ],
  ['another format is dropped', { type: 'string', format: 'uri' }, { type: 'STRING' }],
  ['a number format on an integer is dropped', { type: 'integer', format: 'double' }, { type: 'INTEGER' }],
  [
    'pattern and lengths stay',
    { type: 'string', pattern: '^a', minLength: 1, maxLength: 2 },
    { type: 'STRING', pattern: '^a', minLength: 1, maxLength: 2 },
  ],
  ['an array without items gets items of text', { type: 'array' }, { type: 'ARRAY', items: { type: 'STRING' } }],
  [
    'a tuple becomes an array of its alternatives',
    { type: 'array', prefixItems: [{ type: 'string' }, { type: 'integer' }, { type: 'string' }], minItems: 3 },
    { type: 'ARRAY', items: { anyOf: [{ type: 'STRING' }, { type: 'INTEGER' }] }, minItems: 3 },
  ],
  [
    'a property that may be anything is asked for as text, one that may be nothing is left out',
    { type: 'object', properties: { any: true, none: false } },
    { type: 'OBJECT', properties: { any: { type: 'STRING' } } },
  ],
  [
    'an object of free keys has no properties',
    { type: 'object', additionalProperties: { type: 'string' } },
    { type: 'OBJECT' },
  ],
  [
    'a property named like a keyword is a property',
    { type: 'object', properties: { $schema: { type: 'string' }, default: { type: 'number' } } },
    { type: 'OBJECT', properties: { $schema: { type: 'STRING' }, default: { type: 'NUMBER' } } },
  ],
];

for (const [behaviour, schema, expected] of TABLE) {
  test(behaviour, () => assert.deepEqual(geminiSchema(schema, 'schema'), expected));
}

test('a function without properties gets no parameters at all', () => {
  assert.deepEqual(parametersField(undefined, 'p'), {});
  assert.deepEqual(parametersField({}, 'p'), {});
  assert.deepEqual(parametersField({ type: 'object', properties: {}, additionalProperties: false }, 'p'), {});
});

test('a function that takes any keys has them told in JSON Schema, as Google’s own Schema would lose them', () => {
  const open = { type: 'object', additionalProperties: true };
  assert.deepEqual(parametersField(open, 'p'), { parametersJsonSchema: open });
  const typed = { properties: {}, additionalProperties: { type: 'string' } };
  assert.deepEqual(parametersField(typed, 'p'), { parametersJsonSchema: { type: 'object', ...typed } });
  const patterned = { type: 'object', patternProperties: { '^x-': { type: 'number' } } };
  assert.deepEqual(parametersField(patterned, 'p'), { parametersJsonSchema: patterned });
});

test('parameters without a type are an object', () => {
  assert.deepEqual(parametersField({ properties: { a: { type: 'string' } } }, 'p'), {
    parameters: { type: 'OBJECT', properties: { a: { type: 'STRING' } } },
  });
});

const REFUSED: readonly [behaviour: string, schema: JsonObject, message: RegExp][] = [
  [
    'a schema that contains itself is refused',
    { type: 'object', properties: { next: { $ref: '#' } } },
    /The schema 'tools\.x\.parameters' contains itself through '#'; Gemini has no recursive schemas\./,
  ],
  [
    'recursion through a definition and an array is refused',
    {
      $ref: '#/$defs/node',
      $defs: { node: { type: 'object', properties: { children: { type: 'array', items: { $ref: '#/$defs/node' } } } } },
    },
    /contains itself through '#\/\$defs\/node'/,
  ],
  ['a reference to nowhere is refused', { $ref: '#/$defs/none' }, /refers to '#\/\$defs\/none', which does not exist/],
  ['a reference through a prototype is refused', { $ref: '#/constructor' }, /which does not exist/],
  ['a reference to another document is refused', { $ref: 'https://x.test/a.json' }, /which is outside of the schema/],
  ['a schema that multiplies is refused', multiplying(20), /has more than 10000 parts/],
  ['a schema nested too deep is refused', nested(80), /nested deeper than 64 levels/],
];

for (const [behaviour, schema, message] of REFUSED) {
  test(behaviour, () => {
    assert.throws(
      () => geminiSchema(schema, 'tools.x.parameters'),
      (error) => error instanceof GatewayError && error.code === 'unsupported' && message.test(error.message),
    );
  });
}

function multiplying(levels: number): JsonObject {
  const $defs: JsonObject = { d0: { type: 'string' } };
  for (let i = 1; i <= levels; i += 1) {
    const inner = { $ref: `#/$defs/d${i - 1}` };
    $defs[`d${i}`] = { type: 'object', properties: { a: inner, b: inner } };
  }
  return { $ref: `#/$defs/d${levels}`, $defs };
}

function nested(levels: number): JsonObject {
  return levels === 0 ? { type: 'string' } : { type: 'array', items: nested(levels - 1) };
}

test('a schema in Gemini’s own words becomes JSON Schema', () => {
  assert.deepEqual(
    jsonSchema({
      type: 'OBJECT',
      property_ordering: ['some_name'],
      properties: {
        some_name: { type: 'STRING', nullable: true, format: 'enum', enum: ['a'] },
        list: {
          type: 'ARRAY',
          min_items: '2',
          items: { any_of: [{ type: 'NUMBER' }, { type: 'BOOLEAN' }], nullable: true },
        },
      },
      required: ['some_name'],
    }),
    {
      type: 'object',
      properties: {
        some_name: { type: ['string', 'null'], enum: ['a', null] },
        list: {
          type: 'array',
          minItems: 2,
          items: { anyOf: [{ type: 'number' }, { type: 'boolean' }, { type: 'null' }] },
        },
      },
      required: ['some_name'],
    },
  );
});

const leaf = fc.oneof(
  fc.constantFrom<JsonObject>({ type: 'STRING' }, { type: 'INTEGER' }, { type: 'NUMBER' }, { type: 'BOOLEAN' }),
  fc.record({ type: fc.constant('STRING'), enum: fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1 }) }),
  fc.record({ type: fc.constant('STRING'), nullable: fc.constant(true) }),
);
const { schema: anySchema } = fc.letrec<{ schema: JsonObject }>((tie) => ({
  schema: fc.oneof(
    { maxDepth: 3 },
    leaf,
    fc.record({ type: fc.constant('ARRAY'), items: tie('schema') }),
    fc.record({
      type: fc.constant('OBJECT'),
      properties: fc.dictionary(fc.stringMatching(/^[a-z_]{1,8}$/), tie('schema'), {
        minKeys: 1,
        noNullPrototype: true,
      }),
    }),
  ),
}));

test('Gemini’s schema survives the way to JSON Schema and back', () => {
  fc.assert(
    fc.property(anySchema, (schema) =>
      assert.deepEqual(geminiSchema(jsonSchema(schema), 's'), structuredClone(schema)),
    ),
    {
      numRuns: 200,
    },
  );
});

test('only a schema that leaves the keys of an object open goes as JSON Schema', () => {
  const field = (properties: JsonObject) => {
    const source = { type: 'object', properties };
    return [schemaField('parameters', geminiSchema(source, 'p'), source), source] as const;
  };
  const [closed] = field({ a: { type: 'object', properties: { b: { type: 'string' } } } });
  assert.deepEqual(Object.keys(closed), ['parameters']);
  for (const open of [
    { headers: { type: 'object', additionalProperties: { type: 'string' } } },
    { list: { type: 'array', items: { type: 'object' } } },
    { either: { anyOf: [{ type: 'string' }, { type: 'object', properties: {} }] } },
  ]) {
    const [twin, source] = field(open);
    assert.deepEqual(twin, { parametersJsonSchema: source });
  }
  const answer = { type: 'object' };
  assert.deepEqual(schemaField('responseSchema', geminiSchema(answer, 'p'), answer), { responseJsonSchema: answer });
});
