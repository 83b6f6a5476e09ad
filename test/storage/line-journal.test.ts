import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { FileJournal } from '../../src/storage/line-journal.ts';

test('a line of which only a part fits on the disk is told, and left out when it is read', (context) => {
  const directory = mkdtempSync(join(tmpdir(), 'flowmesh-'));
  context.after(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'journal');
  let room = 100;
  const write = (file: number, text: string): number => {
    const written = writeSync(file, Buffer.from(text), 0, Math.min(room, Buffer.byteLength(text)));
    room -= written;
    return written;
  };
  const journal = new FileJournal(path, write);
  journal.append(`${'é'.repeat(40)}\n`);
  assert.throws(() => journal.append(`${'é'.repeat(10)}\n`), { code: 'ENOSPC' });
  assert.deepEqual(journal.read(), ['é'.repeat(40)]);
  journal.close();
  assert.equal(readFileSync(path).length, 100);
});
