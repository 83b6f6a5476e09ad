import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ARTICLE } from '../support/article.ts';
import { commandPlace } from '../support/command.ts';

const OPENAI_KEY = 'sk-secret-of-the-test';

test("the article's configuration is valid with one of its keys, and the summary shows no part of a key", async () => {
  using place = commandPlace();
  place.write('config.yaml', ARTICLE);
  const { exitCode, stdout, stderr } = await place.run(['check-config', 'config.yaml'], { env: { OPENAI_KEY } });
  assert.equal(stderr, '');
  assert.equal(
    stdout,
    `config.yaml is valid, with 1 warning.

Warnings
  config.yaml:8:12 chains.default[1].key: the environment variable ANTHROPIC_KEY is not set, so the target anthropic/claude-3-sonnet is skipped.

Accounts
  openai  OpenAI                              https://api.openai.com/v1  key set
  local   Any local OpenAI-compatible server  http://127.0.0.1:8000/v1   no key

Chains
  default: openai/gpt-4 → local/mistral-7b (also for every other model name)

Server
  127.0.0.1 port 2402, open to everyone on this machine until there is a virtual key

Data
  ${place.path('state')}
`,
  );
  assert.equal(exitCode, 0);
});

test('--json says the same for programs', async () => {
  using place = commandPlace();
  place.write('config.yaml', `server: {apiKeys: [one, two]}\n${ARTICLE}`);
  const { exitCode, stdout } = await place.run(['check-config', '--json', 'config.yaml'], { env: { OPENAI_KEY } });
  assert.equal(exitCode, 0);
  assert.deepEqual(JSON.parse(stdout), {
    file: 'config.yaml',
    isValid: true,
    problems: [],
    warnings: [
      {
        line: 9,
        column: 12,
        path: 'chains.default[1].key',
        message:
          'the environment variable ANTHROPIC_KEY is not set, so the target anthropic/claude-3-sonnet is skipped.',
      },
    ],
    accounts: [
      { name: 'openai', provider: 'openai', baseUrl: 'https://api.openai.com/v1', keyCount: 1 },
      { name: 'local', provider: 'local', baseUrl: 'http://127.0.0.1:8000/v1', keyCount: 0 },
    ],
    chains: [{ name: 'default', isDefault: true, targets: ['openai/gpt-4', 'local/mistral-7b'] }],
    aliases: {},
    server: { host: '127.0.0.1', port: 2402, keyCount: 2 },
    dataDirectory: place.path('state'),
  });
});

test('every problem is told with file, line and column: exit code 2, nothing on standard output', async () => {
  using place = commandPlace();
  const wrong = ARTICLE.replace('provider: openai', 'provider: opnai');
  place.write('config.yaml', `${wrong}sevrer:\n  port: 1\n`);
  const result = await place.run(['check-config', 'config.yaml'], { env: { OPENAI_KEY } });
  assert.deepEqual(result, {
    exitCode: 2,
    signal: null,
    stdout: '',
    stderr: `config.yaml:4:17 chains.default[0].provider: unknown provider 'opnai'. Did you mean 'openai'?
config.yaml:12:1 unknown key 'sevrer'. Did you mean 'server'?
`,
  });
});

test('--json tells problems as data', async () => {
  using place = commandPlace();
  place.write('config.yaml', 'server:\n  port: many\n');
  const { exitCode, stdout, stderr } = await place.run(['check-config', 'config.yaml', '--json']);
  assert.equal(exitCode, 2);
  assert.equal(stderr, '');
  const message = 'must be a whole number from 0 to 65535.';
  assert.deepEqual(JSON.parse(stdout), {
    file: 'config.yaml',
    isValid: false,
    problems: [{ line: 2, column: 9, path: 'server.port', message }],
    warnings: [],
  });
});

test('without a file in its places there is nothing to check', async () => {
  using place = commandPlace();
  const { exitCode, stdout, stderr } = await place.run(['check-config']);
  assert.deepEqual({ exitCode, stdout }, { exitCode: 2, stdout: '' });
  assert.match(stderr, /^flowmesh: There is no configuration file to check/);
});

test('flowmesh.yaml of the directory is checked when none is named', async () => {
  using place = commandPlace();
  place.write('flowmesh.yaml', ARTICLE);
  const { exitCode, stdout } = await place.run(['check-config'], { env: { OPENAI_KEY } });
  assert.equal(exitCode, 0);
  assert.equal(stdout.split('\n')[0], `${place.path('flowmesh.yaml')} is valid, with 1 warning.`);
});

test('the configuration may be named by --config as with other commands, but only once', async () => {
  using place = commandPlace();
  place.write('other.yaml', 'chains: {main: [{model: m, provider: ollama}]}');
  const named = await place.run(['check', '-c', 'other.yaml']);
  assert.match(named.stdout, /^other\.yaml is valid\.\n/);
  const twice = await place.run(['check', 'other.yaml', '-c', 'other.yaml']);
  assert.deepEqual([twice.exitCode, twice.stdout, twice.stderr], [2, '', 'flowmesh: Name one configuration.\n']);
});
