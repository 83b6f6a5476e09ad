import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CommandPlace, commandPlace } from '../support/command.ts';
import { type EchoOptions, type EchoUpstream, startEcho } from '../support/echo-upstream.ts';

/** Nothing listens on port 1, so no node is found there and the command asks by itself. */
function configure(place: CommandPlace, { url }: EchoUpstream): void {
  place.write(
    'flowmesh.yaml',
    `server:\n  port: 1\nchains:\n  default:\n    - model: echo-1\n      provider: local\n      url: ${url}\n`,
  );
}

async function setUp(options: EchoOptions = {}) {
  const place = commandPlace();
  const upstream = await startEcho(options);
  configure(place, upstream);
  return { place, upstream };
}

const DOING_WITHOUT = 'No node answers at http://127.0.0.1:1; asking the providers from here.\n';
const FACTS = /^\[local\/echo-1 · first token after \d+ ms · 7 tokens in, 3 out\]\n$/;

test('the answer alone comes on standard output, where from and how fast on standard error', async () => {
  const { place, upstream } = await setUp();
  using _place = place;
  await using _upstream = upstream;
  const { exitCode, stdout, stderr } = await place.run(['chat', 'Hello there']);
  assert.equal(stdout, 'user: Hello there\n');
  assert.ok(stderr.startsWith(DOING_WITHOUT));
  assert.match(stderr.slice(DOING_WITHOUT.length), FACTS);
  assert.equal(exitCode, 0);
});

test('system text, files and the prompt from standard input make the question', async () => {
  const { place, upstream } = await setUp();
  using _place = place;
  await using _upstream = upstream;
  place.write('a.txt', 'first file');
  place.write('b.txt', 'second file');
  const args = ['chat', '--system', 'Be brief.', '-f', 'a.txt', '-f', 'b.txt', '-m', 'default', '-'];
  const { exitCode, stdout } = await place.run(args, { stdin: 'Compare them.\n' });
  assert.equal(exitCode, 0);
  assert.equal(stdout, 'system: Be brief. | user: Compare them.\n\na.txt:\nfirst file\n\nb.txt:\nsecond file\n');
  assert.equal(upstream.requests.length, 1);
});

test('without a prompt and without a terminal the question is read from standard input', async () => {
  const { place, upstream } = await setUp();
  using _place = place;
  await using _upstream = upstream;
  const { stdout } = await place.run(['chat'], { stdin: 'Piped question' });
  assert.equal(stdout, 'user: Piped question\n');
});

test('nothing to ask is wrong usage', async () => {
  using place = commandPlace();
  const result = await place.run(['chat']);
  assert.deepEqual(result, { exitCode: 2, signal: null, stdout: '', stderr: 'flowmesh: There is nothing to ask.\n' });
});

test('reasoning is shown on standard error, and only when asked for', async () => {
  const { place, upstream } = await setUp({ reasoning: 'Let me think.' });
  using _place = place;
  await using _upstream = upstream;
  const silent = await place.run(['chat', 'Hi']);
  assert.doesNotMatch(silent.stderr + silent.stdout, /Let me think/);
  const shown = await place.run(['chat', '--reasoning', 'Hi']);
  assert.equal(shown.stdout, 'user: Hi\n');
  assert.match(shown.stderr.slice(DOING_WITHOUT.length), /^Let me think\.\n\[local\/echo-1 /);
});

test('the answer is shown as it comes, and Ctrl-C ends it: the upstream is left, exit code 130', async () => {
  const { place, upstream } = await setUp({ isHeld: true });
  using _place = place;
  await using _upstream = upstream;
  const command = place.launch(['chat', 'Count to a million']);
  await command.untilStdout(/^user: Count to a million$/);
  command.signal('SIGINT');
  const { exitCode, stdout, stderr } = await command.ended;
  await upstream.untilLeft();
  assert.equal(exitCode, 130);
  assert.equal(stdout, 'user: Count to a million\n');
  assert.equal(stderr, `${DOING_WITHOUT}(interrupted)\n`);
});

test('a running node is preferred, and asked by the name of the chosen model', async () => {
  const { place, upstream } = await setUp();
  using _place = place;
  await using _upstream = upstream;
  const { url, node } = await place.startNode();
  const { exitCode, stdout, stderr } = await place.run(['chat', '--url', url, '--model', 'local/echo-1', 'Hi']);
  assert.deepEqual({ exitCode, stdout }, { exitCode: 0, stdout: 'user: Hi\n' });
  assert.match(stderr, FACTS);
  await node.untilStdout(/"model":"local\/echo-1"/);
  node.signal('SIGTERM');
  assert.equal((await node.ended).exitCode, 0);
});

test('an unknown model is told in the words of the node', async () => {
  using place = commandPlace();
  await using upstream = await startEcho();
  place.write(
    'flowmesh.yaml',
    `server: {port: 1}\nchains:\n  smart:\n    - model: echo-1\n      provider: local\n      url: ${upstream.url}\n`,
  );
  const { exitCode, stdout, stderr } = await place.run(['chat', '--model', 'clever', 'Hi']);
  assert.deepEqual({ exitCode, stdout }, { exitCode: 1, stdout: '' });
  assert.equal(
    stderr,
    `${DOING_WITHOUT}flowmesh: No chain, alias or account serves the model 'clever'. Known: smart.\n`,
  );
});

test('when every target fails, each one is told with its reason', async () => {
  using place = commandPlace();
  place.write(
    'flowmesh.yaml',
    'server: {port: 1}\nretries: {max: 0}\nchains:\n  default:\n    - {model: m, provider: local, url: "http://127.0.0.1:1/v1"}\n    - {model: n, provider: local, url: "http://127.0.0.1:1/v1"}\n',
  );
  const { exitCode, stderr } = await place.run(['chat', 'Hi']);
  assert.equal(exitCode, 1);
  assert.match(stderr, /\nflowmesh: .*\n {2}local\/m: No connection .*\n {2}local\/n: No connection .*\n$/);
});

test('a wrong configuration is exit code 2 here, too', async () => {
  using place = commandPlace();
  place.write('flowmesh.yaml', 'chians: {}\n');
  const { exitCode, stderr } = await place.run(['chat', 'Hi']);
  assert.equal(exitCode, 2);
  assert.match(stderr, /flowmesh\.yaml:1:1 unknown key 'chians'\. Did you mean 'chains'\?\n$/);
});
