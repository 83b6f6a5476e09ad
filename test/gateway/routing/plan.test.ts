import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type ChainMember,
  type ChainRouting,
  plainRouting,
  STRATEGY_NAMES,
  type StrategyName,
} from '../../../src/config/routing.ts';
import type { Candidate } from '../../../src/gateway/routing/candidate.ts';
import { describePlan, summarizePlan } from '../../../src/gateway/routing/describe.ts';
import { readPreferences } from '../../../src/gateway/routing/openrouter.ts';
import { type Plan, type PlanInput, planRoute } from '../../../src/gateway/routing/plan.ts';
import type { Wheel } from '../../../src/gateway/routing/wheel.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { fc } from '../../support/property.ts';
import { candidate, facts, seeded, tally } from './support.ts';

const leaf = (index: number, weight = 1): ChainMember => ({ type: 'target', index, weight });

function routing(type: StrategyName, members: readonly ChainMember[]): ChainRouting {
  return { strategy: { type, unfit: 'skip' }, affinity: 'auto', members };
}

function plan(given: ChainRouting, targets: readonly Candidate[], more: Partial<PlanInput> = {}): Plan {
  return planRoute({
    name: 'main',
    routing: given,
    targets,
    facts: facts(),
    random: () => 0,
    wheels: new Map(),
    ...more,
  });
}

const preferring = (provider: JsonObject) =>
  readPreferences({
    model: 'm',
    isStream: false,
    messages: [],
    tools: [],
    sampling: {},
    original: { dialect: 'openai-chat', body: { provider } },
  });

describe('a plain chain', () => {
  test('is tried as it stands, the ones that cool down last', () => {
    const targets = [candidate('a', { isCoolingDown: true }), candidate('b'), candidate('c')];
    assert.deepEqual(plan(plainRouting(3), targets).order, [1, 2, 0]);
  });

  test('may have the same model twice', () => {
    const { order, decisions } = plan(plainRouting(2), [candidate('a'), candidate('a', { isCoolingDown: true })]);
    assert.deepEqual(order, [0, 1]);
    assert.deepEqual(decisions[0]?.ordered, ['a', 'a#2']);
  });
});

describe('a chain inside a chain', () => {
  const inner: ChainMember = {
    type: 'chain',
    name: 'inner',
    weight: 1,
    routing: routing('round-robin', [leaf(1), leaf(2)]),
  };
  const priced = (id: string, input: number, more: Partial<Candidate> = {}) =>
    candidate(id, { price: { input, output: 0 }, ...more });

  test('comes where its best target would come, with its whole order', () => {
    const targets = [priced('a', 3), priced('b', 1), priced('c', 9), priced('d', 2)];
    const chain = routing('cost-optimal', [leaf(0), inner, leaf(3)]);
    const first = plan(chain, targets);
    assert.deepEqual(first.order, [1, 2, 3, 0]);
    // Now it is the turn of the dear one, so the chain stands for that price.
    assert.deepEqual(plan(chain, targets, { wheels: first.wheels }).order, [3, 0, 2, 1]);
  });

  test('keeps its turn as long as it only stands by', () => {
    const targets = [priced('a', 0), priced('b', 1), priced('c', 1)];
    const chain = routing('cost-optimal', [leaf(0), inner]);
    assert.deepEqual(plan(chain, targets).wheels, new Map());
    const cooling = [priced('a', 0, { isCoolingDown: true }), ...targets.slice(1)];
    const { wheels } = plan(chain, cooling);
    assert.deepEqual([...wheels.keys()], ['inner']);
  });

  test('shares a round-robin by its own weight, whatever is inside it', () => {
    const given: ChainRouting = routing('round-robin', [leaf(0, 3), { ...inner, weight: 7 }]);
    const targets = [candidate('a'), candidate('b'), candidate('c')];
    let wheels: ReadonlyMap<string, Wheel> = new Map();
    const firsts = Array.from({ length: 10_000 }, () => {
      const planned = plan(given, targets, { wheels });
      wheels = planned.wheels;
      return `${planned.order[0]}`;
    });
    assert.deepEqual(tally(firsts), { 0: 3_000, 1: 3_500, 2: 3_500 });
  });

  test('cools down only when all of it does, and has as much to do as all of it', () => {
    const targets = [
      candidate('a', { inFlight: 2 }),
      candidate('b', { inFlight: 1 }),
      candidate('c', { inFlight: 2, isCoolingDown: true }),
    ];
    const { order, decisions } = plan(routing('least-load', [leaf(0), inner]), targets);
    assert.deepEqual(order, [0, 1, 2]);
    assert.deepEqual(decisions[0]?.reasons[1], {
      id: 'chain:inner',
      standing: 'fit',
      numbers: { inFlight: 3, load: 4 },
      notes: [],
    });
  });

  test('has the capacity of all of it', () => {
    const targets = [
      candidate('a', { inFlight: 1, capacity: 2 }),
      candidate('b', { capacity: 3 }),
      candidate('c', { capacity: 5 }),
    ];
    const { decisions } = plan(routing('least-load', [leaf(0), inner]), targets);
    assert.deepEqual(
      decisions[0]?.reasons.map(({ numbers }) => numbers.load),
      [1, 0.125],
    );
  });
});

describe("the client's preferences", () => {
  const chain = routing('round-robin', [leaf(0), leaf(1), leaf(2)]);
  const targets = [
    candidate('a/x', { names: ['a'], price: { input: 3, output: 3 } }),
    candidate('b/x', { names: ['b'], price: { input: 2, output: 2 } }),
    candidate('c/x', { names: ['c'], price: { input: 1, output: 1 } }),
  ];

  test('choose another strategy', () => {
    const { order, decisions } = plan(chain, targets, { preferences: preferring({ sort: 'price' }) });
    assert.deepEqual(order, [2, 1, 0]);
    assert.equal(decisions[0]?.strategy, 'cost-optimal');
  });

  test('put the listed ones first after all strategies', () => {
    assert.deepEqual(plan(chain, targets, { preferences: preferring({ order: ['c', 'b'] }) }).order, [2, 1, 0]);
  });

  test('may leave nobody', () => {
    const { order, refused } = plan(chain, targets, { preferences: preferring({ only: ['z'] }) });
    assert.deepEqual(order, []);
    assert.equal(refused.length, 3);
  });
});

test('a plan has every admitted target once, however chains are nested', () => {
  const strategy = fc.constantFrom(...STRATEGY_NAMES);
  const shape = fc.array(fc.tuple(strategy, fc.nat(3)), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(strategy, shape, fc.nat(), fc.nat(255), (outer, chains, seed, cooling) => {
      let count = 0;
      const members = chains.flatMap(([type, size], chain): ChainMember[] => {
        const leaves = Array.from({ length: size }, () => leaf(count++));
        return [{ type: 'chain', name: `n${chain}`, weight: 1, routing: routing(type, leaves) }, leaf(count++)];
      });
      const targets = Array.from({ length: count }, (_, index) =>
        candidate('same', { isCoolingDown: ((cooling >> (index % 8)) & 1) === 1 }),
      );
      const { order } = plan(routing(outer, members), targets, { random: seeded(seed) });
      assert.deepEqual(
        [...order].sort((a, b) => a - b),
        targets.map((_, index) => index),
      );
    }),
    { numRuns: 300 },
  );
});

test('a plan is told in words', () => {
  const targets = [
    candidate('a/x', { price: { input: 3, output: 15 } }),
    candidate('b/x', { price: { input: 1, output: 5 }, isCoolingDown: true }),
    candidate('c/x', { capabilities: [] }),
  ];
  const planned = plan(routing('cost-optimal', [leaf(0), leaf(1), leaf(2)]), targets, {
    facts: facts({ needs: ['tools'] }),
  });
  const rule = {
    use: 'main',
    ruleIndex: 1,
    name: 'short',
    explanation: 'complexity 3 is within 0 and 19',
    passedOver: [{ ruleIndex: 0, name: undefined, explanation: 'has no images' }],
  };
  assert.deepEqual(describePlan(planned, rule), [
    'rule 1 does not match: has no images',
    "rule 'short' matches: complexity 3 is within 0 and 19; use main",
    'chain main by cost-optimal:',
    '  1. a/x: fit, expectedCostDollars 0.00798',
    '  2. b/x: cooling-down, expectedCostDollars 0.00266, is cooling down',
    '  - c/x: unfit, cannot do tools',
  ]);
  assert.equal(summarizePlan(planned, rule), "rule 'short'; chain main by cost-optimal; first a/x");
  assert.equal(summarizePlan(planned, undefined), 'chain main by cost-optimal; first a/x');
});
