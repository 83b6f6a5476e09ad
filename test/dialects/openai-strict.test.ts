import assert from 'node:assert/strict';
import { test } from 'node:test';
import { strictAtOpenAi } from '../../src/dialects/openai-strict.ts';
import type { JsonObject } from '../../src/model/json.ts';

const closed = (properties: JsonObject): JsonObject => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
});

test('a schema that OpenAI takes strictly stays strict, whatever its properties are called', () => {
  const schema = {
    ...closed({
      type: { type: ['string', 'null'] },
      properties: { type: 'array', items: { anyOf: [{ $ref: '#/$defs/a' }, { type: 'null' }] } },
      choice: { enum: [{ type: 'object' }, 1] },
    }),
    $defs: { a: closed({ b: { type: 'integer' } }) },
  };
  assert.equal(strictAtOpenAi(true, schema), true);
  assert.equal(strictAtOpenAi(true, undefined), true);
});

test('one open object or optional property, wherever it is, and OpenAI is asked to do its best', () => {
  const optional = { ...closed({ a: { type: 'string' } }), required: [] };
  const open = { type: 'object', properties: {} };
  for (const inner of [optional, open, { type: ['object', 'null'] }, { oneOf: [{ type: 'string' }] }]) {
    for (const schema of [
      inner,
      closed({ x: inner }),
      closed({ x: { type: 'array', items: inner } }),
      closed({ x: { anyOf: [{ type: 'null' }, inner] } }),
      { ...closed({}), $defs: { x: inner } },
    ]) {
      assert.equal(strictAtOpenAi(true, schema as JsonObject), false, JSON.stringify(schema));
    }
  }
});

test('who did not ask for it does not get it', () => {
  assert.equal(strictAtOpenAi(undefined, closed({})), undefined);
  assert.equal(strictAtOpenAi(false, closed({})), false);
});
