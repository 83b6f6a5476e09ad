// What the log remembers of its file, when a transaction is rolled back.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OriginTable } from '../../src/replication/origin-table.ts';
import { PeerKnowledge } from '../../src/replication/peer-knowledge.ts';
import { RangeTable } from '../../src/replication/range-table.ts';
import { VersionVector } from '../../src/replication/version-vector.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { openNode, STORE_MIGRATIONS } from './support/node.ts';

const RANGE = { origin: 'a', epoch: 7, first: 1, last: 3 };

function failing(database: ReturnType<typeof openDatabase>, action: () => void): void {
  const work = database.transaction(() => {
    action();
    throw new Error('no');
  });
  assert.throws(work, { message: 'no' });
}

test('a range that was rolled back is forgotten, and one that was committed is remembered', () => {
  const database = openDatabase(':memory:', STORE_MIGRATIONS);
  const known = new RangeTable(database, 'replication_known', new OriginTable(database));
  known.add(RANGE);
  assert.deepEqual([...known.vector().ranges()], [RANGE]);
  failing(database, () => {
    known.add({ ...RANGE, first: 4, last: 9 });
    assert.equal(known.vector().head('a', 7), 9);
  });
  assert.deepEqual([...known.vector().ranges()], [RANGE]);
  known.add({ ...RANGE, first: 4, last: 5 });
  assert.deepEqual([...known.vector().ranges()], [{ ...RANGE, last: 5 }]);
  known.remove({ origin: 'a', epoch: 7, seq: 2 });
  assert.deepEqual([...known.vector().ranges()], [...known.load().ranges()]);
});

test('a vector that somebody holds does not change under him', () => {
  const database = openDatabase(':memory:', STORE_MIGRATIONS);
  const known = new RangeTable(database, 'replication_known', new OriginTable(database));
  known.add(RANGE);
  const held = known.vector();
  known.add({ ...RANGE, first: 4, last: 9 });
  assert.equal(known.vector().head('a', 7), 9);
  assert.equal(held.head('a', 7), 3);
});

test('the number of an origin whose row was rolled back is another’s', () => {
  const database = openDatabase(':memory:', STORE_MIGRATIONS);
  const origins = new OriginTable(database);
  failing(database, () => assert.equal(origins.idOf('a'), origins.find('a')));
  assert.equal(origins.find('a'), undefined);
  const other = origins.idOf('b');
  assert.notEqual(origins.idOf('a'), other);
  assert.equal(origins.find('b'), other);
});

test('a stamp that was rolled back is not the last one, and a change that was rolled back waits for no signature', async () => {
  const { log, database } = openNode({ origin: 'a' });
  log.database.transaction(() => log.write('register', 'x', '{}'))();
  const [before, digest] = [log.lastHlc(0), log.digest()];
  await log.signPending(() => Promise.resolve(new Uint8Array(64)));
  assert.equal(log.hasUnsigned, false);
  failing(database, () => {
    log.write('register', 'y', '{}');
    assert.equal(log.hasUnsigned, true);
    assert.notEqual(log.digest(), digest);
  });
  assert.equal(log.hasUnsigned, false);
  assert.equal(log.lastHlc(0), before);
  assert.equal(log.digest(), digest);
});

test('what a peer told in a transaction that was rolled back is believed no more than the file says, and written when told again', () => {
  const database = openDatabase(':memory:', STORE_MIGRATIONS);
  const peers = new PeerKnowledge(database);
  const inFile = () => new PeerKnowledge(database).of('b');
  const [little, much] = [VersionVector.of([{ ...RANGE, last: 2 }]), VersionVector.of([RANGE])];
  peers.heard('b', little, 1_000);
  failing(database, () => {
    // Less than it had told, which is written at once.
    peers.heard('b', new VersionVector(), 2_000);
    peers.heard('b', much, 3_000);
    assert.deepEqual(peers.of('b'), { known: much, heardAt: 3_000 });
  });
  assert.deepEqual(peers.of('b'), { known: little, heardAt: 1_000 });
  assert.deepEqual(peers.of('b'), inFile());
  peers.heard('b', much, 4_000);
  assert.deepEqual(peers.of('b'), { known: much, heardAt: 4_000 });
  assert.deepEqual(peers.of('b'), inFile());
});
