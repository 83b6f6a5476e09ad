// The installer, in a copy of its own with an `npm` that only says that it was called.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';

const BOOTSTRAP = join(import.meta.dirname, '../../scripts/bootstrap.mjs');

function checkout() {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'flowmesh-bootstrap-')));
  const path = (name: string): string => join(root, name);
  for (const folder of ['scripts', 'bin', 'elsewhere']) mkdirSync(path(folder));
  copyFileSync(BOOTSTRAP, path('scripts/bootstrap.mjs'));
  writeFileSync(path('package-lock.json'), '{}');
  writeFileSync(path('bin/npm'), '#!/bin/sh\necho "npm $*" > "$(dirname "$0")/called"\n');
  chmodSync(path('bin/npm'), 0o755);
  const install = () => {
    const script = `import { ensureInstalled } from '${pathToFileURL(path('scripts/bootstrap.mjs'))}'; ensureInstalled('development');`;
    const search = [path('bin'), dirname(process.execPath), '/usr/bin', '/bin'].join(delimiter);
    const env = { ...process.env, PATH: search };
    const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { env });
    return { status, stderr: stderr.toString(), called: read('bin/called') };
  };
  const read = (name: string): string | undefined =>
    existsSync(path(name)) ? readFileSync(path(name), 'utf8') : undefined;
  return { path, install, read, [Symbol.dispose]: () => rmSync(root, { recursive: true }) };
}

const isWindows = process.platform === 'win32';

test('what is missing is installed once', { skip: isWindows }, () => {
  using place = checkout();
  mkdirSync(place.path('node_modules'));
  const first = place.install();
  assert.deepEqual(
    [first.status, first.called],
    [0, 'npm ci --ignore-scripts --no-audit --no-fund --loglevel=error\n'],
    first.stderr,
  );
  rmSync(place.path('bin/called'));
  assert.deepEqual(place.install(), { status: 0, stderr: '', called: undefined });
});

test('nothing is installed through a link, which would empty another checkout', { skip: isWindows }, () => {
  using place = checkout();
  symlinkSync('elsewhere', place.path('node_modules'));
  const { status, stderr, called } = place.install();
  assert.deepEqual([status, called], [1, undefined]);
  assert.match(stderr, /^flowmesh: \S+node_modules is a symbolic link, and what is installed there is not what /);
  assert.equal(place.read('elsewhere/.flowmesh-installed'), undefined);
});

test('a link to what the lockfile names is used as it is', { skip: isWindows }, () => {
  using place = checkout();
  mkdirSync(place.path('node_modules'));
  place.install();
  const stamp = place.read('node_modules/.flowmesh-installed') ?? '';
  rmSync(place.path('node_modules'), { recursive: true });
  rmSync(place.path('bin/called'));
  writeFileSync(place.path('elsewhere/.flowmesh-installed'), stamp);
  symlinkSync('elsewhere', place.path('node_modules'));
  assert.deepEqual(place.install(), { status: 0, stderr: '', called: undefined });
});
