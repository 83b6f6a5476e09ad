import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Block } from '../../../src/knowledge/formats/extracted.ts';
import { PASSAGE_LENGTH, splitDocument } from '../../../src/knowledge/ingest/split.ts';
import { fc } from '../../support/property.ts';

const prose = (text: string): Block => ({ kind: 'prose', text });
const lines = (text: string): Block => ({ kind: 'lines', text });
const heading = (level: number, text: string): Block => ({ kind: 'heading', level, text });

/** So many sentences of 50 characters. */
function sentences(count: number, from = 1): string {
  return Array.from({ length: count }, (_, index) => `Sentence ${from + index} `.padEnd(49, 'x').concat('.')).join(' ');
}

function textsOf(...blocks: Block[]): string[] {
  return splitDocument(blocks).passages.map(({ text }) => text);
}

describe('passages', () => {
  test('a short section is one passage', () => {
    assert.deepEqual(splitDocument([heading(1, 'Top'), prose('One.'), prose('Two.')]).passages, [
      { text: 'One.\n\nTwo.', headings: ['Top'], start: 5, end: 15 },
    ]);
  });

  test('headings always cut, and stay with what is under them', () => {
    const { passages } = splitDocument([
      prose('Before.'),
      heading(1, 'A'),
      heading(2, 'A1'),
      prose('In A1.'),
      heading(3, 'Deep'),
      prose('Deep in.'),
      heading(2, 'A2'),
      prose('In A2.'),
      heading(1, 'B'),
      prose('In B.'),
    ]);
    assert.deepEqual(
      passages.map(({ headings, text }) => [...headings, text]),
      [['Before.'], ['A', 'A1', 'In A1.'], ['A', 'A1', 'Deep', 'Deep in.'], ['A', 'A2', 'In A2.'], ['B', 'In B.']],
    );
  });

  test('a heading with nothing under it is found too', () => {
    assert.deepEqual(
      splitDocument([heading(1, 'A'), heading(2, 'Empty'), heading(2, 'Full'), prose('x')]).passages.map(
        ({ headings, text }) => [...headings, text],
      ),
      [
        ['A', 'Empty'],
        ['A', 'Full', 'x'],
      ],
    );
  });

  test('a break ends the section and its headings', () => {
    const { passages } = splitDocument([heading(1, 'A'), prose('x'), { kind: 'break' }, prose('y')]);
    assert.deepEqual(
      passages.map(({ headings }) => headings),
      [['A'], []],
    );
  });

  test('long prose is cut between sentences, and the last ones are said again', () => {
    const [first = '', second = ''] = textsOf(prose(sentences(40)));
    assert.equal(first.length, 17 * 51 - 1);
    assert.ok(first.endsWith(sentences(1, 17)));
    assert.ok(second.startsWith(sentences(2, 16)));
  });

  test('it is cut at the end of a paragraph where there is one near', () => {
    const texts = textsOf(prose(sentences(12)), prose(sentences(12, 13)), prose(sentences(12, 25)));
    assert.deepEqual(texts[0], sentences(12));
    assert.ok(texts[1]?.startsWith(sentences(2, 11)));
    assert.ok(texts[1]?.endsWith(sentences(1, 24)));
  });

  test('code stays whole where it can; what leads to it is repeated, it is not', () => {
    const code = Array.from({ length: 17 }, (_, index) => `const value${index} = compute(${'x'.repeat(20)});`).join(
      '\n',
    );
    const texts = textsOf(prose(sentences(10)), lines(code), prose(sentences(10, 11)));
    assert.deepEqual(texts, [sentences(10), `${sentences(2, 9)}\n\n${code}`, sentences(10, 11)]);
  });

  test('longer code is cut between lines', () => {
    const rows = Array.from({ length: 100 }, (_, index) => `name: row ${index}; value: ${'y'.repeat(20)}`);
    const texts = textsOf(lines(rows.join('\n')));
    assert.deepEqual(
      texts.flatMap((text) => text.split('\n')),
      rows,
    );
  });

  test('a word without end is cut all the same', () => {
    const texts = textsOf(prose('x'.repeat(5_000)));
    assert.ok(texts.every((text) => text.length <= PASSAGE_LENGTH.max));
    assert.equal(texts.join('').length, 5_000);
  });

  test('Chinese is cut at its own full stops', () => {
    const sentence = `${'知'.repeat(59)}。`;
    const texts = textsOf(prose(sentence.repeat(40)));
    assert.ok(texts.every((text) => text.endsWith('。') && text.length % 60 === 0));
  });

  test('a passage is on the page where what is new in it begins', () => {
    const pages = [1, 2].map((page): Block => ({ kind: 'prose', text: sentences(17, page * 100), page }));
    assert.deepEqual(
      splitDocument(pages).passages.map(({ page }) => page),
      [1, 2],
    );
  });
});

describe('for any document', () => {
  const piece = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 3_000 }),
    fc.string({ unit: 'grapheme', maxLength: 300 }),
    fc.array(fc.lorem({ mode: 'sentences' }), { maxLength: 30 }).map((parts) => parts.join(' ')),
    fc.array(fc.lorem(), { maxLength: 60 }).map((parts) => parts.join('\n')),
  );
  const block: fc.Arbitrary<Block> = fc.oneof(
    { weight: 4, arbitrary: piece.map((text) => prose(text.toWellFormed())) },
    { weight: 2, arbitrary: piece.map((text) => lines(text.toWellFormed())) },
    {
      weight: 1,
      arbitrary: fc.tuple(fc.integer({ min: 1, max: 6 }), fc.lorem()).map(([level, text]) => heading(level, text)),
    },
    { weight: 1, arbitrary: fc.constant<Block>({ kind: 'break' }) },
  );
  const documents = fc.array(block, { maxLength: 12 });

  test('offsets are exact, in order and within bounds; no letter is cut in two', () => {
    fc.assert(
      fc.property(documents, (blocks) => {
        const { text, passages } = splitDocument(blocks);
        let [start, end] = [-1, -1];
        for (const passage of passages) {
          assert.equal(text.slice(passage.start, passage.end), passage.text);
          assert.ok(passage.text.length > 0 && passage.text.length <= PASSAGE_LENGTH.max);
          assert.equal(passage.text.trim(), passage.text);
          assert.ok(passage.text.isWellFormed());
          assert.ok(passage.start > start && passage.end > end);
          [start, end] = [passage.start, passage.end];
        }
      }),
      { numRuns: 150 },
    );
  });

  test('every word that is no heading is in a passage', () => {
    fc.assert(
      fc.property(documents, (blocks) => {
        const { text, passages } = splitDocument(blocks);
        const covered = new Uint8Array(text.length);
        for (const { start, end } of passages) covered.fill(1, start, end);
        let offset = 0;
        for (const one of blocks) {
          if (one.kind === 'break') continue;
          for (let at = 0; at < one.text.length; at += 1) {
            const isText = one.kind !== 'heading' && /\S/.test(one.text[at] ?? '');
            if (isText && covered[offset + at] !== 1) assert.fail(`not covered: ${JSON.stringify(one.text[at])}`);
          }
          offset += one.text.length + 2;
        }
      }),
      { numRuns: 150 },
    );
  });

  test('the same blocks give the same passages', () => {
    fc.assert(
      fc.property(documents, (blocks) =>
        assert.deepEqual(splitDocument(blocks), splitDocument(structuredClone(blocks))),
      ),
      { numRuns: 30 },
    );
  });
});
