// The directory as it really is: three nodes, of which one stands between two that have no beacon of each other.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { DialPlan, FULL_MESH_MAX } from '../../src/mesh/dial-plan.ts';
import { Whereabouts } from '../../src/mesh/whereabouts.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { connect, silentLogger, startTransports, type TestTransport, until } from '../support/transports.ts';

const TIMEOUT = { timeout: 60_000 };
const ABSENT = Array.from({ length: FULL_MESH_MAX }, (_, index) => `absent-${index}`);

/** What a node with this transport looks for, and how it dials what it finds. */
function seeker({ transport }: TestTransport, members: readonly string[], ownModels: readonly string[]) {
  const plan = new DialPlan(transport.peer, seededRandom(1));
  const isConnected = (peer: string): boolean => transport.connections().some((connection) => connection.peer === peer);
  const whereabouts = new Whereabouts({
    transport,
    clock: systemClock,
    logger: silentLogger,
    plan,
    members: () => members,
    isConnected,
    ownModels: () => ownModels,
    connect: async (peer) => {
      await transport.dial(plan.addressesOf(peer), peer, AbortSignal.timeout(5_000));
    },
  });
  return { plan, whereabouts, isConnected };
}

/** One that asks, one in the middle, and one that only the middle knows. */
async function chain(context: TestContext): Promise<readonly [TestTransport, TestTransport, TestTransport]> {
  const [asking, middle, hidden] = await startTransports(context, 3);
  assert.ok(asking && middle && hidden);
  await connect(asking, middle);
  await connect(hidden, middle);
  return [asking, middle, hidden];
}

test('a member of which no beacon was heard is found through one that knows it', TIMEOUT, async (context) => {
  const [asking, middle, hidden] = await chain(context);
  const { plan, whereabouts, isConnected } = seeker(asking, [middle.peer, hidden.peer], []);
  plan.hint(hidden.peer, [], true, systemClock.elapsed());
  assert.deepEqual(plan.unreached(), [hidden.peer]);
  const looking = systemClock.every(50, () => whereabouts.look());
  context.after(() => looking.cancel());
  await until(() => plan.addressesOf(hidden.peer).length > 0);
  assert.deepEqual(plan.unreached(), []);
  await asking.transport.dial(plan.addressesOf(hidden.peer), hidden.peer, AbortSignal.timeout(5_000));
  assert.equal(isConnected(hidden.peer), true);
});

test(
  'in a large mesh the member that serves a model is found and met, also without an address',
  TIMEOUT,
  async (context) => {
    const [asking, middle, hidden] = await chain(context);
    const serving = seeker(hidden, [asking.peer, middle.peer, ...ABSENT], ['only-here']);
    serving.whereabouts.look();
    const { plan, whereabouts, isConnected } = seeker(asking, [middle.peer, hidden.peer, ...ABSENT], []);
    // What it serves reaches the middle a moment after it was said.
    const signal = AbortSignal.timeout(20_000);
    const providers = () => asking.transport.findProviders('model/only-here', signal);
    while ((await providers()).length === 0) signal.throwIfAborted();
    assert.deepEqual(await providers(), [hidden.peer]);
    assert.deepEqual(plan.addressesOf(hidden.peer), []);
    await whereabouts.find('only-here');
    assert.equal(isConnected(hidden.peer), true);
  },
);
