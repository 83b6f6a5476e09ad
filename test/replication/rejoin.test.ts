import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digestOfRows } from '../../src/replication/audit.ts';
import { PullSession } from '../../src/replication/pull-session.ts';
import { DAY_MS, type Member, World } from './support/world.ts';

function worldOf(members: number, options: { pageBytesMax?: number; seed?: number } = {}): World {
  return new World({ seed: options.seed ?? 1, members, pageBytesMax: options.pageBytesMax ?? 60_000 });
}

function pair(world: World): [Member, Member] {
  const [first, second] = world.members;
  assert.ok(first && second);
  return [first, second];
}

test('three islands write and delete for a week; then they heal with equal rows, and deletes stay deleted', () => {
  const world = worldOf(3);
  const [a, b, c] = world.members as [Member, Member, Member];
  for (const member of world.members)
    for (let index = 0; index < 300; index += 1) member.node.put(`${member.origin}/${index}`, 0);
  assert.ok(world.settle());
  for (const [index, member] of world.members.entries()) member.island = index;
  const deleted = new Set<string>();
  for (let step = 0; step < 3_000; step += 1) {
    world.now += Math.floor((7 * DAY_MS) / 3_000);
    const member = world.pick(world.members);
    // Each island deletes its own rows, and edits anybody's but those.
    const isRemoval = step % 2 === 0;
    const own = `${member.origin}/${Math.floor(world.random.next() * 150)}`;
    const any = `${world.pick(world.members).origin}/${150 + Math.floor(world.random.next() * 150)}`;
    world.write(member, isRemoval ? own : any, isRemoval);
    if (isRemoval) deleted.add(own);
  }
  world.heal();
  assert.deepEqual(world.complaints(), []);
  assert.deepEqual(world.resurrected(), []);
  const rows = a.node.rows();
  assert.ok(deleted.size > 400);
  assert.deepEqual(
    [...deleted].filter((key) => key in rows),
    [],
  );
  assert.deepEqual(b.node.rows(), rows);
  assert.deepEqual(c.node.rows(), rows);
  assert.equal(world.audit(a, b) + world.audit(c, a), 0);
});

test('the bytes of healing are those of the difference, not of the store', () => {
  const bytesFor = (rows: number, edits: number): number => {
    const world = worldOf(2);
    const [a, b] = pair(world);
    for (let index = 0; index < rows; index += 1) a.node.put(`k${index}`, 'x'.repeat(100));
    assert.ok(world.settle());
    for (let index = 0; index < edits; index += 1) a.node.put(`k${index * 3}`, index);
    world.bytes = 0;
    assert.ok(world.sync(b, a));
    assert.equal(digestOfRows(a.node.log), digestOfRows(b.node.log));
    return world.bytes;
  };
  const small = bytesFor(500, 20);
  const large = bytesFor(5_000, 20);
  assert.ok(large < small * 1.2, `ten times the store took ${large} bytes instead of ${small}`);
  assert.ok(bytesFor(500, 100) < small * 6, 'five times the difference takes about five times the bytes');
});

test('a round between nodes that know the same takes less than a kilobyte', () => {
  const world = worldOf(2);
  const [a, b] = pair(world);
  for (let index = 0; index < 100; index += 1) world.write(a);
  assert.ok(world.settle());
  world.bytes = 0;
  assert.ok(world.sync(b, a));
  assert.ok(world.bytes < 200, `${world.bytes} bytes`);
});

test('a new node that is cut off ten times asks only for what is missing', () => {
  const whole = worldOf(1, { pageBytesMax: 2_000 });
  const [source] = whole.members as [Member];
  for (let index = 0; index < 1_000; index += 1) source.node.put(`k${index}`, 'x'.repeat(50));
  for (let index = 0; index < 100; index += 1) source.node.remove(`k${index * 7}`);
  const fresh = whole.join('fresh');
  assert.ok(whole.sync(fresh, source));
  const once = whole.bytes;
  const other = whole.join('other');
  whole.bytes = 0;
  for (let cut = 0; cut < 10; cut += 1) assert.equal(whole.sync(other, source, 5), false);
  assert.ok(whole.sync(other, source));
  assert.ok(whole.bytes < once * 1.3, `${whole.bytes} bytes instead of ${once}`);
  assert.deepEqual(other.node.rows(), source.node.rows());
  assert.equal(other.node.log.digest(), source.node.log.digest());
});

test('a tombstone goes when all active members have it and it is a week old, and not before', () => {
  const world = worldOf(3);
  const [a, b] = pair(world);
  world.write(a, 'k', false);
  world.write(a, 'k', true);
  assert.ok(world.sync(b, a));
  world.now += 8 * DAY_MS;
  assert.equal(world.collect(a), 0, 'nothing was heard of the others');
  assert.ok(world.settle());
  assert.equal(world.collect(a), 0, 'the others were heard before they had it');
  assert.ok(world.settle(1));
  for (const to of world.members) for (const from of world.members) if (to !== from) world.sync(to, from);
  assert.equal(world.collect(a), 1);
  assert.equal(a.node.log.changes.counts().rows, 0);
  world.write(b, 'young', true);
  assert.ok(world.settle());
  for (const to of world.members) for (const from of world.members) if (to !== from) world.sync(to, from);
  assert.equal(world.collect(b), 1, 'the young one stays');
});

test('a clock that is years ahead drops no tombstone; what it has dated goes when it is right again', () => {
  const world = worldOf(2);
  const [a, b] = pair(world);
  a.skewMs = 3_650 * DAY_MS;
  world.write(b, 'k', false);
  world.write(b, 'k', true);
  const talk = (): void => {
    for (let round = 0; round < 2; round += 1) {
      world.sync(a, b);
      world.sync(b, a);
    }
  };
  talk();
  assert.equal(world.collect(a), 0, 'by its own clock everybody is silent');
  a.skewMs = 0;
  world.now += 8 * DAY_MS;
  talk();
  assert.equal(world.collect(a), 1);
  assert.equal(world.collect(b), 1);
});

test('a node silent for a month stops blocking; it comes back without resurrecting, and what it wrote is kept', () => {
  const world = worldOf(3);
  const [a, b, away] = world.members as [Member, Member, Member];
  for (const key of ['stays', 'goes', 'edited']) world.write(a, key, false);
  assert.ok(world.settle());
  away.island = 1;
  away.node.put('unsent', 'kept');
  away.node.put('edited', 'there');
  for (const key of ['goes', 'edited']) world.write(a, key, true);
  const talk = (): void => {
    for (let round = 0; round < 2; round += 1)
      for (const [to, from] of [
        [a, b],
        [b, a],
      ] as const)
        world.sync(to, from);
  };
  talk();
  assert.equal(world.collect(a), 0, 'it blocks as long as it may come back any day');
  world.now += 31 * DAY_MS;
  talk();
  assert.equal(world.collect(a), 2);
  assert.equal(world.collect(b), 2);
  world.heal();
  const refused = new PullSession({ ...a.node, mayVouch: () => true }, away.name);
  refused.receive(
    {
      type: 'vector',
      known: away.node.log.vector(),
      collected: away.node.log.collected.load(),
      collectedHlc: '0000000000000000',
    },
    { now: world.now, meshNow: world.now },
  );
  assert.equal(refused.outcome, 'peer-is-behind', 'nobody takes anything from it before it came back');
  assert.deepEqual(world.complaints(), []);
  assert.deepEqual(Object.keys(a.node.rows()), ['edited', 'stays', 'unsent']);
  assert.equal(a.node.rows().edited, 'there', 'an edit that the deletion had not seen is not lost');
});

test('writes that a restored disk has lost come back from the peers, and it is flagged', () => {
  const world = worldOf(2);
  const [a, b] = pair(world);
  world.write(a, 'old', false);
  world.save(a);
  world.write(a, 'acknowledged', false);
  assert.ok(world.settle());
  world.restore(a);
  world.write(a, 'new', false);
  assert.ok(world.settle());
  assert.deepEqual(Object.keys(a.node.rows()), ['acknowledged', 'new', 'old']);
  assert.deepEqual(b.node.rows(), a.node.rows());
  assert.deepEqual(
    a.node.log.flags.list().map(({ name, subject, count }) => [name, subject, count]),
    [['disk-restored', 'n0', 1]],
  );
  assert.equal(a.node.log.vector().epochs('n0').length, 2, 'no number is used twice');
});

test('two nodes that run with one disk lose nothing of each other', () => {
  const world = worldOf(2);
  const [a, b] = pair(world);
  world.write(a, 'shared', false);
  const twin = world.clone(a);
  for (let index = 0; index < 10; index += 1) {
    world.write(a, `a${index}`, false);
    world.write(twin, `t${index}`, false);
  }
  assert.deepEqual(world.complaints(), []);
  assert.equal(Object.keys(b.node.rows()).length, 21);
  assert.ok([a, twin].every(({ node }) => node.log.flags.list().some(({ name }) => name === 'disk-restored')));
});

test('a copy of a running process leaves its epoch when a peer knows more of it than itself', () => {
  const world = worldOf(2);
  const [a, b] = pair(world);
  world.write(a, 'before', false);
  const epoch = a.node.log.runningEpoch;
  assert.ok(epoch);
  // What the other copy wrote in the same epoch.
  const theirs = a.node.log.changes.byKey('register', 'before')[0];
  assert.ok(theirs);
  const change = { ...theirs, signature: new Uint8Array(1), seq: 2, key: 'copy' };
  b.node.replica.merge([change], { now: world.now, meshNow: world.now });
  world.sync(a, b);
  world.write(a, 'after', false);
  assert.notEqual(a.node.log.runningEpoch, epoch);
  assert.deepEqual(world.complaints(), []);
  assert.deepEqual(Object.keys(b.node.rows()), ['after', 'before', 'copy']);
});

test('the audit finds rows that differ although vectors are equal, counts and heals them', () => {
  const world = worldOf(2);
  const [a, b] = pair(world);
  for (let index = 0; index < 600; index += 1) a.node.put(`k${String(index).padStart(3, '0')}`, index);
  assert.ok(world.settle());
  assert.equal(world.audit(b, a), 0);
  b.node.database.exec(
    `DELETE FROM replication_change WHERE key IN ('k007', 'k599'); DELETE FROM register WHERE key IN ('k007', 'k599')`,
  );
  assert.equal(world.audit(b, a), 2);
  assert.deepEqual(b.node.rows(), a.node.rows());
  assert.deepEqual(
    b.node.log.flags.list().map(({ name, count }) => [name, count]),
    [['audit-difference', 2]],
  );
  assert.equal(world.audit(b, a), 0);
});

test('one who may not vouch cannot hide the changes of others as superseded', () => {
  const world = worldOf(3);
  const [a, b, thief] = world.members as [Member, Member, Member];
  world.write(a, 'k', false);
  const epoch = a.node.log.epoch();
  const lie = { origin: a.origin, epoch, first: 1, last: 1_000_000 };
  thief.node.log.known.add(lie);
  thief.node.log.cleared.add(lie);
  const session = new PullSession({ ...b.node, mayVouch: (peer) => peer !== thief.name }, thief.name);
  session.receive(
    {
      type: 'vector',
      known: thief.node.log.vector(),
      collected: thief.node.log.collected.load(),
      collectedHlc: '0000000000000000',
    },
    { now: world.now, meshNow: world.now },
  );
  session.receive(
    { type: 'page', changes: [], cleared: thief.node.log.cleared.load(), isLast: true },
    { now: world.now, meshNow: world.now },
  );
  assert.ok(b.node.log.vector().isEmpty);
  world.sync(b, a);
  assert.deepEqual(b.node.rows(), a.node.rows());
});
