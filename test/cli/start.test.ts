import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { ARTICLE } from '../support/article.ts';
import { type CommandPlace, commandPlace, type RunningCommand } from '../support/command.ts';
import { startEcho } from '../support/echo-upstream.ts';

/** One chain to an upstream of the test. */
function chainTo(url: string, extra = ''): string {
  return `chains:\n  default:\n    - model: echo-1\n      provider: local\n      url: ${url}\n${extra}`;
}

function post(url: string, content: string, isStream: boolean): Promise<Response> {
  const body = JSON.stringify({ model: 'any', stream: isStream, messages: [{ role: 'user', content }] });
  return fetch(`${url}/v1/chat/completions`, { method: 'POST', body });
}

/** The JSON lines of its log so far. */
function logOf(node: RunningCommand): any[] {
  return node.stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

function messagesOf(node: RunningCommand): string[] {
  return logOf(node).map(({ msg }) => msg);
}

async function stopped(node: RunningCommand, signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
  node.signal(signal);
  return (await node.ended).exitCode;
}

test("the article's configuration starts as it is written there, without the word start, and says what it found", async () => {
  using place = commandPlace();
  place.write('config.yaml', ARTICLE);
  const env = { OPENAI_KEY: 'sk-secret-of-the-test' };
  const node = place.launch(['--config', 'config.yaml', '--port', '0'], { env });
  const [, url] = await node.untilStderr(/endpoint (http:\S+)\/v1\n[\s\S]*curl .*\n/);
  assert.equal(
    node.stderr,
    `flowmesh 0.1.0

  config   config.yaml
  warning  config.yaml:8:12 chains.default[1].key: the environment variable ANTHROPIC_KEY is not set, so the target anthropic/claude-3-sonnet is skipped.
  chain    default: openai/gpt-4 → local/mistral-7b (also for every other model name)
  endpoint ${url}/v1

Try it:
  curl ${url}/v1/chat/completions -d '{"model":"default","messages":[{"role":"user","content":"Hello"}]}'

`,
  );
  assert.equal((await fetch(`${url}/readyz`)).status, 200);
  assert.equal(await stopped(node), 0);
  assert.doesNotMatch(node.stdout + node.stderr, /sk-secret/);
});

test('without a configuration a node starts with what is found, and its answerer of last resort answers', async () => {
  using place = commandPlace();
  const node = place.launch(['--port', '0']);
  const [, url = ''] = await node.untilStderr(/endpoint (http:\S+)\/v1\n[\s\S]*curl .*\n/);
  assert.match(node.stderr, /\n {2}found {4}flowmesh: answers with quotations when nothing else does \(1 model\)\n/);
  const answer = await post(url, 'Hello?', false);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('x-flowmesh-target'), 'flowmesh/extractive');
  assert.equal(await stopped(node), 0);
});

test('keys in the environment are found, told by the name of their variable, and never shown', async () => {
  using place = commandPlace();
  const env = { OPENAI_API_KEY: 'sk-secret-of-the-test' };
  const { node } = await place.startNode([], { env });
  assert.match(node.stderr, /\n {2}found {4}openai: key from OPENAI_API_KEY\n/);
  assert.equal(await stopped(node), 0);
  assert.doesNotMatch(node.stdout + node.stderr, /sk-secret/);
});

test('with client keys the line to try carries the header that the node wants', async () => {
  using place = commandPlace();
  place.write('config.yaml', chainTo('http://127.0.0.1:1/v1', 'server:\n  apiKeys: [client-key-of-the-test]\n'));
  const { node, url } = await place.startNode(['--config', 'config.yaml']);
  assert.match(node.stderr, /curl \S+ -H "Authorization: Bearer \$FLOWMESH_API_KEY" -d /);
  assert.equal((await fetch(`${url}/v1/models`)).status, 401);
  assert.equal(await stopped(node), 0);
  assert.doesNotMatch(node.stdout + node.stderr, /client-key-of-the-test/);
});

test('so it does once a virtual key was made, and where nobody is let in without one', async () => {
  using place = commandPlace();
  place.write('config.yaml', chainTo('http://127.0.0.1:1/v1', ''));
  place.write('never.yaml', chainTo('http://127.0.0.1:1/v1', 'server: {anonymous: never}\n'));
  const line = /curl \S+ -H "Authorization: Bearer \$FLOWMESH_API_KEY" -d /;
  const closed = await place.startNode(['--config', 'never.yaml']);
  assert.match(closed.node.stderr, line);
  assert.equal(await stopped(closed.node), 0);
  await place.run(['keys', 'create', '--tenant', 'acme', '--config', 'config.yaml']);
  const keyed = await place.startNode(['--config', 'config.yaml']);
  assert.match(keyed.node.stderr, line);
  assert.equal(await stopped(keyed.node), 0);
});

test('a second start is told so, with where the running node is', async () => {
  using place = commandPlace();
  const { url, node } = await place.startNode();
  const { port } = new URL(url);
  const second = await place.run(['--port', port]);
  const choice = 'give this one its own with dataDirectory in the configuration, or with FLOWMESH_HOME.\n';
  assert.deepEqual(second, {
    exitCode: 1,
    signal: null,
    stdout: '',
    stderr: `flowmesh: A flowmesh node runs already. Use that one at ${url}/v1, or for a second one choose another port and ${choice}`,
  });
  const elsewhere = await place.run(['--port', '1']);
  assert.equal(
    elsewhere.stderr,
    `flowmesh: Another flowmesh node uses the data directory ${place.path('state')}. Stop it, or ${choice}`,
  );
  assert.equal(await stopped(node), 0);
});

test('a port in use by a node with other state is told so, with where that node is', async () => {
  using first = commandPlace();
  using place = commandPlace();
  const { url, node } = await first.startNode();
  const { port } = new URL(url);
  const second = await place.run(['--port', port]);
  assert.equal(
    second.stderr,
    `flowmesh: Port ${port} on 127.0.0.1 is in use by another flowmesh node. Use that one at ${url}/v1, or choose another port with --port or server.port.\n`,
  );
  assert.equal(await stopped(node), 0);
});

test('a port in use by another program is told so, with how to find that program', async () => {
  using place = commandPlace();
  const other = createServer((socket) => socket.end()).listen(0, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  const { port } = other.address() as { port: number };
  const { exitCode, stderr } = await place.run(['--port', String(port)]);
  other.close();
  assert.equal(exitCode, 1);
  const command = { linux: `ss -ltnp sport = :${port}`, win32: `netstat -ano | findstr :${port}` }[
    process.platform as string
  ];
  assert.equal(
    stderr,
    `flowmesh: Port ${port} on 127.0.0.1 is in use by another program. Stop it (\`${command ?? `lsof -iTCP:${port} -sTCP:LISTEN`}\` shows it), or choose another port with --port or server.port.\n`,
  );
});

test('an address that this machine does not have is told so', async () => {
  using place = commandPlace();
  place.write('config.yaml', chainTo('http://127.0.0.1:1/v1', 'server:\n  apiKeys: [k]\n'));
  const { exitCode, stderr } = await place.run(['-c', 'config.yaml', '--host', '192.0.2.1', '--port', '0']);
  assert.equal(exitCode, 1);
  assert.equal(
    stderr,
    'flowmesh: This machine has no address 192.0.2.1. Use one of its own as server.host or --host.\n',
  );
});

test('a wider host is refused while there is no key at all, and taken as soon as there is a virtual one', async () => {
  using place = commandPlace();
  const refused = await place.run(['--host', '0.0.0.0', '--port', '0']);
  assert.equal(refused.exitCode, 2);
  assert.equal(
    refused.stderr,
    'flowmesh: Refused: listening on 0.0.0.0 without a key lets other machines spend your credit. Make a virtual key (`flowmesh keys create --tenant NAME`), or set server.apiKeys, or set server.anonymous to never and make keys later, or listen on 127.0.0.1.\n',
  );
  // This machine in a spelling that is not known to be it: nobody else is let in while the test runs.
  assert.equal((await place.run(['--host', '127.1', '--port', '0'])).exitCode, 2);
  const created = await place.run(['keys', 'create', '--tenant', 'acme']);
  const { url } = await place.startNode(['--host', '127.1']);
  const models = (headers: Record<string, string>) => fetch(`${url}/v1/models`, { headers });
  assert.equal((await models({})).status, 401);
  assert.equal((await models({ authorization: `Bearer ${created.stdout.trim()}` })).status, 200);
});

test('a data directory that cannot be used is told with the reason', async () => {
  using place = commandPlace();
  const file = place.write('occupied', '');
  const { exitCode, stderr } = await place.run(['--port', '0'], { env: { FLOWMESH_HOME: `${file}/state` } });
  assert.equal(exitCode, 1);
  assert.equal(
    stderr,
    `flowmesh: The data directory ${file}/state cannot be used: a part of that path is a file, not a directory (ENOTDIR). Choose another one with dataDirectory in the configuration, or with FLOWMESH_HOME.\n`,
  );
});

test('a damaged database is told in a sentence', async () => {
  using place = commandPlace();
  place.write('gateway.db', 'this is no database, but long enough to be taken for a damaged one. '.repeat(20));
  const { exitCode, stderr } = await place.run(['--port', '0'], { env: { FLOWMESH_HOME: place.directory } });
  assert.equal(exitCode, 1);
  assert.match(
    stderr,
    /^flowmesh: The database \S+gateway\.db is damaged \(.*\)\. Move it away or restore a backup\.\n$/,
  );
});

test('a wrong configuration ends the start with its lines and exit code 2', async () => {
  using place = commandPlace();
  place.write('config.yaml', ARTICLE.replace('provider: anthropic', 'provider: antropic'));
  const result = await place.run(['--config', 'config.yaml'], { env: { OPENAI_KEY: 'k' } });
  assert.deepEqual(result, {
    exitCode: 2,
    signal: null,
    stdout: '',
    stderr: "config.yaml:7:17 chains.default[1].provider: unknown provider 'antropic'. Did you mean 'anthropic'?\n",
  });
});

test('a configuration that is not there is exit code 2', async () => {
  using place = commandPlace();
  const { exitCode, stderr } = await place.run(['--config', 'absent.yaml']);
  assert.deepEqual({ exitCode, stderr }, { exitCode: 2, stderr: 'absent.yaml: there is no such file.\n' });
});

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} lets a running answer end, takes no new one, and ends with exit code 0`, async () => {
    using place = commandPlace();
    await using upstream = await startEcho({ isHeld: true });
    place.write('config.yaml', chainTo(upstream.url));
    const { node, url } = await place.startNode(['--config', 'config.yaml']);
    const answer = await post(url, 'Hello', true);
    node.signal(signal);
    await node.untilStdout(/stopping: no new requests/);
    assert.equal((await fetch(`${url}/readyz`)).status, 503);
    assert.equal((await post(url, 'Too late', false)).status, 503);
    upstream.release();
    assert.match(await answer.text(), /"finish_reason":"stop"[\s\S]*data: \[DONE\]\n\n$/);
    const { exitCode } = await node.ended;
    assert.equal(exitCode, 0);
    assert.deepEqual(messagesOf(node), [
      'flowmesh is ready',
      'stopping: no new requests, running ones may end',
      'request failed',
      'request',
      'stopped',
    ]);
  });
}

test('a second signal ends the process at once with exit code 1', async () => {
  using place = commandPlace();
  await using upstream = await startEcho({ isHeld: true });
  place.write('config.yaml', chainTo(upstream.url));
  const { node, url } = await place.startNode(['--config', 'config.yaml']);
  await post(url, 'Hello', true);
  node.signal('SIGTERM');
  await node.untilStdout(/stopping: no new requests/);
  assert.equal(await stopped(node, 'SIGINT'), 1);
});

async function modelsOf(url: string): Promise<string[]> {
  const list: any = await (await fetch(`${url}/v1/models`)).json();
  return list.data.map(({ id }: { id: string }) => id);
}

async function reloaded(place: CommandPlace, node: RunningCommand, text: string, outcome: RegExp): Promise<void> {
  const seen = node.stdout.length;
  place.write('config.yaml', text);
  node.signal('SIGHUP');
  await node.untilStdout(new RegExp(`^[\\s\\S]{${seen}}[\\s\\S]*${outcome.source}`));
}

test('SIGHUP reads the configuration anew; a wrong one leaves the old in force and says where it is wrong', async () => {
  using place = commandPlace();
  await using upstream = await startEcho();
  place.write('config.yaml', chainTo(upstream.url));
  const { node, url } = await place.startNode(['--config', 'config.yaml']);
  await reloaded(place, node, `${chainTo(upstream.url)}aliases:\n  quick: default\n`, /configuration reloaded/);
  assert.deepEqual((await modelsOf(url)).slice(0, 2), ['quick', 'default']);
  await reloaded(place, node, 'chians: {}\n', /the old one stays/);
  assert.match(node.stdout, /config\.yaml:1:1 unknown key 'chians'/);
  assert.deepEqual((await modelsOf(url)).slice(0, 2), ['quick', 'default']);
  assert.equal(await stopped(node), 0);
});

test('without a configuration SIGHUP looks again for what can be found', async () => {
  using place = commandPlace();
  const { node } = await place.startNode();
  node.signal('SIGHUP');
  await node.untilStdout(/configuration reloaded/);
  assert.equal(await stopped(node), 0);
});

test('a reload cannot take the keys away from a node that other machines can reach', async () => {
  using place = commandPlace();
  const server = 'server:\n  host: 0.0.0.0\n  apiKeys: [client-key]\n';
  place.write('config.yaml', chainTo('http://127.0.0.1:1/v1', server));
  const { node, url } = await place.startNode(['--config', 'config.yaml']);
  // In itself this is right: but the node goes on to listen where it did.
  await reloaded(place, node, chainTo('http://127.0.0.1:1/v1'), /cannot be used; the old one stays/);
  assert.equal((await fetch(`${url}/v1/models`)).status, 401);
  assert.equal(await stopped(node), 0);
});
