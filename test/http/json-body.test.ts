import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FastifyRequest } from 'fastify';
import { jsonBody, stackOverflowOf } from '../../src/http/json-body.ts';

const bodyOf = (body: unknown) => jsonBody({ body } as FastifyRequest);

test('an object is read, multi-byte text included, with or without a byte order mark', () => {
  assert.deepEqual(bodyOf(Buffer.from('{"a":"漢字 🏔️"}')), { a: '漢字 🏔️' });
  assert.deepEqual(bodyOf(Buffer.from('\uFEFF{"a":1}')), { a: 1 });
});

test('what is no JSON object is refused by a sentence', () => {
  for (const [body, message] of [
    [undefined, 'The request has no body. Send a JSON object.'],
    [Buffer.alloc(0), 'The request has no body. Send a JSON object.'],
    [Buffer.from('[]'), 'The request body must be a JSON object.'],
    [Buffer.from('null'), 'The request body must be a JSON object.'],
    [Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), 'The request body is not valid UTF-8.'],
  ] as const) {
    assert.throws(() => bodyOf(body), { code: 'bad_request', status: 400, message });
  }
  assert.throws(() => bodyOf(Buffer.from('{"a":')), {
    code: 'bad_request',
    message: /^The request body is not valid JSON: /,
  });
});

const nested = (levels: number): string => `${'[{"a":'.repeat(levels / 2)}1${'}]'.repeat(levels / 2)}`;

test('a body of five thousand levels is read, one more is too many', () => {
  bodyOf(Buffer.from(`{"a":${nested(4_998)}}`));
  const message = 'The request body is nested too deeply.';
  assert.throws(() => bodyOf(Buffer.from(`{"a":${nested(5_000)}}`)), { code: 'bad_request', message });
});

test('brackets inside strings are no levels, whatever is escaped in them', () => {
  const body = { a: '[{'.repeat(10_000), 'b"\\': '"[\\', c: '\\"'.repeat(3), d: ['[]'] };
  assert.deepEqual(bodyOf(Buffer.from(JSON.stringify(body))), body);
  assert.throws(() => bodyOf(Buffer.from(`{"a":"${'['.repeat(20_000)}`)), {
    code: 'bad_request',
    message: /not valid JSON/,
  });
});

test('closed brackets are no levels', () => {
  bodyOf(Buffer.from(`{"a":[${Array(10_000).fill('[]').join()}]}`));
});

test('a stack that overflows on a deep body is the client’s fault, on any other ours', () => {
  const overflow = new RangeError('Maximum call stack size exceeded');
  assert.equal(stackOverflowOf(overflow, Buffer.from(nested(600)))?.code, 'bad_request');
  assert.equal(stackOverflowOf(overflow, Buffer.from(`{"a":"${'['.repeat(5_000)}"}`)), undefined);
  assert.equal(stackOverflowOf(overflow, undefined), undefined);
  assert.equal(stackOverflowOf(new TypeError('x'), Buffer.from(nested(600))), undefined);
});
