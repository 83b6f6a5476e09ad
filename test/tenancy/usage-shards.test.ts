// Usage shards in real files, with real change logs between the nodes.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { GatewayError } from '../../src/errors.ts';
import { openCopy } from '../../src/storage/database.ts';
import { settledEntry } from '../../src/tenancy/ledger-row.ts';
import { usageReport } from '../../src/tenancy/usage-report.ts';
import { UsageShards } from '../../src/tenancy/usage-shards.ts';
import { accountingNode } from '../support/accounting-node.ts';
import { ManualClock } from '../support/manual-clock.ts';

/** 2027-01-15, 08:00 UTC. */
const START = 1_800_000_000_000;
const DAY_MS = 86_400_000;

describe('usage of a mesh', () => {
  test('is the same on every node that knows the same, by tenant, key, model, day and node', async () => {
    const clock = new ManualClock(START);
    const nodes = ['n1', 'n2', 'n3'].map((node) => accountingNode({ node, clock }));
    const [first, second, third] = nodes as [(typeof nodes)[0], (typeof nodes)[0], (typeof nodes)[0]];
    first.use({ inputTokens: 10, cost: 0.5 });
    first.use({ inputTokens: 5, model: 'other' });
    second.use({ inputTokens: 100, keyId: 'k2' });
    clock.advance(DAY_MS);
    third.use({ inputTokens: 1_000, tenant: 'globex' });
    second.use({ inputTokens: 7, status: 'forwarded' });
    for (const from of nodes) for (const to of nodes) if (from !== to) from.tell(to);
    for (const node of nodes) {
      assert.deepEqual(await node.report({ by: ['tenant', 'key', 'model', 'day', 'node'] }), {
        'acme k m 2027-01-15 n1': 10,
        'acme k other 2027-01-15 n1': 5,
        'acme k2 m 2027-01-15 n2': 100,
        'globex k m 2027-01-16 n3': 1_000,
      });
      assert.deepEqual(await node.report({ by: ['month'] }), { '2027-01': 1_115 });
      assert.deepEqual(await node.report({ by: ['day'], since: START + DAY_MS }), { '2027-01-16': 1_000 });
      assert.deepEqual(
        await node.report({ by: ['tenant'], until: START }),
        { acme: 115 },
        'a day that has begun is in whole',
      );
      assert.deepEqual(await node.report({ by: [], keyId: 'k2' }), { '': 100 });
    }
  });

  test('has the very sums of the ledger', async () => {
    const clock = new ManualClock(START);
    const { use, ledger, database } = accountingNode({ node: 'n1', clock });
    for (const status of ['done', 'error', 'aborted', 'cached', 'forwarded'] as const) {
      use({ inputTokens: 3, status, ...(status === 'done' && { cost: 0.25 }) });
    }
    ledger.flush();
    for (const by of [[], ['tenant', 'model'], ['key', 'day']] as const) {
      assert.deepEqual(await usageReport(database, { by, scope: 'mesh' }), await usageReport(database, { by }));
    }
  });

  test('counts nothing twice, however often and in whatever order it is told', async () => {
    const clock = new ManualClock(START);
    const first = accountingNode({ node: 'n1', clock });
    const second = accountingNode({ node: 'n2', clock });
    for (let round = 0; round < 3; round += 1) {
      first.use({ inputTokens: 10 });
      first.tell(second);
      second.tell(first);
      first.tell(second);
    }
    assert.deepEqual(await second.report({ by: ['node'] }), { n1: 30 });
    assert.deepEqual(await first.report({ by: ['node'] }), { n1: 30 });
  });

  test('of a member that was evicted goes everywhere, however much of it each node had heard', async () => {
    const clock = new ManualClock(START);
    const evicted = new Set<string>();
    const [stolen, first, second] = ['n1', 'n2', 'n3'].map((node) => accountingNode({ node, clock, evicted })) as [
      ReturnType<typeof accountingNode>,
      ReturnType<typeof accountingNode>,
      ReturnType<typeof accountingNode>,
    ];
    first.use({ inputTokens: 1 });
    stolen.use({ inputTokens: 10 });
    stolen.tell(first);
    stolen.use({ inputTokens: 10 });
    stolen.tell(second);
    first.tell(second);
    evicted.add('n1');
    for (const node of [first, second]) {
      node.replica.dropForbidden(clock.now());
      assert.deepEqual(await node.report({ by: ['node'] }), { n2: 1 });
    }
  });

  test('keeps what a restored node had told before, and adds what it uses after', async () => {
    const clock = new ManualClock(START);
    const other = accountingNode({ node: 'n2', clock });
    const before = accountingNode({ node: 'n1', clock, epoch: 'e1' });
    before.use({ inputTokens: 10 });
    before.ledger.flush();
    const backup = before.database.serialize();
    before.use({ inputTokens: 40 });
    before.tell(other);
    const restored = accountingNode({ node: 'n1', clock, epoch: 'e2', database: openCopy(backup) });
    restored.use({ inputTokens: 5 });
    restored.tell(other);
    other.tell(restored);
    assert.deepEqual(await other.report({ by: ['node'] }), { n1: 55 });
    assert.deepEqual(await restored.report({ by: ['node'] }), { n1: 55 });
  });

  test('has what was used before the mesh, once it is in one', async () => {
    const clock = new ManualClock(START);
    const alone = accountingNode({ node: undefined, clock });
    alone.use({ inputTokens: 10 });
    alone.use({ inputTokens: 7, status: 'forwarded' });
    alone.ledger.flush();
    await assert.rejects(alone.report({ by: ['node'] }), {
      code: 'bad_request',
      message: 'This node has never been in a mesh: there is only its own usage.',
    });
    assert.deepEqual(alone.database.prepare('SELECT * FROM usage_shard').all(), [], 'nothing is kept for others yet');
    const joined = accountingNode({ node: 'n1', clock, epoch: 'e2', database: alone.database });
    assert.equal(joined.log.adoptRows(), 1);
    joined.use({ inputTokens: 3 });
    const again = accountingNode({ node: 'n1', clock, epoch: 'e3', database: alone.database });
    assert.deepEqual(await again.report({ by: ['node'] }), { n1: 10 }, 'the ledger is summed up once');
    const other = accountingNode({ node: 'n2', clock });
    joined.tell(other);
    assert.deepEqual(await other.report({ by: ['node'] }), { n1: 13 });
  });

  test('a node that may not write for others keeps its own ledger and is told why', async () => {
    const clock = new ManualClock(START);
    const told: unknown[] = [];
    const { database } = accountingNode({ node: 'n1', clock });
    const refuse = (): never => {
      throw new GatewayError('forbidden', 'no');
    };
    const shards = new UsageShards({
      database,
      node: 'n1',
      epoch: 'e',
      changes: { put: refuse, remove: refuse },
      onFailure: (error) => void told.push(error),
    });
    shards.add([settledEntry([1, 'r', 0, 't', null, null, 'o', null, 'm', 'done'])]);
    assert.equal(told.length, 1);
    assert.equal((await usageReport(database, { by: [], scope: 'mesh' }))[0]?.requests, 1);
  });

  test('a disk that takes nothing leaves the time that was kept, and is told', () => {
    const clock = new ManualClock(START);
    const told: unknown[] = [];
    const { database } = accountingNode({ node: 'n1', clock });
    const changes = { put: () => undefined, remove: () => undefined };
    const shards = new UsageShards({
      database,
      node: 'n1',
      epoch: 'e',
      changes,
      onFailure: (error) => told.push(error),
    });
    shards.keepKnownUntil(1_000);
    database.pragma('query_only = ON');
    shards.keepKnownUntil(2_000);
    assert.deepEqual([shards.knownUntil(), told.length], [1_000, 1]);
    database.pragma('query_only = OFF');
    shards.keepKnownUntil(3_000);
    assert.deepEqual([shards.knownUntil(), told.length], [3_000, 1]);
  });

  test('names of models that clients make up endlessly long fit into a key', async () => {
    const clock = new ManualClock(START);
    const { use, ledger, report } = accountingNode({ node: 'n'.repeat(60), clock });
    use({ inputTokens: 1, model: '\u0001'.repeat(5_000), tenant: 't'.repeat(64), keyId: 'k'.repeat(64) });
    ledger.flush();
    assert.deepEqual(Object.keys(await report({ by: ['model'] })), ['\u0001'.repeat(120)]);
  });
});
