// A whole node without any provider: its own answerer quotes from the knowledge brain. And tenants: each one's requests
// get its own documents.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import OpenAI from 'openai';
import { completion, JSON_HEADERS } from '../support/chat-wire.ts';
import { startNode, type TestNode } from '../support/node.ts';
import { startRawUpstream } from '../support/raw-upstream.ts';

const QUESTION = 'How long does the warranty of the pump last?';
const NOTICE = 'No language model is reachable right now';
const BUILTIN = {
  accounts: { flowmesh: { provider: 'flowmesh' } },
  chains: { main: ['flowmesh/extractive'] },
  knowledge: { searchTimeoutMs: 10_000 },
} as const;

const sdk = (node: TestNode, apiKey = 'unused'): OpenAI =>
  new OpenAI({ baseURL: `${node.url}/v1`, apiKey, maxRetries: 0 });

async function addFile(client: OpenAI, collection: string, text: string): Promise<void> {
  const file = await client.files.create({ file: new File([text], `${collection}.md`), purpose: 'assistants' });
  await client.vectorStores.create({ name: collection, file_ids: [file.id] });
}

test('without a model, sentences of the documents are quoted with their sources', async () => {
  await using node = await startNode({ ...BUILTIN, dataDirectory: ':memory:' });
  const client = sdk(node);
  await addFile(client, 'manuals', '# Pump manual\n\nThe warranty of the pump lasts three years. The roof is green.\n');
  await addFile(client, 'gardens', '# Gardens\n\nRoses are red in June.\n');
  const answer = await client.chat.completions.create({
    model: 'main',
    messages: [{ role: 'user', content: QUESTION }],
  });
  const message = answer.choices[0]?.message;
  const quote = 'The warranty of the pump lasts three years.';
  assert.equal(
    message?.content,
    `${NOTICE}: these are quotations that match the question, not an answer.\n\n> ${quote} [1]\n\nSources:\n[1] Pump manual`,
  );
  const start = message?.content?.indexOf(quote) ?? -1;
  const citation = message?.annotations?.[0]?.url_citation;
  assert.deepEqual(
    [citation?.title, citation?.start_index, citation?.end_index],
    ['Pump manual', start, start + quote.length],
  );

  let streamed = '';
  const stream = await client.chat.completions.create({
    model: 'flowmesh/extractive',
    stream: true,
    messages: [{ role: 'user', content: QUESTION }],
  });
  for await (const { choices } of stream) streamed += choices[0]?.delta.content ?? '';
  assert.equal(streamed, message?.content);
});

test('when the documents say nothing of it, the answer says so', async () => {
  await using node = await startNode({ ...BUILTIN, dataDirectory: ':memory:' });
  const client = sdk(node);
  await addFile(client, 'gardens', '# Gardens\n\nRoses are red in June.\n');
  const ask = async (extra: object = {}): Promise<string> => {
    const messages = [{ role: 'user' as const, content: QUESTION }];
    const answer = await client.chat.completions.create({ model: 'main', messages, ...extra });
    return answer.choices[0]?.message.content ?? '';
  };
  assert.match(await ask(), /^No language model is reachable right now, and (nothing at hand|there is no text)/);
  const rose = { messages: [{ role: 'user' as const, content: 'When are the roses red?' }] };
  assert.match(await ask(rose), /Roses are red in June\. \[1\]/);
  assert.doesNotMatch(await ask({ ...rose, knowledge: false }), /Roses are red/);
});

test('a tenant’s requests get the documents of that tenant', async () => {
  const heard: string[] = [];
  await using upstream = await startRawUpstream((response, { body }) => {
    heard.push(JSON.parse(body).messages[0].content);
    response.writeHead(200, JSON_HEADERS).end(JSON.stringify(completion('Three years [1].')));
  });
  const knowledge = { collections: ['manuals'], topK: 4, maxTokens: 800, minScore: 0, required: true };
  await using node = await startNode({
    accounts: { a: { url: upstream.url } },
    chains: { main: { targets: ['a/one'], knowledge } },
    knowledge: { searchTimeoutMs: 10_000 },
  });
  const token = readFileSync(`${node.dataDirectory}/admin.token`, 'utf8').trim();
  const admin = { headers: { authorization: `Bearer ${token}` } };
  const clients: Record<string, OpenAI> = {};
  for (const tenant of ['acme', 'other']) {
    await node.post('/admin/tenants', { name: tenant }, admin);
    const made = await node.post('/admin/keys', { tenant }, admin);
    const client = sdk(node, ((await made.json()) as { secret: string }).secret);
    await addFile(client, 'manuals', `# Manual\n\nThe warranty of the pump at ${tenant} lasts long.\n`);
    clients[tenant] = client;
  }
  for (const [tenant, client] of Object.entries(clients)) {
    const answer = await client.chat.completions.create({
      model: 'main',
      messages: [{ role: 'user', content: QUESTION }],
    });
    assert.equal(answer.choices[0]?.message.annotations?.length, 1);
    const other = tenant === 'acme' ? 'other' : 'acme';
    assert.match(heard.at(-1) ?? '', new RegExp(`pump at ${tenant} lasts`));
    assert.doesNotMatch(heard.at(-1) ?? '', new RegExp(`pump at ${other} lasts`));
  }
  const lines = await node.log.untilRequests(8);
  const chats = lines.filter(({ operation }) => operation === 'openai-chat');
  assert.deepEqual(
    chats.map(({ knowledge, passages, passagesCited }) => [knowledge, passages, passagesCited]),
    [
      ['used', 1, 1],
      ['used', 1, 1],
    ],
  );
  assert.match(
    await (await fetch(`${node.url}/metrics`, { headers: { authorization: `Bearer ${clients.acme?.apiKey}` } })).text(),
    /flowmesh_knowledge_requests_total\{outcome="used"\} 2/,
  );
});
