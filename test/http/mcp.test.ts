// Knowledge as MCP tools at /mcp, as the protocol's own client uses them.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { startNode, type TestNode } from '../support/node.ts';

let node: TestNode;
let client: Client;

before(async () => {
  node = await startNode({ dataDirectory: ':memory:' });
  client = await connected(node);
});
after(async () => {
  await client.close();
  await node.stop();
});

async function connected({ url }: TestNode, key?: string): Promise<Client> {
  const made = new Client({ name: 'test', version: '1' });
  const headers = key === undefined ? {} : { authorization: `Bearer ${key}` };
  await made.connect(new StreamableHTTPClientTransport(new URL(`${url}/mcp`), { requestInit: { headers } }) as never);
  return made;
}

async function call(name: string, input: object, by = client): Promise<CallToolResult & { data: any; text: string }> {
  const result = (await by.callTool({ name, arguments: { ...input } })) as CallToolResult;
  const [first] = result.content;
  return { ...result, data: result.structuredContent, text: first?.type === 'text' ? first.text : '' };
}

test('the tools are named and described with their arguments', async () => {
  assert.equal(client.getServerVersion()?.name, 'flowmesh');
  assert.match(client.getInstructions() ?? '', /never instructions/);
  const { tools } = await client.listTools();
  assert.deepEqual(
    tools.map(({ name, annotations }) => [name, annotations?.readOnlyHint]),
    [
      ['search_knowledge', true],
      ['add_document', false],
      ['list_documents', true],
      ['read_document', true],
    ],
  );
  assert.deepEqual(tools[1]?.inputSchema.required, ['text', 'title']);
});

test('what an agent adds it finds, lists and reads again', async () => {
  const text = 'The warranty of the pump lasts three years.';
  const added = await call('add_document', { title: 'Pump manual', text, collection: 'manuals' });
  assert.equal(added.text, "The document 'Pump manual' was added in the collection 'manuals'.");
  assert.deepEqual(added.data, { outcome: 'added', collection: 'manuals', source: 'Pump manual', passages: 1 });

  const found = await call('search_knowledge', { query: 'How long does the warranty last?' });
  assert.equal(found.data.passages.length, 1);
  const [{ documentId, title, collection }] = found.data.passages;
  assert.deepEqual([title, collection], ['Pump manual', 'manuals']);
  assert.match(found.text, /^\[1\] Pump manual \(document [0-9a-f]+\)\n[\s\S]*three years/);

  assert.deepEqual((await call('list_documents', {})).data.collections, [
    { collection: 'manuals', documents: 1, passages: 1 },
  ]);
  const listed = await call('list_documents', { collection: 'manuals' });
  assert.deepEqual(
    listed.data.documents.map(({ id, source }: any) => [id, source]),
    [[documentId, 'Pump manual']],
  );
  const read = await call('read_document', { documentId });
  assert.match(read.text, /^Pump manual\n\n[\s\S]*three years\.$/);
  assert.equal(read.data.end, read.data.length);

  const again = await call('add_document', { title: 'Pump manual', text: 'Four years.', collection: 'manuals' });
  assert.equal(again.data.outcome, 'updated');
  assert.equal((await call('search_knowledge', { query: 'three' })).text, 'Nothing was found.');
});

test('a long document is read in parts', async () => {
  const text = Array.from({ length: 2_000 }, (_, index) => `Sentence number ${index} of the long story.`).join(' ');
  await call('add_document', { title: 'Story', text, collection: 'stories' });
  const [{ id }] = (await call('list_documents', { collection: 'stories' })).data.documents;
  let whole = '';
  for (let from = 0; ; ) {
    const { data } = await call('read_document', { documentId: id, from });
    whole += data.text;
    assert.ok(data.text.length <= 20_000);
    if (data.end === data.length) break;
    from = data.end;
  }
  const squeezed = (value: string): string => value.replace(/\s+/g, ' ').trim();
  assert.ok(squeezed(whole).endsWith(squeezed(text)));
});

test('what goes wrong is said in the result, so that the model can try again', async () => {
  const failure = async (name: string, input: object, says: RegExp): Promise<void> => {
    const { isError, text } = await call(name, input);
    assert.equal(isError, true);
    assert.match(text, says);
  };
  await failure('search_knowledge', {}, /'query' must be a text/);
  await failure('search_knowledge', { query: 'a', collections: 'b' }, /'collections' must be a list/);
  await failure('read_document', { documentId: 'nowhere' }, /no document 'nowhere'/);
  await failure('drop_tables', {}, /no tool 'drop_tables'/);
});

test('there are no sessions to open or close', async () => {
  const get = await fetch(`${node.url}/mcp`, { headers: { accept: 'text/event-stream' } });
  assert.equal(get.status, 405);
  await get.body?.cancel();
});

test('a key is needed where keys are, and it opens its tenant’s collections only', async () => {
  await using guarded = await startNode();
  const token = readFileSync(`${guarded.dataDirectory}/admin.token`, 'utf8').trim();
  const admin = { headers: { authorization: `Bearer ${token}` } };
  for (const name of ['acme', 'other']) await guarded.post('/admin/tenants', { name }, admin);
  const keyOf = async (tenant: string, scopes: object = {}): Promise<string> => {
    const made = await guarded.post('/admin/keys', { tenant, scopes }, admin);
    return ((await made.json()) as { secret: string }).secret;
  };
  const acme = await connected(guarded, await keyOf('acme'));
  const other = await connected(guarded, await keyOf('other'));
  const limited = await connected(guarded, await keyOf('acme', { collections: ['public'] }));
  await call('add_document', { title: 'Secret', text: 'The word is swordfish.', collection: 'secrets' }, acme);
  const query = { query: 'swordfish' };
  const [{ documentId }] = (await call('search_knowledge', query, acme)).data.passages;
  assert.deepEqual((await call('search_knowledge', query, other)).data, { passages: [] });
  assert.deepEqual((await call('search_knowledge', query, limited)).data, { passages: [] });
  assert.deepEqual((await call('list_documents', {}, limited)).data, { collections: [] });
  for (const [name, input] of [
    ['search_knowledge', { ...query, collections: ['secrets'] }],
    ['list_documents', { collection: 'secrets' }],
    ['add_document', { title: 'a', text: 'b', collection: 'secrets' }],
    ['read_document', { documentId }],
  ] as const) {
    assert.equal((await call(name, input, limited)).isError, true, name);
  }
  assert.equal((await call('read_document', { documentId }, other)).isError, true);
  await assert.rejects(connected(guarded), /401|Unauthorized|key/i);
  await assert.rejects(connected(guarded, await keyOf('acme', { endpoints: ['chat'] })), /403|knowledge/i);
  for (const one of [acme, other, limited]) await one.close();
});
