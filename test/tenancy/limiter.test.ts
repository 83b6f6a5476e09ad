import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { GatewayError } from '../../src/errors.ts';
import { Limiter, LimitReached, type ReservationKind, type Spent } from '../../src/tenancy/limiter.ts';
import type { LimitSpec } from '../../src/tenancy/principal.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { fc } from '../support/property.ts';

const NOTHING: Spent = { day: { tokens: 0, cost: 0 }, month: { tokens: 0, cost: 0 } };

function limiterOf(spec: LimitSpec, spent: Spent = NOTHING) {
  // 2027-01-15, 08:00 UTC.
  const clock = new ManualClock(1_800_000_000_000);
  const limiter = new Limiter(clock, () => spent);
  const limits = [{ scope: 'key:k', spec }];
  const reserve = (tokens: number, cost = 0, model = 'm') => limiter.reserve(limits, model, { tokens, cost });
  return { clock, reserve };
}

function refusal(action: () => unknown): GatewayError {
  try {
    action();
  } catch (error) {
    assert.ok(error instanceof GatewayError);
    return error;
  }
  return assert.fail('it was admitted');
}

describe('limits', () => {
  test('requests a minute are counted over any sixty seconds, and the wait names when the first one leaves', () => {
    const { clock, reserve } = limiterOf({ requestsPerMinute: 2 });
    reserve(1);
    clock.advance(30_000);
    reserve(1);
    const error = refusal(() => reserve(1));
    assert.equal(error.code, 'rate_limited');
    assert.equal(error.retryAfterMs, 30_000);
    clock.advance(29_999);
    refusal(() => reserve(1));
    clock.advance(1);
    reserve(1);
    refusal(() => reserve(1));
  });

  test('two hundred requests at once cannot take more tokens than are left', () => {
    const { reserve } = limiterOf({ tokensPerMinute: 100 });
    let admitted = 0;
    for (let i = 0; i < 200; i += 1) {
      try {
        reserve(7);
        admitted += 7;
      } catch {
        // Refused, as most of them must be.
      }
    }
    assert.equal(admitted, 98);
  });

  test('what an estimate was too high is given back, what it was too low is taken', () => {
    const { reserve } = limiterOf({ tokensPerMinute: 100 });
    const other = reserve(0);
    const first = reserve(80);
    refusal(() => reserve(30));
    first.settle({ tokens: 20, cost: 0 });
    const second = reserve(30);
    second.settle({ tokens: 75, cost: 0 });
    assert.equal(refusal(() => reserve(6)).code, 'rate_limited');
    reserve(5).settle({ tokens: 5, cost: 0 });
    other.settle({ tokens: 0, cost: 0 });
    assert.equal(refusal(() => reserve(1)).code, 'rate_limited');
  });

  test('what may need more than the whole limit is served alone while anything is left', () => {
    const { reserve } = limiterOf({ tokensPerMinute: 100 });
    const first = reserve(5_000);
    assert.equal(refusal(() => reserve(5_000)).retryAfterMs, 1_000);
    first.settle({ tokens: 40, cost: 0 });
    const second = reserve(5_000);
    second.settle({ tokens: 70, cost: 0 });
    assert.equal(refusal(() => reserve(5_000)).retryAfterMs, 60_000);
  });

  test('tokens settled after their minute no longer count', () => {
    const { clock, reserve } = limiterOf({ tokensPerMinute: 100 });
    const slow = reserve(10);
    clock.advance(61_000);
    slow.settle({ tokens: 1_000, cost: 0 });
    reserve(100);
  });

  test('requests at once are freed when they end', () => {
    const { reserve } = limiterOf({ concurrent: 1 });
    const first = reserve(1);
    assert.equal(refusal(() => reserve(1)).code, 'rate_limited');
    first.settle({ tokens: 1, cost: 0 });
    reserve(1);
  });

  test('a budget counts what the ledger knew at the start, what runs and what was settled', () => {
    const spent = { day: { tokens: 0, cost: 9 }, month: { tokens: 0, cost: 9 } };
    const { reserve } = limiterOf({ costPerDay: 10 }, spent);
    const first = reserve(1, 0.6);
    assert.equal(refusal(() => reserve(1, 0.6)).code, 'rate_limited', 'the running one may leave enough');
    first.settle({ tokens: 1, cost: 0.1 });
    reserve(1, 0.6).settle({ tokens: 1, cost: 0.9 });
    assert.equal(refusal(() => reserve(1, 0.6)).code, 'budget_exhausted');
  });

  test('an empty budget refuses also what costs nothing known, and says when the next period begins', () => {
    const spent = { day: { tokens: 0, cost: 10 }, month: { tokens: 0, cost: 10 } };
    const { clock, reserve } = limiterOf({ costPerDay: 10 }, spent);
    const error = refusal(() => reserve(1, 0));
    assert.equal(error.code, 'budget_exhausted');
    assert.equal(error.status, 402);
    assert.equal(error.retryAfterMs, 16 * 3_600_000);
    clock.advance(16 * 3_600_000);
    reserve(1, 0);
  });

  test('a monthly budget outlives the day', () => {
    const { clock, reserve } = limiterOf({ tokensPerMonth: 100 });
    reserve(90).settle({ tokens: 100, cost: 0 });
    clock.advance(24 * 3_600_000);
    assert.equal(refusal(() => reserve(20)).code, 'budget_exhausted');
    clock.advance(17 * 24 * 3_600_000);
    reserve(20);
  });

  test('what runs over midnight counts in the day in which it was admitted', () => {
    const { clock, reserve } = limiterOf({ tokensPerDay: 100 });
    clock.advance(16 * 3_600_000 - 1_000);
    const running = reserve(80);
    clock.advance(2_000);
    const today = reserve(60);
    running.settle({ tokens: 10, cost: 0 });
    assert.equal(refusal(() => reserve(50)).code, 'rate_limited', 'nothing of yesterday is given back today');
    today.settle({ tokens: 60, cost: 0 });
    reserve(40).settle({ tokens: 40, cost: 0 });
    assert.equal(refusal(() => reserve(1)).code, 'budget_exhausted');
  });

  test('a wall clock that is set back and forth makes no new budget', () => {
    const { clock, reserve } = limiterOf({ tokensPerDay: 100 });
    reserve(100).settle({ tokens: 100, cost: 0 });
    clock.setForward(24 * 3_600_000);
    reserve(70).settle({ tokens: 70, cost: 0 });
    clock.setForward(-24 * 3_600_000);
    assert.equal(refusal(() => reserve(1)).code, 'budget_exhausted');
    clock.setForward(24 * 3_600_000);
    reserve(30).settle({ tokens: 30, cost: 0 });
    assert.equal(refusal(() => reserve(1)).code, 'budget_exhausted');
  });

  test('a day that the clock goes back to and that was never counted is read from the ledger', () => {
    const spent = { day: { tokens: 95, cost: 0 }, month: { tokens: 95, cost: 0 } };
    const { clock, reserve } = limiterOf({ tokensPerDay: 100 }, spent);
    reserve(5).settle({ tokens: 5, cost: 0 });
    clock.setForward(-5 * 24 * 3_600_000);
    reserve(5).settle({ tokens: 5, cost: 0 });
    assert.equal(refusal(() => reserve(1)).code, 'budget_exhausted');
  });

  test('a budget that is set in the middle of a day counts what the day had used, also for a scope that was limited before', () => {
    const clock = new ManualClock(1_800_000_000_000);
    const limiter = new Limiter(clock, () => NOTHING);
    const reserve = (spec: LimitSpec) => limiter.reserve([{ scope: 'key:k', spec }], 'm', { tokens: 90, cost: 0 });
    reserve({ requestsPerMinute: 10 }).settle({ tokens: 90, cost: 0 });
    clock.advance(24 * 3_600_000);
    reserve({ requestsPerMinute: 10 }).settle({ tokens: 90, cost: 0 });
    assert.equal(refusal(() => reserve({ tokensPerDay: 90 })).code, 'budget_exhausted');
  });

  test('the minute goes by the monotonic clock: a wall clock that is set frees nothing and holds nothing', () => {
    const { clock, reserve } = limiterOf({ requestsPerMinute: 2, tokensPerMinute: 100 });
    reserve(10).settle({ tokens: 10, cost: 0 });
    clock.setForward(3_600_000);
    reserve(10).settle({ tokens: 10, cost: 0 });
    assert.equal(refusal(() => reserve(1)).retryAfterMs, 60_000);
    clock.setForward(-7_200_000);
    assert.equal(refusal(() => reserve(1)).code, 'rate_limited');
    clock.advance(60_000);
    reserve(90);
    refusal(() => reserve(11));
  });

  test('a refusal tells how the limits stand', () => {
    const { reserve } = limiterOf({ requestsPerMinute: 1, tokensPerMinute: 100 });
    reserve(30);
    const error = refusal(() => reserve(1));
    assert.ok(error instanceof LimitReached);
    assert.deepEqual(error.rateLimit, {
      limitRequests: 1,
      remainingRequests: 0,
      resetRequestsMs: 60_000,
      limitTokens: 100,
      remainingTokens: 70,
      resetTokensMs: 60_000,
    });
  });

  test("a model's own limit holds besides the scope's", () => {
    const { reserve } = limiterOf({ requestsPerMinute: 10, models: { 'gpt-*': { requestsPerMinute: 1 } } });
    reserve(1, 0, 'gpt-4');
    refusal(() => reserve(1, 0, 'gpt-5'));
    reserve(1, 0, 'claude');
  });

  test('a refused request holds nothing of the scopes that would have admitted it', () => {
    const clock = new ManualClock();
    const limiter = new Limiter(clock, () => NOTHING);
    const wide = { scope: 'tenant:t', spec: { concurrent: 1 } };
    const full = { scope: 'key:k', spec: { requestsPerMinute: 0 } };
    refusal(() => limiter.reserve([wide, full], 'm', { tokens: 1, cost: 0 }));
    limiter.reserve([wide], 'm', { tokens: 1, cost: 0 });
  });

  test('the status tells the scope with least left', () => {
    const clock = new ManualClock();
    const limiter = new Limiter(clock, () => NOTHING);
    const limits = [
      { scope: 'tenant:t', spec: { requestsPerMinute: 10, tokensPerMinute: 50 } },
      { scope: 'key:k', spec: { requestsPerMinute: 3 } },
    ];
    const { status } = limiter.reserve(limits, 'm', { tokens: 20, cost: 0 });
    assert.deepEqual(status, {
      limitRequests: 3,
      remainingRequests: 2,
      limitTokens: 50,
      remainingTokens: 30,
      resetRequestsMs: 60_000,
      resetTokensMs: 60_000,
    });
  });

  test('whatever is asked and whenever it ends, no sixty seconds hold more than the limit of exact estimates', () => {
    const step = fc.record({ wait: fc.integer({ min: 0, max: 20_000 }), tokens: fc.integer({ min: 1, max: 40 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { clock, reserve } = limiterOf({ tokensPerMinute: 100 });
        const admitted: { at: number; tokens: number }[] = [];
        for (const { wait, tokens } of steps) {
          clock.advance(wait);
          try {
            reserve(tokens);
            admitted.push({ at: clock.now(), tokens });
          } catch (error) {
            assert.ok(error instanceof GatewayError);
            // The promised wait is enough for this request alone.
            assert.ok((error.retryAfterMs ?? 0) > 0 && (error.retryAfterMs ?? 0) <= 60_000);
          }
          const inWindow = admitted
            .filter(({ at }) => at > clock.now() - 59_000)
            .reduce((sum, one) => sum + one.tokens, 0);
          assert.ok(inWindow <= 100, `${inWindow} tokens in a minute`);
        }
      }),
    );
  });
});

test('of more scopes than are remembered those in use stay, and the others begin with what was spent', () => {
  const clock = new ManualClock(1_800_000_000_000);
  const asked: string[] = [];
  const limiter = new Limiter(clock, (scope) => {
    asked.push(scope);
    return NOTHING;
  });
  const spec = { concurrent: 1, requestsPerMinute: 5, costPerDay: 9 };
  const reserve = (scope: string, kind: ReservationKind = 'request') =>
    limiter.reserve([{ scope, spec }], 'm', { tokens: 0, cost: 1 }, kind);
  reserve('running');
  reserve('hedged', 'hedge');
  reserve('idle').settle({ tokens: 0, cost: 1 });
  clock.advance(61_000);
  for (let key = 0; key < 10_010; key += 1) reserve(`key ${key}`).settle({ tokens: 0, cost: 1 });
  asked.length = 0;
  assert.equal(refusal(() => reserve('running')).code, 'rate_limited');
  reserve('hedged', 'hedge');
  reserve('key 1').settle({ tokens: 0, cost: 1 });
  assert.deepEqual(asked, [], 'these are remembered');
  reserve('idle').settle({ tokens: 0, cost: 1 });
  assert.deepEqual(asked, ['idle']);
});

describe('a request that goes on under another model', () => {
  const limits = [
    { scope: 'tenant:t', spec: { requestsPerMinute: 2, tokensPerMinute: 100, concurrent: 1 } },
    { scope: 'key:k', spec: { models: { a: { tokensPerMinute: 50, concurrent: 1 }, 'b*': { requestsPerMinute: 1 } } } },
  ];
  const setUp = () => {
    const limiter = new Limiter(new ManualClock(1_800_000_000_000), () => NOTHING);
    return (model: string, tokens: number) => limiter.reserve(limits, model, { tokens, cost: 0 });
  };

  test('leaves the limits of the first, takes those of the second, and counts once in those of both', () => {
    const reserve = setUp();
    const first = reserve('a', 40);
    first.moveTo('b1', { tokens: 60, cost: 0 });
    assert.match(refusal(() => reserve('a', 1)).message, /1 requests at once of tenant:t/);
    first.settle({ tokens: 55, cost: 0 });
    const second = reserve('a', 45);
    assert.equal(second.status.remainingRequests, 0, 'the move was no second request of the tenant');
    assert.equal(second.status.remainingTokens, 0, '55 and 45 of the tenant, none of them in what `a` may');
    assert.match(
      refusal(() => second.moveTo('b2', { tokens: 1, cost: 0 })).message,
      /1 requests a minute of key:k model:b\*/,
    );
  });

  test('stays where it was when it is refused', () => {
    const limiter = new Limiter(new ManualClock(1_800_000_000_000), () => NOTHING);
    const spec: LimitSpec = { models: { a: { tokensPerMinute: 50, concurrent: 1 }, 'b*': { requestsPerMinute: 1 } } };
    const reserve = (model: string, tokens: number) =>
      limiter.reserve([{ scope: 'key:k', spec }], model, { tokens, cost: 0 });
    reserve('b1', 1);
    const first = reserve('a', 40);
    refusal(() => first.moveTo('b2', { tokens: 1, cost: 0 }));
    assert.match(refusal(() => reserve('a', 1)).message, /requests at once/);
    first.settle({ tokens: 40, cost: 0 });
    const second = reserve('a', 10);
    assert.equal(second.status.remainingTokens, 0);
  });
});

describe('what is no request of a client', () => {
  const spec: LimitSpec = { requestsPerMinute: 1, concurrent: 1, tokensPerMinute: 100, costPerDay: 1 };
  const setUp = () => {
    const limiter = new Limiter(new ManualClock(1_800_000_000_000), () => NOTHING);
    const limits = [{ scope: 'key:k', spec }];
    return (tokens: number, cost: number, kind: 'request' | 'kept' | 'hedge' | 'shadow') =>
      limiter.reserve(limits, 'm', { tokens, cost }, kind);
  };

  test('a second attempt takes tokens and money, but no place and no request', () => {
    const reserve = setUp();
    const hedge = reserve(60, 0, 'hedge');
    const request = reserve(40, 0, 'request');
    refusal(() => reserve(1, 0, 'hedge'));
    hedge.settle({ tokens: 10, cost: 0.75 });
    request.settle({ tokens: 40, cost: 0 });
    refusal(() => reserve(1, 0.5, 'hedge'));
    reserve(50, 0.25, 'hedge');
  });

  test('an answer that is already here counts as a request, and needs nothing of tokens and budgets', () => {
    const reserve = setUp();
    reserve(100, 1, 'hedge');
    const kept = reserve(0, 0, 'kept');
    assert.match(refusal(() => reserve(0, 0, 'kept')).message, /1 requests at once/);
    kept.settle({ tokens: 0, cost: 0 });
    assert.match(refusal(() => reserve(0, 0, 'kept')).message, /1 requests a minute/);
  });

  test('a shadow is refused as soon as it would need the second half of a limit', () => {
    const reserve = setUp();
    reserve(30, 0.25, 'request');
    reserve(20, 0.25, 'shadow').settle({ tokens: 20, cost: 0.25 });
    assert.equal(refusal(() => reserve(1, 0, 'shadow')).code, 'rate_limited');
    assert.equal(refusal(() => reserve(0, 0.01, 'shadow')).code, 'rate_limited');
    assert.equal(refusal(() => setUp()(51, 0, 'shadow')).code, 'rate_limited', 'it gets no leniency for being alone');
    setUp()(50, 0.5, 'shadow');
  });
});
