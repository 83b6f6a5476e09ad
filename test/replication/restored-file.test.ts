// A file that was restored from a backup: its node goes on without ever using a number of a change again.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { forgetOrigin, originOf, rememberOrigin } from '../../src/replication/file-origin.ts';
import { openDatabase, snapshotOf } from '../../src/storage/database.ts';
import { brokenKnowledge, heldBy, openNode, STORE_MIGRATIONS, signAll } from './support/node.ts';

const TIME = { now: 1_800_000_100_000, meshNow: 1_800_000_100_000 };

async function copyOf(run: (file: string, copy: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'flowmesh-restored-'));
  try {
    await run(join(directory, 'a.db'), join(directory, 'b.db'));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function save(file: string, copy: string): Promise<void> {
  const snapshot = snapshotOf(file);
  await snapshot.copyTo(copy);
  snapshot.close();
}

test('what it writes has numbers that nobody has seen, and what it had sent before comes back', () =>
  copyOf(async (file, copy) => {
    const node = openNode({ origin: 'n', database: openDatabase(file, STORE_MIGRATIONS), seed: 1 });
    const other = openNode({ origin: 'other' });
    node.put('before', 1);
    signAll(node);
    await save(file, copy);
    node.put('after', 2);
    signAll(node);
    other.replica.merge(heldBy(node), TIME);
    const restored = openNode({
      origin: 'n',
      database: openDatabase(copy, STORE_MIGRATIONS),
      now: () => TIME.now,
      seed: 2,
    });
    restored.put('anew', 3);
    signAll(restored);
    const used = other.log.vector();
    const [written] = heldBy(restored).filter(({ key }) => key === 'anew');
    assert.ok(written && !used.has(written), 'its number is new');
    other.replica.merge(heldBy(restored), TIME);
    restored.replica.merge(heldBy(other), TIME);
    for (const { rows } of [other, restored]) assert.deepEqual(rows(), { after: 2, anew: 3, before: 1 });
    assert.deepEqual(brokenKnowledge(restored), []);
    for (const { database } of [node, other, restored]) database.close();
  }));

test('as another node it writes under its own name what the first had never sent', () =>
  copyOf(async (file, copy) => {
    const node = openNode({ origin: 'n', database: openDatabase(file, STORE_MIGRATIONS) });
    rememberOrigin(node.database, 'n');
    node.put('sent', 1);
    signAll(node);
    node.put('sent', 2);
    node.put('unsent', 3);
    await save(file, copy);
    const database = openDatabase(copy, STORE_MIGRATIONS);
    forgetOrigin(database);
    assert.equal(originOf(database), undefined);
    const fresh = openNode({ origin: 'fresh', database });
    assert.deepEqual(brokenKnowledge(fresh), []);
    fresh.log.adoptRows();
    signAll(fresh);
    assert.deepEqual(
      heldBy(fresh).map(({ origin, key }) => `${origin} ${key}`),
      ['fresh sent', 'fresh unsent'],
    );
    assert.deepEqual(fresh.rows(), { sent: 2, unsent: 3 });
    // The first node lives, and sends what it had not.
    signAll(node);
    fresh.replica.merge(heldBy(node), TIME);
    assert.deepEqual(brokenKnowledge(fresh), []);
    assert.deepEqual(fresh.rows(), { sent: 2, unsent: 3 });
    for (const { database: one } of [node, fresh]) one.close();
  }));
