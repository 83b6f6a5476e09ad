// A version of ours that nobody has: when the one before is written anew, and when not.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { documentKind } from '../../../src/knowledge/replication/document-kind.ts';
import { LostVersions } from '../../../src/knowledge/replication/lost-versions.ts';
import { KNOWLEDGE_LOG_MIGRATIONS, PendingDocuments } from '../../../src/knowledge/replication/pending-documents.ts';
import { documentKey, passageHash } from '../../../src/knowledge/store/identity.ts';
import { DOCUMENT_KIND } from '../../../src/knowledge/store/manifest.ts';
import { canonicalText } from '../../../src/replication/change.ts';
import { ChangeLog, newest } from '../../../src/replication/change-log.ts';
import { openDatabase } from '../../../src/storage/database.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { seededRandom } from '../../support/seeded-random.ts';
import { silentLogger } from '../../support/transports.ts';

const REF = { tenant: 'acme', collection: 'guide' };
const KEY = documentKey(REF, 'book');

const bodyOf = (text: string, updatedAt: number) => ({
  ...REF,
  source: 'book',
  title: '',
  mimeType: 'text/plain',
  contentHash: text.padEnd(64, '0'),
  attributes: {},
  updatedAt,
  length: text.length,
  passages: [[passageHash(text, []), 0, text.length]],
});
const [OURS, OLD, OLDER] = [bodyOf('ours', 3), bodyOf('old', 2), bodyOf('older', 1)];

type Shown = { readonly peer: string; readonly body: typeof OURS }[] | undefined;

/** @param shown by the members; undefined: not all of them answer */
async function replaced(shown: Shown, meanwhile?: (log: ChangeLog) => void) {
  const database = openDatabase(':memory:', KNOWLEDGE_LOG_MIGRATIONS);
  const pending = new PendingDocuments(database);
  const mayWrite = (origin: string): boolean => origin !== 'reader';
  const log = new ChangeLog(
    { database, kinds: [documentKind(() => undefined)], clock: new ManualClock(), random: seededRandom(1) },
    { name: 'knowledge', origin: 'here', mayWrite },
  );
  const write = (body: typeof OURS): void => log.database.transaction(() => log.put(DOCUMENT_KIND, KEY, body))();
  write(OURS);
  const held = newest(log.changes.byKey(DOCUMENT_KIND, KEY)) ?? assert.fail();
  const fetcher = {
    fetchShown: async () => {
      meanwhile?.(log);
      return shown;
    },
  };
  await new LostVersions({ log, pending, fetcher, logger: silentLogger }).replace(KEY, held);
  return { body: newest(log.changes.byKey(DOCUMENT_KIND, KEY))?.body, pending: pending.count };
}

test('when every member shows an older version, the latest of those is written anew', async () => {
  const shown = [
    { peer: 'a', body: OLDER },
    { peer: 'b', body: OLD },
  ];
  assert.deepEqual(await replaced(shown), { body: canonicalText(OLD), pending: 1 });
});

test('it stays while a member has it, does not answer, or shows nothing', async () => {
  const stays = { body: canonicalText(OURS), pending: 0 };
  const has = [
    { peer: 'a', body: OLD },
    { peer: 'b', body: OURS },
  ];
  assert.deepEqual(await replaced(has), stays);
  assert.deepEqual(await replaced(undefined), stays);
  assert.deepEqual(await replaced([]), stays);
});

test('what a member shows that may not write, or that is another document, is not taken', async () => {
  const shown = [
    { peer: 'reader', body: OLD },
    { peer: 'a', body: { ...OLD, source: 'another' } },
    { peer: 'b', body: OLDER },
  ];
  assert.deepEqual(await replaced(shown), { body: canonicalText(OLDER), pending: 1 });
});

test('a version that is written while the members are asked wins', async () => {
  const latest = bodyOf('latest', 4);
  const write = (log: ChangeLog): void => log.database.transaction(() => log.put(DOCUMENT_KIND, KEY, latest))();
  const found = await replaced([{ peer: 'a', body: OLD }], write);
  assert.deepEqual(found, { body: canonicalText(latest), pending: 0 });
});
