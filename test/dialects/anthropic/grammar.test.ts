import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isInGrammar } from '../../../src/dialects/anthropic/grammar.ts';
import type { JsonObject } from '../../../src/model/json.ts';

/** Each definition names the next one twice: a walk through all of them would have 2 ** levels steps. */
function doubled(levels: number, last: JsonObject): JsonObject {
  const definitions = Array.from({ length: levels }, (_, level): [string, JsonObject] => {
    const next = { $ref: `#/$defs/d${level + 1}` };
    return [`d${level}`, { type: 'object', properties: { a: next, b: next } }];
  });
  return { $ref: '#/$defs/d0', $defs: Object.fromEntries([...definitions, [`d${levels}`, last]]) };
}

test('definitions that name others twice over are looked at once each', () => {
  assert.equal(isInGrammar(doubled(100, { type: 'string' })), true);
  assert.equal(isInGrammar(doubled(100, { type: 'object' })), false);
});

test('what contains itself, at once or by way of others, cannot be said; what is named twice can', () => {
  const node = (next: string): JsonObject => ({ type: 'object', properties: { next: { $ref: `#/$defs/${next}` } } });
  assert.equal(isInGrammar({ ...node('a'), $defs: { a: node('a') } }), false);
  assert.equal(isInGrammar({ ...node('a'), $defs: { a: node('b'), b: node('a') } }), false);
  assert.equal(isInGrammar({ ...node('a'), $defs: { a: node('b'), b: { type: 'string' } } }), true);
  assert.equal(isInGrammar(node('nobody')), false);
});
