// The commands that only read and write files: init, schema, import.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { test } from 'node:test';
import { commandPlace } from '../support/command.ts';

const LITELLM = `model_list:
  - model_name: fast
    litellm_params:
      model: groq/llama-3.3-70b-versatile
      api_key: os.environ/GROQ_API_KEY
general_settings:
  master_key: os.environ/MASTER_KEY
`;

function modeOf(path: string): string {
  return (statSync(path).mode & 0o777).toString(8);
}

test('init writes a private configuration and its schema; the configuration is valid and starts without any key', async () => {
  using place = commandPlace();
  const { exitCode, stdout, stderr } = await place.run(['init']);
  assert.deepEqual({ exitCode, stderr }, { exitCode: 0, stderr: '' });
  assert.equal(
    stdout,
    `Wrote flowmesh.yaml, with examples, for nothing was found.
Wrote flowmesh.schema.json, with which editors check and complete it.
Next: \`flowmesh check-config flowmesh.yaml\`, then \`flowmesh --config flowmesh.yaml\`.
`,
  );
  assert.equal(modeOf(place.path('flowmesh.yaml')), '600');
  const text = readFileSync(place.path('flowmesh.yaml'), 'utf8');
  assert.equal(text.split('\n')[0], '# yaml-language-server: $schema=./flowmesh.schema.json');
  const checked = await place.run(['check-config', '--json']);
  assert.equal(checked.exitCode, 0);
  assert.deepEqual(JSON.parse(checked.stdout).chains, [
    { name: 'default', isDefault: true, targets: ['flowmesh/extractive'] },
  ]);
});

test('init puts what it finds into the chain, the key by the name of its variable', async () => {
  using place = commandPlace();
  const { exitCode, stdout } = await place.run(['init', 'mine.yaml'], { env: { ANTHROPIC_API_KEY: 'sk-ant-secret' } });
  assert.equal(exitCode, 0);
  assert.match(stdout, /^Wrote mine\.yaml, with what was found: anthropic\/\S+\.\n/);
  const text = readFileSync(place.path('mine.yaml'), 'utf8');
  assert.match(text, /provider: anthropic\n {6}key: \$\{ANTHROPIC_API_KEY\}\n/);
  assert.doesNotMatch(text, /sk-ant-secret/);
});

test('init leaves a file that is there alone, unless --force says otherwise', async () => {
  using place = commandPlace();
  place.write('flowmesh.yaml', '# mine\n');
  const refused = await place.run(['init']);
  assert.deepEqual(refused, {
    exitCode: 1,
    signal: null,
    stdout: '',
    stderr: 'flowmesh: flowmesh.yaml exists already. Use --force to overwrite it.\n',
  });
  assert.equal(readFileSync(place.path('flowmesh.yaml'), 'utf8'), '# mine\n');
  assert.equal(existsSync(place.path('flowmesh.schema.json')), false);
  assert.equal((await place.run(['init', '--force'])).exitCode, 0);
  assert.match(readFileSync(place.path('flowmesh.yaml'), 'utf8'), /^chains:$/m);
  assert.equal(modeOf(place.path('flowmesh.yaml')), '600');
});

test('init says why it cannot write', async () => {
  using place = commandPlace();
  const { exitCode, stderr } = await place.run(['init', 'absent/flowmesh.yaml']);
  assert.deepEqual(
    { exitCode, stderr },
    { exitCode: 1, stderr: 'flowmesh: absent/flowmesh.yaml cannot be written: its directory does not exist.\n' },
  );
});

test('schema prints the JSON schema of the configuration and nothing else', async () => {
  using place = commandPlace();
  const { exitCode, stdout, stderr } = await place.run(['schema']);
  assert.deepEqual({ exitCode, stderr }, { exitCode: 0, stderr: '' });
  const schema = JSON.parse(stdout);
  assert.equal(schema.$schema, 'http://json-schema.org/draft-07/schema#');
  assert.equal(schema.properties.server.properties.port.default, 2402);
});

test('import litellm prints the configuration, its remarks on standard error, and what it prints is valid', async () => {
  using place = commandPlace();
  place.write('litellm.yaml', LITELLM);
  const { exitCode, stdout, stderr } = await place.run(['import', 'litellm', 'litellm.yaml']);
  assert.equal(exitCode, 0);
  assert.match(stderr, /^(note: .*\n)+$/);
  place.write('flowmesh.yaml', stdout);
  const env = { GROQ_API_KEY: 'k', MASTER_KEY: 'm' };
  const checked = await place.run(['check-config', '--json'], { env });
  assert.equal(checked.exitCode, 0);
  assert.deepEqual(JSON.parse(checked.stdout).chains, [
    { name: 'fast', isDefault: false, targets: ['groq/llama-3.3-70b-versatile'] },
  ]);
});

test('import litellm -o writes a private file and does not overwrite one', async () => {
  using place = commandPlace();
  place.write('litellm.yaml', LITELLM);
  const args = ['import', 'litellm', 'litellm.yaml', '-o', 'flowmesh.yaml'];
  const written = await place.run(args);
  assert.equal(written.exitCode, 0);
  assert.equal(written.stdout, 'Wrote flowmesh.yaml. Check it with `flowmesh check-config flowmesh.yaml`.\n');
  assert.equal(modeOf(place.path('flowmesh.yaml')), '600');
  const again = await place.run(args);
  assert.equal(again.exitCode, 1);
  assert.equal(again.stderr, 'flowmesh: flowmesh.yaml exists already. Use --force to overwrite it.\n');
});

test('import litellm refuses what is no LiteLLM configuration with exit code 2', async () => {
  using place = commandPlace();
  place.write('other.yaml', 'services: {}\n');
  const { exitCode, stderr } = await place.run(['import', 'litellm', 'other.yaml']);
  assert.deepEqual(
    { exitCode, stderr },
    { exitCode: 2, stderr: "other.yaml: this is not a LiteLLM configuration: it has no 'model_list'.\n" },
  );
});
