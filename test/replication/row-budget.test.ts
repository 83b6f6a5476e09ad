// A log whose rows may be lost stays within its bytes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChangeLog } from '../../src/replication/change-log.ts';
import { registerKind } from '../../src/replication/kinds/register.ts';
import { Replica } from '../../src/replication/replica.ts';
import { RowBudget } from '../../src/replication/row-budget.ts';
import { REPLICATION_MIGRATIONS } from '../../src/replication/schema.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { seededRandom } from '../support/seeded-random.ts';

const TABLE = 'CREATE TABLE setting (key TEXT PRIMARY KEY, body TEXT NOT NULL)';
const NOW = 1_800_000_000_000;

function logOf(origin: string, seed: number): ChangeLog {
  const kinds = [registerKind({ name: 'setting', table: 'setting', capability: 'cache:write' })];
  const database = openDatabase(':memory:', [TABLE, ...REPLICATION_MIGRATIONS]);
  return new ChangeLog(
    { database, kinds, clock: { now: () => NOW }, random: seededRandom(seed) },
    { name: 't', origin },
  );
}

/** Rows of 100 bytes. */
function write(log: ChangeLog, first: number, count: number): void {
  log.database.transaction(() => {
    for (let index = first; index < first + count; index += 1) {
      log.put('setting', `${log.origin}-${index}`, { text: 'x'.repeat(100 - '{"text":""}'.length) });
    }
  })();
}

const keysOf = (log: ChangeLog): string[] =>
  log.database.prepare<[], string>('SELECT key FROM replication_change ORDER BY id').pluck().all();

test('the oldest rows go, stay known, and one origin fills at most half', () => {
  const [a, b] = [logOf('a', 1), logOf('b', 2)];
  write(a, 0, 20);
  write(b, 0, 3);
  const changes = b.changes.unsigned(100).map((change) => ({ ...change, signature: new Uint8Array(64) }));
  new Replica(a).merge(changes, { now: NOW, meshNow: NOW });
  const before = a.digest();
  const budget = new RowBudget(a, { kind: 'setting', bytesMax: () => 1_000 });
  assert.equal(budget.trim(), 15);
  assert.deepEqual(keysOf(a), ['a-15', 'a-16', 'a-17', 'a-18', 'a-19', 'b-0', 'b-1', 'b-2']);
  assert.equal(a.digest(), before, 'what was dropped is not asked for again');
  assert.equal(budget.trim(), 0);
});

test('rows of a flood push out only rows of their own origin', () => {
  const [a, b] = [logOf('a', 1), logOf('b', 2)];
  write(a, 0, 4);
  write(b, 0, 50);
  const changes = b.changes.unsigned(100).map((change) => ({ ...change, signature: new Uint8Array(64) }));
  new Replica(a).merge(changes, { now: NOW, meshNow: NOW });
  new RowBudget(a, { kind: 'setting', bytesMax: () => 1_000 }).trim();
  assert.deepEqual(keysOf(a), ['a-0', 'a-1', 'a-2', 'a-3', 'b-45', 'b-46', 'b-47', 'b-48', 'b-49']);
});
