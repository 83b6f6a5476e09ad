import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { commandPlace } from '../support/command.ts';

const CONFIG = `accounts:
  east: {provider: azure, url: https://east.example, key: k}
chains: {a: [east/gpt-4o]}
prices:
  - {account: east, model: gpt-4o, input: 2.5, output: 10}
`;

test('prices list shows the table, with unknown prices as unknown', async () => {
  using place = commandPlace();
  const { exitCode, stdout } = await place.run(['prices', 'list']);
  assert.equal(exitCode, 0);
  const lines = stdout.split('\n');
  assert.match(lines[0] ?? '', /^PROVIDER +MODEL +INPUT +CACHE READ +CACHE WRITE +OUTPUT +CONTEXT$/);
  const lineOf = (model: string): string[] | undefined =>
    lines.find((line) => line.split(/ +/)[1] === model)?.split(/ {2,}/);
  assert.deepEqual(lineOf('claude-haiku-4-5'), ['anthropic', 'claude-haiku-4-5', '1', '0.1', '1.25', '5', '200,000']);
  assert.deepEqual(lineOf('openrouter/auto')?.slice(2), Array(5).fill('unknown'));
});

test('prices show says what is known of a model, and how long prompts are billed', async () => {
  using place = commandPlace();
  const { exitCode, stdout, stderr } = await place.run(['prices', 'show', 'claude-haiku-5-5']);
  assert.deepEqual([exitCode, stderr], [0, '']);
  assert.equal(
    stdout,
    `anthropic/claude-haiku-5-5
  price           $0.1 in, $0.01 cache read, $0.125 cache write, $0.5 out for a million tokens
  above 100,000   $0.5 in, $0.05 cache read, $0.625 cache write, $2.5 out for a million tokens
  context         1,000,000
  longest answer  128,000
  can do          tools, json-schema, images, documents, reasoning
  source          https://platform.claude.com/docs/en/about-claude/pricing, read 2026-11-22
`,
  );
});

test("prices show finds an account's own price in the configuration", async () => {
  using place = commandPlace();
  place.write('config.yaml', CONFIG);
  const { stdout } = await place.run(['prices', 'show', '--config', 'config.yaml', '--json', 'east/gpt-4o']);
  const [facts] = JSON.parse(stdout);
  assert.deepEqual([facts.provider, facts.price, facts.source], ['azure', { input: 2.5, output: 10 }, 'configuration']);
});

test('prices show of an unknown model fails and says that the price is unknown', async () => {
  using place = commandPlace();
  const { exitCode, stdout, stderr } = await place.run(['prices', 'show', 'house-model']);
  assert.deepEqual([exitCode, stdout], [1, '']);
  assert.equal(
    stderr,
    "flowmesh: Nothing is known of 'house-model': its price is unknown. `prices:` in the configuration sets it.\n",
  );
});

test('prices update takes what it can use, tells the rest, and later updates add to it', async () => {
  using place = commandPlace();
  const models = { 'house-1': { cost: { input: 1, output: 2 } } };
  place.write('api.json', JSON.stringify({ groq: { models }, 'nobody-knows': { models } }));
  place.write(
    'own.json',
    JSON.stringify({
      models: [{ provider: 'groq', model: 'house-2', price: { input: 3, output: 4 }, date: '9999-12-31' }],
    }),
  );
  const first = await place.run(['prices', 'update', 'api.json']);
  const path = place.path('state/prices.json');
  assert.equal(first.stderr, 'note: providers without a preset, left out: 1 (nobody-knows)\n');
  assert.equal(
    first.stdout,
    `Took 1 model from api.json; ${path} has 1 now.\nA running node reads it when it starts again.\n`,
  );
  assert.equal((await place.run(['prices', 'update', 'own.json'])).exitCode, 0);
  const written = JSON.parse(readFileSync(path, 'utf8')).models;
  assert.deepEqual(
    written.map(({ model, price }: { model: string; price: object }) => [model, price]),
    [
      ['house-1', { input: 1, output: 2 }],
      ['house-2', { input: 3, output: 4 }],
    ],
  );
  const today = new Date().toISOString().slice(0, 10);
  assert.ok(written[1].date <= today, 'a day to come would stand before every newer table');
  const shown = await place.run(['prices', 'show', 'groq/house-2']);
  assert.match(shown.stdout, /^groq\/house-2\n {2}price {4}\$3 in, \$4 out for a million tokens\n/);
});

test('prices update of a file without prices changes nothing', async () => {
  using place = commandPlace();
  place.write('notes.json', '{"a": 1}');
  const { exitCode, stderr } = await place.run(['prices', 'update', 'notes.json']);
  assert.equal(exitCode, 1);
  assert.match(
    stderr,
    /^note: the file has none of the known shapes: .*\nflowmesh: There is no price to take from notes\.json\.\n$/,
  );
  assert.throws(() => readFileSync(place.path('state/prices.json')), { code: 'ENOENT' });
  const missing = await place.run(['prices', 'update', 'nowhere.json']);
  assert.deepEqual([missing.exitCode, missing.stderr], [2, 'flowmesh: There is no file nowhere.json.\n']);
});
