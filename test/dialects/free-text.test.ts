// Free-text tools as functions: the parameters that stand for them, and their text out of JSON that still arrives.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FreeTextReader } from '../../src/dialects/free-text-reader.ts';
import { freeTextArguments, freeTextInput, freeTextParameters } from '../../src/dialects/free-text-tool.ts';
import { fc } from '../support/property.ts';

/** What a client sees of arguments that come in these pieces, the end last. */
function shown(pieces: readonly string[]): string[] {
  const reader = new FreeTextReader();
  const texts = [...pieces.map((piece) => reader.read(piece)), reader.end()];
  assert.equal(reader.text, texts.join(''));
  return texts;
}

test('the text is told as it comes, unescaped', () => {
  assert.deepEqual(shown(['{"inp', 'ut": "*** Be', 'gin\\nA\\', 't\\u00e', '9\\"', '"}']), [
    '',
    '*** Be',
    'gin\nA',
    '\t',
    'é"',
    '',
    '',
  ]);
});

test('however the JSON is cut, the text is the same, and no piece ends within a character', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.boolean(), fc.infiniteStream(fc.nat(5)), (text, isAscii, cuts) => {
      const plain = freeTextArguments(text);
      const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
      // biome-ignore lint/suspicious/noControlCharactersInRegex: all that is not ASCII
      const json = isAscii ? plain.replace(/[^\x00-\x7f]/g, escaped) : plain;
      const pieces: string[] = [];
      for (let at = 0; at < json.length; at += pieces.at(-1)?.length ?? 0) {
        pieces.push(json.slice(at, at + 1 + (cuts.next().value ?? 0)));
      }
      const texts = shown(pieces);
      assert.equal(texts.join(''), text);
      for (const piece of texts) assert.equal(piece.isWellFormed(), true);
    }),
  );
});

test('white space around the JSON and fields after the input do not matter', () => {
  assert.equal(shown([' {\n "input" :\t"a', 'b" , "note": "c" }\n']).join(''), 'ab');
});

test('a text that comes whole in one piece is told whole, however long', () => {
  const long = 'x'.repeat(5_000);
  assert.deepEqual(shown([freeTextArguments(long)]), [long, '']);
  assert.equal(shown([...freeTextArguments(long)]).join(''), long);
});

test('an answer that was cut shows what had come', () => {
  assert.deepEqual(shown(['{"input":"abc\\']), ['abc', '']);
});

test('arguments of another shape are told whole at the end', () => {
  assert.deepEqual(shown(['{"patch":', '"a"}']), ['', '', '{"patch":"a"}']);
  assert.deepEqual(shown(['{"why":"x","input":"a\\nb"}']), ['', 'a\nb']);
  assert.deepEqual(shown(['*** Begin', ' Patch']), ['', '', '*** Begin Patch']);
  assert.deepEqual(shown(['{}']), ['', '']);
  assert.deepEqual(shown([]), ['']);
});

test('whole arguments and free text are inverses', () => {
  assert.equal(freeTextArguments('a "b"\n'), '{"input":"a \\"b\\"\\n"}');
  assert.equal(freeTextInput(freeTextArguments('a "b"\n')), 'a "b"\n');
  assert.equal(freeTextInput('{}'), '');
});

test('the parameter tells the grammar in either wire’s form, and of a huge one the beginning', () => {
  const described = (format?: object): string => {
    const { properties, ...rest } = freeTextParameters(format as never) as any;
    assert.deepEqual(rest, { type: 'object', required: ['input'], additionalProperties: false });
    assert.deepEqual(Object.keys(properties), ['input']);
    assert.equal(properties.input.type, 'string');
    return properties.input.description;
  };
  const grammar = { syntax: 'lark', definition: 'start: "x"' };
  const told = 'The whole input of the tool, as plain text.\nIt must match this lark grammar:\nstart: "x"';
  assert.equal(described({ type: 'grammar', ...grammar }), told);
  assert.equal(described({ type: 'grammar', grammar }), told);
  assert.equal(described({ type: 'text' }), 'The whole input of the tool, as plain text.');
  assert.equal(described(), 'The whole input of the tool, as plain text.');
  const huge = described({ type: 'grammar', syntax: 'regex', definition: 'y'.repeat(100_000) });
  assert.equal(huge.split('\n').at(-1), `${'y'.repeat(8_000)} […]`);
});
