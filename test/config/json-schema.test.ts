import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configJsonSchema } from '../../src/config/json-schema.ts';
import type { UpstreamTraits } from '../../src/dialects/dialect.ts';
import { asObject, type JsonObject } from '../../src/model/json.ts';

const schema = configJsonSchema();

/** Every key of every mapping with named keys, with its path. */
function* keysIn(node: unknown, path: string): Generator<{ path: string; property: JsonObject }> {
  if (Array.isArray(node)) for (const item of node) yield* keysIn(item, path);
  const object = asObject(node);
  if (object === undefined) return;
  for (const [key, property] of Object.entries(asObject(object.properties) ?? {})) {
    yield { path: `${path}.${key}`, property: property as JsonObject };
  }
  for (const [key, value] of Object.entries(object)) yield* keysIn(value, `${path}.${key}`);
}

test('every key has a description', () => {
  const keys = [...keysIn(schema, '')];
  assert.ok(keys.length > 80, `${keys.length} keys`);
  for (const { path, property } of keys) {
    // Inherited ones are merged at the top of the property.
    const isDescribed = typeof property.description === 'string' && property.description.endsWith('.');
    assert.ok(isDescribed || path.endsWith('timeouts') || path.endsWith('retries'), path);
  }
});

test('defaults are shown in the form the file has them', () => {
  const server = asObject(asObject(schema.properties)?.server);
  const properties = asObject(server?.properties);
  assert.equal(server?.default, undefined);
  assert.equal(asObject(properties?.port)?.default, 2402);
  assert.deepEqual(asObject(properties?.apiKeys)?.default, []);
});

test('it is draft 7 and closed, so that editors mark misspelled keys', () => {
  assert.equal(schema.$schema, 'http://json-schema.org/draft-07/schema#');
  assert.equal(schema.additionalProperties, false);
});

test('every trait of an upstream can be set', () => {
  const known: Record<keyof UpstreamTraits, true> = {
    maxTokensField: true,
    dimensionsField: true,
    hasStreamUsage: true,
    hasShortToolCallIds: true,
    refusedFields: true,
    refusedMessageFields: true,
    wantsReasoningBack: true,
    responsesModels: true,
    systemRole: true,
    hasOneSystemMessage: true,
    defaultMaxOutputTokens: true,
  };
  const traits = [...keysIn(schema, '')].find(({ path }) => path.endsWith('.traits'))?.property;
  assert.deepEqual(Object.keys(asObject(traits?.properties) ?? {}), Object.keys(known));
});
