import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isDirectoryLocked, lockDirectory } from '../../src/storage/directory-lock.ts';

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

test('whether a node uses a directory can be seen without touching it', () => {
  const directory = mkdtempSync(join(tmpdir(), 'flowmesh-lock-'));
  try {
    assert.equal(isDirectoryLocked(directory), false);
    assert.deepEqual(readdirSync(directory), []);
    const unlock = lockDirectory(directory);
    assert.equal(isDirectoryLocked(directory), true);
    unlock();
    assert.equal(isDirectoryLocked(directory), false);
    lockDirectory(directory)();
  } finally {
    rmSync(directory, { recursive: true });
  }
});
