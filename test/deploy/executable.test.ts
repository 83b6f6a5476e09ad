// The single executable of this platform: built once, then run where there is no Node to find.

import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ROOT } from './support.ts';

const place = mkdtempSync(join(tmpdir(), 'flowmesh-executable-test-'));
const executable = join(place, 'dist/flowmesh');
const caches = join(place, 'cache');
after(() => rmSync(place, { recursive: true, force: true }));

before(() => {
  execFileSync(process.execPath, [join(ROOT, 'scripts/build.ts'), '--executable', '--out', join(place, 'dist')], {
    stdio: 'pipe',
  });
});

function environment(more: Record<string, string> = {}): Record<string, string> {
  return {
    PATH: '/nonexistent',
    XDG_CACHE_HOME: caches,
    FLOWMESH_HOME: join(place, 'state'),
    FLOWMESH_NO_PROBE: '1',
    ...more,
  };
}

function run(args: readonly string[], env = environment()) {
  const { status, stdout, stderr } = spawnSync(executable, args, { encoding: 'utf8', env, cwd: place });
  return { status, stdout, stderr };
}

function unpackedDirectory(): string {
  const [name = '', ...others] = readdirSync(join(caches, 'flowmesh')).filter((entry) => entry.startsWith('unpacked-'));
  assert.deepEqual(others, []);
  return join(caches, 'flowmesh', name);
}

test('it needs no Node, says its version, and unpacks itself for its owner alone', () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  assert.deepEqual(run(['--version']), { status: 0, stdout: `${version}\n`, stderr: '' });
  const directory = unpackedDirectory();
  assert.equal(statSync(directory).mode & 0o777, 0o700);
  const files = readdirSync(directory);
  for (const name of ['main.mjs', 'start.cjs', 'libp2p.cjs', 'libp2p.cjs.compiled'])
    assert.ok(files.includes(name), name);
  assert.deepEqual(
    files.filter((file) => statSync(join(directory, file)).mode & 0o077),
    [],
  );
});

test('what was unpacked and then changed is repaired before it runs', () => {
  run(['--version']);
  const main = join(unpackedDirectory(), 'main.mjs');
  const packed = readFileSync(main);
  writeFileSync(main, 'process.stdout.write("somebody else");');
  assert.equal(run(['--version']).stdout.includes('somebody else'), false);
  assert.ok(readFileSync(main).equals(packed));
  writeFileSync(main, packed.subarray(0, 1_000));
  assert.equal(run(['--version']).status, 0);
  assert.ok(readFileSync(main).equals(packed));
});

test('it refuses a directory that others can write to', () => {
  run(['--version']);
  chmodSync(unpackedDirectory(), 0o777);
  const { status, stderr } = run(['--version']);
  chmodSync(unpackedDirectory(), 0o700);
  assert.equal(status, 1);
  assert.match(stderr, /^flowmesh: .*unpacked-\w+ can be written to by others\. Remove it/);
});

test('it says what to do where it can unpack nowhere', () => {
  const { XDG_CACHE_HOME: _, ...homeless } = environment();
  assert.match(
    run(['--version'], homeless).stderr,
    /^flowmesh: Neither XDG_CACHE_HOME nor HOME is set to an absolute path\. .*XDG_CACHE_HOME names/,
  );
  const file = join(place, 'file');
  writeFileSync(file, '');
  const { status, stderr } = run(['--version'], environment({ XDG_CACHE_HOME: file }));
  assert.equal(status, 1);
  assert.match(stderr, /^flowmesh: (ENOTDIR|EEXIST)[\s\S]*XDG_CACHE_HOME names another directory/);
});

test('a node of it serves, keeps its state, and ends on a signal', async () => {
  const child = spawn(executable, ['start', '--port', '0'], { env: environment(), cwd: place });
  let written = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    written += text;
  });
  const ended = once(child, 'exit');
  try {
    while (!/endpoint +http\S+\/v1/.test(written)) await Promise.race([once(child.stderr, 'data'), ended]);
    const [, url = ''] = /endpoint +(http\S+)\/v1/.exec(written) ?? [];
    const answer = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({ model: 'flowmesh/extractive', messages: [{ role: 'user', content: 'Hello' }] }),
    });
    assert.equal(answer.status, 200);
    assert.equal(((await answer.json()) as { model: string }).model, 'flowmesh/extractive');
  } finally {
    child.kill('SIGTERM');
  }
  assert.deepEqual(await ended, [0, null], written);
  assert.ok(readdirSync(join(place, 'state')).includes('gateway.db'));
});

test('several that start at once unpack without harm', async () => {
  const shared = join(place, 'shared');
  mkdirSync(shared);
  const children = Array.from({ length: 3 }, () =>
    spawn(executable, ['--version'], { env: environment({ XDG_CACHE_HOME: shared }) }),
  );
  const ends = await Promise.all(children.map((child) => once(child, 'exit')));
  assert.deepEqual(ends, [
    [0, null],
    [0, null],
    [0, null],
  ]);
  const [directory = ''] = readdirSync(join(shared, 'flowmesh')).filter((name) => name.startsWith('unpacked-'));
  assert.deepEqual(
    readdirSync(join(shared, 'flowmesh', directory)).filter((name) => name.startsWith('.')),
    [],
  );
});
