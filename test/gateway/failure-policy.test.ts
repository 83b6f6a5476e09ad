import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERROR_TABLE, type ErrorCode } from '../../src/errors.ts';
import { policyOf, usefulness } from '../../src/gateway/failure-policy.ts';

const codes = Object.keys(ERROR_TABLE) as ErrorCode[];

test('what is the client’s own fault is final and sets nothing aside', () => {
  const movesOn = new Set<ErrorCode>(['unsupported', 'context_length_exceeded', 'content_filtered']);
  const clientFaults = codes.filter((code) => ERROR_TABLE[code].fault === 'client' && !movesOn.has(code));
  for (const code of clientFaults) assert.deepEqual(policyOf(code), { proceed: 'final', cools: 'nothing' }, code);
});

test('what is tried again at the same target counts on its circuit', () => {
  for (const code of codes) {
    if (policyOf(code).proceed === 'retry') assert.equal(policyOf(code).cools, 'target', code);
  }
});

test('every failure of an upstream that moves on has a rank of usefulness but the bare absence', () => {
  const unranked = codes.filter(
    (code) => policyOf(code).proceed !== 'final' && usefulness(code) === usefulness('internal'),
  );
  assert.deepEqual(unranked, ['unavailable']);
});
