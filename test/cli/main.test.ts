import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import packageJson from '../../package.json' with { type: 'json' };
import { commandPlace } from '../support/command.ts';

test('--version prints the version alone', async () => {
  using place = commandPlace();
  const result = await place.run(['--version']);
  assert.deepEqual(result, { exitCode: 0, signal: null, stdout: `${packageJson.version}\n`, stderr: '' });
});

test('--help names every command and every exit code, on standard output', async () => {
  using place = commandPlace();
  const { exitCode, stdout, stderr } = await place.run(['--help']);
  assert.equal(exitCode, 0);
  assert.equal(stderr, '');
  const commands = [...stdout.matchAll(/^ {2}([a-z-]+)(?:\|check)? .*/gm)].map((match) => match[1]);
  const expected = [
    'start',
    'init',
    'check-config',
    'doctor',
    'models',
    'chat',
    'compare',
    'explain',
    'schema',
    'import',
    'prices',
    'keys',
    'tenants',
    'usage',
    'backup',
    'restore',
    'cache',
    'kb',
    'mcp',
    'mesh',
    'help',
  ];
  assert.deepEqual(commands.slice(0, expected.length), expected);
  assert.match(stdout, /Exit codes:\n {2}0 {4}done\n {2}1 {4}failed\n {2}2 .*\n {2}130 /);
});

const WRONG: readonly (readonly [args: readonly string[], stderr: string])[] = [
  [['strat'], "error: unknown command 'strat'\n(Did you mean start?)\n"],
  [['modls'], "error: unknown command 'modls'\n(Did you mean models?)\n"],
  [['--confg', 'x'], "error: unknown option '--confg'\n(Did you mean --config?)\n"],
  [['chat', '--modle', 'x'], "error: unknown option '--modle'\n(Did you mean --model?)\n"],
  [
    ['--port', '99999'],
    "error: option '-p, --port <number>' argument '99999' is invalid. A port is a number from 0 to 65535.\n",
  ],
  [['import', 'litellm'], "error: missing required argument 'file'\n"],
];

for (const [args, stderr] of WRONG) {
  test(`\`flowmesh ${args.join(' ')}\` is wrong usage: exit code 2, one sentence on standard error`, async () => {
    using place = commandPlace();
    const result = await place.run(args);
    assert.deepEqual(result, { exitCode: 2, signal: null, stdout: '', stderr });
  });
}

test('a reader that closes the pipe early is no failure', async () => {
  using place = commandPlace();
  const command = place.launch(['schema']);
  command.closeStdout();
  const { exitCode, stderr } = await command.ended;
  assert.deepEqual({ exitCode, stderr }, { exitCode: 0, stderr: '' });
});

test('output that cannot be written is told in one line', { skip: !existsSync('/dev/full') }, () => {
  const full = openSync('/dev/full', 'w');
  const { status, stderr } = spawnSync(process.execPath, ['src/main.ts', 'schema'], {
    stdio: ['ignore', full, 'pipe'],
  });
  closeSync(full);
  assert.deepEqual([status, String(stderr)], [1, 'flowmesh: The output cannot be written (ENOSPC).\n']);
});

test('compiled code is kept in the cache directory of the user', async () => {
  using place = commandPlace();
  const env = { NODE_COMPILE_CACHE: '', XDG_CACHE_HOME: place.path('caches') };
  assert.equal((await place.run(['schema'], { env })).exitCode, 0);
  assert.equal(readdirSync(place.path('caches/flowmesh/compiled')).length, 1);
});
