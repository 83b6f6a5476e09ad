import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandPlace } from '../support/command.ts';

test('cache stats and clear speak to the running node', async () => {
  using place = commandPlace();
  place.write(
    'flowmesh.yaml',
    'chains:\n  main:\n    targets: [flowmesh/extractive]\n    cache: {requests: all}\nserver: {port: 0}\ndataDirectory: state\n',
  );
  const { url } = await place.startNode(['--config', 'flowmesh.yaml']);
  const ask = (namespace: string) =>
    fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'x-flowmesh-cache-namespace': namespace },
      body: JSON.stringify({
        model: 'main',
        messages: [{ role: 'user', content: 'What is a mesh? A mesh is a net.' }],
      }),
    }).then(async (response) => [response.headers.get('x-flowmesh-cache'), (await response.text()).length > 0]);
  assert.deepEqual(await ask('one'), ['miss', true]);
  assert.deepEqual(await ask('one'), ['hit', true]);
  assert.deepEqual(await ask('two'), ['miss', true]);
  const stats = await place.run(['cache', 'stats', '--url', url]);
  assert.equal(stats.stderr, '');
  assert.equal(
    stats.stdout.replace(/size.*MiB/, 'size'),
    `answers kept        2
size
hit since start     1
shared since start  0
miss since start    2
bypass since start  0

SCOPE           NAMESPACE  ANSWERS
tenant:default  one        1
tenant:default  two        1
`,
  );
  const json = JSON.parse((await place.run(['cache', 'stats', '--json', '--url', url])).stdout);
  assert.deepEqual([json.entries, json.requests], [2, { hit: 1, miss: 2, shared: 0, bypass: 0 }]);
  assert.equal(
    (await place.run(['cache', 'clear', '--namespace', 'one', '--url', url])).stderr,
    '1 answer forgotten.\n',
  );
  assert.deepEqual(await ask('one'), ['miss', true]);
  assert.equal(
    (await place.run(['cache', 'clear', '--tenant', 'other', '--url', url])).stderr,
    '0 answers forgotten.\n',
  );
  assert.equal((await place.run(['cache', 'clear', '--url', url])).stderr, '2 answers forgotten.\n');
});

test('without a node there is nobody to ask', async () => {
  using place = commandPlace();
  place.write('flowmesh.yaml', 'chains: {main: [flowmesh/extractive]}\ndataDirectory: state\n');
  const { exitCode, stderr } = await place.run(['cache', 'stats', '--url', 'http://127.0.0.1:1']);
  assert.equal(exitCode, 1);
  assert.match(stderr, /^flowmesh: The node at http:\/\/127\.0\.0\.1:1 did not answer/);
});
