import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { GatewayError } from '../../src/errors.ts';
import { AbortScope } from '../../src/gateway/abort-scope.ts';
import { ManualClock } from '../support/manual-clock.ts';

test('it follows its parent with the parent’s reason', () => {
  const parent = new AbortController();
  const scope = new AbortScope(new ManualClock(), parent.signal);
  const reason = new Error('left');
  parent.abort(reason);
  assert.equal(scope.signal.reason, reason);
  assert.equal(scope.isLate, false);
});

test('of a parent that is aborted already it is aborted from the start', () => {
  const reason = new Error('left');
  assert.equal(new AbortScope(new ManualClock(), AbortSignal.abort(reason)).signal.reason, reason);
});

test('its parent does not follow it', () => {
  const parent = new AbortController();
  new AbortScope(new ManualClock(), parent.signal).abort(new Error('own'));
  assert.equal(parent.signal.aborted, false);
});

test('a deadline that passes aborts with upstream_timeout and says what was late', () => {
  const clock = new ManualClock();
  const scope = new AbortScope(clock);
  scope.deadline(100, 'Nothing came');
  clock.advance(99);
  assert.equal(scope.signal.aborted, false);
  clock.advance(1);
  assert.ok(scope.signal.reason instanceof GatewayError);
  assert.equal(scope.signal.reason.code, 'upstream_timeout');
  assert.equal(scope.signal.reason.message, 'Nothing came within 100 ms.');
  assert.equal(scope.isLate, true);
});

test('a new deadline replaces the running one', () => {
  const clock = new ManualClock();
  const scope = new AbortScope(clock);
  scope.deadline(100, 'First');
  scope.deadline(300, 'Second');
  clock.advance(299);
  assert.equal(scope.signal.aborted, false);
  assert.equal(clock.timerCount, 1);
  clock.advance(1);
  assert.match(String(scope.signal.reason), /Second within 300 ms\./);
});

test('a restarted deadline has its full time again', () => {
  const clock = new ManualClock();
  const scope = new AbortScope(clock);
  scope.deadline(100, 'Late');
  clock.advance(99);
  scope.restart();
  clock.advance(99);
  assert.equal(scope.signal.aborted, false);
  clock.advance(1);
  assert.equal(scope.signal.aborted, true);
});

test('a resting deadline passes without consequence and can be restarted afterwards', () => {
  const clock = new ManualClock();
  const scope = new AbortScope(clock);
  scope.deadline(100, 'Late');
  scope.rest();
  clock.advance(1_000);
  assert.equal(scope.signal.aborted, false);
  scope.restart();
  clock.advance(100);
  assert.equal(scope.signal.aborted, true);
});

test('a scope that has ended has no timer and lets go of its parent', () => {
  const clock = new ManualClock();
  const parent = new AbortController();
  const scope = new AbortScope(clock, parent.signal);
  scope.deadline(100, 'Late');
  scope.end();
  assert.equal(clock.timerCount, 0);
  assert.equal(getEventListeners(parent.signal, 'abort').length, 0);
  parent.abort();
  assert.equal(scope.signal.aborted, false);
});
