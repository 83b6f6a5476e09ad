import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { GatewayError } from '../../src/errors.ts';
import type { Usage } from '../../src/model/chat.ts';
import { type Accountable, Accountant } from '../../src/tenancy/accountant.ts';
import type { ModelFacts } from '../../src/tenancy/price.ts';
import { ANONYMOUS, type LimitSpec } from '../../src/tenancy/principal.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { testAccountant } from '../support/tenancy.ts';

/** A dollar for a million tokens either way. */
const PRICE = { input: 1, output: 1 };
const FACTS: ModelFacts = {
  provider: 'p',
  model: 'm',
  price: PRICE,
  capabilities: [],
  source: 's',
  date: '2026-11-22',
};

function usageOf(inputTokens: number, outputTokens: number): Usage {
  return {
    inputTokens,
    outputTokens,
    cachedInputTokens: 0,
    cacheWriteTokens: 0,
    reasoningTokens: 0,
    isEstimated: false,
  };
}

function asked(requestId: string, spec: LimitSpec = {}, more: Partial<Accountable> = {}): Accountable {
  const principal = { ...ANONYMOUS, limits: [{ scope: 'tenant:default', spec }] };
  return { requestId, principal, operation: 'openai-chat', model: 'gpt', inputTokens: 50, price: PRICE, ...more };
}

const ANSWERED = { provider: 'p', account: 'a', targetModel: 'm', attempts: 1 } as const;

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'admitted',
    (error) => (error instanceof GatewayError ? error.code : String(error)),
  );
}

describe('the accountant', () => {
  test('the estimate is held while a request runs, and the truth after it', async () => {
    const { accountant, database } = testAccountant(new ManualClock(), () => FACTS);
    const spec = { tokensPerMinute: 300 };
    const first = await accountant.open(asked('1', spec, { maxOutputTokens: 150 }));
    assert.equal(first.rateLimit.remainingTokens, 100);
    assert.equal(await codeOf(accountant.open(asked('2', spec, { maxOutputTokens: 60 }))), 'rate_limited');
    assert.equal(await first.settle({ status: 'done', usage: usageOf(40, 10), ...ANSWERED }), 0.00005);
    const second = await accountant.open(asked('3', spec, { maxOutputTokens: 60 }));
    assert.equal(second.rateLimit.remainingTokens, 300 - 50 - 60);
    assert.deepEqual(database.prepare('SELECT request_id, status, cost FROM ledger ORDER BY 1').all(), [
      { request_id: '1', status: 'done', cost: 0.00005 },
      { request_id: '3', status: 'open', cost: 0.00006 },
    ]);
  });

  test("an answer's length is learnt for each model: a long one counts at once, shorter ones forget it slowly", async () => {
    const { accountant } = testAccountant(new ManualClock(), () => FACTS);
    const remaining = async (id: string): Promise<number | undefined> => {
      const account = await accountant.open(asked(id, { tokensPerMinute: 1_000_000 }, { inputTokens: 0 }));
      return account.rateLimit.remainingTokens;
    };
    const answer = async (id: string, outputTokens: number): Promise<void> => {
      const account = await accountant.open(asked(id));
      await account.settle({ status: 'done', usage: usageOf(0, outputTokens), ...ANSWERED });
    };
    assert.equal(await remaining('1'), 999_000);
    await answer('2', 400);
    assert.equal(await remaining('3'), 998_200);
    await answer('4', 100);
    assert.equal(await remaining('5'), 997_720);
  });

  test('an unknown price costs an unknown amount, a cached answer nothing', async () => {
    const { accountant, database } = testAccountant(new ManualClock());
    const unknown = await accountant.open(asked('1', {}, { price: undefined }));
    assert.equal(await unknown.settle({ status: 'done', usage: usageOf(1, 1), ...ANSWERED }), undefined);
    const cached = await accountant.open(asked('2'));
    assert.equal(await cached.settle({ status: 'cached', usage: usageOf(9, 9), attempts: 0 }), 0);
    assert.deepEqual(database.prepare('SELECT status, cost FROM ledger ORDER BY request_id').all(), [
      { status: 'done', cost: null },
      { status: 'cached', cost: 0 },
    ]);
  });

  test('what is refused is not entered', async () => {
    const { accountant, database } = testAccountant(new ManualClock(), () => FACTS);
    assert.equal(await codeOf(accountant.open(asked('1', { requestsPerMinute: 0 }))), 'rate_limited');
    assert.equal(await codeOf(accountant.open(asked('1', { costPerDay: 0 }))), 'budget_exhausted');
    assert.deepEqual(database.prepare('SELECT * FROM ledger').all(), []);
  });

  test('a ledger that cannot be written is told of, and requests go on', async () => {
    const { ledger, limiter, database } = testAccountant(new ManualClock());
    const told: unknown[] = [];
    const onLedgerFailure = (error: unknown) => void told.push(error);
    const accountant = new Accountant({ ledger, limiter, facts: () => FACTS, onLedgerFailure });
    database.close();
    const account = await accountant.open(asked('1', {}, { principal: ANONYMOUS }));
    assert.equal(await account.settle({ status: 'done', usage: usageOf(1, 1), ...ANSWERED }), 0.000002);
    assert.equal(told.length, 2);
  });

  test('requests of one id are entered each, and settled each', async () => {
    const { accountant, database } = testAccountant(new ManualClock(), () => FACTS);
    const accounts = await Promise.all([accountant.open(asked('same')), accountant.open(asked('same'))]);
    for (const account of accounts) await account.settle({ status: 'done', usage: usageOf(1, 1), ...ANSWERED });
    assert.deepEqual(database.prepare('SELECT status, COUNT(*) AS count FROM ledger GROUP BY status').all(), [
      { status: 'done', count: 2 },
    ]);
  });
});
