// What the brain notes for the change log, and what it refuses while the log does not know.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { documentKey, passageHash } from '../../../src/knowledge/store/identity.ts';
import { KnowledgeStore, openKnowledgeDatabase } from '../../../src/knowledge/store/knowledge-store.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const REF = { tenant: 'acme', collection: 'guide' };

function open() {
  const store = new KnowledgeStore({ database: openKnowledgeDatabase(':memory:'), clock: new ManualClock() });
  const add = (source: string, text: string): unknown =>
    store.store({
      ...REF,
      source,
      title: '',
      mimeType: 'text/plain',
      contentHash: Buffer.from(text).toString('hex').padEnd(64, '0').slice(0, 64),
      attributes: {},
      passages: [{ text, headings: [], start: 0, end: text.length }],
    });
  const noted = (): string[] => store.outbox(100).map(({ document, body }) => `${document} ${body?.source ?? 'gone'}`);
  return { store, add, noted };
}

const keyOf = (source: string): string => documentKey(REF, source);

test('without a change log nothing is noted; when one comes, all documents are', () => {
  const { store, add, noted } = open();
  add('a', 'one');
  assert.deepEqual(noted(), []);
  assert.equal(store.link('log-1'), true);
  assert.deepEqual(noted(), [`${keyOf('a')} a`]);
  assert.equal(store.link('log-1'), false);
  store.settleOutbox(100);
  assert.equal(store.link('log-2'), true, 'another log knows nothing yet');
  assert.deepEqual(noted(), [`${keyOf('a')} a`]);
});

test('a change that comes while an earlier one of the same document is handed over stays noted', () => {
  const { store, add, noted } = open();
  store.link('log');
  add('a', 'one');
  add('b', 'two');
  const last = store.outbox(100).at(-1)?.id ?? 0;
  add('a', 'three');
  store.settleOutbox(last);
  assert.deepEqual(noted(), [`${keyOf('a')} a`]);
  store.settleOutbox(store.outbox(100).at(-1)?.id ?? 0);
  store.removeSource(REF, 'a');
  assert.deepEqual(noted(), [`${keyOf('a')} gone`]);
});

test('numbers are never used twice, so that settling an old change never takes a new one away', () => {
  const { store, add, noted } = open();
  store.link('log');
  add('a', 'one');
  const { id = 0 } = store.outbox(1)[0] ?? {};
  store.settleOutbox(id);
  add('a', 'two');
  store.settleOutbox(id);
  assert.deepEqual(noted(), [`${keyOf('a')} a`]);
});

test('a peer’s version waits while a change of ours is not in the log, and is not noted itself', () => {
  const { store, add, noted } = open();
  store.link('log');
  add('a', 'mine');
  const mine = store.manifest(keyOf('a'));
  assert.ok(mine);
  const theirs = { ...mine, title: 'theirs' };
  assert.deepEqual(store.applyManifests([{ id: keyOf('a'), body: theirs }]), [
    { isApplied: false, missing: [], isChangedHere: true },
  ]);
  assert.deepEqual(store.applyManifests([{ id: keyOf('a'), body: undefined }])[0]?.isApplied, false);
  store.settleOutbox(100);
  assert.equal(store.applyManifests([{ id: keyOf('a'), body: theirs }])[0]?.isApplied, true);
  assert.equal(store.document('acme', keyOf('a'))?.title, 'theirs');
  assert.deepEqual(noted(), []);
});

test('a page of passages ends with its bytes, and says what is not here', () => {
  const { store, add } = open();
  for (const source of ['a', 'b', 'c']) add(source, source.repeat(1_000));
  const hashes = ['a', 'b', 'c'].map((source) => passageHash(source.repeat(1_000), []));
  const nobody = '0'.repeat(64);
  const page = store.namedPassages([nobody, ...hashes], 2_500);
  assert.deepEqual(page.missing, [nobody]);
  assert.deepEqual(
    page.passages.map(({ hash }) => hash),
    hashes.slice(0, 2),
  );
  assert.equal(store.namedPassages(hashes, 10).passages.length, 1, 'one that is larger than a page goes alone');
});
