import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { STRATEGY_NAMES } from '../../../src/config/routing.ts';
import type { Candidate } from '../../../src/gateway/routing/candidate.ts';
import { STANDINGS } from '../../../src/gateway/routing/fitness.ts';
import { costOptimal } from '../../../src/gateway/routing/strategies/cost-optimal.ts';
import { strategies } from '../../../src/gateway/routing/strategies/index.ts';
import { leastLoad } from '../../../src/gateway/routing/strategies/least-load.ts';
import { priority } from '../../../src/gateway/routing/strategies/priority.ts';
import { roundRobin } from '../../../src/gateway/routing/strategies/round-robin.ts';
import type { Wheel } from '../../../src/gateway/routing/wheel.ts';
import { CAPABILITIES } from '../../../src/model/capability.ts';
import { fc } from '../../support/property.ts';
import { candidate, context, facts, seeded, tally } from './support.ts';

const anyCandidate = fc.record({
  weight: fc.constantFrom(0, 1, 1, 2.5, 100),
  inFlight: fc.nat(20),
  capacity: fc.option(fc.nat(20), { nil: undefined }),
  ttft: fc.option(fc.record({ ttftMs: fc.nat(5_000), ageMs: fc.nat(600_000) }), { nil: undefined }),
  errorRate: fc.double({ min: 0, max: 1, noNaN: true }),
  price: fc.option(fc.record({ input: fc.nat(20), output: fc.nat(60) }), { nil: undefined }),
  quality: fc.option(fc.nat(100), { nil: undefined }),
  contextLength: fc.option(fc.constantFrom(50, 1_000, 100_000), { nil: undefined }),
  capabilities: fc.option(fc.subarray([...CAPABILITIES]), { nil: undefined }),
  isCoolingDown: fc.boolean(),
});

const anyCandidates = fc
  .array(anyCandidate, { maxLength: 7 })
  .map((list) => list.map((known, index) => candidate(`t${index}`, withoutUndefined(known))));

function withoutUndefined(known: object): Partial<Candidate> {
  return Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined));
}

const anyContext = fc
  .record({
    needs: fc.subarray([...CAPABILITIES]),
    inputTokens: fc.constantFrom(10, 2_000, 200_000),
    unfit: fc.constantFrom('skip' as const, 'last' as const),
    affinityKey: fc.constantFrom(undefined, 'k1', 'k2'),
    seed: fc.nat(),
    minQuality: fc.option(fc.nat(100), { nil: undefined }),
    wheel: fc.dictionary(fc.constantFrom('t0', 't1', 't2'), fc.integer({ min: -50, max: 50 })),
  })
  .map(({ needs, inputTokens, unfit, affinityKey, seed, minQuality, wheel }) =>
    context({
      facts: facts({ needs, inputTokens }),
      thresholds: minQuality === undefined ? {} : { minQuality, maxTtftMs: 1_000 },
      unfit,
      affinityKey,
      random: seeded(seed),
      wheel: new Map(Object.entries(wheel)),
    }),
  );

describe('every strategy', () => {
  for (const name of STRATEGY_NAMES) {
    test(`${name} orders each candidate once, or says why it is left out`, () => {
      fc.assert(
        fc.property(anyCandidates, anyContext, (candidates, given) => {
          const { ordered, excluded, reasons } = strategies[name](candidates, given);
          const ids = candidates.map(({ id }) => id);
          assert.deepEqual([...ordered, ...excluded].sort(), [...ids].sort());
          assert.deepEqual(
            reasons.map(({ id }) => id),
            ids,
          );
          for (const id of excluded) {
            const reason = reasons.find((candidateReason) => candidateReason.id === id);
            assert.equal(reason?.standing, 'unfit');
            assert.ok((reason?.notes.length ?? 0) > 0);
          }
        }),
        { numRuns: 300 },
      );
    });

    test(`${name} never puts a worse standing first, and leaves nobody out without need`, () => {
      fc.assert(
        fc.property(anyCandidates, anyContext, (candidates, given) => {
          const { ordered, excluded, reasons } = strategies[name](candidates, given);
          const ranks = ordered.map((id) => STANDINGS.indexOf(reasons.find((r) => r.id === id)?.standing ?? 'unfit'));
          assert.deepEqual(
            ranks,
            [...ranks].sort((a, b) => a - b),
          );
          assert.equal(ordered.length === 0, candidates.length === 0);
          if (given.unfit === 'last') assert.deepEqual(excluded, []);
        }),
        { numRuns: 300 },
      );
    });
  }
});

describe('priority', () => {
  test('keeps the order of the file within a standing', () => {
    const candidates = [
      candidate('cooling', { isCoolingDown: true }),
      candidate('first'),
      candidate('spare', { weight: 0 }),
      candidate('full', { inFlight: 4, capacity: 4 }),
      candidate('second'),
    ];
    assert.deepEqual(priority(candidates, context()).ordered, ['first', 'second', 'spare', 'full', 'cooling']);
  });

  test('puts those behind that miss a threshold, and an unknown quality with them, but not an unknown speed', () => {
    const candidates = [
      candidate('slow', { quality: 90, ttft: { ttftMs: 3_000, ageMs: 0 } }),
      candidate('poor', { quality: 40, ttft: { ttftMs: 100, ageMs: 0 } }),
      candidate('unknown'),
      candidate('new', { quality: 70 }),
      candidate('good', { quality: 60, ttft: { ttftMs: 900, ageMs: 0 } }),
    ];
    const { ordered, reasons } = priority(candidates, context({ thresholds: { maxTtftMs: 1_000, minQuality: 60 } }));
    assert.deepEqual(ordered, ['new', 'good', 'slow', 'poor', 'unknown']);
    assert.deepEqual(
      reasons.map(({ notes }) => notes),
      [
        ['first content after 3000 ms, over maxTtftMs 1000'],
        ['quality 40, under minQuality 60'],
        ['quality unknown, under minQuality 60'],
        [],
        [],
      ],
    );
  });

  test('leaves out whom a prompt surely does not fit, and puts behind whom it may not fit', () => {
    const candidates = [
      candidate('short', { contextLength: 8_000 }),
      candidate('tight', { contextLength: 10_000 }),
      candidate('long', { contextLength: 100_000 }),
      candidate('unknown'),
    ];
    const given = context({ facts: facts({ inputTokens: 9_500, maxOutputTokens: 1_000 }) });
    const { ordered, excluded, reasons } = priority(candidates, given);
    assert.deepEqual(ordered, ['long', 'unknown', 'tight']);
    assert.deepEqual(excluded, ['short']);
    assert.deepEqual(reasons[0]?.notes, ['takes 8000 tokens, and the prompt has about 9500']);
    assert.deepEqual(reasons[1]?.notes, ['takes 10000 tokens, which prompt and answer may not fit into']);
  });

  test('leaves out whom a capability is known to lack, unless nobody else is there or the setting says last', () => {
    const blind = candidate('blind', { capabilities: ['tools'] });
    const needs = facts({ needs: ['images', 'tools'] });
    const others = [blind, candidate('seeing', { capabilities: ['tools', 'images'] })];
    assert.deepEqual(priority(others, context({ facts: needs })).ordered, ['seeing']);
    assert.deepEqual(priority(others, context({ facts: needs, unfit: 'last' })).ordered, ['seeing', 'blind']);
    assert.deepEqual(priority([blind], context({ facts: needs })).ordered, ['blind']);
  });
});

describe('round-robin', () => {
  /** The first choice of so many requests, one after the other. */
  function rounds(candidates: readonly Candidate[], count: number): string[] {
    let wheel: Wheel = new Map();
    return Array.from({ length: count }, () => {
      const ordering = roundRobin(candidates, context({ wheel }));
      wheel = ordering.wheel ?? wheel;
      return ordering.ordered[0] ?? '';
    });
  }

  test('takes turns without weights', () => {
    assert.deepEqual(rounds([candidate('a'), candidate('b'), candidate('c')], 5), ['a', 'b', 'c', 'a', 'b']);
  });

  test('spreads turns evenly over a round', () => {
    const candidates = [candidate('a', { weight: 5 }), candidate('b'), candidate('c')];
    assert.deepEqual(rounds(candidates, 7).join(''), 'aabacaa');
  });

  test('keeps within 1 % of the weights over 10,000 requests, whatever they are', () => {
    const weights = fc.array(fc.integer({ min: 1, max: 1_000 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(weights, (given) => {
        const candidates = given.map((weight, index) => candidate(`t${index}`, { weight }));
        const total = given.reduce((sum, weight) => sum + weight, 0);
        const counts = tally(rounds(candidates, 10_000));
        for (const [index, weight] of given.entries()) {
          const difference = Math.abs((counts[`t${index}`] ?? 0) - (10_000 * weight) / total);
          assert.ok(difference <= 100, `t${index} of ${given} is off by ${difference}`);
        }
      }),
      { numRuns: 10 },
    );
  });

  test('keeps within 1 % of fractional weights', () => {
    const candidates = [
      candidate('a', { weight: 0.7 }),
      candidate('b', { weight: 0.2 }),
      candidate('c', { weight: 0.1 }),
    ];
    const { a, b, c } = tally(rounds(candidates, 10_000)) as Record<'a' | 'b' | 'c', number>;
    assert.deepEqual([Math.round(a / 100), Math.round(b / 100), Math.round(c / 100)], [70, 20, 10]);
  });

  test('gives the share of one that cools down to the others, and does not make it up afterwards', () => {
    let wheel: Wheel = new Map();
    const firsts: string[] = [];
    for (let request = 0; request < 30; request += 1) {
      const isCoolingDown = request < 20;
      const ordering = roundRobin(
        [candidate('a', { isCoolingDown }), candidate('b'), candidate('c')],
        context({ wheel }),
      );
      wheel = ordering.wheel ?? wheel;
      firsts.push(ordering.ordered[0] ?? '');
    }
    assert.deepEqual(tally(firsts.slice(0, 20)), { b: 10, c: 10 });
    assert.deepEqual(tally(firsts.slice(20, 29)), { a: 3, b: 3, c: 3 });
  });

  test('asks spares last, in the order of the file', () => {
    const candidates = [candidate('s', { weight: 0 }), candidate('t', { weight: 0 }), candidate('a')];
    assert.deepEqual(roundRobin(candidates, context()).ordered, ['a', 's', 't']);
  });
});

describe('least-load', () => {
  test('goes by requests in flight for each weight', () => {
    const candidates = [
      candidate('a', { inFlight: 3, weight: 4 }),
      candidate('b', { inFlight: 1 }),
      candidate('c', { inFlight: 2 }),
    ];
    assert.deepEqual(leastLoad(candidates, context()).ordered, ['a', 'b', 'c']);
  });

  test('goes by capacity where all have one', () => {
    const candidates = [
      candidate('small', { inFlight: 1, capacity: 2 }),
      candidate('large', { inFlight: 10, capacity: 100, weight: 0.1 }),
    ];
    const { ordered, reasons } = leastLoad(candidates, context());
    assert.deepEqual(ordered, ['large', 'small']);
    assert.deepEqual(reasons[1]?.numbers, { inFlight: 10, load: 0.11 });
  });

  test('lets chance choose among equals', () => {
    const candidates = [candidate('a'), candidate('b'), candidate('busy', { inFlight: 1 })];
    assert.deepEqual(leastLoad(candidates, context({ random: () => 0.4 })).ordered, ['a', 'b', 'busy']);
    assert.deepEqual(leastLoad(candidates, context({ random: () => 0.6 })).ordered, ['b', 'a', 'busy']);
  });

  test('shares 1,000 running requests by the weights', () => {
    const running = { a: 0, b: 0, c: 0 };
    const random = seeded(7);
    for (let request = 0; request < 1_000; request += 1) {
      const { ordered } = leastLoad(
        [
          candidate('a', { inFlight: running.a, weight: 5 }),
          candidate('b', { inFlight: running.b, weight: 3 }),
          candidate('c', { inFlight: running.c, weight: 2 }),
        ],
        context({ random }),
      );
      running[ordered[0] as 'a' | 'b' | 'c'] += 1;
    }
    assert.deepEqual(running, { a: 500, b: 300, c: 200 });
  });
});

describe('cost-optimal', () => {
  const mini = candidate('mini', { price: { input: 0.15, output: 0.6 }, quality: 50, contextLength: 16_000 });
  const long = candidate('long', { price: { input: 0.1, output: 2 }, quality: 55, contextLength: 1_000_000 });
  const strong = candidate('strong', {
    price: { input: 3, output: 15 },
    quality: 90,
    contextLength: 200_000,
    capabilities: ['tools', 'images'],
    ttft: { ttftMs: 900, ageMs: 0 },
  });
  const middle = candidate('middle', {
    price: { input: 1, output: 4 },
    quality: 75,
    contextLength: 128_000,
    capabilities: ['tools'],
    ttft: { ttftMs: 2_500, ageMs: 0 },
  });
  const free = candidate('free', { price: { input: 0, output: 0 }, quality: 30, capabilities: [] });
  const unpriced = candidate('unpriced', { quality: 95 });
  const all = [unpriced, strong, middle, long, mini];

  // Tokens in and out, then dollars worked out by hand: (in × input + out × output) ÷ 1,000,000.
  const table: readonly {
    readonly name: string;
    readonly of?: readonly Candidate[];
    readonly facts?: Parameters<typeof facts>[0];
    readonly thresholds?: { readonly maxTtftMs?: number; readonly minQuality?: number };
    readonly cheapest: string;
    readonly dollars: number;
  }[] = [
    { name: 'an ordinary request', cheapest: 'mini', dollars: 0.0003222 },
    {
      name: 'a long answer',
      facts: { expectedOutputTokens: 4_000, maxOutputTokens: 8_000 },
      cheapest: 'mini',
      dollars: 0.002415,
    },
    {
      name: 'a long prompt with a short answer',
      facts: { inputTokens: 12_000, maxOutputTokens: 10 },
      cheapest: 'long',
      dollars: 0.00122,
    },
    {
      name: 'just before the prices cross',
      facts: { inputTokens: 2_799, maxOutputTokens: 100 },
      cheapest: 'mini',
      dollars: 0.00047985,
    },
    {
      name: 'just after the prices cross',
      facts: { inputTokens: 2_801, maxOutputTokens: 100 },
      cheapest: 'long',
      dollars: 0.0004801,
    },
    {
      name: 'a prompt too long for the cheapest',
      facts: { inputTokens: 100_000, maxOutputTokens: 10 },
      of: [strong, middle, mini],
      cheapest: 'middle',
      dollars: 0.10004,
    },
    { name: 'a quality', thresholds: { minQuality: 60 }, cheapest: 'middle', dollars: 0.002148 },
    { name: 'a high quality', thresholds: { minQuality: 80 }, cheapest: 'strong', dollars: 0.00798 },
    {
      name: 'a quality in time',
      thresholds: { minQuality: 60, maxTtftMs: 2_000 },
      cheapest: 'strong',
      dollars: 0.00798,
    },
    { name: 'images', facts: { needs: ['images'] }, of: [middle, strong, free], cheapest: 'strong', dollars: 0.00798 },
    { name: 'tools', facts: { needs: ['tools'] }, of: [strong, middle, free], cheapest: 'middle', dollars: 0.002148 },
    { name: 'no need at all and a free model', of: [mini, free, strong], cheapest: 'free', dollars: 0 },
    {
      name: 'a bound on the answer',
      facts: { maxOutputTokens: 1 },
      of: [mini, long],
      cheapest: 'long',
      dollars: 0.000012,
    },
    {
      name: 'the cheapest cooling down',
      of: [{ ...mini, isCoolingDown: true }, long, strong],
      cheapest: 'long',
      dollars: 0.001034,
    },
    {
      name: 'the cheapest being full',
      of: [{ ...mini, inFlight: 2, capacity: 2 }, middle, strong],
      cheapest: 'middle',
      dollars: 0.002148,
    },
    {
      name: 'a higher tier for long prompts',
      facts: { inputTokens: 50_000, maxOutputTokens: 10 },
      of: [
        candidate('tiered', {
          price: { input: 0.05, output: 0.1, tiers: [{ aboveInputTokens: 10_000, price: { input: 2, output: 4 } }] },
        }),
        middle,
      ],
      cheapest: 'middle',
      dollars: 0.05004,
    },
  ];
  for (const { name, of = all, facts: known, thresholds = {}, cheapest, dollars } of table) {
    test(`picks the cheapest for ${name}`, () => {
      const { ordered, reasons } = costOptimal(of, context({ facts: facts(known), thresholds }));
      assert.equal(ordered[0], cheapest);
      const cost = reasons.find(({ id }) => id === cheapest)?.numbers.expectedCostDollars;
      assert.equal(cost?.toFixed(10), dollars.toFixed(10));
    });
  }

  test('puts an unknown price after all known ones, and nobody out', () => {
    assert.deepEqual(costOptimal(all, context()).ordered, ['mini', 'long', 'middle', 'strong', 'unpriced']);
  });

  test('is the minimum over all admissible candidates', () => {
    fc.assert(
      fc.property(anyCandidates, fc.nat(10_000), (candidates, inputTokens) => {
        const { ordered, reasons } = costOptimal(candidates, context({ facts: facts({ inputTokens }) }));
        const first = reasons.find(({ id }) => id === ordered[0]);
        if (!first || first.standing === 'spare') return;
        const equals = reasons.filter(({ standing }) => standing === first.standing);
        const costs = equals.map(({ numbers }) => numbers.expectedCostDollars ?? Number.POSITIVE_INFINITY);
        assert.equal(first.numbers.expectedCostDollars ?? Number.POSITIVE_INFINITY, Math.min(...costs));
      }),
      { numRuns: 500 },
    );
  });
});
