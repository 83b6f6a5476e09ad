import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digestOfRows } from '../../src/replication/audit.ts';
import type { Change } from '../../src/replication/change.ts';
import { hlcOf } from '../../src/replication/hlc.ts';
import { joinCounters } from '../../src/replication/kinds/usage-shard.ts';
import { ReplicaFullError } from '../../src/replication/replica.ts';
import { fc } from '../support/property.ts';
import {
  brokenKnowledge,
  heldBy,
  openNode,
  REGISTER,
  SHARD,
  signAll,
  signature,
  type TestNode,
} from './support/node.ts';

const NOW = 1_800_000_000_000;
const TIME = { now: NOW, meshNow: NOW };

/** Changes as a mesh might have written them: ties of stamps, tombstones, edits of what was seen and of what was not. */
const changes = fc
  .array(
    fc.record({
      origin: fc.constantFrom('a', 'b', 'c'),
      tick: fc.integer({ min: 0, max: 5 }),
      key: fc.constantFrom('x', 'y', 'z'),
      value: fc.option(fc.integer({ min: 0, max: 9 }), { nil: null }),
      isShard: fc.boolean(),
      sees: fc.boolean(),
    }),
    { minLength: 1, maxLength: 14 },
  )
  .map((drafts) => {
    const heads = new Map<string, number>();
    const made: Change[] = [];
    for (const { origin, tick, key, value, isShard, sees } of drafts) {
      const seq = (heads.get(origin) ?? 0) + 1;
      heads.set(origin, seq);
      const kind = isShard ? 'usage-shard' : 'register';
      const seen = made.filter((other) => sees && other.kind === kind && other.key === key).at(-1);
      made.push({
        origin,
        epoch: 1,
        seq,
        hlc:
          seen && seen.hlc >= hlcOf(NOW + tick)
            ? `${seen.hlc.slice(0, 12)}${(Number.parseInt(seen.hlc.slice(12), 16) + 1).toString(16).padStart(4, '0')}`
            : hlcOf(NOW + tick),
        kind,
        key,
        base: seen ? [{ origin: seen.origin, epoch: 1, seq: seen.seq }] : [],
        body: isShard
          ? JSON.stringify({ a: value ?? 0, [key]: tick })
          : value === null
            ? null
            : JSON.stringify({ value }),
        signature: signature(origin),
      });
    }
    return made;
  });

const fates = fc.array(fc.tuple(fc.nat(), fc.boolean()), { minLength: 30, maxLength: 30 });

function stateOf(node: TestNode): unknown {
  return { known: node.log.digest(), live: digestOfRows(node.log), rows: node.rows(), shards: node.shards() };
}

function withNode<T>(action: (node: TestNode) => T): T {
  const node = openNode({ origin: 'me' });
  try {
    return action(node);
  } finally {
    node.database.close();
  }
}

function merged(parts: readonly (readonly Change[])[]): unknown {
  return withNode((node) => {
    for (const part of parts) node.replica.merge(part, TIME);
    assert.deepEqual(brokenKnowledge(node), []);
    return stateOf(node);
  });
}

test('merging is commutative: any order of arrival leaves the same rows', () => {
  fc.assert(
    fc.property(changes, fates, (list, order) => {
      const shuffled = list
        .map((change, index) => ({ change, at: order[index]?.[0] ?? 0 }))
        .sort((a, b) => a.at - b.at);
      assert.deepEqual(merged([shuffled.map(({ change }) => change)]), merged([list]));
    }),
    { numRuns: 60 },
  );
});

test('merging is associative: any grouping leaves the same rows', () => {
  fc.assert(
    fc.property(changes, fates, (list, cuts) => {
      const parts: Change[][] = [[]];
      for (const [index, change] of list.entries()) {
        if (cuts[index]?.[1]) parts.push([]);
        parts.at(-1)?.push(change);
      }
      assert.deepEqual(merged(parts), merged([list]));
    }),
    { numRuns: 60 },
  );
});

test('merging is idempotent: what comes again changes nothing', () => {
  fc.assert(
    fc.property(changes, (list) => {
      withNode((node) => {
        node.replica.merge(list, TIME);
        const before = stateOf(node);
        const again = node.replica.merge([...list, ...list], TIME);
        assert.equal(again.repeated, 2 * list.length);
        assert.deepEqual(stateOf(node), before);
      });
    }),
    { numRuns: 60 },
  );
});

test('the join of usage counters is commutative, associative and idempotent', () => {
  const counters = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.nat(9));
  const equal = (left: object, right: object): void => assert.deepEqual({ ...left }, { ...right });
  fc.assert(
    fc.property(counters, counters, counters, (a, b, c) => {
      equal(joinCounters(a, b), joinCounters(b, a));
      equal(joinCounters(a, joinCounters(b, c)), joinCounters(joinCounters(a, b), c));
      equal(joinCounters(a, a), a);
    }),
  );
});

test('of two writes with one stamp the higher origin wins, wherever they meet first', () => {
  const [a, b] = ['a', 'b'].map((origin) => ({
    origin,
    epoch: 1,
    seq: 1,
    hlc: hlcOf(NOW),
    kind: 'register',
    key: 'x',
    base: [],
    body: JSON.stringify({ value: origin }),
    signature: signature(origin),
  }));
  assert.ok(a && b);
  for (const order of [
    [a, b],
    [b, a],
  ]) {
    withNode((node) => {
      const result = node.replica.merge(order, TIME);
      assert.deepEqual(node.rows(), { x: 'b' });
      assert.equal(result.conflicts, 1);
      assert.deepEqual(
        node.log.conflicts.list().map(({ origin, body, winnerOrigin }) => [origin, body, winnerOrigin]),
        [['a', '{"value":"a"}', 'b']],
      );
    });
  }
});

test('an edit of what was seen is no conflict and wins, although its writer’s clock is ten years behind', () => {
  const writer = openNode({ origin: 'w' });
  const editor = openNode({ origin: 'e', now: () => NOW - 315_360_000_000, meshNow: () => NOW });
  writer.put('x', 'first');
  signAll(writer);
  editor.replica.merge(heldBy(writer), TIME);
  editor.put('x', 'second');
  signAll(editor);
  assert.equal(writer.replica.merge(heldBy(editor), TIME).conflicts, 0);
  assert.deepEqual(writer.rows(), { x: 'second' });
  editor.remove('x');
  signAll(editor);
  writer.replica.merge(heldBy(editor), TIME);
  assert.deepEqual([writer.rows(), writer.log.conflicts.count], [{}, 0]);
  for (const { database } of [writer, editor]) database.close();
});

test('an edit of an edit is no conflict either, also when the one between was never seen', () => {
  const nodes = ['a', 'b', 'c'].map((origin) => openNode({ origin }));
  const [a, b, c] = nodes as [TestNode, TestNode, TestNode];
  a.put('x', 1);
  signAll(a);
  b.replica.merge(heldBy(a), TIME);
  b.put('x', 2);
  signAll(b);
  c.replica.merge(heldBy(b), TIME);
  c.put('x', 3);
  signAll(c);
  assert.equal(a.replica.merge(heldBy(c), TIME).conflicts, 0);
  for (const { database } of nodes) database.close();
});

test('the conflict table keeps the newest and never more than its limit', () => {
  const node = openNode({ origin: 'me', conflictsMax: 5 });
  for (let index = 1; index <= 20; index += 1) {
    node.replica.merge(
      ['a', 'b'].map((origin) => ({
        origin,
        epoch: 1,
        seq: index,
        hlc: hlcOf(NOW + index),
        kind: 'register',
        key: `k${index}`,
        base: [],
        body: JSON.stringify({ value: `${origin}${index}` }),
        signature: signature(origin),
      })),
      TIME,
    );
  }
  assert.deepEqual(
    node.log.conflicts.list().map(({ key }) => key),
    ['k20', 'k19', 'k18', 'k17', 'k16'],
  );
  node.database.close();
});

test('a change stamped far ahead is kept, flagged, and does not move our clock', () => {
  const node = openNode({ origin: 'me' });
  const far = {
    origin: 'pi',
    epoch: 1,
    seq: 1,
    hlc: hlcOf(NOW + 315_360_000_000),
    kind: 'register',
    key: 'x',
    base: [],
  };
  node.replica.merge([{ ...far, body: '{"value":1}', signature: signature('pi') }], TIME);
  assert.deepEqual(node.rows(), { x: 1 });
  assert.deepEqual(
    node.log.flags.list().map(({ name, subject, count }) => [name, subject, count]),
    [['clock-ahead', 'pi', 1]],
  );
  node.put('y', 2);
  assert.equal(node.log.changes.byKey('register', 'y')[0]?.hlc, hlcOf(NOW));
  node.put('x', 3);
  assert.equal(node.log.changes.byKey('register', 'x')[0]?.hlc, hlcOf(NOW + 315_360_000_000, 1));
  node.database.close();
});

test('what an origin may not write is known and not held; what cannot be judged yet stays unknown', () => {
  const rights: Record<string, boolean | undefined> = { thief: false, member: true };
  const node = openNode({ origin: 'me', mayWrite: (origin) => rights[origin] });
  const from = (origin: string): Change => ({
    origin,
    epoch: 1,
    seq: 1,
    hlc: hlcOf(NOW),
    kind: 'register',
    key: origin,
    base: [],
    body: '{"value":1}',
    signature: signature(origin),
  });
  const all = ['thief', 'member', 'stranger'].map(from);
  const { applied, refused, deferred } = node.replica.merge(all, TIME);
  assert.deepEqual({ applied, refused, deferred }, { applied: 1, refused: 1, deferred: 1 });
  assert.deepEqual(node.rows(), { member: 1 });
  assert.deepEqual(node.log.vector().origins(), ['member', 'thief']);
  rights.stranger = true;
  node.replica.merge(all, TIME);
  assert.deepEqual(node.rows(), { member: 1, stranger: 1 });
  rights.member = false;
  assert.equal(node.replica.dropForbidden(NOW), 1);
  assert.deepEqual(node.rows(), { stranger: 1 });
  assert.deepEqual(brokenKnowledge(node), []);
  node.database.close();
});

test('kinds and bodies of a newer version wait, are passed on, and are applied after the upgrade', () => {
  const newer = openNode({ origin: 'new' });
  const older = openNode({ origin: 'old', kinds: [{ ...REGISTER, isValid: (_key, body) => body.value !== 'novel' }] });
  newer.put('plain', 1);
  newer.put('x', 'novel');
  newer.count('new/day', { tokens: 3 });
  signAll(newer);
  const result = older.replica.merge(heldBy(newer), TIME);
  assert.deepEqual([result.applied, result.parked], [3, 2]);
  assert.deepEqual([older.rows(), older.shards()], [{ plain: 1 }, {}]);
  assert.equal(heldBy(older).length, 3);
  const upgraded = openNode({ origin: 'old', database: older.database, kinds: [REGISTER, SHARD] });
  assert.deepEqual([upgraded.rows(), upgraded.shards()], [{ plain: 1, x: 'novel' }, { 'new/day': { tokens: 3 } }]);
  assert.equal(upgraded.log.changes.counts().parked, 0);
  assert.deepEqual(brokenKnowledge(upgraded), []);
  for (const { database } of [newer, older]) database.close();
});

test('two versions of a kind that nobody here knows are both kept, for its own rule to decide', () => {
  const newer = openNode({ origin: 'new' });
  const twin = openNode({ origin: 'twin', seed: 2 });
  newer.count('day', { tokens: 3 });
  twin.count('day', { requests: 4 });
  for (const node of [newer, twin]) signAll(node);
  const older = openNode({ origin: 'old', kinds: [REGISTER] });
  older.replica.merge([...heldBy(newer), ...heldBy(twin)], TIME);
  assert.equal(heldBy(older).length, 2);
  const upgraded = openNode({ origin: 'old', database: older.database });
  assert.deepEqual(upgraded.shards(), { day: { requests: 4, tokens: 3 } });
  for (const { database } of [newer, twin, older]) database.close();
});

test('a merge that breaks at any statement leaves everything as it was, and works when tried again', () => {
  const writer = openNode({ origin: 'w' });
  for (let index = 0; index < 6; index += 1) writer.put(`k${index % 4}`, index);
  writer.remove('k0');
  writer.count('w/day', { tokens: 5 });
  signAll(writer);
  const all = heldBy(writer);
  const expected = merged([all]);
  let survived = 0;
  for (let failAt = 1; failAt < 500 && survived === 0; failAt += 1) {
    const node = openNode({ origin: 'me' });
    const before = stateOf(node);
    let left = failAt;
    // Every change of a row asks this function, and the one whose turn it is breaks.
    node.database.function('tick', { deterministic: false }, () => {
      left -= 1;
      if (left === 0) throw new Error('cut');
      return 0;
    });
    for (const table of [
      'register',
      'shard',
      'replication_change',
      'replication_known',
      'replication_origin',
      'replication_state',
    ]) {
      for (const event of ['INSERT', 'UPDATE', 'DELETE']) {
        node.database.exec(
          `CREATE TEMP TRIGGER ${table}_${event} AFTER ${event} ON main.${table} BEGIN SELECT tick(); END`,
        );
      }
    }
    try {
      node.replica.merge(all, TIME);
      survived = failAt;
    } catch (error) {
      assert.match(String(error), /cut/);
      assert.deepEqual(stateOf(node), before);
      node.replica.merge(all, TIME);
    }
    assert.deepEqual(stateOf(node), expected);
    assert.deepEqual(brokenKnowledge(node), []);
    node.database.close();
  }
  assert.ok(survived > 10, `there were ${survived - 1} places to break at`);
  writer.database.close();
});

test('a full disk is told in one sentence, takes nothing, and catches up when there is space', () => {
  const writer = openNode({ origin: 'w' });
  for (let index = 0; index < 200; index += 1) writer.put(`k${index}`, 'x'.repeat(1_000));
  signAll(writer);
  const node = openNode({ origin: 'me' });
  node.put('mine', 1);
  const before = stateOf(node);
  const pages = Number(node.database.pragma('page_count', { simple: true }));
  node.database.pragma(`max_page_count = ${pages + 10}`);
  assert.throws(
    () => node.replica.merge(heldBy(writer), TIME),
    (error) =>
      error instanceof ReplicaFullError && /^The disk is full: the log test takes no changes/.test(error.message),
  );
  assert.deepEqual(stateOf(node), before);
  assert.deepEqual(node.rows(), { mine: 1 });
  node.database.pragma('max_page_count = 100000');
  assert.equal(node.replica.merge(heldBy(writer), TIME).applied, 200);
  assert.equal(Object.keys(node.rows()).length, 201);
  for (const { database } of [writer, node]) database.close();
});
