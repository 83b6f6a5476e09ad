import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandPlace } from '../support/command.ts';
import { startEcho } from '../support/echo-upstream.ts';

/** Nothing listens on port 1, so no node is found there. */
function config(url: string, port = 1): string {
  return `server:
  port: ${port}
accounts:
  mine:
    provider: local
    url: ${url}
    key: upstream-key
chains:
  default:
    - mine/echo-1
aliases:
  quick: default
`;
}

const TABLE = `MODEL    OWNED BY
quick    flowmesh
default  flowmesh
echo-1   mine
echo-2   mine
`;

test('with no node running the accounts are asked', async () => {
  using place = commandPlace();
  await using upstream = await startEcho({ models: ['echo-1', 'echo-2'], keys: ['upstream-key'] });
  place.write('flowmesh.yaml', config(upstream.url));
  const result = await place.run(['models']);
  assert.deepEqual(result, {
    exitCode: 0,
    signal: null,
    stdout: TABLE,
    stderr: 'No node answers at http://127.0.0.1:1; asking the providers from here.\n',
  });
});

test('an account that does not tell is named with the reason, and the rest is listed', async () => {
  using place = commandPlace();
  await using upstream = await startEcho({ keys: ['another-key'] });
  place.write('flowmesh.yaml', config(upstream.url));
  const { exitCode, stdout, stderr } = await place.run(['models']);
  assert.equal(exitCode, 0);
  assert.equal(stdout, 'MODEL    OWNED BY\nquick    flowmesh\ndefault  flowmesh\necho-1   mine\n');
  assert.match(stderr, /\n! mine: The upstream refused flowmesh's credential/);
});

test('a running node is asked, with the key from the environment or a file', async () => {
  using place = commandPlace();
  await using upstream = await startEcho({ keys: ['upstream-key'] });
  place.write('node.yaml', config(upstream.url).replace('server:', 'server:\n  apiKeys: [client-key]'));
  place.write('key', 'client-key\n');
  const { url, node } = await place.startNode(['--config', 'node.yaml']);
  const args = ['models', '--json', '--url', url];
  const byEnvironment = await place.run(args, { env: { FLOWMESH_API_KEY: 'client-key' } });
  assert.equal(byEnvironment.stderr, '');
  const listed = JSON.parse(byEnvironment.stdout);
  assert.equal(listed.url, url);
  assert.deepEqual(listed.models.slice(0, 3), [
    { id: 'quick', ownedBy: 'flowmesh' },
    { id: 'default', ownedBy: 'flowmesh' },
    { id: 'echo-1', ownedBy: 'mine' },
  ]);
  assert.equal((await place.run([...args, '--key-file', 'key'])).exitCode, 0);
  const without = await place.run(args);
  assert.deepEqual(without, {
    exitCode: 1,
    signal: null,
    stdout: '',
    stderr:
      'flowmesh: The node wants a key. Set FLOWMESH_API_KEY, or give --key-file with a virtual key (`flowmesh keys create`) or one of its server.apiKeys.\n',
  });
  node.signal('SIGTERM');
  assert.equal((await node.ended).exitCode, 0);
});

test('the node of the configuration is found by its port, and asked with one of its own keys', async () => {
  using place = commandPlace();
  await using upstream = await startEcho({ keys: ['upstream-key'] });
  place.write('node.yaml', config(upstream.url).replace('server:', 'server:\n  apiKeys: [client-key]'));
  const { url, node } = await place.startNode(['--config', 'node.yaml']);
  const port = Number(new URL(url).port);
  place.write('flowmesh.yaml', config(upstream.url, port).replace('server:', 'server:\n  apiKeys: [client-key]'));
  const { exitCode, stdout, stderr } = await place.run(['models']);
  assert.deepEqual({ exitCode, stderr }, { exitCode: 0, stderr: '' });
  assert.equal(stdout.split('\n')[1], 'quick    flowmesh');
  node.signal('SIGTERM');
  assert.equal((await node.ended).exitCode, 0);
});

test('a node that was named and does not answer is a failure', async () => {
  using place = commandPlace();
  const { exitCode, stderr } = await place.run(['models', '--url', 'http://127.0.0.1:1']);
  assert.equal(exitCode, 1);
  assert.equal(
    stderr,
    'flowmesh: No flowmesh node answers at http://127.0.0.1:1. Start one with `flowmesh start`, or leave out --url to do without.\n',
  );
});

for (const [args, stderr] of [
  [['--url', 'nowhere'], "'nowhere' is not the address of a node; it looks like http://127.0.0.1:2402."],
  [['--key-file', 'absent'], 'absent cannot be read: there is no such file.'],
] as const) {
  test(`\`flowmesh models ${args.join(' ')}\` is wrong usage`, async () => {
    using place = commandPlace();
    const result = await place.run(['models', ...args]);
    assert.deepEqual(result, { exitCode: 2, signal: null, stdout: '', stderr: `flowmesh: ${stderr}\n` });
  });
}
