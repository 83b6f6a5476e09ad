import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { lockDirectory } from '../../src/storage/directory-lock.ts';

test('a data directory has one node at a time, and is free again when that one lets go', () => {
  const directory = mkdtempSync(join(tmpdir(), 'flowmesh-lock-'));
  try {
    const unlock = lockDirectory(directory);
    assert.throws(() => lockDirectory(directory), /Another flowmesh node uses the data directory/);
    assert.equal(statSync(join(directory, 'lock.db')).mode & 0o777, 0o600);
    unlock();
    lockDirectory(directory)();
  } finally {
    rmSync(directory, { recursive: true });
  }
});
