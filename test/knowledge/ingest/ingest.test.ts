import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { UnreadableFile } from '../../../src/knowledge/formats/extracted.ts';
import { contentHashOf } from '../../../src/knowledge/ingest/content-hash.ts';
import type { FoundFiles } from '../../../src/knowledge/ingest/find-files.ts';
import { type FileReport, Ingest } from '../../../src/knowledge/ingest/ingest.ts';
import { prepareDocument } from '../../../src/knowledge/ingest/prepare.ts';
import { severalAtOnce } from '../../../src/knowledge/ingest/several-at-once.ts';
import { FakeKnowledge } from '../../support/fake-knowledge.ts';

const REF = { tenant: 'acme', collection: 'docs' };

/** An ingest over files that are only a map. */
function setUp(files: Map<string, string>) {
  const knowledge = new FakeKnowledge();
  const prepared: string[] = [];
  const bytesOf = (path: string): Uint8Array => {
    const text = files.get(path);
    if (text === undefined) throw new UnreadableFile('does not exist');
    return new TextEncoder().encode(text);
  };
  const reader = {
    hash: async (path: string) => contentHashOf(bytesOf(path)),
    preparePath: async (path: string) => {
      prepared.push(path);
      return prepareDocument({ name: path, bytes: bytesOf(path) });
    },
    prepareBytes: async (bytes: Uint8Array, name: string, mimeType?: string) =>
      prepareDocument({ name, bytes, mimeType }),
  };
  return { knowledge, prepared, ingest: new Ingest({ knowledge, reader, fileBytesMax: () => 1_000 }) };
}

function foundOf(paths: Iterable<string>, folders: readonly string[] = []): FoundFiles {
  return { files: [...paths].map((path) => ({ path, isNamed: false })), folders, missing: [] };
}

async function all(reports: AsyncIterable<FileReport>): Promise<string[]> {
  const list: string[] = [];
  for await (const { source, outcome } of reports) list.push(`${source} ${outcome}`);
  return list.sort();
}

describe('an ingest', () => {
  test('reads only files that have changed', async () => {
    const files = new Map([
      ['/d/a.md', 'one'],
      ['/d/b.md', 'two'],
    ]);
    const { ingest, prepared } = setUp(files);
    assert.deepEqual(await all(ingest.storeAll(foundOf(files.keys()), REF)), ['/d/a.md added', '/d/b.md added']);
    files.set('/d/b.md', 'three');
    assert.deepEqual(await all(ingest.storeAll(foundOf(files.keys()), REF)), ['/d/a.md unchanged', '/d/b.md updated']);
    assert.deepEqual(prepared.sort(), ['/d/a.md', '/d/b.md', '/d/b.md']);
  });

  test('goes on after a file that cannot be read', async () => {
    const { ingest } = setUp(new Map([['/d/a.md', 'one']]));
    assert.deepEqual(await all(ingest.storeAll(foundOf(['/d/gone.md', '/d/a.md']), REF)), [
      '/d/a.md added',
      '/d/gone.md unreadable',
    ]);
  });

  test('removes what its folders had and have no more, and nothing else', async () => {
    const files = new Map(['/d/a.md', '/d/b.md', '/dd/c.md', '/e/d.md'].map((path) => [path, path]));
    const { ingest, knowledge } = setUp(files);
    await all(ingest.storeAll(foundOf(files.keys()), REF));
    await ingest.storeUpload({ ...REF, source: 'upload.txt', name: 'upload.txt', bytes: Buffer.from('x') });
    assert.equal(await ingest.prune(foundOf(['/d/a.md'], ['/d']), REF), 1);
    assert.deepEqual(
      (await knowledge.documents(REF, { limit: 10 })).map(({ source }) => source),
      ['/d/a.md', '/dd/c.md', '/e/d.md', 'upload.txt'],
    );
    assert.equal(await ingest.prune({ files: [], folders: [], missing: ['/e/d.md'] }, REF), 1);
  });

  test('stores an upload with its attributes, and again only when something has changed', async () => {
    const { ingest, knowledge } = setUp(new Map());
    const upload = { ...REF, source: 'a', name: 'a.md', bytes: Buffer.from('# A\n\nx'), attributes: { plan: 'pro' } };
    assert.deepEqual(await ingest.storeUpload(upload), { source: 'a', outcome: 'added', passages: 1 });
    const [stored] = await knowledge.documents(REF, { limit: 1 });
    assert.deepEqual([stored?.title, stored?.attributes], ['A', { plan: 'pro' }]);
    const { attributes: _, ...same } = upload;
    assert.deepEqual(await ingest.storeUpload(same), { source: 'a', outcome: 'unchanged', passages: 0 });
    await assert.rejects(ingest.storeUpload({ ...same, bytes: Buffer.alloc(1_001, 'x') }), UnreadableFile);
  });
});

describe('several at once', () => {
  test('no more than so many run, and aborting starts nothing new', async () => {
    const abort = new AbortController();
    let [running, most] = [0, 0];
    const work = async (item: number): Promise<number> => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      if (item === 4) abort.abort();
      return item;
    };
    const done: number[] = [];
    for await (const item of severalAtOnce([1, 2, 3, 4, 5, 6, 7, 8, 9], 3, work, abort.signal)) done.push(item);
    assert.equal(most, 3);
    assert.ok(done.includes(4) && !done.includes(9), done.join());
  });

  test('a failure is thrown to whoever takes the results', async () => {
    const failing = severalAtOnce([1, 2], 1, () => Promise.reject(new Error('no')));
    await assert.rejects(failing.next(), /^Error: no$/);
  });
});
