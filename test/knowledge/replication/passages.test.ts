// Passages by their hashes: from whoever has them, never other ones, never twice.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openLocalKnowledge } from '../../../src/knowledge/local-knowledge.ts';
import { listHash } from '../../../src/knowledge/replication/document-kind.ts';
import { PassageFetcher } from '../../../src/knowledge/replication/passage-fetcher.ts';
import {
  LIST_PATH,
  PASSAGES_PATH,
  PassageSource,
  SHOWN_PATH,
} from '../../../src/knowledge/replication/passage-source.ts';
import { documentKey, passageHash } from '../../../src/knowledge/store/identity.ts';
import type { JsonValue } from '../../../src/model/json.ts';
import { systemClock } from '../../../src/system/system-clock.ts';
import { silentLogger } from '../../support/transports.ts';

type Answer = (path: string, body: Uint8Array) => Promise<Uint8Array>;

const REF = { tenant: 'acme', collection: 'guide' };
const KEY = documentKey(REF, 'book');
const TEXTS = Array.from({ length: 1_000 }, (_, index) => `Passage ${index}. ${'x'.repeat(300)}`);
const HASHES = TEXTS.map((text) => passageHash(text, ['Guide']));
const turn = (): Promise<void> => Promise.resolve();

async function sourceWith(texts: readonly string[]): Promise<{ answer: Answer; list: JsonValue[] }> {
  const knowledge = openLocalKnowledge({ file: ':memory:', clock: systemClock });
  const passages = texts.map((text) => ({ text, headings: ['Guide'], start: 0, end: text.length }));
  const facts = { title: '', mimeType: 'text/plain', contentHash: '0'.repeat(64), attributes: {} };
  await knowledge.store({ ...REF, source: 'book', ...facts, passages });
  const source = new PassageSource(knowledge, turn);
  const answer: Answer = (path, body) => {
    if (path === SHOWN_PATH) return source.shown(body);
    return path === PASSAGES_PATH ? source.passages(body) : source.list(body);
  };
  return { answer, list: (await knowledge.manifest(KEY))?.passages as JsonValue[] };
}

function fetcherOf(peers: Readonly<Record<string, Answer>>) {
  const knowledge = openLocalKnowledge({ file: ':memory:', clock: systemClock });
  const asked: string[] = [];
  const network = {
    connected: () => Object.keys(peers),
    members: () => Object.keys(peers),
    request: (peer: string, path: string, body: Uint8Array) => {
      asked.push(peer);
      return peers[peer]?.(path, body) ?? Promise.reject(new Error('not connected'));
    },
  };
  const signal = new AbortController().signal;
  const deps = { knowledge, network, clock: systemClock, logger: silentLogger, turn, signal };
  return { fetcher: new PassageFetcher(deps), knowledge, asked };
}

test('what one peer lacks comes from another one', async () => {
  const [some, all] = [await sourceWith(TEXTS.slice(0, 300)), await sourceWith(TEXTS)];
  const { fetcher, knowledge } = fetcherOf({ some: some.answer, all: all.answer });
  await fetcher.obtain(HASHES, 'some');
  assert.deepEqual(await knowledge.missingPassages(HASHES), []);
  assert.equal(fetcher.counts.passages, 1_000, 'none came twice');
});

test('a peer that sends other texts under these names is left, and none of them is kept', async () => {
  const liar: Answer = async (_path, body) => {
    const { hashes } = JSON.parse(Buffer.from(body).toString()) as { hashes: string[] };
    return Buffer.from(JSON.stringify({ passages: hashes.map((hash) => [hash, 'a lie', []]), missing: [] }));
  };
  const honest = await sourceWith(TEXTS);
  const alone = fetcherOf({ liar });
  await alone.fetcher.obtain(HASHES, undefined);
  assert.equal((await alone.knowledge.missingPassages(HASHES)).length, 1_000);
  const both = fetcherOf({ liar, honest: honest.answer });
  await both.fetcher.obtain(HASHES, 'liar');
  assert.deepEqual(await both.knowledge.missingPassages(HASHES), []);
  assert.equal((await both.knowledge.passage(HASHES[7] ?? ''))?.text, TEXTS[7]);
});

test('a fetch that is cut again and again goes on where it was', async () => {
  const { answer } = await sourceWith(TEXTS);
  let left = 0;
  const flaky: Answer = (path, body) => {
    left -= 1;
    return left < 0 ? Promise.reject(new Error('cut')) : answer(path, body);
  };
  const { fetcher, knowledge } = fetcherOf({ flaky });
  let rounds = 0;
  for (let missing = HASHES as readonly string[]; missing.length > 0; rounds += 1) {
    assert.ok(rounds < 20, `${missing.length} are still missing`);
    left = 1;
    await fetcher.obtain(missing, undefined);
    missing = await knowledge.missingPassages(HASHES);
  }
  assert.ok(rounds >= 10, `${rounds} rounds`);
  assert.equal(fetcher.counts.passages, 1_000);
});

test('the list of a long document comes in pages, and only the one that was named', async () => {
  const { answer, list } = await sourceWith(TEXTS);
  const pages: number[] = [];
  const { fetcher } = fetcherOf({
    a: (path, body) => {
      assert.equal(path, LIST_PATH);
      pages.push((JSON.parse(Buffer.from(body).toString()) as { from: number }).from);
      return answer(path, body);
    },
  });
  assert.deepEqual(await fetcher.fetchList(KEY, listHash(list), undefined), list);
  assert.deepEqual(pages, [0, 600]);
  assert.equal(await fetcher.fetchList(KEY, 'f'.repeat(64), undefined), undefined);
  const forger = fetcherOf({
    forger: async () => Buffer.from(JSON.stringify({ passages: list.slice(1), isLast: true })),
  });
  assert.equal(await forger.fetcher.fetchList(KEY, listHash(list), undefined), undefined);
});

test('what members show of a document is known when all of them have told it', async () => {
  const [some, none] = [await sourceWith(TEXTS.slice(0, 2)), await sourceWith([])];
  const { fetcher } = fetcherOf({ some: some.answer, none: none.answer });
  const shown = await fetcher.fetchShown(KEY);
  assert.deepEqual(
    shown?.map(({ peer, body }) => [peer, body.passages]),
    [
      ['some', some.list],
      ['none', []],
    ],
  );
  assert.deepEqual(await fetcher.fetchShown(documentKey(REF, 'another')), []);
  const silent = fetcherOf({ some: some.answer, away: () => Promise.reject(new Error('gone')) });
  assert.equal(await silent.fetcher.fetchShown(KEY), undefined);
});
