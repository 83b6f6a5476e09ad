import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { complexityOf } from '../../../src/gateway/routing/complexity.ts';
import { facts } from './support.ts';

/** What docs/routing.md calls complex. One word of reasoning gets there, or two of lesser thought. */
const COMPLEX_SCORE_MIN = 20;

interface Examples {
  readonly simple: readonly string[];
  readonly complex: readonly string[];
}

/** `tuned` was looked at while the words were chosen; `heldOut` was written afterwards and changed nothing. */
const examples = JSON.parse(readFileSync(new URL('complexity-examples.json', import.meta.url), 'utf8')) as Readonly<
  Record<'tuned' | 'heldOut', Examples>
>;

function scoreOf(text: string, known: Parameters<typeof facts>[0] = {}): number {
  return complexityOf(facts({ userText: text, userTokens: Math.ceil(text.length / 4), ...known })).score;
}

describe('labelled examples', () => {
  for (const [name, { simple, complex }] of Object.entries(examples)) {
    test(`of the set '${name}' are told apart at least nine times in ten`, () => {
      const total = simple.length + complex.length;
      const wrong = [
        ...simple.filter((text) => scoreOf(text) >= COMPLEX_SCORE_MIN),
        ...complex.filter((text) => scoreOf(text) < COMPLEX_SCORE_MIN),
      ];
      assert.ok(total >= 45);
      assert.ok(wrong.length <= total / 10, `${wrong.length} of ${total} are wrong:\n${wrong.join('\n')}`);
    });
  }

  test('are more than 60, and half of them simple', () => {
    const all = Object.values(examples);
    assert.ok(all.reduce((sum, { simple }) => sum + simple.length, 0) >= 60);
    assert.ok(all.reduce((sum, { complex }) => sum + complex.length, 0) >= 60);
  });
});

describe('the score', () => {
  test('tells which features gave it', () => {
    const text = 'Prove that the sum is even, step by step.';
    assert.deepEqual(complexityOf(facts({ userText: text, userTokens: 11, toolCount: 9 })), {
      score: 47,
      features: { reasoningWords: 40, tools: 7 },
    });
  });

  test('is 0 for nothing and never beyond 100', () => {
    assert.equal(scoreOf(''), 0);
    const much = examples.tuned.complex.join('\n');
    assert.equal(scoreOf(much, { isReasoningAsked: true, toolCount: 50, turns: 40, inputTokens: 200_000 }), 100);
  });

  const steps: readonly [name: string, known: Parameters<typeof facts>[0], points: number][] = [
    ['the length of the newest message', { userTokens: 256 }, 18],
    ['a long message, up to a bound', { userTokens: 100_000 }, 24],
    ['a long conversation', { inputTokens: 4_096 }, 3],
    ['a very long conversation', { inputTokens: 60_000 }, 9],
    ['many turns', { turns: 7 }, 3],
    ['tools', { toolCount: 1 }, 5],
    ['an image', { imageCount: 2 }, 6],
    ['a document', { documentCount: 1 }, 8],
    ['a JSON schema', { needs: ['json-schema'] }, 5],
    ['a wish for reasoning', { isReasoningAsked: true }, 20],
    ['a block of code', { userText: '```js\nlet a = 1;\n```' }, 14],
    ['a long block of code', { userText: `\`\`\`\n${'x\n'.repeat(30)}\`\`\`` }, 20],
    ['an error message', { userText: 'I get a ValueError here' }, 8],
    ['a formula', { userText: '∫ x' }, 18],
    ['a list of steps', { userText: '1. a\n2. b\n3. c' }, 11],
    ['several questions', { userText: 'Is it? Was it? Will it?' }, 7],
    ['conditions', { userText: 'at least two, at most four' }, 6],
  ];
  for (const [name, known, points] of steps) {
    test(`counts ${name}`, () => {
      assert.equal(complexityOf(facts(known)).score, points);
    });
  }

  test('does not take words inside code for the task', () => {
    assert.equal(scoreOf('```\nprove derive optimize\n```'), 14);
  });

  test('does not stumble over long hostile text', () => {
    for (const piece of ['```', '1. ', '((((', 'a b ', '. ', 'prove ', '\n   x', '~~~`']) {
      assert.ok(scoreOf(piece.repeat(16_384 / piece.length)) >= 0);
    }
  });
});
