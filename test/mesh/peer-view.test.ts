import assert from 'node:assert/strict';
import { test } from 'node:test';
import { composeHeartbeat, type Heartbeat } from '../../src/mesh/heartbeat.ts';
import { type PeerChange, PeerView } from '../../src/mesh/peer-view.ts';
import { SelfDoubt } from '../../src/mesh/self-doubt.ts';
import { idle } from '../support/sim-mesh.ts';

function heartbeat(sequence: number, changes: Partial<Heartbeat> = {}): Heartbeat {
  const extras = { incarnation: 1, sequence, intervalMs: 1_000, loopLagMs: 0, wallMs: 0, membershipDigest: '' };
  return { ...composeHeartbeat(idle([]), { ...extras, isLeaving: false }), ...changes };
}

function viewOf(...peers: string[]): { view: PeerView; changes: PeerChange[] } {
  const changes: PeerChange[] = [];
  const view = new PeerView((change) => changes.push(change));
  for (const peer of peers) view.add(peer, 0);
  return { view, changes };
}

test('a peer is unknown until it is heard, and suspect after the announced interval and a little silence', () => {
  const { view, changes } = viewOf('a');
  assert.deepEqual(view.tick(60_000, 1), []);
  view.heard('a', heartbeat(1), 1_000);
  assert.deepEqual(view.tick(2_800, 1), []);
  assert.deepEqual(view.tick(2_801, 1), ['a']);
  assert.deepEqual(
    changes.map(({ to, reason }) => `${to}: ${reason}`),
    ['alive: a heartbeat came', 'suspect: silent for 1801 ms'],
  );
  assert.deepEqual(view.tick(2_900, 1), [], 'a probe each second');
  assert.deepEqual(view.tick(3_801, 1), ['a']);
});

test('doubt in oneself makes the allowance wider', () => {
  const { view } = viewOf('a');
  view.heard('a', heartbeat(1), 0);
  assert.deepEqual(view.tick(1_801, 3), []);
  assert.deepEqual(view.tick(3_401, 3), ['a']);
});

test('after silence a heartbeat is enough, after a failure only an answer', () => {
  const { view } = viewOf('a', 'b');
  for (const peer of ['a', 'b']) view.heard(peer, heartbeat(1), 0);
  view.tick(5_000, 1);
  view.heard('a', heartbeat(2), 5_001);
  assert.equal(view.get('a')?.state, 'alive');
  view.failed('b', 'reset', 5_001);
  view.heard('b', heartbeat(2), 5_002);
  assert.equal(view.get('b')?.state, 'suspect');
  view.contact('b', 5_003);
  assert.equal(view.get('b')?.state, 'alive');
});

test('heartbeats that are old, repeated, or of nobody are refused', () => {
  const { view } = viewOf('a');
  assert.equal(view.heard('a', heartbeat(5), 0), true);
  assert.equal(view.heard('a', heartbeat(5), 1), false);
  assert.equal(view.heard('a', heartbeat(4), 1), false);
  assert.equal(view.heard('a', heartbeat(1, { incarnation: 2 }), 1), true);
  assert.equal(view.heard('a', heartbeat(99), 1), false);
  assert.equal(view.heard('stranger', heartbeat(1), 1), false);
});

test('only a suspect can be declared dead, and without witnesses it ends as unknown', () => {
  const { view } = viewOf('a', 'b');
  view.heard('a', heartbeat(1), 0);
  view.probed('a', 'unreachable', 1);
  assert.equal(view.get('a')?.state, 'alive');
  view.disconnected('a', 2);
  view.probed('a', 'reached-by-others', 3);
  assert.equal(view.get('a')?.state, 'suspect');
  view.probed('a', 'unreachable', 4);
  assert.equal(view.get('a')?.state, 'dead');
  view.heard('b', heartbeat(1), 0);
  view.disconnected('b', 0);
  view.probed('b', 'no-witness', 7_999);
  assert.equal(view.get('b')?.state, 'suspect');
  view.probed('b', 'no-witness', 8_001);
  assert.equal(view.get('b')?.state, 'unknown');
});

test('a dead peer that is heard of again is looked after before it counts', () => {
  const { view } = viewOf('a');
  view.heard('a', heartbeat(1), 0);
  view.disconnected('a', 1);
  view.probed('a', 'unreachable', 2);
  view.heard('a', heartbeat(2), 3);
  assert.equal(view.get('a')?.state, 'suspect');
  assert.deepEqual(view.tick(3, 1), ['a']);
});

test('what was not heard while this node stood still was not silence', () => {
  const { view } = viewOf('a');
  view.heard('a', heartbeat(1), 0);
  view.paused(20_000);
  assert.deepEqual(view.tick(20_500, 1), []);
});

test('one that said goodbye is gone, not suspect, until its next start', () => {
  const { view } = viewOf('a');
  view.heard('a', heartbeat(1, { state: 'leaving' }), 0);
  view.contact('a', 1);
  view.disconnected('a', 2);
  assert.deepEqual(view.tick(60_000, 1), []);
  assert.equal(view.get('a')?.state, 'left');
  view.heard('a', heartbeat(1, { incarnation: 2 }), 60_001);
  assert.equal(view.get('a')?.state, 'alive');
});

test('late timers make a node doubt itself more, punctual ones less; a long gap is a pause', () => {
  const doubt = new SelfDoubt(200);
  assert.equal(doubt.tick(0), 0);
  assert.equal(doubt.tick(200), 0);
  assert.equal(doubt.factor, 1);
  assert.equal(doubt.tick(900), 0);
  assert.equal(doubt.factor, 1.5);
  assert.equal(doubt.isDoubtful(1_000), false);
  assert.equal(doubt.isDoubtful(1_400), true, 'the next tick is late already');
  assert.equal(doubt.tick(21_100), 20_000);
  assert.equal(doubt.factor, 2);
  assert.equal(doubt.isDoubtful(26_000), true);
  for (let now = 21_300; now <= 40_000; now += 200) doubt.tick(now);
  assert.equal(doubt.factor, 1);
  assert.equal(doubt.isDoubtful(40_000), false);
});
