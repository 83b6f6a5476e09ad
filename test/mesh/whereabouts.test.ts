// What is asked of the directory, when, and what comes of it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { DialPlan, FULL_MESH_MAX } from '../../src/mesh/dial-plan.ts';
import { Whereabouts } from '../../src/mesh/whereabouts.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { silentLogger } from '../support/transports.ts';

const ADDRESS = '/ip4/10.0.0.7/tcp/2403';

function world(memberCount: number) {
  const clock = new ManualClock();
  const plan = new DialPlan('self', seededRandom(1));
  const members = Array.from({ length: memberCount }, (_, index) => `peer-${index}`);
  const asked: string[] = [];
  const connected: string[] = [];
  const state = { models: ['m'], providers: ['peer-1', 'stranger'], addresses: [ADDRESS] };
  const whereabouts = new Whereabouts({
    clock,
    plan,
    logger: silentLogger,
    members: () => members,
    isConnected: (peer) => connected.includes(peer),
    ownModels: () => state.models,
    connect: async (peer) => {
      connected.push(peer);
    },
    transport: {
      findPeer: async (peer) => {
        asked.push(`where is ${peer}`);
        return state.addresses;
      },
      provide: async (key) => void asked.push(`here is ${key}`),
      findProviders: async (key) => {
        asked.push(`who has ${key}`);
        return state.providers;
      },
    },
  });
  const pass = async (seconds: number): Promise<void> => {
    for (let second = 0; second < seconds; second += 1) {
      clock.advance(1_000);
      whereabouts.look();
      await turn();
    }
  };
  return { clock, plan, asked, connected, whereabouts, state, pass };
}

test('a member without addresses is looked for, more and more seldom, until it is found', async () => {
  const { clock, plan, asked, pass, state } = world(3);
  plan.hint('peer-1', [], true, clock.elapsed());
  state.addresses = [];
  await pass(100);
  // After 0, 10, 30 and 70 seconds.
  assert.deepEqual(asked, Array(4).fill('where is peer-1'));
  state.addresses = [ADDRESS];
  await pass(100);
  assert.deepEqual(plan.addressesOf('peer-1'), [ADDRESS]);
  const found = asked.length;
  await pass(1_000);
  assert.equal(asked.length, found);
});

test('a member whose addresses fail again and again is looked for, and one that is reached is not', async () => {
  const { clock, plan, asked, pass } = world(3);
  for (const peer of ['peer-1', 'peer-2']) plan.hint(peer, ['/ip4/10.0.0.9/tcp/2403'], true, clock.elapsed());
  for (let count = 0; count < 5; count += 1) plan.failed('peer-1', clock.elapsed(), false);
  plan.succeeded('peer-2', 'peer-2');
  await pass(5);
  assert.deepEqual(asked, ['where is peer-1']);
  assert.ok(plan.addressesOf('peer-1').includes(ADDRESS));
});

test('in a mesh where everybody knows everybody models are neither told nor looked for', async () => {
  const { asked, pass, whereabouts } = world(FULL_MESH_MAX - 1);
  await pass(10);
  assert.equal(whereabouts.find('other'), undefined);
  assert.deepEqual(asked, []);
});

test('in a large mesh a node tells which models it has, again when they change and every ten minutes', async () => {
  const { asked, pass, state } = world(FULL_MESH_MAX);
  await pass(300);
  assert.deepEqual(asked, ['here is model/m']);
  state.models = ['m', 'n'];
  await pass(2);
  assert.deepEqual(asked, ['here is model/m', 'here is model/m', 'here is model/n']);
  await pass(601);
  assert.equal(asked.length, 5);
});

test('in a large mesh a request waits until a member is met that serves its model, and strangers are not believed', async () => {
  const { connected, asked, whereabouts } = world(FULL_MESH_MAX);
  await whereabouts.find('other');
  assert.deepEqual(connected, ['peer-1']);
  assert.deepEqual(asked, ['who has model/other', 'where is peer-1']);
  // The next request does not wait for the same.
  assert.equal(whereabouts.find('other'), undefined);
});

test('a request waits no longer than 1.5 s, and not at all for what this node serves itself', async () => {
  const { clock, whereabouts, state, connected } = world(FULL_MESH_MAX);
  assert.equal(whereabouts.find('m'), undefined);
  await turn();
  assert.deepEqual(connected, ['peer-1']);
  state.providers = [];
  const search = whereabouts.find('nowhere');
  assert.ok(search);
  clock.advance(1_500);
  await search;
});
