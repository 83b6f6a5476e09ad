import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  badRequest,
  definedOnly,
  optionalArray,
  optionalBoolean,
  optionalNumber,
  optionalObject,
  optionalString,
  optionalStringOrStrings,
  outputBound,
  requiredArray,
  requiredObject,
  requiredString,
} from '../../src/dialects/fields.ts';
import { GatewayError } from '../../src/errors.ts';
import type { JsonObject } from '../../src/model/json.ts';

const BODY: JsonObject = { text: 'a', number: 1, flag: false, object: { b: 1 }, array: [1], none: null };

function refuses(read: () => unknown, param: string, message: string): void {
  assert.throws(read, (error) => {
    assert.ok(error instanceof GatewayError);
    assert.deepEqual([error.code, error.param, error.message], ['bad_request', param, message]);
    return true;
  });
}

test('fields of the right type are read', () => {
  assert.equal(optionalString(BODY, 'text'), 'a');
  assert.equal(optionalNumber(BODY, 'number'), 1);
  assert.equal(optionalBoolean(BODY, 'flag'), false);
  assert.deepEqual(optionalObject(BODY, 'object'), { b: 1 });
  assert.deepEqual(optionalArray(BODY, 'array'), [1]);
  assert.equal(requiredString(BODY, 'text'), 'a');
  assert.deepEqual(requiredArray(BODY, 'array'), [1]);
  assert.deepEqual(requiredObject(BODY.object, 'object'), { b: 1 });
});

test('a bound below zero is none', () => {
  assert.deepEqual(
    [5, 0, -1, -100_000, null].map((bound) => outputBound({ bound }, 'bound')),
    [5, 0, undefined, undefined, undefined],
  );
});

test('null and absent optional fields are undefined', () => {
  const readers = [
    optionalString,
    optionalNumber,
    optionalBoolean,
    optionalObject,
    optionalArray,
    optionalStringOrStrings,
  ];
  for (const read of readers) {
    assert.equal(read(BODY, 'none'), undefined);
    assert.equal(read(BODY, 'absent'), undefined);
  }
});

describe('a wrong type becomes a sentence', () => {
  test('that names the field, what it must be and what it is', () => {
    refuses(() => optionalString(BODY, 'number'), 'number', "'number' must be a string, not a number.");
    refuses(() => optionalString(BODY, 'array'), 'array', "'array' must be a string, not an array.");
    refuses(() => optionalNumber(BODY, 'object'), 'object', "'object' must be a number, not an object.");
    refuses(() => optionalBoolean(BODY, 'text'), 'text', "'text' must be true or false, not a string.");
    refuses(() => optionalObject(BODY, 'array'), 'array', "'array' must be an object, not an array.");
    refuses(() => optionalArray(BODY, 'flag'), 'flag', "'flag' must be an array, not a boolean.");
    refuses(() => requiredObject(null, 'messages[0]'), 'messages[0]', "'messages[0]' must be an object, not null.");
  });

  test('that names the whole path when it is given', () => {
    refuses(
      () => optionalString(BODY, 'number', 'a[1].number'),
      'a[1].number',
      "'a[1].number' must be a string, not a number.",
    );
  });
});

test('a missing required field is named', () => {
  refuses(() => requiredString(BODY, 'absent'), 'absent', "'absent' is required.");
  refuses(() => requiredString(BODY, 'none'), 'none', "'none' is required.");
  refuses(() => requiredArray(BODY, 'absent'), 'absent', "'absent' is required.");
  refuses(() => requiredObject(undefined, 'a.b'), 'a.b', "'a.b' is required.");
});

test('a string or strings are always read as an array', () => {
  assert.deepEqual(optionalStringOrStrings({ stop: 'x' }, 'stop'), ['x']);
  assert.deepEqual(optionalStringOrStrings({ stop: ['x', 'y'] }, 'stop'), ['x', 'y']);
  refuses(
    () => optionalStringOrStrings({ stop: ['x', 1] }, 'stop'),
    'stop',
    "'stop' must be a string or an array of strings, not an array.",
  );
});

test('badRequest carries its param', () => {
  assert.equal(badRequest('a', 'no').param, 'a');
  assert.equal(badRequest('a', 'no').status, 400);
});

test('definedOnly drops undefined and keeps everything else', () => {
  assert.deepEqual(definedOnly<{ a?: number; b?: null | string; c?: number }>({ a: 0, b: null, c: undefined }), {
    a: 0,
    b: null,
  });
  assert.deepEqual(Object.keys(definedOnly<{ c?: number }>({ c: undefined })), []);
});
