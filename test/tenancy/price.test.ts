import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Usage } from '../../src/model/chat.ts';
import { costOf, factsOn, type ModelFacts, type Price } from '../../src/tenancy/price.ts';
import { fc } from '../support/property.ts';

function usage(counts: Partial<Usage>): Usage {
  const none = { inputTokens: 0, cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens: 0, reasoningTokens: 0 };
  return { ...none, isEstimated: false, ...counts };
}

/** Dollars to a hundred-millionth of a cent: sums of fractions are not exact. */
function assertDollars(actual: number | undefined, expected: number): void {
  assert.equal(actual?.toFixed(10), expected.toFixed(10));
}

test('an unknown price makes an unknown cost, a price of zero a cost of zero', () => {
  const some = usage({ inputTokens: 10, outputTokens: 10 });
  assert.equal(costOf(some, undefined), undefined);
  assert.equal(costOf(some, { input: 0, output: 0 }), 0);
});

test("OpenAI's cached tokens are part of the prompt, and its reasoning tokens of the answer", () => {
  // usage: {prompt_tokens: 2006, prompt_tokens_details: {cached_tokens: 1920}, completion_tokens: 300,
  //         completion_tokens_details: {reasoning_tokens: 192}}
  const seen = usage({ inputTokens: 2_006, cachedInputTokens: 1_920, outputTokens: 300, reasoningTokens: 192 });
  // 86 × 2.5 + 1920 × 0.25 + 300 × 15 = 215 + 480 + 4500 = 5195 millionths
  assertDollars(costOf(seen, { input: 2.5, output: 15, cacheRead: 0.25 }), 0.005195);
});

test("Anthropic's cache writes cost a quarter more than the prompt, its reads a tenth", () => {
  // usage: {input_tokens: 50, cache_creation_input_tokens: 10000, cache_read_input_tokens: 40000, output_tokens: 500}
  const seen = usage({
    inputTokens: 50_050,
    cacheWriteTokens: 10_000,
    cachedInputTokens: 40_000,
    outputTokens: 500,
  });
  // 50 × 3 + 10000 × 3.75 + 40000 × 0.3 + 500 × 15 = 150 + 37500 + 12000 + 7500 = 57150 millionths
  assertDollars(costOf(seen, { input: 3, output: 15, cacheRead: 0.3, cacheWrite: 3.75 }), 0.05715);
});

test("Gemini's thoughts are billed as output, and beyond 200,000 tokens of prompt all of it at the higher rates", () => {
  const price: Price = {
    input: 1.25,
    output: 10,
    cacheRead: 0.125,
    tiers: [{ aboveInputTokens: 200_000, price: { input: 2.5, output: 15, cacheRead: 0.25 } }],
  };
  // usageMetadata: {promptTokenCount: 1000, candidatesTokenCount: 200, thoughtsTokenCount: 800}
  // 1000 × 1.25 + 1000 × 10 = 11250 millionths
  assertDollars(costOf(usage({ inputTokens: 1_000, outputTokens: 1_000, reasoningTokens: 800 }), price), 0.01125);
  // 200000 × 1.25 + 100 × 10 = 251000 millionths: the threshold itself is not above it
  assertDollars(costOf(usage({ inputTokens: 200_000, outputTokens: 100 }), price), 0.251);
  // 100001 × 2.5 + 100000 × 0.25 + 100 × 15 = 250002.5 + 25000 + 1500 millionths
  const long = usage({ inputTokens: 200_001, cachedInputTokens: 100_000, outputTokens: 100 });
  assertDollars(costOf(long, price), 0.2765025);
});

test('of several tiers the highest that the prompt exceeds counts', () => {
  const price: Price = {
    input: 1,
    output: 1,
    tiers: [
      { aboveInputTokens: 100, price: { input: 2, output: 1 } },
      { aboveInputTokens: 1_000, price: { input: 3, output: 1 } },
    ],
  };
  const costs = [100, 101, 1_000, 1_001].map((inputTokens) => costOf(usage({ inputTokens }), price));
  assert.deepEqual(costs, [0.0001, 0.000202, 0.002, 0.003003]);
});

test('without cache rates, cached and written tokens cost what the prompt does', () => {
  const seen = usage({ inputTokens: 1_000, cachedInputTokens: 400, cacheWriteTokens: 300 });
  assertDollars(costOf(seen, { input: 2, output: 8 }), 0.002);
});

test('reasoning costs its own rate where a provider has one', () => {
  const seen = usage({ outputTokens: 1_000, reasoningTokens: 600 });
  // 400 × 2 + 600 × 3 = 2600 millionths
  assertDollars(costOf(seen, { input: 1, output: 2, reasoning: 3 }), 0.0026);
});

test('counts that contradict each other never make a negative part', () => {
  const seen = usage({ inputTokens: 100, cachedInputTokens: 150, outputTokens: 10, reasoningTokens: 40 });
  // 150 × 1 + 10 × 5 = 200 millionths
  assertDollars(costOf(seen, { input: 10, output: 5, cacheRead: 1 }), 0.0002);
});

const tokens = fc.integer({ min: 0, max: 2_000_000 });
const rate = fc.double({ min: 0, max: 200, noNaN: true });
const flatPrice = fc.record({ input: rate, output: rate, cacheRead: rate, cacheWrite: rate, reasoning: rate });

const anyUsage = fc
  .record({ plain: tokens, cached: tokens, written: tokens, answer: tokens, reasoning: tokens })
  .map(({ plain, cached, written, answer, reasoning }) =>
    usage({
      inputTokens: plain + cached + written,
      cachedInputTokens: cached,
      cacheWriteTokens: written,
      outputTokens: answer + reasoning,
      reasoningTokens: reasoning,
    }),
  );

function sum(left: Usage, right: Usage): Usage {
  return usage({
    inputTokens: left.inputTokens + right.inputTokens,
    cachedInputTokens: left.cachedInputTokens + right.cachedInputTokens,
    cacheWriteTokens: left.cacheWriteTokens + right.cacheWriteTokens,
    outputTokens: left.outputTokens + right.outputTokens,
    reasoningTokens: left.reasoningTokens + right.reasoningTokens,
  });
}

test('at a price without tiers two answers cost together what each costs', () => {
  fc.assert(
    fc.property(anyUsage, anyUsage, flatPrice, (left, right, price) => {
      const apart = (costOf(left, price) ?? Number.NaN) + (costOf(right, price) ?? Number.NaN);
      const together = costOf(sum(left, right), price) ?? Number.NaN;
      assert.ok(Math.abs(together - apart) <= 1e-9 * (1 + apart), `${together} is not ${apart}`);
    }),
  );
});

test('more tokens never cost less, tiers included', () => {
  fc.assert(
    fc.property(anyUsage, anyUsage, flatPrice, tokens, (some, more, price, aboveInputTokens) => {
      const dearer = Object.fromEntries(
        Object.entries(price).map(([name, value]) => [name, value * 2]),
      ) as typeof price;
      const tiered: Price = { ...price, tiers: [{ aboveInputTokens, price: dearer }] };
      const less = costOf(some, tiered) ?? Number.NaN;
      const total = costOf(sum(some, more), tiered) ?? Number.NaN;
      assert.ok(total >= less * (1 - 1e-12), `${total} is less than ${less}`);
    }),
  );
});

test('an announced change counts from its day on', () => {
  const facts: ModelFacts = {
    provider: 'openai',
    model: 'x',
    price: { input: 1, output: 2 },
    changes: [
      { from: '2026-12-01', price: { input: 3, output: 4 } },
      { from: '2027-01-01', price: { input: 5, output: 6 } },
    ],
    capabilities: [],
    source: 'https://example.com',
    date: '2026-11-22',
  };
  const days = ['2026-11-30', '2026-12-01', '2026-12-31', '2027-06-01'];
  assert.deepEqual(
    days.map((day) => factsOn(day, facts).price?.input),
    [1, 3, 3, 5],
  );
});
