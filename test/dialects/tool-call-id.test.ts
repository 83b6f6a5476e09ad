import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  madeToolCallId,
  packToolCallId,
  plainToolCallId,
  shortToolCallId,
  unpackToolCallId,
} from '../../src/dialects/tool-call-id.ts';
import { fc } from '../support/property.ts';

test('a signature survives the ride inside an id', () => {
  assert.deepEqual(unpackToolCallId(packToolCallId('call_1', 'abc+/=')), { id: 'call_1', signature: 'abc+/=' });
  fc.assert(
    fc.property(fc.stringMatching(/^[A-Za-z0-9_-]{1,40}$/), fc.base64String(), (id, signature) => {
      fc.pre(!id.includes('__sig__'));
      const packed = packToolCallId(id, signature);
      assert.match(packed, /^[A-Za-z0-9_-]+$/);
      assert.deepEqual(unpackToolCallId(packed), { id, signature });
    }),
  );
});

test('an id without a signature is itself', () => {
  assert.deepEqual(unpackToolCallId('call_1'), { id: 'call_1' });
});

test('plainToolCallId leaves valid ids alone and strips signatures', () => {
  assert.equal(plainToolCallId('toolu_01-aB'), 'toolu_01-aB');
  assert.equal(plainToolCallId(packToolCallId('call_1', 'signature')), 'call_1');
});

test('plainToolCallId makes every id fit, and keeps different ids different', () => {
  const anyId = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc.constantFrom('functions.look:0', 'x'.repeat(80)),
  );
  fc.assert(
    fc.property(anyId, anyId, (a, b) => {
      assert.match(plainToolCallId(a), /^[A-Za-z0-9_-]{1,40}$/);
      assert.equal(plainToolCallId(a) === plainToolCallId(b), a === b);
    }),
  );
  assert.notEqual(plainToolCallId(`${'x'.repeat(80)}1`), plainToolCallId(`${'x'.repeat(80)}2`));
});

test('shortToolCallId makes 9 letters and digits, and keeps those that are', () => {
  assert.equal(shortToolCallId('aB3dE6gH9'), 'aB3dE6gH9');
  assert.equal(shortToolCallId(packToolCallId('aB3dE6gH9', 'signature')), 'aB3dE6gH9');
  fc.assert(fc.property(fc.string(), (id) => assert.match(shortToolCallId(id), /^[A-Za-z0-9]{9}$/)));
});

test('shortToolCallId keeps 100,000 counted ids apart', () => {
  const short = new Set(Array.from({ length: 100_000 }, (_, i) => shortToolCallId(`call_${i}`)));
  assert.equal(short.size, 100_000);
});

test('madeToolCallId is the same for the same call and fits every wire', () => {
  assert.equal(madeToolCallId(0, 'look {}'), madeToolCallId(0, 'look {}'));
  assert.notEqual(madeToolCallId(0, 'look {}'), madeToolCallId(1, 'look {}'));
  assert.notEqual(madeToolCallId(0, 'look {}'), madeToolCallId(0, 'look {"a":1}'));
  assert.match(madeToolCallId(12, 'look {}'), /^call_12_[A-Za-z0-9]{9}$/);
});
