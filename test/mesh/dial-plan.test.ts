import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DialPlan, FULL_MESH_MAX } from '../../src/mesh/dial-plan.ts';
import { seededRandom } from '../support/seeded-random.ts';

const nobody = (): boolean => false;

function planOf(self = 'm'): DialPlan {
  return new DialPlan(self, seededRandom(1));
}

function peersDue(
  plan: DialPlan,
  now: number,
  isConnected: (peer: string) => boolean = nobody,
  connections = 0,
): readonly (string | undefined)[] {
  return plan.due(now, isConnected, connections).map(({ peer }) => peer);
}

test('the smaller peer id dials at once, the other one a moment later', () => {
  const plan = planOf();
  plan.hint('z', ['/z'], true, 0);
  plan.hint('a', ['/a'], true, 0);
  assert.deepEqual(peersDue(plan, 0), ['z']);
  assert.deepEqual(peersDue(plan, 400), ['a']);
  assert.deepEqual(peersDue(plan, 500), [], 'under way already');
});

test('nobody dials itself, without an address, or whom it is connected with', () => {
  const plan = planOf();
  plan.hint('m', ['/m'], true, 0);
  plan.hint('x', [], true, 0);
  plan.hint('y', ['/y'], true, 0);
  assert.deepEqual(
    peersDue(plan, 0, (peer) => peer === 'y'),
    [],
  );
});

test('a member that is away for a week is still dialled at least every two and a half seconds', () => {
  const plan = planOf();
  plan.hint('z', ['/z'], true, 0);
  let now = 0;
  let longestMs = 0;
  let lastAt = 0;
  for (let count = 0; count < 500; count += 1) {
    while (peersDue(plan, now).length === 0) now += 50;
    longestMs = Math.max(longestMs, now - lastAt);
    lastAt = now;
    plan.failed('z', now, false);
  }
  assert.ok(longestMs <= 2_400, `${longestMs} ms`);
});

test('a hint of a member that is away is taken up within 700 ms', () => {
  const plan = planOf();
  plan.hint('z', ['/z'], true, 0);
  for (let now = 0; now < 20_000; now += 50) if (peersDue(plan, now).length > 0) plan.failed('z', now, false);
  plan.hint('z', ['/new'], true, 20_000);
  assert.deepEqual(
    plan.due(20_700, nobody, 0).map(({ addresses }) => addresses),
    [['/new', '/z']],
  );
});

test('who refuses is left alone for longer and longer', () => {
  const plan = planOf();
  plan.hint('z', ['/z'], true, 0);
  plan.due(0, nobody, 0);
  plan.failed('z', 0, true);
  assert.deepEqual(peersDue(plan, 1_300), []);
  assert.deepEqual(peersDue(plan, 2_700), ['z']);
});

test('strangers are dialled sixteen at once, and then one a second, whatever they invent', () => {
  const plan = planOf();
  let dials = 0;
  for (let now = 0; now < 60_000; now += 200) {
    for (let count = 0; count < 20; count += 1) plan.hint(`z${now}-${count}`, ['/z'], false, now);
    for (const { key } of plan.due(now, nobody, 0)) {
      dials += 1;
      plan.failed(key, now, true);
    }
  }
  assert.ok(dials <= 16 + 60, `${dials} dials`);
  assert.ok(dials >= 60);
});

test('at most eight dials are under way at once', () => {
  const plan = planOf();
  for (let index = 0; index < 20; index += 1) plan.hint(`z${index}`, ['/z'], true, 0);
  assert.equal(peersDue(plan, 0).length, 8);
  plan.succeeded('z0', 'z0');
  assert.equal(peersDue(plan, 0).length, 1);
});

test('a large mesh is joined at some places only', () => {
  const plan = planOf();
  for (let index = 0; index <= FULL_MESH_MAX; index += 1) plan.hint(`z${index}`, ['/z'], true, 0);
  assert.equal(peersDue(plan, 0, nobody, 12).length, 0);
  assert.equal(peersDue(plan, 0, nobody, 9).length, 3);
});

test('an address whose peer is not known is dialled until it is, and never while that one is connected', () => {
  const plan = planOf();
  plan.addBootstrap('/ip4/10.0.0.1/tcp/1', 0);
  assert.deepEqual(peersDue(plan, 0), [undefined]);
  plan.succeeded('/ip4/10.0.0.1/tcp/1', 'z');
  assert.deepEqual(
    peersDue(plan, 1_000, (peer) => peer === 'z'),
    [],
  );
  assert.deepEqual(peersDue(plan, 1_000), ['z']);
});
