import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeyCooldowns } from '../../src/gateway/key-cooldowns.ts';

const none = (): boolean => false;

test('the same credential is picked as long as it works', () => {
  const keys = new KeyCooldowns(3);
  assert.deepEqual([keys.pick('m', 0, none), keys.pick('m', 0, none), keys.pick('n', 0, none)], [0, 0, 0]);
});

test('an account without keys has one credential', () => {
  const keys = new KeyCooldowns(0);
  assert.equal(keys.pick('m', 0, none), 0);
  keys.cool(0, 'm', { until: 10, code: 'upstream_rate_limited' });
  assert.equal(keys.pick('m', 0, none), undefined);
});

test('a cooled credential hands over to the next, which stays even when the first is back', () => {
  const keys = new KeyCooldowns(2);
  keys.cool(0, 'm', { until: 10, code: 'upstream_rate_limited' });
  assert.equal(keys.pick('m', 5, none), 1);
  assert.equal(keys.pick('m', 10, none), 1);
});

test('after the last credential comes the first', () => {
  const keys = new KeyCooldowns(2);
  keys.cool(1, 'm', { until: 10, code: 'upstream_rate_limited' });
  assert.equal(keys.pick('m', 0, none), 0);
});

test('a rate limit rests a credential for its model only', () => {
  const keys = new KeyCooldowns(1);
  keys.cool(0, 'm', { until: 10, code: 'upstream_rate_limited' });
  assert.equal(keys.pick('m', 0, none), undefined);
  assert.equal(keys.pick('other', 0, none), 0);
});

test('a dead credential rests for every model', () => {
  const keys = new KeyCooldowns(1);
  keys.cool(0, undefined, { until: 10, code: 'upstream_authentication' });
  assert.equal(keys.pick('m', 0, none), undefined);
  assert.equal(keys.pick('other', 9, none), undefined);
  assert.equal(keys.pick('other', 10, none), 0);
});

test('the longer of two cooldowns holds, in whichever order they come', () => {
  const keys = new KeyCooldowns(1);
  keys.cool(0, 'm', { until: 100, code: 'upstream_rate_limited' });
  keys.cool(0, 'm', { until: 10, code: 'upstream_rate_limited' });
  assert.equal(keys.pick('m', 50, none), undefined);
  keys.cool(0, 'm', { until: 200, code: 'upstream_rate_limited' });
  assert.equal(keys.pick('m', 150, none), undefined);
  assert.equal(keys.pick('m', 200, none), 0);
});

test('a cooldown for all models and a longer one for this model: the longer counts', () => {
  const keys = new KeyCooldowns(1);
  keys.cool(0, undefined, { until: 10, code: 'upstream_authentication' });
  keys.cool(0, 'm', { until: 100, code: 'upstream_rate_limited' });
  assert.deepEqual(keys.soonest('m', 0), { until: 100, code: 'upstream_rate_limited' });
});

test('what was tried is not picked again', () => {
  const keys = new KeyCooldowns(2);
  assert.equal(
    keys.pick('m', 0, (index) => index === 0),
    1,
  );
  assert.equal(
    keys.pick('m', 0, () => true),
    undefined,
  );
});

test('the soonest cooldown is told only while all credentials cool', () => {
  const keys = new KeyCooldowns(2);
  keys.cool(0, 'm', { until: 100, code: 'upstream_rate_limited' });
  assert.equal(keys.soonest('m', 0), undefined);
  keys.cool(1, 'm', { until: 50, code: 'upstream_quota' });
  assert.deepEqual(keys.soonest('m', 0), { until: 50, code: 'upstream_quota' });
});
