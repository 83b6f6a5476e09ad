// Who gets in, what strangers may do, and what is noticed when somebody leaves.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { identityFromSeed } from '../../../src/mesh/identity.ts';
import { LIMITS } from '../../../src/mesh/libp2p/limits.ts';
import { HttpFailure } from '../../../src/ports.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import {
  answer,
  connect,
  createTestTransport,
  startTransport,
  startTransports,
  type TestTransport,
  textOf,
  until,
} from '../../support/transports.ts';

const TIMEOUT = { timeout: 30_000 };
const never = new AbortController().signal;

test('a stranger is answered on the join protocol and sees no connection of a member', TIMEOUT, async (t) => {
  const [stranger, member] = await strangers(t, 2);
  assert.ok(stranger && member);
  member.onStranger = async ({ from, path, body }) => answer(`${from === stranger.peer} ${path} ${await textOf(body)}`);
  const proven = await stranger.transport.dial(member.transport.addresses(), undefined, never);
  assert.equal(proven, member.peer);
  const response = await stranger.transport.requestJoin(proven, {
    path: '/join',
    headers: {},
    body: Buffer.from('hi'),
  });
  assert.equal(await textOf(response.body), 'true /join hi');
  assert.deepEqual([stranger.connects, member.connects], [[], []]);
  assert.deepEqual(member.transport.connections(), []);
});

test('a stranger who takes us for a member gets no answer and is not heard', TIMEOUT, async (t) => {
  const [stranger, member] = await strangers(t, 2);
  assert.ok(stranger && member);
  stranger.members.add(member.peer);
  let isAsked = false;
  member.onRequest = async () => {
    isAsked = true;
    return answer('secret');
  };
  await stranger.transport.dial(member.transport.addresses(), member.peer, never);
  await assert.rejects(
    stranger.transport.request(member.peer, { path: '/chat', headers: {} }),
    (error) => error instanceof HttpFailure,
  );
  await stranger.transport.broadcast('changes', Buffer.from('forged'), 'everyone');
  assert.deepEqual([isAsked, member.broadcasts, member.connects], [false, [], []]);
});

test('a stranger that sends too much is cut off', TIMEOUT, async (t) => {
  const [stranger, member] = await strangers(t, 2);
  assert.ok(stranger && member);
  member.onStranger = async ({ body }) => answer(await textOf(body));
  const join = async (bytes: number): Promise<number> => {
    await stranger.transport.dial(member.transport.addresses(), member.peer, never);
    const request = { path: '/join', headers: {}, body: Buffer.alloc(bytes, 97) };
    const { status } = await stranger.transport.requestJoin(member.peer, request);
    stranger.transport.disconnect(member.peer);
    return status;
  };
  assert.equal(await join(LIMITS.strangerBodyBytesMax), 200);
  assert.equal(await join(LIMITS.strangerBodyBytesMax + 1), 413);
  await assert.rejects(join(10 * LIMITS.strangerConnectionBytesMax), HttpFailure);
});

test('a stranger may ask once for each connection', TIMEOUT, async (t) => {
  const [stranger, member] = await strangers(t, 2);
  assert.ok(stranger && member);
  await stranger.transport.dial(member.transport.addresses(), member.peer, never);
  const request = { path: '/join', headers: {} };
  const first = await stranger.transport.requestJoin(member.peer, request);
  assert.equal(await textOf(first.body), 'who are you?');
  const gate = Promise.withResolvers<void>();
  member.onStranger = async () => {
    await gate.promise;
    return answer('late');
  };
  const pending = stranger.transport.requestJoin(member.peer, request);
  await assert.rejects(stranger.transport.requestJoin(member.peer, request), HttpFailure);
  gate.resolve();
  assert.equal(await textOf((await pending).body), 'late');
});

test('a stranger may not stay', TIMEOUT, async (t) => {
  const clock = new ManualClock();
  const member = await createTestTransport(1, { clock });
  const stranger = await createTestTransport(2);
  await startTransport(t, member);
  await startTransport(t, stranger);
  await stranger.transport.dial(member.transport.addresses(), member.peer, never);
  await until(() => clock.timerCount > 0);
  clock.advance(LIMITS.strangerLifetimeMs);
  await until(() => clock.timerCount === 0);
  await assert.rejects(stranger.transport.requestJoin(member.peer, { path: '/join', headers: {} }), HttpFailure);
});

test('strangers of one host are few at a time, and members get in beside them', TIMEOUT, async (t) => {
  const [member, friend, ...others] = await strangers(t, LIMITS.strangersPerHostMax + 3);
  assert.ok(member && friend);
  member.members.add(friend.peer);
  friend.members.add(member.peer);
  const outcomes = await Promise.allSettled(
    others.map(async ({ transport }) => {
      // The dialling side takes the connection for open before the other side has refused it.
      await transport.dial(member.transport.addresses(), member.peer, never);
      await transport.requestJoin(member.peer, { path: '/join', headers: {} });
    }),
  );
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, LIMITS.strangersPerHostMax);
  await connect(friend, member);
  assert.deepEqual(
    member.connects.map(({ peer }) => peer),
    [friend.peer],
  );
});

test('after joining, the next dial makes a connection that carries everything', TIMEOUT, async (t) => {
  const [joining, member] = await strangers(t, 2);
  assert.ok(joining && member);
  await joining.transport.dial(member.transport.addresses(), member.peer, never);
  await joining.transport.requestJoin(member.peer, { path: '/join', headers: {} });
  joining.members.add(member.peer);
  member.members.add(joining.peer);
  await connect(joining, member);
  const response = await joining.transport.request(member.peer, { path: '/', headers: {} });
  assert.equal(await textOf(response.body), 'hello');
  assert.deepEqual([joining.disconnects, member.disconnects], [[], []]);
});

test('strangers that have become members go on with the connection they have', TIMEOUT, async (t) => {
  const clock = new ManualClock();
  const [a, b] = [await createTestTransport(1, { clock }), await createTestTransport(2, { clock })];
  for (const node of [a, b]) await startTransport(t, node);
  b.onStranger = async () => answer('welcome');
  b.onRequest = async ({ body }) => answer(String((await textOf(body)).length));
  assert.equal(a.transport.promote(b.peer), false);
  await a.transport.dial(b.transport.addresses(), b.peer, never);
  await a.transport.requestJoin(b.peer, { path: '/join', headers: {} });
  b.members.add(a.peer);
  a.members.add(b.peer);
  assert.equal(a.transport.promote(b.peer), true);
  // More than a stranger may send, and later than a stranger may stay.
  const body = Buffer.alloc(10 * LIMITS.strangerConnectionBytesMax);
  const response = await a.transport.request(b.peer, { path: '/bulk', headers: {}, body });
  assert.equal(await textOf(response.body), String(body.length));
  clock.advance(LIMITS.strangerLifetimeMs + 1);
  assert.deepEqual([a.connects.length, b.connects.length], [1, 1]);
  assert.deepEqual([a.transport.connections().length, b.transport.connections().length], [1, 1]);
  assert.deepEqual([a.disconnects, b.disconnects], [[], []]);
  // Gossip begins on it as well.
  while (a.broadcasts.length === 0) {
    await b.transport.broadcast('changes', Buffer.from('news'), 'neighbours');
    await pause(5);
  }
});

test('a connection that was promoted by one side alone carries nothing but the join protocol', TIMEOUT, async (t) => {
  const [stranger, member] = await strangers(t, 2);
  assert.ok(stranger && member);
  await stranger.transport.dial(member.transport.addresses(), member.peer, never);
  stranger.members.add(member.peer);
  assert.equal(stranger.transport.promote(member.peer), true);
  await assert.rejects(stranger.transport.request(member.peer, { path: '/chat', headers: {} }), HttpFailure);
  assert.deepEqual([member.connects, member.transport.connections()], [[], []]);
});

test('a request of a peer that is evicted meanwhile is refused', TIMEOUT, async (t) => {
  const [evicted, member] = await startTransports(t, 2);
  assert.ok(evicted && member);
  await connect(evicted, member);
  const before = await evicted.transport.request(member.peer, { path: '/', headers: {} });
  assert.equal(await textOf(before.body), 'hello');
  member.members.delete(evicted.peer);
  member.onRequest = () => assert.fail('an evicted member must not be heard');
  // 403 on a stream that was opened before the eviction, none at all on a new one.
  const after = await evicted.transport.request(member.peer, { path: '/', headers: {} }).catch((error) => error);
  assert.ok(after instanceof HttpFailure || after.status === 403);
  member.transport.disconnect(evicted.peer);
  await until(() => evicted.disconnects.length === 1);
  await evicted.transport.dial(member.transport.addresses(), member.peer, never);
  await assert.rejects(evicted.transport.request(member.peer, { path: '/', headers: {} }), HttpFailure);
});

test('a dial that meets another peer than the expected one fails', TIMEOUT, async (t) => {
  const [dialling, other, absent] = await startTransports(t, 3);
  assert.ok(dialling && other && absent);
  const addresses = other.transport.addresses().map((address) => address.replace(/\/p2p\/.*/, ''));
  await assert.rejects(dialling.transport.dial(addresses, absent.peer, never), /No connection/);
  assert.deepEqual(dialling.transport.connections(), []);
});

test('a dial passes addresses that lead nowhere', TIMEOUT, async (t) => {
  const [dialling, dialled] = await startTransports(t, 2);
  assert.ok(dialling && dialled);
  // 192.0.2.0/24 is for documentation: packets to it vanish.
  const addresses = ['/ip4/192.0.2.1/tcp/4001', 'nonsense', '/ip4/127.0.0.1/tcp/1', ...dialled.transport.addresses()];
  assert.equal(await dialling.transport.dial(addresses, dialled.peer, never), dialled.peer);
});

test('a dial that is given up fails with the reason', TIMEOUT, async (t) => {
  const [dialling, dialled] = await startTransports(t, 2);
  assert.ok(dialling && dialled);
  const abort = new AbortController();
  const dial = dialling.transport.dial(['/ip4/192.0.2.1/tcp/4001'], dialled.peer, abort.signal);
  abort.abort(new Error('No longer wanted'));
  await assert.rejects(dial, /No longer wanted/);
});

test('a node that is killed is noticed', TIMEOUT, async (t) => {
  const [observer] = await startTransports(t, 1);
  assert.ok(observer);
  const victim = identityFromSeed(new Uint8Array(32).fill(99)).peer;
  observer.members.add(victim);
  const script = join(import.meta.dirname, '../../support/transport-process.ts');
  const child = spawn(process.execPath, [script, JSON.stringify({ seed: 99, members: [observer.peer] })], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  const [line] = await once(createInterface(child.stdout), 'line');
  await observer.transport.dial(JSON.parse(line).addresses, victim, never);
  const killedAt = performance.now();
  child.kill('SIGKILL');
  await until(() => observer.disconnects.includes(victim));
  t.diagnostic(`noticed after ${Math.round(performance.now() - killedAt)} ms`);
  await assert.rejects(
    observer.transport.request(victim, { path: '/', headers: {} }),
    (error) => error instanceof HttpFailure && error.stage === 'connect',
  );
});

test('a flood of connections from one host disturbs no member', TIMEOUT, async (t) => {
  const [member, friend] = await startTransports(t, 2);
  assert.ok(member && friend);
  const port = Number(/tcp\/(\d+)/.exec(member.transport.addresses()[0] ?? '')?.[1]);
  const flood = Array.from({ length: 1_000 }, () => flooding(port));
  t.after(() => {
    for (const socket of flood) socket.destroy();
  });
  await connect(friend, member);
  for (let count = 0; count < 50; count += 1) {
    assert.equal(await greeting(friend, member), 'hello');
  }
  assert.deepEqual(member.disconnects, []);
});

test('with a shield, who lacks its key cannot connect', TIMEOUT, async (t) => {
  const shield = new Uint8Array(32).fill(7);
  const [dialling, dialled] = await startTransports(t, 2, { shield });
  const outsider = await createTestTransport(3);
  assert.ok(dialling && dialled);
  await startTransport(t, outsider);
  await connect(dialling, dialled);
  const { status } = await dialling.transport.request(dialled.peer, { path: '/', headers: {} });
  assert.equal(status, 200);
  const abort = AbortSignal.timeout(1_000);
  await assert.rejects(outsider.transport.dial(dialled.transport.addresses(), dialled.peer, abort));
});

test('what one node signs, others verify with nothing but its name', TIMEOUT, async (t) => {
  const [signing, verifying] = await startTransports(t, 2);
  assert.ok(signing && verifying);
  const message = Buffer.from('I was here');
  const signature = await signing.transport.sign(message);
  assert.equal(await verifying.transport.verify(signing.peer, message, signature), true);
  assert.equal(await verifying.transport.verify(verifying.peer, message, signature), false);
  assert.equal(await verifying.transport.verify(signing.peer, Buffer.from('I was there'), signature), false);
});

/** Started; nobody is a member of anything. */
async function strangers(t: TestContext, count: number): Promise<readonly TestTransport[]> {
  const nodes = await startTransports(t, count);
  for (const node of nodes) node.members.clear();
  return nodes;
}

async function greeting(from: TestTransport, to: TestTransport): Promise<string> {
  const { body } = await from.transport.request(to.peer, { path: '/', headers: {} });
  return textOf(body);
}

/** Says nothing, as attackers do that want to use up what is pending. */
function flooding(port: number): Socket {
  const socket = connectTcp({ port, host: '127.0.0.1', localAddress: '127.0.0.2' });
  socket.on('error', () => socket.destroy());
  return socket;
}
