import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { createKnowledge } from '../../../src/knowledge/create-knowledge.ts';
import { openLocalKnowledge } from '../../../src/knowledge/local-knowledge.ts';
import type { KnowledgeClient } from '../../../src/knowledge/worker/client.ts';
import { systemClock } from '../../../src/system/system-clock.ts';
import { documentOf, NOTES, temporaryFile } from '../support.ts';

const SEARCH = { tenant: 'acme', collections: [], query: 'copper', topK: 3 };

function long(source: string, count: number, word = 'copper'): ReturnType<typeof documentOf> {
  return documentOf(
    source,
    Array.from({ length: count }, (_, index) => `${word} passage number${index}`),
  );
}

const KINDS: readonly (readonly [string, () => KnowledgeClient])[] = [
  ['in its own thread', () => createKnowledge({ file: temporaryFile(), clock: systemClock })],
  ['in this thread', () => openLocalKnowledge({ file: ':memory:', clock: systemClock })],
];

for (const [kind, open] of KINDS) {
  test(`${kind}: what is stored is found, listed, read, updated and removed`, async () => {
    const knowledge = open();
    assert.equal(await knowledge.store(documentOf('a', ['copper wire', 'tin can'])), 'added');
    assert.equal(await knowledge.store(documentOf('a', ['copper wire', 'tin can'])), 'unchanged');
    assert.equal(await knowledge.isCurrent(NOTES, 'a', 'copper wire\ntin can'), true);
    const [hit] = await knowledge.search(SEARCH);
    assert.equal(hit?.text, 'copper wire');
    assert.equal((await knowledge.document('acme', hit?.documentId ?? ''))?.source, 'a');
    assert.deepEqual(
      (await knowledge.passages('acme', hit?.documentId ?? '')).map(({ text }) => text),
      ['copper wire', 'tin can'],
    );
    assert.equal(await knowledge.store(documentOf('a', ['iron'])), 'updated');
    assert.deepEqual(await knowledge.search(SEARCH), []);
    await knowledge.store(documentOf('b', ['zinc']));
    assert.deepEqual(
      (await knowledge.documents(NOTES, { limit: 5 })).map(({ source }) => source),
      ['a', 'b'],
    );
    assert.equal(await knowledge.remove(NOTES, { sources: ['b', 'nowhere'] }), 1);
    assert.deepEqual(await knowledge.stats('acme'), [{ ...NOTES, documents: 1, passages: 1, length: 4 }]);
    await knowledge.close();
  });

  test(`${kind}: a long document goes in by parts and is visible as a whole`, async () => {
    const knowledge = open();
    let isStored = false;
    const storing = knowledge.store(long('a', 700)).then((outcome) => {
      isStored = true;
      return outcome;
    });
    const seen = new Set<number>();
    while (!isStored) {
      const [stats] = await knowledge.stats();
      if (!isStored) seen.add(stats?.passages ?? 0);
    }
    assert.equal(await storing, 'added');
    assert.deepEqual(
      [...seen].filter((count) => count !== 0 && count !== 700),
      [],
    );
    assert.equal((await knowledge.search({ ...SEARCH, query: 'number699' })).length, 1);
    assert.equal(await knowledge.store(long('a', 700)), 'unchanged');
    assert.equal(await knowledge.store(long('a', 699)), 'updated');
    assert.deepEqual(await knowledge.search({ ...SEARCH, query: 'number699' }), []);
    await knowledge.close();
  });

  test(`${kind}: a whole collection goes, however many documents it has`, async () => {
    const knowledge = open();
    await Promise.all(Array.from({ length: 50 }, (_, index) => knowledge.store(long(`s${index}`, 2))));
    assert.equal(await knowledge.remove(NOTES, 'all'), 50);
    assert.deepEqual(await knowledge.stats(), []);
    await knowledge.close();
  });

  test(`${kind}: more searches than can wait are refused, and the rest are answered`, async () => {
    const knowledge = open();
    await knowledge.store(documentOf('a', ['copper']));
    const outcomes = await Promise.allSettled(Array.from({ length: 70 }, () => knowledge.search(SEARCH)));
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected').map(({ reason }) => reason.code);
    assert.deepEqual(refused, Array(6).fill('overloaded'));
    assert.equal((await knowledge.search(SEARCH)).length, 1);
    await knowledge.close();
  });

  test(`${kind}: an aborted search rejects at once, and the next one is answered`, async () => {
    const knowledge = open();
    await knowledge.store(documentOf('a', ['copper']));
    const reason = new Error('the client has left');
    await assert.rejects(knowledge.search(SEARCH, AbortSignal.abort(reason)), reason);
    const leaving = new AbortController();
    const searches = Array.from({ length: 60 }, () => knowledge.search(SEARCH, leaving.signal));
    leaving.abort(reason);
    const outcomes = await Promise.allSettled(searches);
    assert.deepEqual(
      new Set(outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason)),
      new Set([reason]),
    );
    assert.equal((await knowledge.search(SEARCH)).length, 1);
    await knowledge.close();
  });

  test(`${kind}: an error keeps its code, and nothing can be asked after closing`, async () => {
    const knowledge = open();
    await knowledge.store(documentOf('a', ['copper']));
    await assert.rejects(knowledge.putPassages([{ hash: 'ab', text: '', headings: [] }]), { code: 'bad_request' });
    const waiting = knowledge.search(SEARCH);
    const closing = knowledge.close();
    await assert.rejects(waiting, { code: 'unavailable' });
    await closing;
    await assert.rejects(knowledge.search(SEARCH), { code: 'unavailable' });
    await assert.rejects(knowledge.store(documentOf('b', ['tin'])), { code: 'unavailable' });
  });
}

test('a file that does not exist is empty, and asking does not make it', async () => {
  const file = temporaryFile();
  const knowledge = createKnowledge({ file, clock: systemClock });
  assert.deepEqual(await knowledge.search(SEARCH), []);
  assert.deepEqual(await knowledge.stats(), []);
  assert.deepEqual(await knowledge.documents(NOTES, { limit: 1 }), []);
  assert.equal(await knowledge.document('acme', 'x'), undefined);
  assert.equal(await knowledge.isCurrent(NOTES, 'a', 'b'), false);
  assert.equal(existsSync(file), false);
  await knowledge.close();
});

test('a file that cannot be opened is told, and another try tries again', async () => {
  const knowledge = createKnowledge({ file: import.meta.filename, clock: systemClock });
  await assert.rejects(knowledge.search(SEARCH), { code: 'unavailable', message: /is damaged/ });
  await assert.rejects(knowledge.search(SEARCH), { code: 'unavailable', message: /is damaged/ });
  await knowledge.close();
});
