// With an npm of its own that gives what a test has packed.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { lockedPackage } from '../../scripts/locked-package.ts';

const root = mkdtempSync(join(tmpdir(), 'flowmesh-locked-'));
const tarball = join(root, 'packed.tgz');
const { PATH } = process.env;
after(() => {
  process.env.PATH = PATH;
  rmSync(root, { recursive: true });
});

before(() => {
  mkdirSync(join(root, 'package'));
  writeFileSync(join(root, 'package/file'), 'for another platform');
  execFileSync('tar', ['-czf', tarball, '-C', root, 'package']);
  mkdirSync(join(root, 'bin'));
  // npm pack other@1.2.3 … --pack-destination PLACE
  writeFileSync(join(root, 'bin/npm'), `#!/bin/sh\n[ "$2" = other@1.2.3 ] && cp '${tarball}' "$6/other-1.2.3.tgz"\n`);
  chmodSync(join(root, 'bin/npm'), 0o755);
  process.env.PATH = `${join(root, 'bin')}:${PATH}`;
});

function lock(content: Buffer): void {
  const integrity = `sha512-${createHash('sha512').update(content).digest('base64')}`;
  const packages = { 'node_modules/other': { version: '1.2.3', integrity } };
  writeFileSync(join(root, 'package-lock.json'), JSON.stringify({ packages }));
}

const workDirectory = (): string => mkdtempSync(join(root, 'work-'));

test('a package that is not installed comes from npm, as the lockfile has it', () => {
  lock(readFileSync(tarball));
  const directory = lockedPackage(root, 'other', workDirectory());
  assert.equal(readFileSync(join(directory, 'file'), 'utf8'), 'for another platform');
});

test('what is not what the lockfile has is refused', () => {
  lock(Buffer.from('something else'));
  assert.throws(() => lockedPackage(root, 'other', workDirectory()), {
    message: 'other from npm is not what package-lock.json has.',
  });
});

test('what the lockfile does not name is not asked for', () => {
  assert.throws(() => lockedPackage(root, 'unknown', workDirectory()), {
    message: 'There is no unknown in package-lock.json.',
  });
});

test('an installed package is taken as it is', () => {
  const installed = join(root, 'node_modules/other');
  mkdirSync(installed, { recursive: true });
  assert.equal(lockedPackage(root, 'other', workDirectory()), installed);
});
