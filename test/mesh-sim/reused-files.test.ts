import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openFile } from '../../mesh-sim/sim/reused-files.ts';
import { SimDisk } from '../../mesh-sim/sim/sim-disk.ts';
import { openDatabase } from '../../src/storage/database.ts';

const MIGRATIONS = ['CREATE TABLE word (text TEXT)'];

function contentWith(words: readonly string[]): Buffer {
  const database = openDatabase(':memory:', MIGRATIONS);
  for (const word of words) database.prepare('INSERT INTO word VALUES (?)').run(word);
  const content = database.serialize();
  database.close();
  return content;
}

test('a file that is filled anew holds what it was filled with and nothing that was written before', () => {
  const first = openFile(contentWith(['one']), MIGRATIONS);
  const words = first.database.prepare<[], string>('SELECT text FROM word').pluck();
  const add = first.database.prepare<[string]>('INSERT INTO word VALUES (?)');
  for (let index = 0; index < 500; index += 1) add.run('x'.repeat(100));
  assert.equal(words.all().length, 501);
  first.giveBack();

  const second = openFile(contentWith(['two', 'three']), MIGRATIONS);
  assert.equal(second, first, 'it is the same file');
  assert.deepEqual(words.all(), ['two', 'three'], 'a statement that was compiled before reads the new content');
  add.run('four');
  second.giveBack();
  const third = openFile(second.content(), MIGRATIONS);
  assert.deepEqual(words.all(), ['two', 'three', 'four']);
  third.giveBack();
});

test('a file that somebody still reads is not filled anew', () => {
  const file = openFile(contentWith(['one', 'two']), MIGRATIONS);
  const rows = file.database.prepare<[], string>('SELECT text FROM word').pluck().iterate();
  assert.deepEqual(rows.next().value, 'one');
  file.giveBack();
  assert.throws(() => openFile(contentWith([]), MIGRATIONS), /busy executing a query/);
  rows.return?.();
});

test('a disk that was full when its files were given back limits nobody after it', () => {
  const full = new SimDisk({ files: new Map(), lines: [] });
  const database = full.open('gateway.db', MIGRATIONS);
  full.setFull(true);
  const fill = (): void => {
    for (let index = 0; index < 100; index += 1) {
      database.prepare('INSERT INTO word VALUES (?)').run('x'.repeat(1_000));
    }
  };
  assert.throws(fill, { code: 'SQLITE_FULL' });
  full.close();

  const next = new SimDisk({ files: new Map(), lines: [] });
  assert.equal(next.open('gateway.db', MIGRATIONS), database);
  fill();
  assert.deepEqual(database.prepare('SELECT count(*) FROM word').pluck().get(), 100);
  next.close();
});
