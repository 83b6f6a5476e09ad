// Vector stores and files, as OpenAI's own SDK uses them, over the real knowledge brain.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import OpenAI, { toFile } from 'openai';
import { startNode, type TestNode } from '../support/node.ts';

let node: TestNode;
let client: OpenAI;

before(async () => {
  node = await startNode({ dataDirectory: ':memory:' });
  client = new OpenAI({ baseURL: `${node.url}/v1`, apiKey: 'unused', maxRetries: 0 });
});
after(() => node.stop());

const PUMP = '# Pumps\n\nThe warranty of the pump lasts three years.\n\n## Valves\n\nValves are closed at night.\n';
const upload = (name: string, text: string) =>
  client.files.create({ file: new File([text], name, { type: 'text/markdown' }), purpose: 'assistants' });

test('a store is a collection of its name, and a second one of the name gets another', async () => {
  const first = await client.vectorStores.create({ name: 'handbook', metadata: { team: 'support' } });
  assert.match(String(first.created_at), /^\d{10}$/);
  assert.deepEqual(first, {
    id: 'vs_handbook',
    object: 'vector_store',
    created_at: first.created_at,
    name: 'handbook',
    usage_bytes: 0,
    file_counts: { in_progress: 0, completed: 0, failed: 0, cancelled: 0, total: 0 },
    status: 'completed',
    expires_after: null,
    expires_at: null,
    last_active_at: first.created_at,
    metadata: { team: 'support' },
  } as unknown as OpenAI.VectorStore);
  assert.deepEqual(await client.vectorStores.retrieve('vs_handbook'), first);
  const second = await client.vectorStores.create({ name: 'handbook' });
  assert.match(second.id, /^vs_handbook-[0-9a-f]{8}$/);
  assert.equal(second.name, 'handbook');
  const third = await client.vectorStores.create({ name: 'Our *own* docs!' });
  assert.equal(third.id, 'vs_Our-own-docs-');
  assert.equal(third.name, 'Our *own* docs!');
  assert.match((await client.vectorStores.create({})).id, /^vs_store-[0-9a-f]{8}$/);
});

test('stores are listed page by page, renamed and deleted', async () => {
  for (const name of ['list-a', 'list-b', 'list-c']) await client.vectorStores.create({ name });
  const names: string[] = [];
  for await (const store of client.vectorStores.list({ limit: 2 })) names.push(store.id);
  assert.deepEqual(names, [...names].sort());
  assert.deepEqual(
    names.filter((id) => id.startsWith('vs_list-')),
    ['vs_list-a', 'vs_list-b', 'vs_list-c'],
  );
  const renamed = await client.vectorStores.update('vs_list-a', { name: 'Other', metadata: { a: 'b' } });
  assert.deepEqual([renamed.id, renamed.name, renamed.metadata], ['vs_list-a', 'Other', { a: 'b' }]);
  assert.equal((await client.vectorStores.retrieve('vs_list-a')).name, 'Other');
  const gone = await client.vectorStores.delete('vs_list-a');
  assert.deepEqual(gone, { id: 'vs_list-a', object: 'vector_store.deleted', deleted: true });
  await assert.rejects(client.vectorStores.retrieve('vs_list-a'), OpenAI.NotFoundError);
  await assert.rejects(client.vectorStores.delete('vs_list-a'), OpenAI.NotFoundError);
});

test('an uploaded file is read, attached, searched, read back and deleted', async () => {
  const file = await upload('pump.md', PUMP);
  assert.match(file.id, /^file-[0-9a-f]{24}$/);
  assert.deepEqual(file, {
    id: file.id,
    object: 'file',
    bytes: PUMP.length,
    created_at: file.created_at,
    filename: 'pump.md',
    purpose: 'assistants',
    status: 'processed',
  });
  const store = await client.vectorStores.create({ name: 'pumps' });
  const attached = await client.vectorStores.files.createAndPoll(store.id, {
    file_id: file.id,
    attributes: { region: 'north', year: 2024 },
  });
  assert.deepEqual(attached, {
    id: file.id,
    object: 'vector_store.file',
    usage_bytes: PUMP.length,
    created_at: file.created_at,
    vector_store_id: 'vs_pumps',
    status: 'completed',
    last_error: null,
    chunking_strategy: { type: 'other' },
    attributes: { region: 'north', year: 2024 },
  });
  assert.equal((await client.vectorStores.retrieve('vs_pumps')).file_counts.completed, 1);

  const found = await client.vectorStores.search('vs_pumps', {
    query: 'How long is the warranty?',
    rewrite_query: true,
  });
  assert.equal(found.object, 'vector_store.search_results.page');
  const [best] = found.data;
  assert.equal(best?.file_id, file.id);
  assert.equal(best?.filename, 'pump.md');
  assert.equal(best?.score, 1);
  assert.deepEqual(best?.attributes, { region: 'north', year: 2024 });
  assert.match(best?.content[0]?.text ?? '', /three years/);

  const parts: string[] = [];
  for await (const part of client.vectorStores.files.content(file.id, { vector_store_id: 'vs_pumps' })) {
    parts.push(part.text ?? '');
  }
  assert.match(parts.join(''), /three years[\s\S]*closed at night/);
  assert.match(await (await client.files.content(file.id)).text(), /three years/);

  await client.vectorStores.files.update(file.id, { vector_store_id: 'vs_pumps', attributes: { region: 'south' } });
  const updated = await client.vectorStores.files.retrieve(file.id, { vector_store_id: 'vs_pumps' });
  assert.deepEqual(updated.attributes, { region: 'south' });

  const detached = await client.vectorStores.files.delete(file.id, { vector_store_id: 'vs_pumps' });
  assert.deepEqual(detached, { id: file.id, object: 'vector_store.file.deleted', deleted: true });
  assert.deepEqual((await client.vectorStores.search('vs_pumps', { query: 'warranty' })).data, []);
  assert.equal((await client.files.retrieve(file.id)).filename, 'pump.md');
  assert.deepEqual(await client.files.delete(file.id), { id: file.id, object: 'file', deleted: true });
  await assert.rejects(client.files.retrieve(file.id), OpenAI.NotFoundError);
});

test('several files are attached as a batch, and one that is missing is counted', async () => {
  const store = await client.vectorStores.create({ name: 'batches' });
  const files = await Promise.all(
    ['one', 'two', 'three'].map((name) => toFile(Buffer.from(`The ${name} is here.`), `${name}.txt`)),
  );
  const batch = await client.vectorStores.fileBatches.uploadAndPoll(store.id, { files });
  assert.equal(batch.status, 'completed');
  assert.deepEqual(batch.file_counts, { in_progress: 0, completed: 3, failed: 0, cancelled: 0, total: 3 });
  const listed: string[] = [];
  for await (const file of client.vectorStores.fileBatches.listFiles(batch.id, {
    vector_store_id: store.id,
    limit: 2,
  })) {
    listed.push(file.id);
  }
  assert.equal(new Set(listed).size, 3);
  const inStore: string[] = [];
  for await (const file of client.vectorStores.files.list(store.id, { limit: 2 })) inStore.push(file.id);
  assert.deepEqual(inStore, [...listed].sort());
  const partly = await client.vectorStores.fileBatches.create(store.id, {
    file_ids: [listed[0] ?? '', `file-${'0'.repeat(24)}`],
  });
  assert.deepEqual([partly.file_counts.completed, partly.file_counts.failed], [1, 1]);
  await assert.rejects(
    client.vectorStores.fileBatches.retrieve('vsfb_unknown', { vector_store_id: store.id }),
    OpenAI.NotFoundError,
  );
});

test('filters, the number of results and the score threshold hold', async () => {
  const store = await client.vectorStores.create({ name: 'filtered' });
  const years = [2021, 2022, 2023, 2024];
  for (const year of years) {
    const file = await upload(
      `${year}.txt`,
      `The pump of ${year} works. ${year === 2022 ? 'The pump, the pump.' : ''}`,
    );
    await client.vectorStores.files.create(store.id, { file_id: file.id, attributes: { year, even: year % 2 === 0 } });
  }
  const search = async (more: Partial<OpenAI.VectorStoreSearchParams>): Promise<number[]> => {
    const page = await client.vectorStores.search(store.id, { query: 'pump', max_num_results: 50, ...more });
    return page.data.map(({ attributes }) => Number(attributes?.year)).sort();
  };
  assert.deepEqual(await search({}), years);
  assert.deepEqual(await search({ filters: { type: 'eq', key: 'year', value: 2023 } }), [2023]);
  assert.deepEqual(await search({ filters: { type: 'gte', key: 'year', value: 2023 } }), [2023, 2024]);
  assert.deepEqual(await search({ filters: { type: 'ne', key: 'even', value: true } }), [2021, 2023]);
  assert.deepEqual(await search({ filters: { type: 'in', key: 'year', value: [2021, 1999] } }), [2021]);
  assert.deepEqual(await search({ filters: { type: 'nin', key: 'year', value: [2021] } }), [2022, 2023, 2024]);
  assert.deepEqual(
    await search({
      filters: {
        type: 'or',
        filters: [
          { type: 'lt', key: 'year', value: 2022 },
          {
            type: 'and',
            filters: [
              { type: 'eq', key: 'even', value: true },
              { type: 'gt', key: 'year', value: 2022 },
            ],
          },
        ],
      } as OpenAI.CompoundFilter,
    }),
    [2021, 2024],
  );
  assert.deepEqual(
    await search({
      filters: {
        type: 'and',
        filters: [
          { type: 'eq', key: 'year', value: 2022 },
          { type: 'eq', key: 'even', value: true },
        ],
      },
    }),
    [2022],
  );
  assert.deepEqual(await search({ filters: { type: 'lt', key: 'year', value: 'x' } }), []);
  assert.equal((await search({ max_num_results: 2 })).length, 2);
  assert.deepEqual(await search({ ranking_options: { score_threshold: 1 } }), [2022]);
  assert.deepEqual(await search({ query: ['nothing', 'pump'] }), years);
});

test('what cannot be is refused in a sentence', async () => {
  await client.vectorStores.create({ name: 'strict' });
  const refused = async (action: Promise<unknown>, param: string): Promise<void> => {
    await assert.rejects(action, (error: InstanceType<typeof OpenAI.APIError>) => {
      assert.deepEqual([error.status, error.param], [400, param]);
      return true;
    });
  };
  await refused(client.vectorStores.search('vs_strict', { query: '' }), 'query');
  await refused(client.vectorStores.search('vs_strict', { query: 'a', max_num_results: 51 }), 'max_num_results');
  await refused(client.vectorStores.search('vs_strict', { query: 'a', filters: { type: 'like' } as any }), 'filters');
  await refused(client.vectorStores.create({ expires_after: { anchor: 'last_active_at', days: 1 } }), 'expires_after');
  await refused(client.files.create({ file: new File(['x'], 'a.jsonl'), purpose: 'fine-tune' }), 'purpose');
  await refused(client.files.create({ file: new File([new Uint8Array(64)], 'a.exe'), purpose: 'assistants' }), 'file');
  await refused(client.vectorStores.list({ limit: 1_000 }), 'limit');
  await assert.rejects(client.vectorStores.search('vs_nowhere', { query: 'a' }), OpenAI.NotFoundError);
  await assert.rejects(client.vectorStores.retrieve('vs_openai-files'), OpenAI.NotFoundError);
  await assert.rejects(client.vectorStores.retrieve('vs_a%2F..%2Fb'), OpenAI.NotFoundError);
  await assert.rejects(
    client.vectorStores.files.create('vs_strict', { file_id: 'file-unknown' }),
    OpenAI.NotFoundError,
  );
});

test('tenants have stores of their own, and keys see their collections only', async () => {
  await using guarded = await startNode();
  const token = (await import('node:fs')).readFileSync(`${guarded.dataDirectory}/admin.token`, 'utf8').trim();
  const admin = { headers: { authorization: `Bearer ${token}` } };
  const keyOf = async (tenant: string, scopes: object = {}): Promise<OpenAI> => {
    const made = await guarded.post('/admin/keys', { tenant, scopes }, admin);
    const { secret } = (await made.json()) as { secret: string };
    return new OpenAI({ baseURL: `${guarded.url}/v1`, apiKey: secret, maxRetries: 0 });
  };
  await guarded.post('/admin/tenants', { name: 'acme' }, admin);
  await guarded.post('/admin/tenants', { name: 'other' }, admin);
  const acme = await keyOf('acme');
  const other = await keyOf('other');
  const file = await acme.files.create({ file: new File([PUMP], 'pump.md'), purpose: 'assistants' });
  await acme.vectorStores.create({ name: 'secrets', file_ids: [file.id] });
  assert.equal((await acme.vectorStores.search('vs_secrets', { query: 'warranty' })).data.length, 1);
  await assert.rejects(other.vectorStores.search('vs_secrets', { query: 'warranty' }), OpenAI.NotFoundError);
  await assert.rejects(other.files.retrieve(file.id), OpenAI.NotFoundError);
  assert.deepEqual((await other.vectorStores.list()).data, []);
  assert.deepEqual((await other.files.list()).data, []);

  const limited = await keyOf('acme', { collections: ['public*'] });
  await assert.rejects(limited.vectorStores.search('vs_secrets', { query: 'warranty' }), OpenAI.PermissionDeniedError);
  await assert.rejects(limited.vectorStores.create({ name: 'secret-too' }), OpenAI.PermissionDeniedError);
  await assert.rejects(limited.files.list(), OpenAI.PermissionDeniedError);
  assert.equal((await limited.vectorStores.create({ name: 'public-docs' })).id, 'vs_public-docs');
  assert.deepEqual(
    (await limited.vectorStores.list()).data.map(({ id }) => id),
    ['vs_public-docs'],
  );
  const chatOnly = await keyOf('acme', { endpoints: ['chat'] });
  await assert.rejects(chatOnly.vectorStores.list(), OpenAI.PermissionDeniedError);
});
