// Comparing on kept traffic: what clients asked, and what shadow traffic has brought.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { GATEWAY_MIGRATIONS } from '../../src/node-files.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { type CommandPlace, commandPlace } from '../support/command.ts';
import { type EchoUpstream, startEcho } from '../support/echo-upstream.ts';

function configure(place: CommandPlace, upstreams: Readonly<Record<string, EchoUpstream>>, more: string): void {
  const accounts = Object.entries(upstreams).map(
    ([name, { url }]) => `  ${name}: {provider: openai-compatible, url: "${url}", models: [${name}]}\n`,
  );
  const prices = ['prices:\n', '  - {account: a, model: a, input: 1, output: 2}\n'];
  if (upstreams.b) prices.push('  - {account: b, model: b, input: 2, output: 4}\n');
  place.write(
    'flowmesh.yaml',
    `server: {port: 1}\nretries: {max: 0}\naccounts:\n${accounts.join('')}${prices.join('')}${more}`,
  );
}

async function ask(url: string, body: object, headers: Record<string, string> = {}): Promise<void> {
  const messages = [{ role: 'user', content: 'Capital of France?' }];
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ model: 'a/a', messages, ...body }),
  });
  assert.equal(response.status, 200, await response.text());
}

async function untilCount(count: () => number, wanted: number): Promise<void> {
  while (count() < wanted) await new Promise((resolve) => setTimeout(resolve, 5));
}

const rowsOf = (stdout: string) => stdout.split('\n').map((line) => line.split(/ {2,}/));

test('--from-log asks what clients asked, with its tools and settings, anew, and never its own questions', async () => {
  using place = commandPlace();
  await using a = await startEcho({ models: ['a'], answer: () => 'It is Paris' });
  await using b = await startEcho({ models: ['b'], answer: () => 'It is Paris' });
  configure(place, { a, b }, 'prompts: {isStored: true}\ncache: {isEnabled: true, requests: all}\n');
  const { url, node } = await place.startNode();
  const tools = [{ type: 'function', function: { name: 'look', parameters: { type: 'object' } } }];
  await ask(url, { temperature: 0.25, max_tokens: 9, tools, user: 'ada', n: 1 });
  await ask(url, { messages: [{ role: 'user', content: 'x'.repeat(70_000) }] });
  const args = ['compare', '--models', 'a/a,b/b', '--from-log', '--since', '1h', '--repeat', '2', '--url', url];
  const result = await place.run([...args, '--json', 'r.json']);
  node.signal('SIGTERM');
  await node.ended;
  assert.equal(result.exitCode, 0, result.stderr);
  assert.deepEqual(rowsOf(result.stdout)[2]?.slice(0, 5), ['b/b', '2/2', '100 %', '$0.0000520', '$0.0000260']);
  const [asked] = b.requests;
  const { messages, temperature, max_tokens, tools: sent, user } = asked;
  assert.deepEqual(
    [messages, temperature, max_tokens, user],
    [[{ role: 'user', content: 'Capital of France?' }], 0.25, 9, undefined],
  );
  assert.equal(sent[0].function.name, 'look');
  assert.equal(JSON.parse(readFileSync(place.path('r.json'), 'utf8')).prompts.length, 1, 'the long one is not kept');
  assert.deepEqual([a.requests.length, b.requests.length], [4, 2], 'kept answers are not compared');
  const database = openDatabase(place.path('state/gateway.db'), GATEWAY_MIGRATIONS);
  const ids = database.prepare<[], string>('SELECT substr(id, 1, 8) FROM prompt_log ORDER BY at').pluck().all();
  database.close();
  assert.deepEqual(ids.slice(1), Array(4).fill('compare-'));
});

test('without a word in the configuration no text of a prompt or an answer is stored', async () => {
  using place = commandPlace();
  await using a = await startEcho({ models: ['a'], answer: () => 'It is Paris' });
  configure(place, { a }, '');
  const { url, node } = await place.startNode();
  await ask(url, {});
  node.signal('SIGTERM');
  await node.ended;
  const stored = readFileSync(place.path('state/gateway.db'));
  assert.deepEqual([stored.includes('Capital of'), stored.includes('It is Paris')], [false, false]);
  const { exitCode, stderr } = await place.run(['compare', '--models', 'a/a,b/b', '--from-log']);
  assert.equal(exitCode, 1);
  assert.match(stderr, /^flowmesh: No request is kept that could be asked again\. `prompts: \{isStored: true\}`/);
});

test('--from-shadow sets both answers side by side, judged by a model, without asking them again', async () => {
  using place = commandPlace();
  await using a = await startEcho({ models: ['a'], answer: () => 'It is Paris' });
  await using b = await startEcho({ models: ['b'], answer: () => 'It is Lyon' });
  await using j = await startEcho({
    models: ['j'],
    answer: (heard) => JSON.stringify({ winner: /ANSWER A\s+It is Paris/.test(heard) ? 'A' : 'B', reason: 'True.' }),
  });
  const chains = 'chains:\n  main: {targets: [a/a], shadow: {to: next, share: 1}}\n  next: [b/b]\n';
  configure(place, { a, b, j }, chains);
  const { url, node } = await place.startNode();
  await ask(url, { model: 'main' });
  await ask(url, { model: 'main', stream: true });
  await untilCount(() => b.requests.length, 2);
  const token = readFileSync(place.path('state/admin.token'), 'utf8').trim();
  const sideBySide = async (): Promise<any[]> => {
    const response = await fetch(`${url}/admin/shadow`, { headers: { authorization: `Bearer ${token}` } });
    return ((await response.json()) as any).data;
  };
  let data = await sideBySide();
  while (data[0]?.pairs !== 2) data = await sideBySide();
  const [{ chain, to, likeness, served, shadow }] = data;
  assert.deepEqual([data.length, chain, to, Math.round(likeness * 100)], [1, 'main', 'next', 67]);
  assert.deepEqual(
    [served, shadow].map(({ answers, inputTokens, targets, cost }) => [answers, inputTokens, targets, cost.known]),
    [
      [2, 14, ['a/a'], 2 * 0.000_013],
      [2, 14, ['b/b'], 2 * 0.000_026],
    ],
  );
  assert.equal(typeof served.ttftMs.median, 'number');
  node.signal('SIGTERM');
  await node.ended;
  const args = ['compare', '--from-shadow', '--judge', 'j/j', '--html', 'r.html'];
  const result = await place.run(args);
  assert.equal(result.exitCode, 0, result.stderr);
  const [, first, second] = rowsOf(result.stdout);
  assert.deepEqual(first?.slice(0, 6), ['main', '2/2', 'baseline', 'baseline', 'baseline', '$0.0000260']);
  assert.deepEqual(second?.slice(0, 6), ['next', '2/2', '0 % (0–66)', '0/0/2', '67 %', '$0.0000520']);
  assert.deepEqual([a.requests.length, b.requests.length, j.requests.length], [2, 2, 4]);
  assert.match(readFileSync(place.path('r.html'), 'utf8'), /It is Lyon/);
  const usage = await place.run(['usage', '--by', 'operation,model', '--json']);
  assert.deepEqual(
    JSON.parse(usage.stdout).rows.map(({ operation, model, requests, shadows }: any) => [
      operation,
      model,
      requests,
      shadows,
    ]),
    [
      ['openai-chat', 'main', 2, 0],
      ['shadow', 'next', 0, 2],
    ],
  );
});

test('what the command line has wrong is told', async () => {
  using place = commandPlace();
  place.write('p.txt', 'Hello\n');
  const cases: [args: string[], exitCode: number, message: RegExp][] = [
    [['--models', 'a,b'], 2, /Give one of --prompts FILE, --from-log and --from-shadow\./],
    [['--models', 'a,b', '--from-log', '--from-shadow'], 2, /Give one of/],
    [['--models', 'a,b', '--prompts', 'p.txt', '--since', '7d'], 2, /--since and --tenant go with --from-log/],
    [['--models', 'a,b', '--from-log', '--since', 'soon'], 2, /since must be a date/],
    [['--models', 'a,b', '--from-log', '--limit', '0'], 2, /--limit is a whole number from 1 to 1000\./],
    [['--models', 'a', '--from-shadow'], 2, /--models takes two names with --from-shadow/],
    [['--from-shadow'], 1, /No answers of shadow traffic are kept\./],
  ];
  for (const [args, exitCode, message] of cases) {
    const result = await place.run(['compare', ...args]);
    assert.equal(result.exitCode, exitCode, args.join(' '));
    assert.match(result.stderr, message);
  }
});
