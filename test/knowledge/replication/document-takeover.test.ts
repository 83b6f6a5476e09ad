// Taking over a peer's version of a document while the document is changed here.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openLocalKnowledge } from '../../../src/knowledge/local-knowledge.ts';
import { documentKind } from '../../../src/knowledge/replication/document-kind.ts';
import { DocumentSync } from '../../../src/knowledge/replication/document-sync.ts';
import { KNOWLEDGE_LOG_MIGRATIONS, PendingDocuments } from '../../../src/knowledge/replication/pending-documents.ts';
import { documentKey, passageHash } from '../../../src/knowledge/store/identity.ts';
import { DOCUMENT_KIND } from '../../../src/knowledge/store/manifest.ts';
import { canonicalText } from '../../../src/replication/change.ts';
import { ChangeLog, newest } from '../../../src/replication/change-log.ts';
import { hlcOf } from '../../../src/replication/hlc.ts';
import { Replica } from '../../../src/replication/replica.ts';
import { openDatabase } from '../../../src/storage/database.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { seededRandom } from '../../support/seeded-random.ts';
import { silentLogger } from '../../support/transports.ts';

const REF = { tenant: 'acme', collection: 'guide' };
const FACTS = { ...REF, source: 'book', title: '', mimeType: 'text/plain', attributes: {} };
const KEY = documentKey(REF, 'book');

const contentHash = (text: string): string => Buffer.from(text).toString('hex').padEnd(64, '0');

/** A node whose peer gives passages when the test says so. */
function openNode() {
  const clock = new ManualClock();
  const random = seededRandom(1);
  const knowledge = openLocalKnowledge({ file: ':memory:', clock, open: openDatabase });
  const database = openDatabase(':memory:', KNOWLEDGE_LOG_MIGRATIONS);
  const pending = new PendingDocuments(database);
  const kinds = [documentKind((_database, document) => pending.add(document))];
  const log = new ChangeLog({ database, kinds, clock, random }, { name: 'knowledge', origin: 'here' });
  const replica = new Replica(log);
  const fetching = { asked: Promise.withResolvers<void>(), given: Promise.withResolvers<void>() };
  const fetcher = {
    fetchList: () => Promise.resolve(undefined),
    obtain: async (hashes: readonly string[]) => {
      if (hashes.length === 0) return;
      fetching.asked.resolve();
      await fetching.given.promise;
    },
  };
  const deps = { log, pending, knowledge, clock, random, logger: silentLogger };
  const sync = new DocumentSync({ ...deps, fetcher: fetcher as never });
  knowledge.onChange = () => sync.onChange();
  const heard = (text: string): void => {
    const passages = [[passageHash(text, []), 0, text.length]];
    const body = { ...FACTS, contentHash: contentHash(text), updatedAt: 1, length: text.length, passages };
    const now = clock.now();
    const change = { origin: 'there', epoch: 1, seq: 1, hlc: hlcOf(now), kind: DOCUMENT_KIND, key: KEY, base: [] };
    replica.merge([{ ...change, body: canonicalText(body), signature: new Uint8Array() }], { now, meshNow: now });
  };
  return { clock, knowledge, pending, log, sync, fetching, heard };
}

/** The brain and the log do what they can do now, and throw away what nobody refers to. */
const turn = async (): Promise<void> => {
  for (let turns = 0; turns < 50; turns += 1) await new Promise((resolve) => setImmediate(resolve));
};

test('what is written here while passages of an older version are fetched stays, with its passages', async () => {
  const { clock, knowledge, pending, log, sync, fetching, heard } = openNode();
  heard('theirs');
  sync.look();
  await fetching.asked.promise;
  await knowledge.putPassages([{ hash: passageHash('theirs', []), text: 'theirs', headings: [] }]);
  clock.advance(1_000);
  const passages = [{ text: 'ours', headings: [], start: 0, end: 4 }];
  await knowledge.store({ ...FACTS, contentHash: contentHash('ours'), passages });
  await turn();
  const written = newest(log.changes.byKey(DOCUMENT_KIND, KEY));
  assert.equal(written?.origin, 'here', 'the log knows the version of this node');
  fetching.given.resolve();
  await turn();
  const texts = (await knowledge.passages('acme', KEY)).map(({ text }) => text);
  assert.deepEqual(texts, ['ours']);
  assert.deepEqual(await knowledge.missingPassages([passageHash('ours', [])]), []);
  assert.equal(pending.count, 0);
  await sync.stop();
  await knowledge.close();
});

test('a document that is deleted here while an older version is fetched does not come back', async () => {
  const { clock, knowledge, pending, log, sync, fetching, heard } = openNode();
  const passages = [{ text: 'first', headings: [], start: 0, end: 5 }];
  await knowledge.store({ ...FACTS, contentHash: contentHash('first'), passages });
  await turn();
  clock.advance(1_000);
  heard('theirs');
  sync.look();
  await fetching.asked.promise;
  await knowledge.putPassages([{ hash: passageHash('theirs', []), text: 'theirs', headings: [] }]);
  clock.advance(1_000);
  assert.equal(await knowledge.remove(REF, { sources: ['book'] }), 1);
  await turn();
  assert.equal(newest(log.changes.byKey(DOCUMENT_KIND, KEY))?.body, null, 'the log knows that it is gone');
  fetching.given.resolve();
  await turn();
  assert.equal(await knowledge.manifest(KEY), undefined);
  assert.equal(pending.count, 0);
  await sync.stop();
  await knowledge.close();
});
