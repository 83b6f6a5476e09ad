import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

const ROOT = join(import.meta.dirname, '../..');
const place = mkdtempSync(join(tmpdir(), 'flowmesh-command-line-'));
after(() => rmSync(place, { recursive: true }));

interface Ended {
  readonly status: number | null;
  readonly said: string;
}

function run(script: string, ...parameters: readonly string[]): Ended {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(ROOT, script), ...parameters], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  return { status, said: stdout + stderr };
}

test('a simulation of a number of runs that is none is not taken for one that found nothing', () => {
  assert.deepEqual(run('mesh-sim/sim/main.ts', '--runs', 'many'), {
    status: 2,
    said: "--runs takes a whole number from 1 on, not 'many'.\n",
  });
});

test('a misspelled option ends a command with a sentence and exit code 2', () => {
  assert.deepEqual(run('mesh-sim/real/run.ts', '--topolgy', 'lan'), {
    status: 2,
    said: "Unknown option '--topolgy'\n",
  });
});

test('a build for a platform that does not exist says which do, and leaves the last build alone', () => {
  const out = join(place, 'dist');
  mkdirSync(out);
  writeFileSync(join(out, 'flowmesh.mjs'), '');
  const { status, said } = run('scripts/build.ts', '--platform', 'linux-mips', '--out', out);
  assert.equal(status, 2);
  assert.match(said, /^There is no platform 'linux-mips'. Known: linux-x64, linux-arm64, [\w, -]+\.\n$/);
  assert.deepEqual(readdirSync(out), ['flowmesh.mjs']);
});

test('a build does not empty a directory that holds something else', () => {
  const out = join(place, 'photos');
  mkdirSync(out);
  writeFileSync(join(out, 'summer.jpg'), '');
  const { status, said } = run('scripts/build.ts', '--out', out);
  assert.equal(status, 2);
  assert.match(said, /photos is no build of flowmesh, and would be emptied/);
  assert.deepEqual(readdirSync(out), ['summer.jpg']);
});
