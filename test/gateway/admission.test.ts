import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Admission } from '../../src/gateway/admission.ts';

test('requests past the bound are refused with a time to come back, and let in when one has left', () => {
  const admission = new Admission(() => 2);
  admission.enter();
  admission.enter();
  assert.throws(() => admission.enter(), { code: 'unavailable', status: 503, retryAfterMs: 1_000 });
  assert.equal(admission.running, 2);
  admission.leave();
  admission.enter();
  assert.equal(admission.running, 2);
});

test('the bound may change while requests run', () => {
  let max = 1;
  const admission = new Admission(() => max);
  admission.enter();
  max = 2;
  admission.enter();
  assert.equal(admission.running, 2);
});

test('a draining node refuses new requests and is drained when the last one has left', async () => {
  const admission = new Admission(() => 10);
  admission.enter();
  admission.enter();
  let isDrained = false;
  const drained = admission.drain().then(() => {
    isDrained = true;
  });
  assert.equal(admission.isDraining, true);
  assert.throws(() => admission.enter(), { code: 'draining', status: 503, retryAfterMs: 1_000 });
  admission.leave();
  await Promise.resolve();
  assert.equal(isDrained, false);
  admission.leave();
  await drained;
});

test('a node without requests is drained at once', async () => {
  await new Admission(() => 1).drain();
});

test('all that were let in are counted, those that left and those for elsewhere too, but none that was refused', () => {
  const admission = new Admission(() => 1);
  admission.enter();
  admission.leave();
  admission.enter();
  assert.equal(admission.enter(true), 'elsewhere');
  assert.throws(() => admission.enter(true), { code: 'unavailable' });
  assert.equal(admission.begun, 3);
});
