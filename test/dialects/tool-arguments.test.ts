import assert from 'node:assert/strict';
import { test } from 'node:test';
import { argumentsObject } from '../../src/dialects/tool-arguments.ts';

test('arguments become an object, and none become an empty one', () => {
  assert.deepEqual(argumentsObject('{"x":1}'), { x: 1 });
  assert.deepEqual(argumentsObject('{}'), {});
  assert.deepEqual(argumentsObject(' '), {});
});

test('arguments that are no JSON object are kept whole', () => {
  for (const text of ['{oops', '[1]', '"x"', 'null'])
    assert.deepEqual(argumentsObject(text), { invalid_arguments: text });
});
