// Small messages to everyone, and the directory of who is where.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LIMITS } from '../../../src/mesh/libp2p/limits.ts';
import { connect, startTransports, type TestTransport, until } from '../../support/transports.ts';

const TIMEOUT = { timeout: 30_000 };

test('a broadcast reaches every member, also those its origin has no connection with', TIMEOUT, async (t) => {
  const nodes = await startTransports(t, 5);
  const [first, ...others] = nodes;
  assert.ok(first);
  // A line: 1 – 2 – 3 – 4 – 5.
  for (const [index, node] of nodes.entries()) {
    const next = nodes[index + 1];
    if (next) await connect(node, next);
  }
  await heard(first, others, 'changes');
  for (const { broadcasts } of others) {
    assert.deepEqual(
      broadcasts.filter(({ text }) => text !== 'are you there?'),
      [{ topic: 'changes', from: first.peer, text: 'the message' }],
    );
  }
});

test('what a non-member says is neither told nor passed on', TIMEOUT, async (t) => {
  const [evicted, carrier, far] = await startTransports(t, 3);
  assert.ok(evicted && carrier && far);
  await connect(evicted, carrier);
  await connect(carrier, far);
  await heard(evicted, [carrier, far], 'changes');
  carrier.members.delete(evicted.peer);
  await evicted.transport.broadcast('changes', Buffer.from('after the eviction'), 'everyone');
  await carrier.transport.broadcast('changes', Buffer.from('from the carrier'), 'everyone');
  await until(() => far.broadcasts.some(({ text }) => text === 'from the carrier'));
  assert.equal(
    [...far.broadcasts, ...carrier.broadcasts].some(({ text }) => text === 'after the eviction'),
    false,
  );
});

test(
  'a broadcast for neighbours goes to those who are connected with its origin, and no further',
  TIMEOUT,
  async (t) => {
    const [first, middle, far] = await startTransports(t, 3);
    assert.ok(first && middle && far);
    await connect(first, middle);
    await connect(middle, far);
    await heard(first, [middle, far], 'changes');
    await first.transport.broadcast('changes', Buffer.from('for neighbours'), 'neighbours');
    await until(() => middle.broadcasts.some(({ text }) => text === 'for neighbours'));
    // Long after it would have been passed on.
    await new Promise((resolve) => setTimeout(resolve, LIMITS.gossipPassOnMs * 4));
    await heard(first, [middle, far], 'changes');
    assert.equal(
      far.broadcasts.some(({ text }) => text === 'for neighbours'),
      false,
    );
  },
);

test('a broadcast that is too large is refused where it begins', TIMEOUT, async (t) => {
  const [node] = await startTransports(t, 1);
  assert.ok(node);
  await node.transport.broadcast('changes', Buffer.alloc(LIMITS.broadcastBytesMax), 'everyone');
  const tooLong = Buffer.alloc(LIMITS.broadcastBytesMax + 1);
  await assert.rejects(node.transport.broadcast('changes', tooLong, 'everyone'), RangeError);
});

test('the directory finds peers and providers that are not connected', TIMEOUT, async (t) => {
  const [asking, middle, serving] = await startTransports(t, 3);
  assert.ok(asking && middle && serving);
  await connect(asking, middle);
  await connect(serving, middle);
  const signal = AbortSignal.timeout(20_000);
  await serving.transport.provide('model:qwen3', signal);
  assert.deepEqual(await asking.transport.findProviders('model:qwen3', signal), [serving.peer]);
  assert.deepEqual(await asking.transport.findProviders('model:unknown', signal), []);
  const addresses = await asking.transport.findPeer(serving.peer, signal);
  const [listening] = serving.transport.addresses();
  assert.ok(addresses.some((address) => listening?.startsWith(address)));
});

/** Gossip needs a moment until everyone knows who listens: repeats a question until all hear it, then sends the message. */
async function heard(from: TestTransport, to: readonly TestTransport[], topic: string): Promise<void> {
  const hasHeard = (text: string) => (node: TestTransport) => node.broadcasts.some((each) => each.text === text);
  while (!to.every(hasHeard('are you there?'))) {
    await from.transport.broadcast(topic, Buffer.from('are you there?'), 'everyone');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await from.transport.broadcast(topic, Buffer.from('the message'), 'everyone');
  await until(() => to.every(hasHeard('the message')));
}
