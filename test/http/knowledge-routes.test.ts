import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startNode, type TestNode } from '../support/node.ts';

let node: TestNode;
let token: string;

before(async () => {
  node = await startNode({ server: { bodyBytesMax: 100_000 } });
  token = readFileSync(join(node.dataDirectory, 'admin.token'), 'utf8').trim();
});

after(() => node.stop());

interface Answer {
  readonly status: number;
  readonly body: any;
}

type Body = string | Uint8Array<ArrayBuffer> | FormData;

async function ask(
  method: string,
  path: string,
  body?: Body,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const response = await fetch(`${node.url}/admin/knowledge${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...headers },
    ...(body !== undefined && { body }),
  });
  return { status: response.status, body: await response.json() };
}

const DOCS = '/acme/collections/docs';

async function search(query: string, rest: object = {}): Promise<string[]> {
  const { body } = await ask('POST', '/acme/search', JSON.stringify({ query, ...rest }));
  return body.data.map(({ source }: { source: string }) => source);
}

describe('the knowledge API', () => {
  test('takes a file as the body, finds its text and says what is there', async () => {
    const headers = { 'x-filename': 'Gr%C3%BC%C3%9Fe.md' };
    const stored = await ask('POST', `${DOCS}/files`, '# Greetings\n\nThe heron says hello.', headers);
    assert.deepEqual(stored, {
      status: 200,
      body: { data: [{ source: 'Grüße.md', outcome: 'added', passages: 1 }] },
    });
    assert.deepEqual(await search('What does the heron say?'), ['Grüße.md']);
    assert.deepEqual(await search('heron', { collections: ['other'] }), []);
    assert.deepEqual((await ask('GET', '?tenant=acme')).body.data, [
      { tenant: 'acme', collection: 'docs', documents: 1, passages: 1, length: 21 },
    ]);
    const { data } = (await ask('GET', `${DOCS}/documents`)).body;
    assert.deepEqual([data.length, data[0].title, data[0].mimeType], [1, 'Greetings', 'text/markdown']);
    const { body } = await ask('GET', `/acme/documents/${data[0].id}/passages`);
    assert.deepEqual(body.data, [{ text: 'The heron says hello.', headings: ['Greetings'], start: 11, end: 32 }]);
    assert.equal((await ask('GET', `/beta/documents/${data[0].id}`)).status, 404);
  });

  test('takes several files of a form, with attributes to filter by', async () => {
    const form = new FormData();
    form.append('file', new File(['The kestrel hovers.'], 'one.txt'));
    form.append('file', new File(['<p>The buzzard circles.'], 'two.html', { type: 'text/html' }));
    form.append('attributes', '{"topic":"birds"}');
    const stored = await ask('POST', '/acme/collections/birds/files', form);
    assert.deepEqual(
      stored.body.data.map(({ source, outcome }: Record<string, string>) => [source, outcome]),
      [
        ['one.txt', 'added'],
        ['two.html', 'added'],
      ],
    );
    assert.deepEqual(await search('buzzard', { attributes: { topic: 'birds' } }), ['two.html']);
    assert.deepEqual(await search('buzzard', { attributes: { topic: 'fish' } }), []);
  });

  test('removes by source, and a whole collection', async () => {
    for (const name of ['a.txt', 'b.txt', 'c.txt']) {
      await ask('POST', `/acme/collections/gone/files?source=${name}`, `text of ${name}`, { 'x-filename': name });
    }
    const removed = await ask('POST', '/acme/collections/gone/remove', JSON.stringify({ sources: ['a.txt', 'x'] }));
    assert.deepEqual(removed.body, { removed: 1 });
    assert.deepEqual((await ask('DELETE', '/acme/collections/gone')).body, { removed: 2 });
  });

  test('lists in pages', async () => {
    for (const name of ['1', '2', '3']) {
      await ask('POST', '/acme/collections/pages/files', `text ${name}`, { 'x-filename': name });
    }
    const page = await ask('GET', '/acme/collections/pages/documents?limit=2&after=1');
    assert.deepEqual(
      page.body.data.map(({ source }: { source: string }) => source),
      ['2', '3'],
    );
  });

  for (const [what, method, path, body, status, message] of [
    ['a file without a name', 'POST', `${DOCS}/files`, 'x', 400, /x-filename/],
    ['an empty body', 'POST', `${DOCS}/files`, '', 400, /no body/],
    ['a collection with a slash', 'POST', '/acme/collections/a%2Fb/files', 'x', 400, /collection's name/],
    ['a page of nothing', 'GET', `${DOCS}/documents?limit=0`, undefined, 400, /limit/],
    ['a misspelled parameter', 'GET', `${DOCS}/documents?limt=5`, undefined, 400, /limt is unknown/],
    ['an empty question', 'POST', '/acme/search', '{"query":" "}', 400, /query/],
    ['a document without a hash', 'PUT', `${DOCS}/documents`, '{"source":"a","passages":[]}', 400, /contentHash/],
    ['an unknown endpoint', 'GET', '/acme/nothing', undefined, 404, /Unknown admin endpoint/],
  ] as const) {
    test(`refuses ${what}`, async () => {
      const answer = await ask(method, path, body);
      assert.equal(answer.status, status);
      assert.match(answer.body.error.message, message);
    });
  }

  test('refuses what cannot be read, and says why', async () => {
    const answer = await ask('POST', `${DOCS}/files`, new Uint8Array([0, 1, 2, 3]), { 'x-filename': 'a.bin' });
    assert.deepEqual(
      [answer.status, answer.body.error.message],
      [422, 'a.bin is neither text nor a format that can be read.'],
    );
  });

  test('refuses a body that is larger than the server takes', async () => {
    const answer = await ask('POST', `${DOCS}/files`, 'x'.repeat(100_001), { 'x-filename': 'a.txt' });
    assert.equal(answer.status, 413);
  });

  test('is opened by the admin token alone', async () => {
    const response = await fetch(`${node.url}/admin/knowledge`, { headers: { authorization: 'Bearer x' } });
    assert.equal(response.status, 401);
  });
});

test('a node keeps up with the folders of its configuration, also when that changes', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'flowmesh-watched-'));
  mkdirSync(join(directory, 'one'));
  mkdirSync(join(directory, 'two'));
  writeFileSync(join(directory, 'one/a.md'), 'The lynx sleeps.');
  writeFileSync(join(directory, 'two/b.md'), 'The otter swims.');
  const folder = (name: string) => ({ path: join(directory, name), tenant: 'default', collection: name });
  const watching = await startNode({ knowledge: { watch: [folder('one')] } });
  const reports = async (count: number): Promise<string[]> => {
    const lines = () => watching.log.lines.filter(({ message }) => message === 'a document was taken over');
    while (lines().length < count) await new Promise((resolve) => setTimeout(resolve, 20));
    return lines().map(({ fields }) => `${fields.outcome} ${String(fields.source).slice(directory.length + 1)}`);
  };
  assert.deepEqual(await reports(1), ['added one/a.md']);
  watching.reload({ knowledge: { watch: [folder('one'), folder('two')] } });
  assert.deepEqual(await reports(2), ['added one/a.md', 'added two/b.md']);
  rmSync(join(directory, 'one/a.md'));
  assert.equal((await reports(3))[2], 'removed one/a.md');
  await watching.stop();
  rmSync(directory, { recursive: true, force: true });
});
