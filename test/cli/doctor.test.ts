import assert from 'node:assert/strict';
import { chmodSync, mkdirSync } from 'node:fs';
import { test } from 'node:test';
import packageJson from '../../package.json' with { type: 'json' };
import { commandPlace } from '../support/command.ts';
import { startEcho } from '../support/echo-upstream.ts';

const RUNTIME = `flowmesh ${packageJson.version} on Node ${process.versions.node}, ${process.platform}-${process.arch}`;

function config(url: string, keys: string, model = 'echo-1'): string {
  return `server: {port: 0}
accounts:
  mine: {provider: local, url: "${url}", keys: [${keys}]}
chains:
  default:
    - mine/${model}
`;
}

/** The lines about accounts, with what to do. */
function accountLines(stdout: string): string {
  return [...stdout.matchAll(/^. account .*(?:\n {2}→ .*)?$/gm)].map(([lines]) => lines).join('\n');
}

test('where all is well every check says so, and the exit code is 0', async () => {
  using place = commandPlace();
  await using upstream = await startEcho({ keys: ['a', 'b'] });
  place.write('flowmesh.yaml', config(upstream.url, 'a, b'));
  const { exitCode, stdout, stderr } = await place.run(['doctor']);
  assert.equal(stderr, '');
  assert.equal(
    stdout,
    `✔ runtime: ${RUNTIME}
✔ configuration: ${place.path('flowmesh.yaml')} is valid
✔ chain: default: mine/echo-1 (also for every other model name)
✔ data directory: ${place.path('state')} will be made at the first start
✔ port: a free one will be picked
✔ account mine: ${upstream.url} answers, 2 keys, 1 model
✔ clock: it agrees with that of the servers

Everything is fine.
`,
  );
  assert.equal(exitCode, 0);
});

test('a dead upstream is a problem with advice, and the exit code is 1', async () => {
  using place = commandPlace();
  place.write('flowmesh.yaml', config('http://127.0.0.1:1/v1', 'a'));
  const { exitCode, stdout } = await place.run(['doctor']);
  assert.equal(exitCode, 1);
  assert.match(
    accountLines(stdout),
    /^✖ account mine: http:\/\/127\.0\.0\.1:1\/v1 cannot be reached: ECONNREFUSED.*\n {2}→ Start that server, or correct its url\.$/,
  );
  assert.match(stdout, /\n1 problem, 0 warnings\.\n$/);
});

test('of several keys the refused one is told by its number, never by its text', async () => {
  using place = commandPlace();
  await using upstream = await startEcho({ keys: ['good-key'] });
  place.write('flowmesh.yaml', config(upstream.url, 'good-key, revoked-key'));
  const { exitCode, stdout } = await place.run(['doctor']);
  assert.equal(exitCode, 1);
  assert.equal(
    accountLines(stdout),
    `✖ account mine: key 2 of 2: ${upstream.url} refuses the key
  → Replace the key; it may be revoked or mistyped.
✔ account mine: ${upstream.url} answers, 2 keys, 1 model`,
  );
  assert.doesNotMatch(stdout, /good-key|revoked-key/);
});

test('a model that the server does not list is a warning with what may have been meant', async () => {
  using place = commandPlace();
  await using upstream = await startEcho();
  place.write('flowmesh.yaml', config(upstream.url, '', 'ehco-1'));
  const { exitCode, stdout } = await place.run(['doctor']);
  assert.equal(exitCode, 0);
  assert.equal(
    accountLines(stdout),
    `✔ account mine: ${upstream.url} answers, no key, 1 model
! account mine: the server does not list the model 'ehco-1'. Did you mean 'echo-1'?
  → Check its name.`,
  );
  assert.match(stdout, /\nNothing is wrong; 1 warning\.\n$/);
});

test("a provider's account without a key is a problem", async () => {
  using place = commandPlace();
  place.write('flowmesh.yaml', 'server: {port: 0}\nchains:\n  default:\n    - openai/gpt-4\n');
  const { exitCode, stdout } = await place.run(['doctor']);
  assert.equal(exitCode, 1);
  assert.equal(
    accountLines(stdout),
    `✖ account openai: it has no key
  → Set 'key' in the configuration, best as \${OPENAI_API_KEY}.`,
  );
});

test('a clock that differs from that of the servers is a warning', async () => {
  using place = commandPlace();
  await using upstream = await startEcho({ date: 'Wed, 01 Jan 2020 00:00:00 GMT' });
  place.write('flowmesh.yaml', config(upstream.url, ''));
  const { exitCode, stdout } = await place.run(['doctor']);
  assert.equal(exitCode, 0);
  assert.match(stdout, /^! clock: it is \d+ s ahead of the servers'\n {2}→ Switch on time synchronisation/m);
});

test('a wrong configuration is told with its lines as a problem, and the exit code is 1', async () => {
  using place = commandPlace();
  place.write('bad.yaml', 'chians: {}\n');
  const { exitCode, stdout, stderr } = await place.run(['doctor', '--config', 'bad.yaml']);
  assert.deepEqual({ exitCode, stderr }, { exitCode: 1, stderr: '' });
  assert.equal(
    stdout,
    `✔ runtime: ${RUNTIME}
✖ configuration: bad.yaml:1:1 unknown key 'chians'. Did you mean 'chains'?

1 problem, 0 warnings.
`,
  );
});

test('without a configuration the doctor says what a start finds, and what to do when that is nothing', async () => {
  using place = commandPlace();
  const { exitCode, stdout } = await place.run(['doctor', '--json']);
  const { isHealthy, checks } = JSON.parse(stdout);
  const about = (name: string) => checks.filter((check: { name: string }) => check.name === name);
  assert.deepEqual(about('configuration'), [
    { status: 'ok', name: 'configuration', message: 'no file; a start uses what is found here' },
  ]);
  assert.deepEqual(about('found'), [
    { status: 'ok', name: 'found', message: 'flowmesh: answers with quotations when nothing else does' },
  ]);
  assert.deepEqual(about('providers'), [
    {
      status: 'warning',
      name: 'providers',
      message: 'there is none: answers will be quotations only',
      advice: 'Set a key such as OPENAI_API_KEY, start a local server such as Ollama, or name one in a configuration.',
    },
  ]);
  // Port 2402 may be taken on the machine that runs this test.
  const isPortFine = about('port')[0].status !== 'problem';
  assert.equal(isHealthy, isPortFine);
  assert.equal(exitCode, isPortFine ? 0 : 1);
});

test('a data directory that others can read, and a damaged database in it, are told', async () => {
  using place = commandPlace();
  mkdirSync(place.path('state'));
  chmodSync(place.path('state'), 0o755);
  place.write('state/gateway.db', 'this is no database, but long enough to be taken for a damaged one. '.repeat(20));
  const { exitCode, stdout } = await place.run(['doctor']);
  assert.equal(exitCode, 1);
  assert.match(stdout, /^! data directory: other users of this machine can look into \S+\n {2}→ chmod 700 \S+$/m);
  assert.match(stdout, /^✖ database: The database \S+ is damaged/m);
});

test('a data directory that cannot be made is a problem', async () => {
  using place = commandPlace();
  place.write('occupied', '');
  const { exitCode, stdout } = await place.run(['doctor'], { env: { FLOWMESH_HOME: place.path('occupied/state') } });
  assert.equal(exitCode, 1);
  assert.match(stdout, /^✖ data directory: \S+ does not exist and cannot be made in \S+occupied$/m);
});

test('a running node is found on its port, and its database opens', async () => {
  using place = commandPlace();
  await using upstream = await startEcho();
  place.write('node.yaml', config(upstream.url, ''));
  const { url, node } = await place.startNode(['--config', 'node.yaml']);
  place.write('flowmesh.yaml', config(upstream.url, '').replace('port: 0', `port: ${new URL(url).port}`));
  const { exitCode, stdout } = await place.run(['doctor']);
  assert.equal(exitCode, 0);
  assert.match(stdout, new RegExp(`^✔ port: a flowmesh node is running at ${url}$`, 'm'));
  assert.match(stdout, /^✔ database: \S+gateway\.db opens$/m);
  node.signal('SIGTERM');
  assert.equal((await node.ended).exitCode, 0);
});
