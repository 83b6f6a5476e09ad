import assert from 'node:assert/strict';
import { test } from 'node:test';
import { documentKey } from '../../../src/knowledge/store/identity.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { documentOf, found, NOTES, openStore, passageOf } from '../support.ts';

const RABBITS = 'Rabbits dig burrows in the meadow.';
const FOXES = 'Foxes hunt rabbits at dusk.';
const OWLS = 'Owls sleep during the day.';

test('a document is found, told about and read back as it was stored', () => {
  const { store, clock } = openStore();
  const passages = [{ ...passageOf(RABBITS, ['Animals', 'Small']), start: 5, end: 39, page: 2 }, passageOf(OWLS)];
  const document = documentOf('zoo.md', [], {
    title: 'The zoo',
    attributes: { lang: 'en' },
    passages,
    contentHash: 'h',
  });
  assert.equal(store.store(document), 'added');
  const [info] = store.documents(NOTES, { limit: 10 });
  assert.deepEqual(info, {
    id: info?.id,
    ...NOTES,
    source: 'zoo.md',
    title: 'The zoo',
    mimeType: 'text/plain',
    contentHash: 'h',
    attributes: { lang: 'en' },
    passageCount: 2,
    length: RABBITS.length + OWLS.length,
    updatedAt: clock.now(),
  });
  assert.deepEqual(store.document('acme', info?.id ?? ''), info);
  assert.deepEqual(store.passages('acme', info?.id ?? ''), passages);
  const [hit] = store.search({ ...NOTES, collections: ['notes'], query: 'burrow', topK: 5 });
  assert.deepEqual(
    { ...hit, score: 0, passageHash: '' },
    {
      documentId: info?.id,
      collection: 'notes',
      source: 'zoo.md',
      title: 'The zoo',
      attributes: { lang: 'en' },
      passageHash: '',
      position: 0,
      headings: ['Animals', 'Small'],
      page: 2,
      text: RABBITS,
      score: 0,
      snippet: 'Rabbits dig [[burrows]] in the meadow.',
    },
  );
});

test('the same document again is unchanged; another title, attribute or content updates it', () => {
  const { store } = openStore();
  const document = documentOf('a', [RABBITS, OWLS]);
  assert.equal(store.store(document), 'added');
  assert.equal(store.store(document), 'unchanged');
  assert.equal(store.store({ ...document, title: 'b' }), 'updated');
  assert.equal(store.store({ ...document, title: 'b', attributes: { year: 2026 } }), 'updated');
  assert.equal(store.store({ ...document, title: 'b', attributes: { year: 2026 } }), 'unchanged');
  assert.equal(store.store(documentOf('a', [FOXES])), 'updated');
  assert.deepEqual(found(store, 'burrows owls'), []);
  assert.deepEqual(found(store, 'dusk'), [FOXES]);
  assert.deepEqual(store.stats(), [{ ...NOTES, documents: 1, passages: 1, length: FOXES.length }]);
});

test('isCurrent knows a source by the hash of its content', () => {
  const { store } = openStore();
  store.store(documentOf('a', [RABBITS], { contentHash: 'one' }));
  assert.equal(store.isCurrent(NOTES, 'a', 'one'), true);
  assert.equal(store.isCurrent(NOTES, 'a', 'two'), false);
  assert.equal(store.isCurrent(NOTES, 'b', 'one'), false);
  assert.equal(store.isCurrent({ ...NOTES, tenant: 'other' }, 'a', 'one'), false);
});

test('a passage that is in two documents is kept until the last of them goes', () => {
  const { store } = openStore();
  store.store(documentOf('a', [RABBITS, OWLS]));
  store.store(documentOf('b', [RABBITS]));
  const hash = store.search({ ...NOTES, collections: [], query: 'burrows', topK: 1 })[0]?.passageHash ?? '';
  store.removeSource(NOTES, 'a');
  store.collectGarbage(100);
  assert.deepEqual(found(store, 'burrows'), [RABBITS]);
  assert.deepEqual(found(store, 'owls'), []);
  store.removeSource(NOTES, 'b');
  assert.deepEqual(found(store, 'burrows'), []);
  assert.deepEqual(store.missingPassages([hash]), []);
  store.collectGarbage(100);
  assert.deepEqual(store.missingPassages([hash]), [hash]);
  store.checkIntegrity();
  assert.deepEqual(store.stats(), []);
});

test('documents come in pages, ordered by source', () => {
  const { store } = openStore();
  for (const source of ['c', 'a', 'd', 'b']) store.store(documentOf(source, [source]));
  const sources = (page: { after?: string; limit: number }): string[] =>
    store.documents(NOTES, page).map(({ source }) => source);
  assert.deepEqual(sources({ limit: 3 }), ['a', 'b', 'c']);
  assert.deepEqual(sources({ after: 'c', limit: 3 }), ['d']);
});

test('no tenant sees anything of another one', () => {
  const { store } = openStore();
  store.store(documentOf('a', [RABBITS]));
  store.store(documentOf('a', [RABBITS, FOXES], { tenant: 'other' }));
  const [own] = store.documents(NOTES, { limit: 1 });
  const [theirs] = store.documents({ ...NOTES, tenant: 'other' }, { limit: 1 });
  assert.notEqual(own?.id, theirs?.id);
  assert.equal(store.document('acme', theirs?.id ?? ''), undefined);
  assert.deepEqual(store.passages('acme', theirs?.id ?? ''), []);
  assert.deepEqual(found(store, 'rabbits foxes'), [RABBITS]);
  assert.deepEqual(store.search({ tenant: 'nobody', collections: [], query: 'rabbits', topK: 5 }), []);
  store.removeSource(NOTES, 'a');
  store.collectGarbage(100);
  assert.deepEqual(found(store, 'rabbits'), []);
  const hits = store.search({ tenant: 'other', collections: ['*'], query: 'rabbits', topK: 5 });
  assert.deepEqual(hits.map(({ text }) => text).sort(), [FOXES, RABBITS]);
});

test('what was staged is invisible until it is committed, and goes after an hour if it is not', () => {
  const { store, clock } = openStore();
  const { passages, ...facts } = documentOf('long', [RABBITS, OWLS]);
  const placed = [...store.stage(NOTES, passages.slice(0, 1)), ...store.stage(NOTES, passages.slice(1))];
  assert.deepEqual(found(store, 'rabbits owls'), []);
  store.collectGarbage(100);
  assert.equal(store.commit(facts, placed), 'added');
  assert.deepEqual(found(store, 'burrows'), [RABBITS]);
  const [lost] = store.stage(NOTES, [passageOf(FOXES)]);
  store.collectGarbage(100);
  assert.deepEqual(store.missingPassages([lost?.hash ?? '']), []);
  clock.advance(3_600_001);
  store.collectGarbage(100);
  assert.deepEqual(store.missingPassages([lost?.hash ?? '']), [lost?.hash]);
  assert.deepEqual(found(store, 'burrows'), [RABBITS]);
  store.checkIntegrity();
});

test('a failure in the middle of a transaction leaves nothing', () => {
  const { store } = openStore();
  assert.throws(
    () =>
      store.transaction(() => {
        store.store(documentOf('a', [RABBITS]));
        throw new Error('power');
      }),
    /power/,
  );
  assert.deepEqual(found(store, 'rabbits'), []);
  assert.deepEqual(store.stats(), []);
  store.checkIntegrity();
});

test('every change is told with the whole manifest, and a peer that takes it over has the same', () => {
  const log: [string, string, JsonObject | undefined][] = [];
  const { store } = openStore({
    put: (kind, key, body) => log.push([kind, key, body]),
    remove: (kind, key) => log.push([kind, key, undefined]),
  });
  store.store(documentOf('a', [RABBITS, OWLS], { attributes: { lang: 'en' } }));
  const [kind, key, manifest] = log[0] ?? [];
  assert.equal(kind, 'knowledge-document');
  assert.deepEqual(manifest, store.manifest(key ?? ''));

  const { store: peer } = openStore();
  const travelled = { id: key ?? '', body: manifest };
  const first = peer.applyManifests([travelled])[0] ?? assert.fail();
  assert.equal(first.isApplied, false);
  assert.equal(first.missing.length, 2);
  const texts = first.missing.map((hash) => store.passage(hash)).filter((text) => text !== undefined);
  peer.putPassages(texts.slice(0, 1));
  assert.deepEqual(peer.applyManifests([travelled])[0]?.missing, first.missing.slice(1));
  assert.deepEqual(found(peer, 'burrows'), []);
  peer.putPassages(texts.slice(1));
  assert.deepEqual(peer.applyManifests([travelled]), [{ isApplied: true, missing: [] }]);
  assert.deepEqual(peer.documents(NOTES, { limit: 5 }), store.documents(NOTES, { limit: 5 }));
  assert.deepEqual(peer.manifest(key ?? ''), manifest);
  const search = { ...NOTES, collections: [], query: 'rabbits owls', topK: 5 };
  assert.deepEqual(peer.search(search), store.search(search));

  store.removeSource(NOTES, 'a');
  assert.deepEqual(log[1], ['knowledge-document', key, undefined]);
  peer.applyManifests([{ id: key ?? '', body: undefined }]);
  peer.collectGarbage(100);
  assert.deepEqual(found(peer, 'burrows'), []);
  peer.checkIntegrity();
});

test('passages and manifests that are not what they say are refused', () => {
  const { store } = openStore();
  assert.throws(() => store.putPassages([{ hash: 'ab'.repeat(32), text: 'x', headings: [] }]), { code: 'bad_request' });
  const none = { id: 'id', body: { tenant: 'acme', passages: [] } };
  const anothers = { id: 'id', body: { tenant: 'acme', collection: 'c', source: 's', passages: [] } };
  const own = { id: documentKey({ tenant: 'acme', collection: 'c' }, 's'), body: anothers.body };
  assert.deepEqual(store.applyManifests([none, anothers, own]), [
    { isApplied: false, missing: [], isRefused: true },
    { isApplied: false, missing: [], isRefused: true },
    { isApplied: true, missing: [] },
  ]);
});

test('passages of a document that never comes are dropped after a day', () => {
  const { store: origin } = openStore();
  origin.store(documentOf('a', [RABBITS]));
  const [hit] = origin.search({ ...NOTES, collections: [], query: 'burrows', topK: 1 });
  const passage = origin.passage(hit?.passageHash ?? '');
  assert.ok(passage);
  const { store, clock } = openStore();
  store.putPassages([passage]);
  clock.advance(86_000_000);
  store.collectGarbage(10);
  assert.deepEqual(store.missingPassages([passage.hash]), []);
  clock.advance(500_000);
  store.collectGarbage(10);
  assert.deepEqual(store.missingPassages([passage.hash]), [passage.hash]);
});

test('what a peer has replaced or deleted can be had again for a day, and is found by nobody', () => {
  const { store: origin } = openStore();
  const versions = [RABBITS, FOXES].map((text) => {
    origin.store(documentOf('a', [text]));
    const [{ id } = assert.fail()] = origin.documents(NOTES, { limit: 1 });
    const [hit = assert.fail()] = origin.search({ ...NOTES, collections: [], query: text, topK: 1 });
    const hash = hit.passageHash;
    return { hash, passage: { hash, text, headings: [] }, travelled: { id, body: origin.manifest(id) } };
  });
  const [first = assert.fail(), second = assert.fail()] = versions;
  const { store, clock } = openStore();
  store.putPassages(versions.map(({ passage }) => passage));
  store.applyManifests([first.travelled]);
  clock.advance(90_000_000);
  store.applyManifests([second.travelled]);
  store.collectGarbage(10);
  assert.deepEqual(found(store, 'burrows'), []);
  assert.deepEqual(store.missingPassages([first.hash]), []);
  // The peer was a thief: a third node tells the first version again.
  assert.equal(store.applyManifests([first.travelled])[0]?.isApplied, true);
  assert.deepEqual(found(store, 'burrows'), [RABBITS]);
  store.applyManifests([{ id: first.travelled.id, body: undefined }]);
  clock.advance(86_000_000);
  store.collectGarbage(10);
  assert.deepEqual(found(store, 'burrows'), []);
  assert.deepEqual(store.missingPassages([first.hash]), []);
  clock.advance(500_000);
  store.collectGarbage(10);
  assert.deepEqual(store.missingPassages([first.hash, second.hash]), [first.hash, second.hash]);
  store.checkIntegrity();
});
