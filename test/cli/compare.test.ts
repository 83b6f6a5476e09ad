import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { type CommandPlace, commandPlace } from '../support/command.ts';
import { type EchoUpstream, startEcho } from '../support/echo-upstream.ts';

const PROMPTS = '{"prompt":"Capital of France?","expected":"Paris"}\n{"prompt":"Capital of Italy?"}\n';

/** Three upstreams: `a` and `b` answer, `j` judges. Nothing listens on port 1. */
function configure(place: CommandPlace, upstreams: Readonly<Record<string, EchoUpstream>>): void {
  const accounts = Object.entries(upstreams).map(
    ([name, { url }]) => `  ${name}: {provider: openai-compatible, url: "${url}", models: [${name}]}\n`,
  );
  place.write(
    'flowmesh.yaml',
    `server: {port: 1}\nretries: {max: 0}\naccounts:\n${accounts.join('')}prices:\n  - {account: a, model: a, input: 1, output: 2}\n`,
  );
  place.write('prompts.jsonl', PROMPTS);
}

test('two models and a judge: a table, a report and everything as JSON', async () => {
  using place = commandPlace();
  await using a = await startEcho({ models: ['a'], answer: () => 'It is Paris' });
  await using b = await startEcho({ models: ['b'], answer: () => 'It is Rome' });
  // It prefers Rome wherever that stands for the first question, and always the first place for the second one.
  await using j = await startEcho({
    models: ['j'],
    answer: (heard) => {
      const winner = heard.includes('Italy') || /ANSWER A\s+It is Rome/.test(heard) ? 'A' : 'B';
      return JSON.stringify({ winner, reason: 'Because.' });
    },
  });
  configure(place, { a, b, j });
  const args = ['compare', '--models', 'a/a,b/b', '--prompts', 'prompts.jsonl', '--judge', 'j/j', '--max-tokens', '50'];
  const { exitCode, stdout, stderr } = await place.run([...args, '--html', 'r.html', '--json', 'r.json']);
  assert.equal(
    stderr,
    'No node answers at http://127.0.0.1:1; asking the providers from here.\n4/4 answers\n2/2 judged\nJudging cost unknown.\n',
  );
  const [head = '', first = '', second = '', end] = stdout.split('\n').map((line) => line.split(/ {2,}/));
  assert.deepEqual(head.slice(0, 8), [
    'Model',
    'Answered',
    'Win rate',
    'Win/tie/loss',
    'Like expected',
    'Like baseline',
    'Cost',
    'An answer',
  ]);
  assert.deepEqual(first.slice(0, 8), [
    'a/a',
    '2/2',
    'baseline',
    'baseline',
    '50 %',
    'baseline',
    '$0.0000260',
    '$0.0000130',
  ]);
  assert.deepEqual(second.slice(0, 8), ['b/b', '2/2', '75 % (20–97)', '1/1/0', '0 %', '67 %', 'unknown', 'unknown']);
  assert.deepEqual([end, exitCode], [[''], 0]);

  assert.deepEqual(
    a.requests.map(({ stream, max_tokens, messages }) => ({ stream, max_tokens, said: messages[0].content })),
    [
      { stream: true, max_tokens: 50, said: 'Capital of France?' },
      { stream: true, max_tokens: 50, said: 'Capital of Italy?' },
    ],
  );
  assert.equal(j.requests.length, 4);
  const kept = JSON.parse(readFileSync(place.path('r.json'), 'utf8'));
  assert.deepEqual(
    kept.verdicts.map(({ winner, isOrderDependent }: any) => ({ winner, isOrderDependent })),
    [
      { winner: 'candidate', isOrderDependent: false },
      { winner: 'tie', isOrderDependent: true },
    ],
  );
  assert.deepEqual(
    kept.answers.map(({ model, target, text, finish }: any) => `${model} ${target} ${text} ${finish}`),
    ['a/a a/a It is Paris stop', 'b/b b/b It is Rome stop', 'b/b b/b It is Rome stop', 'a/a a/a It is Paris stop'],
  );
  assert.match(readFileSync(place.path('r.html'), 'utf8'), /^<!doctype html>[\s\S]*It is Rome[\s\S]*<\/html>\n$/);
});

test('a failed answer is told and leaves the others comparable', async () => {
  using place = commandPlace();
  await using a = await startEcho({ models: ['a'] });
  await using b = await startEcho({ models: ['b'] });
  configure(place, { a, b });
  b.failNext(400, 'too hot');
  const args = ['compare', '-m', 'a/a,b/b', '-p', 'prompts.jsonl', '--concurrency', '1'];
  const { exitCode, stdout, stderr } = await place.run(args);
  assert.equal(exitCode, 0);
  assert.match(stdout, /^b\/b +1\/2 /m);
  assert.match(stderr, /\n4\/4 answers\n1 failure: b\/b: .*too hot.*\n$/);
});

test('where no pair of answers can be compared the command has failed', async () => {
  using place = commandPlace();
  await using a = await startEcho({ models: ['a'] });
  configure(place, { a });
  const { exitCode, stderr } = await place.run(['compare', '-m', 'a/a,nobody', '-p', 'prompts.jsonl']);
  assert.equal(exitCode, 1);
  assert.match(stderr, /2 failures: nobody: No chain, alias or account serves the model 'nobody'/);
  assert.match(stderr, /flowmesh: There was no prompt that the baseline and another model both answered\.\n$/);
});

test('what the command line has wrong is told before anything is asked', async () => {
  using place = commandPlace();
  await using a = await startEcho({ models: ['a'] });
  configure(place, { a });
  place.write('there.html', 'mine');
  const cases: [args: string[], exitCode: number, stderr: string][] = [
    [['-m', 'a'], 2, 'flowmesh: --models takes from two to 8 names with commas between: --models a,b.\n'],
    [['-m', 'a,a'], 2, 'flowmesh: --models names a model twice.\n'],
    [['-m', 'a,b', '--repeat', '0'], 2, 'flowmesh: --repeat is a whole number from 1 to 100.\n'],
    [['-m', 'a,b', '--html', 'there.html'], 1, 'flowmesh: there.html exists already. Use --force to overwrite it.\n'],
  ];
  for (const [args, exitCode, stderr] of cases) {
    const result = await place.run(['compare', '-p', 'prompts.jsonl', ...args]);
    assert.deepEqual({ exitCode: result.exitCode, stderr: result.stderr }, { exitCode, stderr });
  }
  assert.equal(a.requests.length, 0);
  assert.equal(existsSync(place.path('there.html')), true);
});
