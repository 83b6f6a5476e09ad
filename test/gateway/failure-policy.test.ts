import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERROR_TABLE, type ErrorCode } from '../../src/errors.ts';
import { policyOf, usefulness } from '../../src/gateway/failure-policy.ts';

const codes = Object.keys(ERROR_TABLE) as ErrorCode[];

test('what is the client’s own fault is final and sets nothing aside', () => {
  const movesOn = new Set<ErrorCode>(['unsupported', 'context_length_exceeded', 'content_filtered', 'body_too_large']);
  const clientFaults = codes.filter((code) => ERROR_TABLE[code].fault === 'client' && !movesOn.has(code));
  for (const code of clientFaults) assert.deepEqual(policyOf(code), { proceed: 'final', cools: 'nothing' }, code);
});

test('what is tried again at the same target counts on its circuit', () => {
  for (const code of codes) {
    if (policyOf(code).proceed === 'retry') assert.equal(policyOf(code).cools, 'target', code);
  }
});

const rank = (code: ErrorCode, param?: string) => usefulness({ code, message: '', ...(param && { param }) });

test('every failure of an upstream that moves on has a rank of usefulness but the bare absence', () => {
  const unranked = codes.filter((code) => policyOf(code).proceed !== 'final' && rank(code) === rank('internal'));
  assert.deepEqual(unranked, ['unavailable']);
});

test('a lost thread, which the client’s SDK finds again by itself, is told before what is only worth waiting for', () => {
  const thread = rank('unsupported', 'thread');
  assert.ok(thread < rank('upstream_rate_limited') && thread < rank('upstream_overloaded'));
  assert.ok(thread > rank('context_length_exceeded') && thread > rank('content_filtered'));
  assert.ok(rank('unsupported', 'n') > rank('upstream_error'));
});
