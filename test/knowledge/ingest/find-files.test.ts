import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { findFiles, isFoundIn } from '../../../src/knowledge/ingest/find-files.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'flowmesh-files-'));
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

function fill(...names: readonly string[]): void {
  for (const name of names) write(name, name);
}

function write(name: string, text: string): void {
  mkdirSync(dirname(join(root, name)), { recursive: true });
  writeFileSync(join(root, name), text);
}

async function found(...named: readonly string[]): Promise<string[]> {
  const { files } = await findFiles(named, root);
  return files.map(({ path }) => path.slice(root.length + 1));
}

describe('files', () => {
  test('of a folder come in order, with those below it, without hidden ones', async () => {
    fill('docs/b.md', 'docs/a/z.md', 'docs/.hidden.md', 'docs/.git/config', 'docs/node_modules/x/readme.md');
    assert.deepEqual(await found('docs'), ['docs/a/z.md', 'docs/b.md']);
  });

  test('that the folder ignores are left out; deeper rules win', async () => {
    fill('a.log', 'keep.log', 'build/x.md', 'src/build/y.md', 'docs/draft.md', 'docs/end.md', 'other/docs/draft.md');
    write('.gitignore', '# comment\n*.log\n!keep.log\n/build/\ndocs/draft.md\n');
    write('src/.flowmeshignore', 'y.md\n');
    assert.deepEqual(await found('.'), ['docs/end.md', 'keep.log', 'other/docs/draft.md']);
  });

  test('behind links are found, links in a circle are followed once', async () => {
    fill('docs/a.md', 'elsewhere/b.md');
    symlinkSync('../elsewhere', join(root, 'docs/linked'));
    symlinkSync('..', join(root, 'docs/up'));
    symlinkSync('self', join(root, 'docs/self'));
    symlinkSync('a.md', join(root, 'docs/c.md'));
    const files = await found('docs');
    assert.ok(files.includes('docs/linked/b.md') && files.includes('docs/c.md'));
    assert.equal(files.filter((path) => path.endsWith('a.md')).length <= 3, true);
  });

  test('named twice are found once', async () => {
    fill('docs/a.md');
    const url = pathToFileURL(join(root, 'docs/a.md')).href;
    assert.deepEqual(await found('docs', 'docs/a.md', url, 'docs/*.md'), ['docs/a.md']);
  });

  test('with the letters of a glob in their names are found', async () => {
    fill('docs/[draft] a.md', 'docs/b.md');
    assert.deepEqual(await found('docs/[draft] a.md'), ['docs/[draft] a.md']);
    assert.deepEqual(await found('docs/{b,c}.md'), ['docs/b.md']);
  });

  test('that are hidden are taken when they are named', async () => {
    fill('docs/.secret.md');
    assert.deepEqual(await found('docs/.secret.md'), ['docs/.secret.md']);
    await assert.rejects(found('**/nothing*'), /nothing matches/);
  });

  test('and folders that are not there are told of', async () => {
    fill('docs/a.md');
    const { files, folders, missing } = await findFiles(['docs', 'gone'], root);
    assert.deepEqual([files.length, folders, missing], [1, [join(root, 'docs')], [join(root, 'gone')]]);
  });
});

test('a single file is judged as the walk through its folder would', () => {
  fill('docs/a.md', 'docs/build/b.md');
  write('docs/.gitignore', 'build/\n');
  const judge = (name: string): boolean => isFoundIn(join(root, 'docs'), join(root, name));
  assert.deepEqual(['docs/a.md', 'docs/build/b.md', 'docs/.x', 'docs/new.md'].map(judge), [true, false, false, true]);
});
