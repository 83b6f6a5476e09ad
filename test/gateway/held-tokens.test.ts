import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { heldByText, heldInputTokens } from '../../src/gateway/held-tokens.ts';
import { chatRequest } from './support.ts';

/** Counted with gpt-tokenizer 3; the larger of o200k and cl100k. */
const COUNTED: readonly [what: string, text: string, tokens: number][] = [
  ['a word', 'Hi', 1],
  ['prose', 'Why is the sky blue?', 6],
  ['Greek', 'Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια και τα δικαιώματα.'.repeat(5), 380],
  ['Chinese', '人人生而自由,在尊严和权利上一律平等。他们赋有理性和良心,并应以兄弟关系的精神相对待。'.repeat(5), 260],
  ['Hindi', 'सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता और समानता प्राप्त है।'.repeat(5), 420],
  ['emoji', '😀🎉🚀👩‍💻🏳️‍🌈'.repeat(30), 720],
  ['hex', '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'.repeat(10), 421],
  ['punctuation', '}}]);{[(,.!?::=>&&||'.repeat(40), 400],
  ['capitals', 'THE QUICK BROWN FOX JUMPED ZXQVK WMPTR '.repeat(20), 281],
];

describe('what a request holds of its limits', () => {
  for (const [what, text, tokens] of COUNTED) {
    test(`${what}: no less than tokenizers count, and no more than three times that with the frame`, () => {
      const held = heldInputTokens(chatRequest({ messages: [{ role: 'user', content: text }] }));
      assert.ok(held >= tokens + 8, `${held} held, ${tokens} counted`);
      assert.ok(held <= 3 * tokens + 24, `${held} held, ${tokens} counted`);
    });
  }

  test('a long text is judged by letters of all its parts', () => {
    const text = 'a'.repeat(100_000) + '字'.repeat(100_000);
    assert.equal(Math.round(heldByText(text)), 36_000 + 150_000);
    assert.equal(heldByText(''), 0);
  });

  test('tools, their schemas, calls, results and pictures all hold something', () => {
    const plain = heldInputTokens(chatRequest());
    const tool = { type: 'function', function: { name: 'f', description: 'about a', parameters: { type: 'object' } } };
    const picture = { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } };
    assert.ok(heldInputTokens(chatRequest({ tools: [tool] })) > plain + 350);
    assert.ok(heldInputTokens(chatRequest({ messages: [{ role: 'user', content: [picture] }] })) >= 1_600);
  });
});
