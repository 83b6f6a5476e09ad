import assert from 'node:assert/strict';
import { test } from 'node:test';
import { argumentsSchema } from '../../src/dialects/tool-schema.ts';
import type { JsonObject } from '../../src/model/json.ts';

const NONE = { type: 'object', properties: {} };

const cases: readonly (readonly [string, JsonObject | undefined, JsonObject])[] = [
  ['no schema at all', undefined, NONE],
  ['an empty schema', {}, NONE],
  ['an object without properties, as MCP servers declare it', { type: 'object' }, NONE],
  [
    'a closed object without properties',
    { type: 'object', additionalProperties: false },
    { ...NONE, additionalProperties: false },
  ],
  ['properties without a type', { properties: { a: {} } }, { type: 'object', properties: { a: {} } }],
  ['null for properties', { type: 'object', properties: null }, NONE],
];

for (const [what, schema, expected] of cases) {
  test(`${what} becomes an object that says its properties`, () => {
    assert.deepEqual(argumentsSchema(schema), expected);
  });
}

test('what says its properties, or says them elsewhere, stays the same object', () => {
  const schemas = [
    { type: 'object', properties: { a: {} } },
    { $ref: '#/$defs/a' },
    { anyOf: [] },
    { type: 'object', oneOf: [] },
  ];
  for (const schema of schemas) assert.equal(argumentsSchema(schema), schema);
});
