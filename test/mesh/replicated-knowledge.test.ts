// Documents travel: what is added on one node is found on the others, also on an island, and what is deleted goes.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { knowledgePath } from '../../src/knowledge/knowledge-path.ts';
import { type NodeInMesh, SimNodes } from '../support/sim-nodes.ts';

const COLLECTION = '/admin/knowledge/acme/collections/guide';

async function add(node: NodeInMesh, source: string, texts: readonly string[]): Promise<void> {
  let start = 0;
  const passages = texts.map((text) => {
    const passage = { text, headings: ['Guide'], start, end: start + text.length };
    start = passage.end;
    return passage;
  });
  const contentHash = Buffer.from(texts.join('\n')).toString('hex').slice(0, 64).padEnd(64, '0');
  const document = { source, title: source, mimeType: 'text/plain', contentHash, attributes: { lang: 'en' }, passages };
  const { status, body } = await node.admin('PUT', `${COLLECTION}/documents`, document);
  assert.equal(status, 200, JSON.stringify(body));
}

async function remove(node: NodeInMesh, source: string): Promise<void> {
  assert.equal((await node.admin('POST', `${COLLECTION}/remove`, { sources: [source] })).status, 200);
}

interface Hit {
  readonly source: string;
  readonly text: string;
}

async function found(node: NodeInMesh, query: string): Promise<string[]> {
  const { body } = await node.admin('POST', '/admin/knowledge/acme/search', { query, topK: 20 });
  return (body.data as Hit[]).map(({ source }) => source).sort();
}

/** Everything that a node says of its documents. */
async function documents(node: NodeInMesh): Promise<unknown> {
  return (await node.admin('GET', `${COLLECTION}/documents?limit=1000`)).body.data;
}

test('a document that is added on one node is found on the other; deleted on the other, it disappears on the first', async (context) => {
  const sim = new SimNodes(context);
  const a = await sim.start('a');
  const b = await sim.start('b');
  await sim.meet();
  await add(a, 'animals.txt', ['The quick brown fox', 'jumps over the lazy dog']);
  await sim.until(async () => (await found(b, 'fox')).length === 1, 10_000, 'b finds the document');
  assert.deepEqual(await documents(b), await documents(a));
  await remove(b, 'animals.txt');
  await sim.until(async () => (await found(a, 'fox')).length === 0, 10_000, 'a has lost the document');
});

test('a document with thousands of passages, more than a change may hold, comes whole', async (context) => {
  const sim = new SimNodes(context);
  const a = await sim.start('a');
  const texts = Array.from({ length: 1_500 }, (_, index) => `Paragraph ${index} tells of word${index}.`);
  await add(a, 'book.txt', texts);
  const b = await sim.start('b');
  await sim.meet();
  await sim.until(async () => (await found(b, 'word1499')).length === 1, 60_000, 'b finds the end of the book');
  assert.deepEqual(await documents(b), await documents(a));
});

test('both sides of a cut go on; after it both have the same documents, and what was deleted stays deleted', async (context) => {
  const sim = new SimNodes(context);
  const a = await sim.start('a');
  const b = await sim.start('b');
  await sim.meet();
  await add(a, 'old.txt', ['an old heron']);
  await add(a, 'both.txt', ['a heron of before']);
  await sim.until(async () => (await found(b, 'heron')).length === 2, 10_000, 'b has both');
  sim.network.cut(a.peer, b.peer);
  await sim.run(20_000);
  assert.deepEqual(await found(b, 'heron'), ['both.txt', 'old.txt'], 'an island answers from what it has');
  await remove(a, 'old.txt');
  await add(a, 'both.txt', ['a heron of a']);
  await sim.run(1_000);
  await add(b, 'both.txt', ['a heron of b']);
  await add(b, 'new.txt', ['a new heron']);
  sim.network.heal();
  const isEqual = async (): Promise<boolean> =>
    JSON.stringify([await documents(a), await found(a, 'heron')]) ===
    JSON.stringify([await documents(b), await found(b, 'heron')]);
  await sim.until(async () => (await found(a, 'new')).length === 1 && (await isEqual()), 60_000, 'both are equal');
  assert.deepEqual(await found(a, 'heron'), ['both.txt', 'new.txt']);
  const { body } = await a.admin('POST', '/admin/knowledge/acme/search', { query: 'heron', topK: 20 });
  const hits = body.data as Hit[];
  assert.equal(hits.find(({ source }) => source === 'both.txt')?.text, 'a heron of b', 'the later one wins');
});

test('a member without knowledge:write changes nobody’s knowledge, and what it changed at home comes back', async (context) => {
  const sim = new SimNodes(context);
  const a = await sim.start('a');
  const b = await sim.start('b', { capabilities: ['serve'] });
  await sim.meet();
  await add(a, 'law.txt', ['the law of the gull']);
  await sim.until(async () => (await found(b, 'gull')).length === 1, 10_000, 'b has it');
  await add(b, 'law.txt', ['no law at all']);
  await add(b, 'own.txt', ['a gull of my own']);
  await sim.until(
    async () => JSON.stringify(await found(b, 'gull')) === JSON.stringify(['law.txt', 'own.txt']),
    20_000,
    'b has the law again',
  );
  assert.deepEqual(await found(a, 'gull'), ['law.txt']);
});

test('documents from before the mesh travel too', async (context) => {
  const sim = new SimNodes(context);
  const a = await sim.start('a', { config: { mesh: undefined as never } });
  await add(a, 'before.txt', ['an owl from before']);
  await sim.stop(a);
  const again = await sim.start('a', { dataDirectory: a.dataDirectory });
  const b = await sim.start('b');
  await sim.meet();
  await sim.until(async () => (await found(b, 'owl')).length === 1, 20_000, 'b has what was there before');
  assert.deepEqual(await documents(b), await documents(again));
});

test('nodes without documents have no brain’s file and no thread, until the first document is there', async (context) => {
  const sim = new SimNodes(context);
  const a = await sim.start('a');
  const b = await sim.start('b');
  await sim.meet();
  await sim.run(10_000);
  const hasBrain = (): boolean[] => [a, b].map(({ dataDirectory }) => existsSync(knowledgePath(dataDirectory)));
  assert.deepEqual(hasBrain(), [false, false]);
  await add(b, 'first.txt', ['the first wren']);
  await sim.until(async () => (await found(a, 'wren')).length === 1, 10_000, 'a finds it');
  assert.deepEqual(hasBrain(), [true, true]);
});
