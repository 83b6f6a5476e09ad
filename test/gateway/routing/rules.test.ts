import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RuleCondition, RuleConfig } from '../../../src/config/routing.ts';
import type { RouteRequestFacts } from '../../../src/gateway/routing/candidate.ts';
import { compileRules, judgeRules } from '../../../src/gateway/routing/rules.ts';
import { facts } from './support.ts';

function match(rules: readonly RuleConfig[], known: Partial<RouteRequestFacts> = {}) {
  return judgeRules(compileRules(rules), facts(known)).match;
}

function holds(when: RuleCondition, known: Partial<RouteRequestFacts> = {}): boolean {
  return match([{ when, use: 'x' }], known) !== undefined;
}

/** `ü` as macOS writes it in names of files: two characters. */
const DECOMPOSED = 'Bitte ku\u0308ndigen';

describe('rules', () => {
  const rules: readonly RuleConfig[] = [
    { name: 'pictures', when: { images: true }, use: 'seeing' },
    { when: { complexity: { max: 19 }, promptTokens: { max: 500 } }, use: 'cheap' },
    { name: 'rest', when: {}, use: 'strong' },
  ];

  test('are tried in order, and tell why each of them did or did not match', () => {
    assert.deepEqual(match(rules, { userText: 'Translate "good morning".', userTokens: 7, inputTokens: 60 }), {
      use: 'cheap',
      ruleIndex: 1,
      name: undefined,
      explanation: 'prompt tokens 60 is within 0 and 500, complexity 0 is within 0 and 19',
      passedOver: [{ ruleIndex: 0, name: 'pictures', explanation: 'has no images' }],
    });
    const reasoning = match(rules, { userText: 'Prove it step by step.', userTokens: 6, inputTokens: 60 });
    assert.equal(reasoning?.use, 'strong');
    assert.equal(reasoning?.passedOver[1]?.explanation, 'complexity 40 is over 19');
    assert.equal(match(rules, { imageCount: 1 })?.use, 'seeing');
  });

  test('without a match decide nothing', () => {
    assert.equal(match(rules.slice(0, 1)), undefined);
    assert.equal(match([]), undefined);
  });
});

describe('a condition', () => {
  const cases: readonly [name: string, when: RuleCondition, known: Partial<RouteRequestFacts>, expected: boolean][] = [
    ['of nothing holds', {}, {}, true],
    ['on tokens holds at its lower end', { promptTokens: { min: 10 } }, { inputTokens: 10 }, true],
    ['on tokens fails below it', { promptTokens: { min: 10 } }, { inputTokens: 9 }, false],
    ['on tokens holds at its upper end', { promptTokens: { max: 10 } }, { inputTokens: 10 }, true],
    ['on tokens fails above it', { promptTokens: { max: 10 } }, { inputTokens: 11 }, false],
    ['on turns holds', { turns: { min: 2, max: 3 } }, { turns: 3 }, true],
    ['on turns fails', { turns: { min: 2, max: 3 } }, { turns: 1 }, false],
    ['on tools holds with them', { tools: true }, { toolCount: 1 }, true],
    ['on no tools fails with them', { tools: false }, { toolCount: 1 }, false],
    ['on no tools holds without', { tools: false }, {}, true],
    ['on audio holds', { audio: true }, { needs: ['audio'] }, true],
    ['on documents holds', { documents: true }, { documentCount: 1 }, true],
    ['on a JSON schema holds', { jsonSchema: true }, { needs: ['json-schema'] }, true],
    ['on a JSON schema fails', { jsonSchema: true }, {}, false],
    ['on reasoning holds', { reasoning: true }, { isReasoningAsked: true }, true],
    ['on the model knows wildcards', { models: ['gpt-*'] }, { model: 'GPT-5-mini' }, true],
    ['on the model fails for another', { models: ['gpt-*', 'auto'] }, { model: 'my-gpt-5' }, false],
    ['on keywords finds words', { keywords: ['refund'] }, { userText: 'I want a REFUND!' }, true],
    ['on keywords does not find parts of words', { keywords: ['fund'] }, { userText: 'a refund' }, false],
    ['on keywords finds stems', { keywords: ['refund*'] }, { userText: 'Refunding takes long' }, true],
    ['on keywords finds phrases', { keywords: ['money back'] }, { userText: 'my money back please' }, true],
    ['on keywords finds them in scripts without spaces', { keywords: ['退款'] }, { userText: '我想退款' }, true],
    ['on keywords finds letters with accents of their own', { keywords: ['kündig*'] }, { userText: DECOMPOSED }, true],
    ['on keywords may have them, too', { keywords: [DECOMPOSED] }, { userText: 'Bitte kündigen' }, true],
    ['on a pattern finds them', { pattern: 'k.ndigen$' }, { userText: DECOMPOSED }, true],
    ['on a pattern holds', { pattern: 'order\\s+#\\d+' }, { userText: 'Order  #17 is late' }, true],
    ['on a pattern fails', { pattern: '^order' }, { userText: 'my order' }, false],
    ['on the language holds', { languages: ['de', 'fr'] }, { userText: 'Wo ist die nächste Post?' }, true],
    ['on the language fails when it is undecided', { languages: ['de'] }, { userText: '42' }, false],
    [
      'on a header ignores the case of its name',
      { headers: { 'X-Tier': 'gold' } },
      { headers: { 'x-tier': 'Gold' } },
      true,
    ],
    ['on a header fails without it', { headers: { 'x-tier': '*' } }, {}, false],
    ['on a header holds with any value', { headers: { 'x-tier': '*' } }, { headers: { 'x-tier': '' } }, true],
    ['on two headers needs both', { headers: { a: '1', b: '2' } }, { headers: { a: '1' } }, false],
    ['on the tenant holds', { tenants: ['acme', 'globex'] }, { tenant: 'globex' }, true],
    ['on the tenant fails without one', { tenants: ['*'] }, {}, false],
    ['on a key tag holds', { keyTags: ['batch'] }, { keyTags: ['nightly', 'batch'] }, true],
    ['on metadata holds', { metadata: { team: 'r*d' } }, { metadata: { team: 'research-and-d' } }, true],
    ['on metadata does not find what every object has', { metadata: { constructor: '*' } }, {}, false],
    ['of several kinds needs all of them', { tools: true, images: true }, { toolCount: 1 }, false],
    ['any of holds with one', { any: [{ tools: true }, { images: true }] }, { imageCount: 1 }, true],
    ['any of fails with none', { any: [{ tools: true }, { images: true }] }, {}, false],
    ['any of nothing fails', { any: [] }, {}, false],
    ['all of fails with one', { all: [{ tools: true }, { images: true }] }, { imageCount: 1 }, false],
    ['all of holds with all', { all: [{ tools: true }, { images: true }] }, { imageCount: 1, toolCount: 1 }, true],
    ['not turns it round', { not: { tools: true } }, {}, true],
    ['nested holds', { any: [{ all: [{ turns: { max: 1 } }, { not: { images: true } }] }] }, {}, true],
  ];
  for (const [name, when, known, expected] of cases) {
    test(name, () => assert.equal(holds(when, known), expected));
  }
});

describe('hours', () => {
  const day = { from: 8 * 60, to: 18 * 60, days: [] } as const;
  const weekendNight = { from: 22 * 60, to: 6 * 60, days: ['fri', 'sat'] } as const;
  const always = { from: 0, to: 0, days: ['mon'] } as const;
  const cases: readonly [
    name: string,
    time: NonNullable<RuleCondition['time']>,
    weekday: RouteRequestFacts['weekday'],
    minuteOfDay: number,
    expected: boolean,
  ][] = [
    ['begin with their first minute', day, 'wed', 480, true],
    ['end before their last minute', day, 'wed', 1_080, false],
    ['go through midnight from the evening', weekendNight, 'fri', 1_320, true],
    ['go through midnight to the morning after', weekendNight, 'sun', 359, true],
    ['do not hold in the morning of their first day', weekendNight, 'fri', 300, false],
    ['do not hold in the evening after their last day', weekendNight, 'sun', 1_400, false],
    ['from midnight to midnight are the whole day', always, 'mon', 1_439, true],
    ['hold only on their days', always, 'tue', 5, false],
  ];
  for (const [name, time, weekday, minuteOfDay, expected] of cases) {
    test(name, () => assert.equal(holds({ time }, { weekday, minuteOfDay }), expected));
  }
});

test('an explanation never shows what a header or metadata held', () => {
  const rules: RuleConfig[] = [
    { when: { headers: { authorization: 'x' }, metadata: { secret: 'y' } }, use: 'a' },
    { when: {}, use: 'b' },
  ];
  const found = match(rules, { headers: { authorization: 'hunter2' }, metadata: { secret: 'hunter2' } });
  assert.ok(!JSON.stringify(found).includes('hunter2'));
});
