// What is ranked must agree with what FTS5 finds: the same words, folded and stemmed alike.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { intersect, SortedMarks } from '../../../src/knowledge/search/sorted-ids.ts';
import { beginningOf, fold, keyOf, wordAt, wordsOf } from '../../../src/knowledge/search/words.ts';
import { openDatabase } from '../../../src/storage/database.ts';
import { fc } from '../../support/property.ts';

const database = openDatabase(':memory:', [
  `CREATE VIRTUAL TABLE sample USING fts5 (
     text, tokenize = "porter unicode61 remove_diacritics 2 categories 'L* N* Co M*'");
   CREATE VIRTUAL TABLE sample_word USING fts5vocab ('sample', 'instance');`,
]);
const insert = database.prepare('INSERT INTO sample (rowid, text) VALUES (1, ?)');
const terms = database.prepare<[], string>('SELECT term FROM sample_word ORDER BY offset').pluck();

function wordsOfIndex(text: string): string[] {
  database.exec('DELETE FROM sample');
  insert.run(text);
  return terms.all();
}

const WORDS =
  'caresses ponies ties caress cats feed agreed plastered bled motoring sing conflated troubled sized hopping tanned falling hissing fizzed failing filing happy sky relational conditional rational valenci hesitanci digitizer conformabli radicalli differentli vileli analogousli vietnamization predication operator feudalism decisiveness hopefulness callousness formaliti sensitiviti sensibiliti triplicate formative formalize electriciti electrical hopeful goodness revival allowance inference airliner gyroscopic adjustable defensible irritant replacement adjustment dependent adoption homologou communism activate angulariti homologous effective bowdlerize probate rate cease controll roll sayings flies yyy syzygy I us as by Ärger naïve FAÇADE Straße ελληνικά Русский ёлка किताब पुस्तकें สวัสดี 한국어 東京 école Việt 3com x86 2026 a1b2';

test('known words have the stems that the index gives them', () => {
  const words = WORDS.split(' ');
  assert.deepEqual(words.map(keyOf), wordsOfIndex(WORDS));
});

test('any English-looking word has the stem that the index gives it', () => {
  const part = fc.constantFrom(
    ...'a e i o u y b c d f l m n r s t v z ational tional enci izer logi bli alli entli ousli ization ation ator alism iveness fulness aliti iviti biliti icate ative alize ical ful ness al ance er able ement ment ion ous ive ize eed ed ing s es ies ll tt ee'.split(
      ' ',
    ),
  );
  const words = fc.array(
    fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => parts.join('')),
    { minLength: 1, maxLength: 40 },
  );
  fc.assert(
    fc.property(words, (sample) => {
      assert.deepEqual(sample.map(keyOf), wordsOfIndex(sample.join(' ')));
    }),
    { numRuns: 300 },
  );
});

test('a word begins as its stem does, but for the stem’s last letter', () => {
  const letters = fc.string({ unit: fc.constantFrom(...'abcdeilnorstuyzäßй한'), minLength: 1, maxLength: 12 });
  const ending = fc.constantFrom(
    '',
    'ies',
    'ing',
    'ed',
    'y',
    'ational',
    'ization',
    'ably',
    'ibility',
    'iveness',
    'ously',
  );
  fc.assert(
    fc.property(letters, ending, (root, suffix) => {
      const word = fold(root + suffix);
      assert.equal(word.startsWith(beginningOf(keyOf(word))), true, word);
    }),
    { numRuns: 2_000 },
  );
  for (const word of WORDS.split(' ').map(fold)) assert.equal(word.startsWith(beginningOf(keyOf(word))), true, word);
});

test('a word is found at its beginning only', () => {
  const text = 'réinstall install 𠮷install';
  assert.deepEqual(
    [0, 2, 10, 13, 20].map((at) => wordAt(text, at)),
    ['réinstall', undefined, 'install', undefined, undefined],
  );
});

test('words are told with where they begin', () => {
  assert.deepEqual(wordsOf('Ein Café, 3 km!'), [
    { text: 'Ein', start: 0 },
    { text: 'Café', start: 4 },
    { text: '3', start: 10 },
    { text: 'km', start: 12 },
  ]);
});

const ids = fc.uniqueArray(fc.nat(40)).map((list) => list.sort((left, right) => left - right));

test('sorted ids know what a map would', () => {
  fc.assert(
    fc.property(ids, ids, ids, fc.nat(6), (first, second, marked, limit) => {
      const marks = new SortedMarks([4, 2, 1]);
      marks.add(first, 0);
      marks.add(second, 1);
      marks.mark(marked, 2);
      const model = new Map([...first, ...second].map((id) => [id, 0]));
      for (const id of first) model.set(id, (model.get(id) ?? 0) + 4);
      for (const id of second) model.set(id, (model.get(id) ?? 0) + 2);
      for (const id of marked) if (model.has(id)) model.set(id, (model.get(id) ?? 0) + 1);
      const withWorth = (holds: (worth: number) => boolean): number[] =>
        [...model]
          .filter(([, worth]) => holds(worth))
          .map(([id]) => id)
          .sort((left, right) => left - right);
      assert.equal(marks.size, model.size);
      assert.deepEqual(
        marks.above(limit),
        withWorth((worth) => worth > limit),
      );
      assert.deepEqual(
        marks.equalTo(limit).ids,
        withWorth((worth) => worth === limit),
      );
      assert.equal(marks.countAbove(limit, 100), withWorth((worth) => worth >= limit).length);
      const ranked = [...model.values()].sort((left, right) => right - left);
      assert.equal(marks.threshold(3), ranked[2] ?? 0);
      marks.keepAbove(limit);
      assert.deepEqual(
        marks.ids(),
        withWorth((worth) => worth >= limit),
      );
      assert.deepEqual(
        intersect(first, second),
        first.filter((id) => second.includes(id)),
      );
    }),
  );
});
