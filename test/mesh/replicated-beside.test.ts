// What a command changes beside a running node travels like everything else: asked of the node, and behind its back in the
// node's own file, as `kb watch` does when it was there before the node.

import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { knowledgePath } from '../../src/knowledge/knowledge-path.ts';
import { commandPlace } from '../support/command.ts';
import { type NodeInMesh, SimNodes } from '../support/sim-nodes.ts';

const BESIDE = join(import.meta.dirname, '..', 'support', 'beside-process.ts');

async function found(node: NodeInMesh, query: string): Promise<string[]> {
  const { body } = await node.admin('POST', '/admin/knowledge/default/search', { query, topK: 20 });
  return (body.data as { text: string }[]).map(({ text }) => text).sort();
}

async function pair(sim: SimNodes): Promise<[NodeInMesh, NodeInMesh]> {
  const nodes = [await sim.start('a'), await sim.start('b')] as [NodeInMesh, NodeInMesh];
  await sim.meet();
  return nodes;
}

test('`flowmesh kb add` and `kb remove` beside a node: other nodes find what was added, and lose what was removed', async (context) => {
  using place = commandPlace();
  const sim = new SimNodes(context);
  const [a, b] = await pair(sim);
  place.write('pump.md', 'The pump is oiled every spring.\n');
  place.write('valve.md', 'The valve opens to the left.\n');
  const at = ['--collection', 'plant', '--url', a.url, '--token-file', join(a.dataDirectory, 'admin.token')];
  const kb = async (...words: readonly string[]): Promise<void> => {
    const { exitCode, stderr } = await sim.settle(place.run(['kb', ...words, ...at]));
    assert.equal(exitCode, 0, stderr);
  };
  await kb('add', place.path('pump.md'), place.path('valve.md'));
  await sim.until(async () => (await found(b, 'pump valve')).length === 2, 10_000, 'b finds both');
  await kb('remove', place.path('pump.md'));
  await sim.until(async () => (await found(b, 'pump valve')).length === 1, 10_000, 'b has lost one');
  assert.deepEqual(await found(b, 'pump valve'), ['The valve opens to the left.']);
});

test('another process that writes to the node’s own file: its documents come to the others, theirs to the file', async (context) => {
  const sim = new SimNodes(context);
  const [a, b] = await pair(sim);
  const child = fork(BESIDE, [knowledgePath(a.dataDirectory)]);
  context.after(() => child.kill());
  await told(child, { store: { source: 'one', text: 'a heron of the other process' } });
  await told(child, { store: { source: 'two', text: 'a second heron of it' } });
  await sim.until(async () => (await found(b, 'heron')).length === 2, 10_000, 'b finds both');
  await told(child, { remove: 'two' });
  await told(child, { store: { source: 'one', text: 'a heron that was edited' } });
  await sim.until(async () => (await found(b, 'heron')).join() === 'a heron that was edited', 10_000, 'b has the edit');
  const document = {
    source: 'three',
    title: 'three',
    mimeType: 'text/plain',
    contentHash: '3'.repeat(64),
    attributes: {},
  };
  const passages = [{ text: 'a gull of b', headings: [], start: 0, end: 11 }];
  const path = '/admin/knowledge/default/collections/all/documents';
  assert.equal((await b.admin('PUT', path, { ...document, passages })).status, 200);
  await sim.until(async () => (await found(a, 'gull')).length === 1, 10_000, 'a finds that of b');
  assert.deepEqual(await told(child, { search: 'gull' }), ['a gull of b']);
});

async function told(child: ChildProcess, order: object): Promise<unknown> {
  const answered = once(child, 'message');
  child.send(order);
  const [answer] = await answered;
  return answer;
}
