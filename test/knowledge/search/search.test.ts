import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../support/property.ts';
import { documentOf, found, NOTES, openStore, passageOf } from '../support.ts';

const INSTALL = 'How to install the wireless router at home, step by step.';
const FIRMWARE = 'The firmware of a router is installed over its own network.';
const CABLES = 'Cables of copper carry a signal for a hundred metres.';

function library() {
  const { store } = openStore();
  store.store(
    documentOf('router.md', [INSTALL, FIRMWARE], { title: 'Router handbook', attributes: { lang: 'en', year: 2026 } }),
  );
  store.store(documentOf('cables.md', [CABLES], { title: 'All about wires', attributes: { lang: 'en', year: 2025 } }));
  return store;
}

test('any text is a safe question', () => {
  const store = library();
  const syntax = fc.constantFrom(
    '"',
    "'",
    '(',
    ')',
    '*',
    '^',
    ':',
    '-',
    '+',
    'AND',
    'OR',
    'NOT',
    'NEAR',
    'title:',
    '{',
    '}',
    ' ',
    '\0',
    'router',
    '東京',
    '“',
    '«',
    'ก',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.array(syntax).map((parts) => parts.join('')),
      ),
      (query) => {
        const hits = store.search({ ...NOTES, collections: [], query, topK: 5, attributes: { lang: 'en' } });
        assert.ok(hits.every(({ snippet, score }) => snippet.isWellFormed() && Number.isFinite(score)));
      },
    ),
    { numRuns: 1_000 },
  );
});

test('a question without words finds nothing', () => {
  const store = library();
  assert.deepEqual(found(store, ''), []);
  assert.deepEqual(found(store, '?!… ()*" -'), []);
});

test('more of the words, and rarer ones, come first; not all need to be there', () => {
  const store = library();
  assert.deepEqual(found(store, 'copper signal'), [CABLES]);
  assert.equal(found(store, 'wireless router installation at the office')[0], INSTALL);
  assert.equal(found(store, 'firmware of copper routers')[0], FIRMWARE);
});

test('words are found in other forms, cases and without their accents', () => {
  const { store } = openStore();
  store.store(documentOf('a', ['Réseaux câblés: les CONNEXIONS running fast']));
  for (const query of ['reseaux', 'CÂBLÉS', 'connexion', 'runs', 'Réseaux'])
    assert.equal(found(store, query).length, 1, query);
  store.store(documentOf('b', ['घर की पुस्तकें', 'Ежедневная газета']));
  assert.deepEqual(found(store, 'पुस्तकें'), ['घर की पुस्तकें']);
  assert.deepEqual(found(store, 'ЕЖЕДНЕВНАЯ'), ['Ежедневная газета']);
});

test('stop words of the question’s language are left out, unless there is nothing else', () => {
  const { store } = openStore();
  store.store(documentOf('a', ['what is this about', 'the dice die', 'Der Hund schläft']));
  assert.deepEqual(found(store, 'what is the dice for'), ['the dice die']);
  assert.deepEqual(found(store, 'what is this'), ['what is this about']);
  assert.deepEqual(found(store, 'did anybody die'), ['the dice die']);
  assert.deepEqual(found(store, 'wo schläft der Hund'), ['Der Hund schläft']);
});

test('quoted words must stand together; a phrase that is nowhere is searched for by its words', () => {
  const store = library();
  assert.deepEqual(found(store, '"wireless router"'), [INSTALL]);
  assert.deepEqual(found(store, '“router is installed”'), [FIRMWARE]);
  assert.deepEqual(found(store, 'router "step by step"'), [INSTALL]);
  assert.deepEqual(found(store, '"router wireless"').sort(), [FIRMWARE, INSTALL].sort());
});

test('title: looks in titles only, and a title is searched like text', () => {
  const store = library();
  assert.deepEqual(found(store, 'title:wires signal'), [CABLES]);
  assert.deepEqual(found(store, 'title:router installing').sort(), [FIRMWARE, INSTALL].sort());
  assert.deepEqual(found(store, 'handbook').sort(), [FIRMWARE, INSTALL].sort());
  assert.deepEqual(found(store, 'title:nowhere copper'), [CABLES]);
});

test('a heading counts more than the text', () => {
  const { store } = openStore();
  const passages = [
    passageOf('The battery is charged by day.', ['Solar']),
    passageOf('The solar battery is charged.', ['Power']),
  ];
  store.store(documentOf('a', [], { passages }));
  assert.deepEqual(found(store, 'solar'), ['The battery is charged by day.', 'The solar battery is charged.']);
});

test('scripts without spaces are found by any part of two or three characters, and by less', () => {
  const { store } = openStore();
  const tokyo = '東京都は日本の首都です。';
  const thai = 'ภาษาไทยเป็นภาษาที่มีระดับเสียง';
  store.store(documentOf('a', [tokyo, thai, 'Tokyo is a capital.']));
  for (const query of ['東京', '日本の首都', '都', '首都です', '京都は'])
    assert.deepEqual(found(store, query), [tokyo], query);
  for (const query of ['ภาษาไทย', 'เสียง', 'ระดับ']) assert.deepEqual(found(store, query), [thai], query);
  assert.deepEqual(found(store, '北海'), []);
  const [hit] = store.search({ ...NOTES, collections: [], query: '日本の首都', topK: 1 });
  assert.equal(hit?.snippet, '東京都は[[日本の首都]]です。');
});

test('attributes must be equal, whatever their type', () => {
  const store = library();
  const texts = (attributes: Record<string, string | number | string[]>): string[] =>
    store.search({ ...NOTES, collections: [], query: 'router signal', topK: 5, attributes }).map(({ text }) => text);
  assert.deepEqual(texts({ year: 2025 }), [CABLES]);
  assert.deepEqual(texts({ lang: 'en', year: 2026 }).sort(), [FIRMWARE, INSTALL].sort());
  assert.deepEqual(texts({ year: '2025' }), []);
  assert.deepEqual(texts({ colour: 'red' }), []);
  assert.equal(texts({ lang: 'en' }).length, 3);
});

test('a passage shared by documents is shown through the one that the filter allows', () => {
  const { store } = openStore();
  store.store(documentOf('a', [CABLES], { attributes: { edition: 1 } }));
  store.store(documentOf('b', [CABLES], { attributes: { edition: 2 } }));
  const hits = store.search({ ...NOTES, collections: [], query: 'copper', topK: 5, attributes: { edition: 2 } });
  assert.deepEqual(
    hits.map(({ source }) => source),
    ['b'],
  );
  assert.equal(store.search({ ...NOTES, collections: [], query: 'copper', topK: 5 }).length, 1);
});

test('collections are chosen by name or by beginning', () => {
  const { store } = openStore();
  for (const collection of ['news-2025', 'news-2026', 'notes'])
    store.store(documentOf('a', [`Copper in ${collection}`], { collection }));
  const collections = (...names: string[]): string[] =>
    store
      .search({ tenant: 'acme', collections: names, query: 'copper', topK: 9 })
      .map(({ collection }) => collection)
      .sort();
  assert.deepEqual(collections(), ['news-2025', 'news-2026', 'notes']);
  assert.deepEqual(collections('news-*'), ['news-2025', 'news-2026']);
  assert.deepEqual(collections('notes', 'news-2025'), ['news-2025', 'notes']);
  assert.deepEqual(collections('news'), []);
});

test('with more collections than are sought one by one, still nothing of others is found', () => {
  const { store } = openStore();
  for (let number = 0; number < 120; number += 1) {
    const tenant = number % 2 === 0 ? 'acme' : 'other';
    store.store(documentOf(`${number}`, [`Copper number${number}`], { tenant, collection: `c${number}` }));
  }
  const hits = store.search({ tenant: 'acme', collections: [], query: 'copper', topK: 100 });
  assert.deepEqual(
    hits.map(({ source }) => Number(source)).sort((left, right) => left - right),
    Array.from({ length: 60 }, (_, index) => 2 * index),
  );
  assert.deepEqual(found(store, 'number7'), []);
  assert.equal(store.search({ tenant: 'acme', collections: ['c8', 'c10'], query: 'copper', topK: 9 }).length, 2);
});

test('passages that say nearly the same are found once', () => {
  const { store } = openStore();
  const long =
    'The quick brown fox jumps over the lazy dog while seven wizards quietly mix their green potions near old castle walls';
  store.store(documentOf('a', [long, `${long}.`, `${long} tonight`, 'Another fox altogether']));
  assert.equal(found(store, 'fox').length, 2);
});

test('a snippet shows the words around the matches of a long passage', () => {
  const { store } = openStore();
  const filler = 'lorem ipsum dolor sit amet '.repeat(20);
  store.store(documentOf('a', [`${filler}the secret password of the vault ${filler}`]));
  const [hit] = store.search({ ...NOTES, collections: [], query: 'vault passwords', topK: 1 });
  assert.ok(hit);
  assert.match(hit.snippet, /^… .* the secret \[\[password\]\] of the \[\[vault\]\] lorem .* …$/);
  assert.ok(hit.snippet.length < 300);
});

test('topK bounds the hits; scores fall', () => {
  const { store } = openStore();
  store.store(
    documentOf(
      'a',
      Array.from({ length: 50 }, (_, index) => `copper ${'tin '.repeat(index)} x${index}`),
    ),
  );
  const hits = store.search({ ...NOTES, collections: [], query: 'copper', topK: 7 });
  assert.equal(hits.length, 7);
  assert.deepEqual(
    hits.map(({ score }) => score),
    hits.map(({ score }) => score).sort((left, right) => right - left),
  );
  assert.equal(store.search({ ...NOTES, collections: [], query: 'copper', topK: 0 }).length, 0);
});

test('among thousands with the same words the ones that say most about them are found', () => {
  const { store } = openStore();
  const texts = Array.from(
    { length: 3_000 },
    (_, index) => `report number ${index} tells of copper among many other metals and things`,
  );
  texts[1_500] = 'copper copper copper';
  store.store(documentOf('a', texts));
  assert.equal(found(store, 'copper', 1)[0], 'copper copper copper');
});

test('a search stops between two steps when nobody waits any more', () => {
  const store = library();
  let steps = 0;
  const search = { ...NOTES, collections: [], query: 'router', topK: 5 };
  store.search(search, () => {
    steps += 1;
  });
  assert.ok(steps >= 3);
  for (let last = 1; last <= steps; last += 1) {
    let step = 0;
    const checkpoint = (): void => {
      step += 1;
      if (step === last) throw new Error('gone');
    };
    assert.throws(() => store.search(search, checkpoint), /gone/);
    assert.equal(step, last);
  }
});

test('files that got the same documents in another order answer alike, to the last of equals', () => {
  const documents = Array.from({ length: 40 }, (_, index) => {
    const texts = [`Heron number ${String.fromCharCode(97 + (index % 26))} by the river.`, 'Every document says this.'];
    return documentOf(`birds-${index}`, texts, { title: 'Birds of the river' });
  });
  const answers = [documents, documents.toReversed()].map((ordered) => {
    const { store } = openStore();
    for (const document of ordered) store.store(document);
    const queries = ['heron', 'birds river', 'every document says', 'heron number a river'];
    return queries.map((query) => store.search({ ...NOTES, collections: [], query, topK: 12 }));
  });
  assert.ok(answers[0]?.every((hits) => hits.length > 0));
  assert.deepEqual(answers[1], answers[0]);
});
