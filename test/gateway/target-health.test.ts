import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TargetHealth, type VisitOutcome } from '../../src/gateway/target-health.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { routerOf } from './support.ts';

const COOLDOWN = { failures: 3, baseMs: 1_000, maxMs: 3_000 };

function setup(keys: readonly string[] = []) {
  const clock = new ManualClock();
  const health = new TargetHealth(clock, () => COOLDOWN);
  const target = routerOf({ accounts: { a: { url: 'http://a.test', keys } } }).route('a/m').targets[0]!;
  const visit = (outcome: VisitOutcome): boolean => {
    const entered = health.enter('a/m');
    if (entered) health.leave(entered, outcome);
    return entered !== undefined;
  };
  const open = (): void => {
    for (let count = 0; count < 3; count += 1) visit('failure');
  };
  return { clock, health, target, visit, open };
}

test('the circuit opens at the third failure in a row, not before', () => {
  const { health, visit } = setup();
  visit('failure');
  visit('failure');
  assert.equal(health.state('a/m'), 'closed');
  visit('failure');
  assert.equal(health.state('a/m'), 'open');
  assert.equal(health.enter('a/m'), undefined);
});

test('a success between failures starts the count anew', () => {
  const { health, visit } = setup();
  for (const outcome of ['failure', 'failure', 'success', 'failure', 'failure'] as const) visit(outcome);
  assert.equal(health.state('a/m'), 'closed');
});

test('a visit that says nothing of the target changes nothing', () => {
  const { health, visit } = setup();
  for (const outcome of ['failure', 'failure', 'unknown', 'failure'] as const) visit(outcome);
  assert.equal(health.state('a/m'), 'open');
});

test('a half-open circuit lets one probe through and no second', () => {
  const { clock, health, open } = setup();
  open();
  clock.advance(999);
  assert.equal(health.enter('a/m'), undefined);
  clock.advance(1);
  assert.equal(health.state('a/m'), 'half-open');
  const probe = health.enter('a/m');
  assert.ok(probe);
  assert.equal(health.enter('a/m'), undefined);
  health.leave(probe, 'success');
  assert.equal(health.state('a/m'), 'closed');
});

test('each failed probe doubles the cooldown up to its bound', () => {
  const { clock, health, target, visit, open } = setup();
  open();
  const waits = [health.waitFor(target).waitMs];
  for (let round = 0; round < 3; round += 1) {
    clock.advance(health.waitFor(target).waitMs);
    visit('failure');
    waits.push(health.waitFor(target).waitMs);
  }
  assert.deepEqual(waits, [1_000, 2_000, 3_000, 3_000]);
});

test('after a success the next cooldown is the first again', () => {
  const { clock, health, target, visit, open } = setup();
  open();
  clock.advance(1_000);
  visit('failure');
  clock.advance(2_000);
  visit('success');
  open();
  assert.equal(health.waitFor(target).waitMs, 1_000);
});

test('a probe without a result leaves the way free for the next one', () => {
  const { clock, health, visit, open } = setup();
  open();
  clock.advance(1_000);
  assert.equal(visit('unknown'), true);
  assert.equal(health.state('a/m'), 'half-open');
  assert.equal(visit('success'), true);
  assert.equal(health.state('a/m'), 'closed');
});

test('a probe whose answer has begun lets the others in while it still runs', () => {
  const { clock, health, open } = setup();
  open();
  clock.advance(1_000);
  const probe = health.enter('a/m')!;
  health.answered(probe);
  assert.equal(health.state('a/m'), 'closed');
  assert.ok(health.enter('a/m'));
});

test('a probe whose answer begins and then breaks opens the circuit again for twice as long', () => {
  const { clock, health, target, open } = setup();
  open();
  clock.advance(1_000);
  const probe = health.enter('a/m')!;
  health.answered(probe);
  health.leave(probe, 'failure');
  assert.deepEqual(health.waitFor(target), { waitMs: 2_000, code: 'unavailable' });
});

test('failures that arrive together open the circuit once, for the first cooldown', () => {
  const { health, target } = setup();
  const visits = Array.from({ length: 10 }, () => health.enter('a/m')!);
  for (const visit of visits) health.leave(visit, 'failure');
  assert.equal(health.waitFor(target).waitMs, 1_000);
});

test('an answer that began before the circuit opened does not close it', () => {
  const { health, open } = setup();
  const early = health.enter('a/m')!;
  open();
  health.leave(early, 'success');
  assert.equal(health.state('a/m'), 'open');
});

test('a failure that began before the target answered others says nothing of it now', () => {
  const { clock, health, target } = setup();
  const stalled = Array.from({ length: 3 }, () => health.enter('a/m')!);
  clock.advance(1);
  health.answered(health.enter('a/m')!);
  clock.advance(1);
  for (const visit of stalled) health.leave(visit, 'failure');
  assert.equal(health.waitFor(target).waitMs, 0);
});

test('an answer that breaks after its first content counts against its target', () => {
  const { clock, health } = setup();
  for (let count = 0; count < 3; count += 1) {
    const visit = health.enter('a/m')!;
    clock.advance(1);
    health.answered(visit);
    clock.advance(1);
    health.leave(visit, 'failure');
  }
  assert.equal(health.state('a/m'), 'open');
});

test('visits under way are counted until they are left', () => {
  const { health } = setup();
  const first = health.enter('a/m')!;
  const second = health.enter('a/m')!;
  assert.equal(health.inFlight('a/m'), 2);
  health.leave(first, 'success');
  health.leave(second, 'unknown');
  assert.equal(health.inFlight('a/m'), 0);
});

test('what the target asked for and what its failures add up to: the longer holds', () => {
  const { health, target, open } = setup();
  health.coolTarget('a/m', 2_500);
  assert.equal(health.waitFor(target).waitMs, 2_500);
  health.coolTarget('a/m', 500);
  assert.equal(health.waitFor(target).waitMs, 2_500);
  const other = setup();
  other.open();
  other.health.coolTarget('a/m', 2_000);
  assert.equal(other.health.waitFor(other.target).waitMs, 2_000);
  open();
});

test('no upstream can ask for more than the longest cooldown', () => {
  const { health, target } = setup(['k']);
  health.coolTarget('a/m', 3_600_000);
  assert.equal(health.waitFor(target).waitMs, 3_000);
  const other = setup(['k']);
  other.health.coolKey(other.target, 0, 'key-model', { code: 'upstream_rate_limited', message: '', retryAfterMs: 9e6 });
  assert.equal(other.health.waitFor(other.target).waitMs, 3_000);
});

test('a rate-limited key rests as long as the upstream says, else for the base cooldown', () => {
  const { clock, health, target } = setup(['k1', 'k2']);
  const limited = { code: 'upstream_rate_limited', message: '' } as const;
  assert.deepEqual(
    health.pickKey(target, () => false),
    { index: 0, key: 'k1' },
  );
  health.coolKey(target, 0, 'key-model', { ...limited, retryAfterMs: 2_000 });
  assert.equal(health.pickKey(target, () => false)?.key, 'k2');
  health.coolKey(target, 1, 'key-model', limited);
  assert.equal(
    health.pickKey(target, () => false),
    undefined,
  );
  assert.deepEqual(health.waitFor(target), { waitMs: 1_000, code: 'upstream_rate_limited' });
  clock.advance(1_000);
  assert.equal(health.pickKey(target, () => false)?.key, 'k2');
});

test('a refused key rests for a minute', () => {
  const clock = new ManualClock();
  const health = new TargetHealth(clock, () => ({ ...COOLDOWN, maxMs: 300_000 }));
  const { target } = setup(['k']);
  health.coolKey(target, 0, 'key', { code: 'upstream_authentication', message: '' });
  assert.deepEqual(health.waitFor(target), { waitMs: 60_000, code: 'upstream_authentication' });
});

test('an account made anew by a reload begins with a clean slate, so a corrected key works at once', () => {
  const { health, target } = setup(['wrong']);
  health.coolKey(target, 0, 'key', { code: 'upstream_authentication', message: '' });
  const { target: reloaded } = setup(['right']);
  assert.equal(health.pickKey(reloaded, () => false)?.key, 'right');
});
