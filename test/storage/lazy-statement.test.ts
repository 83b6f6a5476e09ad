// Statements of a database: compiled when they are used, shared by text, and with a plan that no value changes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openDatabase } from '../../src/storage/database.ts';
import { steadySql } from '../../src/storage/steady-sql.ts';

const SCHEMA = [
  "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO item VALUES (1, 'a'), (2, 'b'), (3, 'c')",
];

test('a statement is compiled by its first use, not by being prepared', () => {
  const database = openDatabase(':memory:', SCHEMA);
  const statement = database.prepare('SELECT * FROM later');
  assert.throws(() => statement.all(), /no such table: later/);
  database.exec('CREATE TABLE later (x)');
  assert.deepEqual(statement.all(), []);
});

test('one text as objects, as values and as arrays: none changes the others', () => {
  const database = openDatabase(':memory:', SCHEMA);
  const read = () => database.prepare<[number], { id: number }>('SELECT id FROM item WHERE id <= ?');
  assert.deepEqual(read().pluck().all(2), [1, 2]);
  assert.deepEqual(read().raw().all(1), [[1]]);
  assert.deepEqual(read().all(1), [{ id: 1 }]);
  assert.deepEqual(read().pluck().get(1), 1);
});

test('a statement can be run while its rows are being read', () => {
  const database = openDatabase(':memory:', SCHEMA);
  const read = () => database.prepare<[], { id: number }>('SELECT id FROM item ORDER BY id');
  const seen: number[] = [];
  for (const { id } of read().iterate()) seen.push(id, read().all().length);
  assert.deepEqual(seen, [1, 3, 2, 3, 3, 3]);
});

test('parameters keep their values and names behind the plus; texts, names and comments stay as they are', () => {
  assert.equal(
    steadySql(`SELECT '?', "a?b", x -- why?
      /* @y */ FROM t WHERE a = ? AND b < @b AND c IN ($c, :d) LIMIT ?`),
    `SELECT '?', "a?b", x -- why?
      /* @y */ FROM t WHERE a = +? AND b < +@b AND c IN (+$c, +:d) LIMIT +?`,
  );
  const database = openDatabase(':memory:', SCHEMA);
  const row = database
    .prepare<[object], Record<string, unknown>>(
      'SELECT @text AS text, typeof(@blob) AS blob, @none AS none, @number AS number',
    )
    .get({ text: '12', blob: Buffer.from([1]), none: null, number: 1.5 });
  assert.deepEqual(row, { text: '12', blob: 'blob', none: null, number: 1.5 });
  database.prepare('UPDATE item SET name = ? WHERE id = ?').run('z', 3);
  assert.equal(database.prepare('SELECT name FROM item WHERE id = 3').pluck().get(), 'z');
});
