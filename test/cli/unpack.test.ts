import assert from 'node:assert/strict';
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { cacheDirectory } from '../../src/cli/compile-cache.ts';
import { type PackedFiles, unpack } from '../../src/cli/unpack.ts';

let place: string;
let directory: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'flowmesh-unpack-'));
  directory = join(place, 'caches/unpacked');
});
afterEach(() => rmSync(place, { recursive: true, force: true }));

function packed(files: Readonly<Record<string, string>>): PackedFiles {
  return { names: Object.keys(files), read: (name) => Buffer.from(files[name] ?? '') };
}

test('files are unpacked for their owner alone, and left as they are when they are right', () => {
  const files = packed({ 'main.mjs': 'code', 'native.node': 'more' });
  unpack(files, directory);
  assert.deepEqual(readdirSync(directory).sort(), ['main.mjs', 'native.node']);
  assert.deepEqual(
    [statSync(directory).mode & 0o777, statSync(join(directory, 'main.mjs')).mode & 0o777],
    [0o700, 0o600],
  );
  const main = join(directory, 'main.mjs');
  utimesSync(main, 1_000, 1_000);
  unpack(files, directory);
  assert.equal(statSync(main).mtimeMs, 1_000_000);
});

test('a changed, cut or missing file is replaced', () => {
  const files = packed({ a: 'aaaa', b: 'bbbb', c: 'cccc' });
  unpack(files, directory);
  writeFileSync(join(directory, 'a'), 'evil');
  writeFileSync(join(directory, 'b'), 'bb');
  rmSync(join(directory, 'c'));
  unpack(files, directory);
  assert.deepEqual(
    ['a', 'b', 'c'].map((name) => readFileSync(join(directory, name), 'utf8')),
    ['aaaa', 'bbbb', 'cccc'],
  );
});

test('a directory that others can write to is refused', () => {
  unpack(packed({ a: 'a' }), directory);
  chmodSync(directory, 0o770);
  assert.throws(
    () => unpack(packed({ a: 'a' }), directory),
    /can be written to by others\. Remove it, or set XDG_CACHE_HOME/,
  );
});

test('the cache directory is XDG_CACHE_HOME when it is absolute, else below home, else nowhere', () => {
  assert.equal(cacheDirectory({ XDG_CACHE_HOME: '/var/cache', HOME: '/home/ada' }), '/var/cache/flowmesh');
  assert.equal(cacheDirectory({ XDG_CACHE_HOME: 'relative', HOME: '/home/ada' }), '/home/ada/.cache/flowmesh');
  assert.equal(cacheDirectory({ HOME: '' }), undefined);
  assert.equal(cacheDirectory({}), undefined);
  assert.equal(cacheDirectory({ HOME: 'relative' }), undefined);
});
