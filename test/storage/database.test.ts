import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { forgetPages, openDatabase } from '../../src/storage/database.ts';
import type { Order } from './opening-process.ts';

const directory = mkdtempSync(join(tmpdir(), 'flowmesh-database-'));
after(() => rmSync(directory, { recursive: true, force: true }));

const FIRST = 'CREATE TABLE words (word TEXT)';
const SECOND = 'ALTER TABLE words ADD COLUMN count INTEGER DEFAULT 7';

test('a new file gets every migration, an older one those that it lacks', () => {
  const path = join(directory, 'migrated.db');
  const first = openDatabase(path, [FIRST]);
  first.exec("INSERT INTO words VALUES ('kept')");
  first.close();
  const second = openDatabase(path, [FIRST, SECOND]);
  assert.deepEqual(second.prepare('SELECT * FROM words').all(), [{ word: 'kept', count: 7 }]);
  second.close();
  openDatabase(path, [FIRST, SECOND]).close();
});

test('a migration that fails leaves the file as it was', () => {
  const path = join(directory, 'failing.db');
  openDatabase(path, [FIRST]).close();
  assert.throws(() => openDatabase(path, [FIRST, SECOND, 'NO SQL AT ALL']));
  const database = openDatabase(path, [FIRST]);
  assert.deepEqual(database.prepare('SELECT * FROM schema_version').all(), [{ component: 'main', version: 1 }]);
  database.close();
});

test('components come to a file at different times, each with its own steps', () => {
  const path = join(directory, 'components.db');
  openDatabase(path, { words: [FIRST] }).close();
  const database = openDatabase(path, { numbers: ['CREATE TABLE numbers (number INTEGER)'], words: [FIRST, SECOND] });
  assert.deepEqual(database.prepare('SELECT * FROM schema_version ORDER BY component').all(), [
    { component: 'numbers', version: 1 },
    { component: 'words', version: 2 },
  ]);
  database.close();
  assert.throws(() => openDatabase(path, { words: [FIRST, SECOND] }), /written by a newer flowmesh/);
});

test('a file of a newer flowmesh is refused', () => {
  const path = join(directory, 'newer.db');
  openDatabase(path, [FIRST, SECOND]).close();
  assert.throws(() => openDatabase(path, [FIRST]), /newer\.db was written by a newer flowmesh/);
});

test('a damaged file is refused by a sentence that says what to do', () => {
  const path = join(directory, 'damaged.db');
  writeFileSync(path, 'This is no database, however you look at it. '.repeat(100));
  assert.throws(
    () => openDatabase(path, [FIRST]),
    /damaged\.db is damaged \(.*\)\. Move it away or restore a backup\./,
  );
});

test('nobody else may read the file, its side files or its folder', () => {
  const path = join(directory, 'private', 'deep', 'own.db');
  const database = openDatabase(path, [FIRST]);
  database.exec("INSERT INTO words VALUES ('secret')");
  const modes = [join(directory, 'private', 'deep'), path, `${path}-wal`, `${path}-shm`].map(
    (name) => statSync(name).mode & 0o777,
  );
  assert.deepEqual(modes, [0o700, 0o600, 0o600, 0o600]);
  database.close();
});

test('what was committed is there after the process ended without closing', () => {
  const path = join(directory, 'crashed.db');
  const crashed = openDatabase(path, [FIRST]);
  crashed.exec("INSERT INTO words VALUES ('there')");
  const reopened = openDatabase(path, [FIRST]);
  assert.deepEqual(reopened.prepare('SELECT word FROM words').all(), [{ word: 'there' }]);
  reopened.close();
  crashed.close();
});

test('pages are forgotten of all databases that are open and of no other, and nothing that is in them', (context) => {
  const kept = openDatabase(':memory:', [FIRST]);
  const closed = openDatabase(':memory:', [FIRST]);
  kept.exec("INSERT INTO words VALUES ('kept')");
  const asked = [kept, closed].map((database) => context.mock.method(database, 'pragma'));
  closed.close();
  forgetPages();
  assert.deepEqual(
    asked.map(({ mock }) => mock.calls.map((call) => call.arguments)),
    [[['shrink_memory']], []],
  );
  assert.deepEqual(kept.prepare('SELECT word FROM words').all(), [{ word: 'kept' }]);
  kept.close();
});

test('processes that create files at the same moment all open them, and lose nothing', async (t) => {
  const processes = Array.from({ length: 4 }, () => startProcess(t));
  const paths = Array.from({ length: 20 }, (_, file) => join(directory, `together-${file}.db`));
  assert.deepEqual(await Promise.all(processes.map(answerOf)), Array(4).fill('ready'));
  const answers = Promise.all(processes.map(answerOf));
  for (const child of processes) send(child, { open: paths, migrations: [FIRST, SECOND] });
  assert.deepEqual(await answers, Array(4).fill(paths.map(() => 'opened')));
  for (const path of paths) {
    const database = openDatabase(path, [FIRST, SECOND]);
    assert.equal(database.prepare<[], number>('SELECT COUNT(*) FROM words').pluck().get(), 4);
    database.close();
  }
});

test('a file is opened also while another process is just about to make it one with a write-ahead log', async (t) => {
  const child = startProcess(t);
  assert.equal(await answerOf(child), 'ready');
  const path = join(directory, 'held.db');
  send(child, { hold: path });
  assert.equal(await answerOf(child), 'held');
  const database = openDatabase(path, [FIRST]);
  assert.equal(database.pragma('journal_mode', { simple: true }), 'wal');
  database.close();
});

function startProcess(t: TestContext): ChildProcess {
  const child = fork(join(import.meta.dirname, 'opening-process.ts'));
  t.after(() => child.kill());
  return child;
}

function send(child: ChildProcess, order: Order): void {
  child.send(order);
}

async function answerOf(child: ChildProcess): Promise<unknown> {
  const [answer] = await once(child, 'message');
  return answer;
}
