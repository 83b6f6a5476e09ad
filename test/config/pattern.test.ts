import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compilePattern, PatternError } from '../../src/config/pattern.ts';
import { fc } from '../support/property.ts';

function isFound(source: string, text: string): boolean {
  return compilePattern(source).test(text);
}

describe('a pattern', () => {
  const cases: readonly [source: string, text: string, isFound: boolean][] = [
    ['invoice', 'Please pay the INVOICE', true],
    ['^invoice', 'the invoice', false],
    ['invoice$', 'the invoice', true],
    ['inv.ice', 'inv\nice', false],
    ['a{3}', 'aa', false],
    ['a{3}', 'aaa', true],
    ['^a{1,2}$', 'aaa', false],
    ['^a{2,}$', 'aaaa', true],
    ['^(?:ab|cd)+$', 'abcdab', true],
    ['^(?:ab|cd)+$', 'abcda', false],
    ['^(?<name>x)?y$', 'y', true],
    ['[^a-c]', 'abc', false],
    ['[\\]x]', ']', true],
    ['\\d{4}-\\d{2}', 'on 2026-03 we', true],
    ['\\bcat\\b', 'concatenate', false],
    ['\\bkätzchen\\b', 'das Kätzchen schläft', true],
    ['\\bon\\b', 'façon', false],
    ['\\p{Lu}{3}', 'straße', true],
    ['straße', 'STRASSE', false],
    ['\\u{1F600}+', 'hi 😀😀', true],
    ['^.$', '😀', true],
    ['(a|)b', 'b', true],
    ['(a*)*b', 'aaaa', false],
    ['x*?y', 'xxy', true],
    ['', '', true],
  ];
  for (const [source, text, expected] of cases) {
    test(`${source} ${expected ? 'is' : 'is not'} found in ${JSON.stringify(text)}`, () => {
      assert.equal(isFound(source, text), expected);
    });
  }

  test('finds what the platform finds', () => {
    const atom = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '\\d', '(?:a|b)', '(ab)', '^', '$', '(?:b|)');
    const piece = fc
      .tuple(atom, fc.constantFrom('', '*', '+', '?', '{2}', '{1,3}', '{2,}', '*?'))
      .map(([item, quantifier]) => (/^[$^]/.test(item) ? item : item + quantifier));
    const branch = fc.array(piece, { minLength: 1, maxLength: 4 }).map((pieces) => pieces.join(''));
    const source = fc.array(branch, { minLength: 1, maxLength: 3 }).map((branches) => branches.join('|'));
    const text = fc.array(fc.constantFrom('a', 'b', '1', 'A'), { maxLength: 8 }).map((letters) => letters.join(''));
    fc.assert(
      fc.property(source, text, (pattern, subject) => {
        assert.equal(isFound(pattern, subject), new RegExp(pattern, 'iu').test(subject));
      }),
      { numRuns: 2_000 },
    );
  });

  test('that would take the platform for ever is done with a long text at once', () => {
    assert.equal(isFound('^(a+)+$', `${'a'.repeat(16_000)}!`), false);
    assert.equal(isFound('a.*b.*c.*d', 'ab'.repeat(8_000)), false);
    assert.equal(isFound('(x|x|x)*y', 'x'.repeat(16_000)), false);
  });
});

describe('what cannot be matched in linear time', () => {
  const cases: readonly [source: string, problem: string][] = [
    ['(a)\\1', 'references back to a group are not supported.'],
    ['(?=a)b', "'(?' for looking ahead or behind, or for switching flags, is not supported."],
    ['(?<!a)b', "'(?' for looking ahead or behind, or for switching flags, is not supported."],
    ['a{1000}', 'the pattern repeats too much; make it shorter.'],
    ['((a{30}){30}){30}', 'the pattern repeats too much; make it shorter.'],
    ['(a', 'this is not a valid regular expression: Unterminated group.'],
    ['a'.repeat(1_001), 'the pattern is longer than 1000 characters.'],
  ];
  for (const [source, problem] of cases) {
    test(`${source.slice(0, 20)} is refused with a sentence`, () => {
      assert.throws(
        () => compilePattern(source),
        (error) => error instanceof PatternError && error.message === problem,
      );
    });
  }
});
