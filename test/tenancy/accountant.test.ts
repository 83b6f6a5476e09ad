import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { GatewayError } from '../../src/errors.ts';
import type { Usage } from '../../src/model/chat.ts';
import { NO_JOURNAL } from '../../src/storage/line-journal.ts';
import { type Accountable, Accountant } from '../../src/tenancy/accountant.ts';
import { Ledger } from '../../src/tenancy/ledger.ts';
import { recoverRows } from '../../src/tenancy/ledger-row.ts';
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

function codeOf(work: () => unknown): string {
  try {
    work();
    return 'admitted';
  } catch (error) {
    return error instanceof GatewayError ? error.code : String(error);
  }
}

describe('the accountant', () => {
  test('the estimate is held while a request runs, and the truth after it', () => {
    const { accountant, database, ledger } = testAccountant(new ManualClock(), () => FACTS);
    const spec = { tokensPerMinute: 300 };
    const first = accountant.open(asked('1', spec, { maxOutputTokens: 150 }));
    assert.equal(first.rateLimit.remainingTokens, 100);
    assert.equal(
      codeOf(() => accountant.open(asked('2', spec, { maxOutputTokens: 60 }))),
      'rate_limited',
    );
    assert.equal(first.settle({ status: 'done', usage: usageOf(40, 10), ...ANSWERED }), 0.00005);
    const second = accountant.open(asked('3', spec, { maxOutputTokens: 60 }));
    assert.equal(second.rateLimit.remainingTokens, 300 - 50 - (50 + 60));
    ledger.flush();
    assert.deepEqual(database.prepare('SELECT request_id, status, cost FROM ledger ORDER BY 1').all(), [
      { request_id: '1', status: 'done', cost: 0.00005 },
    ]);
  });

  test("an answer's length is learnt for each model: a long one counts at once, shorter ones forget it slowly", () => {
    const { accountant } = testAccountant(new ManualClock(), () => FACTS);
    const remaining = (id: string): number | undefined => {
      const account = accountant.open(asked(id, { tokensPerMinute: 1_000_000 }, { inputTokens: 0 }));
      return account.rateLimit.remainingTokens;
    };
    const answer = (id: string, outputTokens: number): void => {
      const account = accountant.open(asked(id));
      account.settle({ status: 'done', usage: usageOf(0, outputTokens), ...ANSWERED });
    };
    assert.equal(remaining('1'), 999_000);
    answer('2', 4_000);
    assert.equal(remaining('3'), 999_000 - 4_000 - 4_000);
    answer('4', 100);
    assert.equal(remaining('5'), 991_000 - 100 - 4_000 * 0.95);
  });

  test('short answers do not make a model’s answers short at once, and those that their clients have cut not at all', () => {
    const { accountant } = testAccountant(new ManualClock(), () => FACTS);
    const held = (id: string): number | undefined => {
      const spec = { tokensPerMinute: 1_000_000 };
      const principal = { ...ANONYMOUS, limits: [{ scope: `key:${id}`, spec }] };
      const { remainingTokens = 0 } = accountant.open({ ...asked(id), inputTokens: 0, principal }).rateLimit;
      return 1_000_000 - remainingTokens;
    };
    accountant
      .open(asked('1', {}, { maxOutputTokens: 1 }))
      .settle({ status: 'done', usage: usageOf(5, 1), ...ANSWERED });
    accountant.open(asked('2')).settle({ status: 'aborted', usage: usageOf(5, 2), ...ANSWERED });
    assert.equal(held('3'), 1_000);
    accountant.open(asked('4')).settle({ status: 'done', usage: usageOf(5, 2), ...ANSWERED });
    assert.equal(held('5'), 950);
  });

  test('when 200 at once get answers ten times longer than any before, the first that ends stops all others', () => {
    const clock = new ManualClock();
    const { accountant, limiter } = testAccountant(clock, () => FACTS);
    const spec = { tokensPerMinute: 10_000 };
    for (let count = 0; count < 200; count += 1) {
      accountant.open(asked('short', {})).settle({ status: 'done', usage: usageOf(50, 10), ...ANSWERED });
    }
    clock.advance(61_000);
    const open = () => {
      try {
        return accountant.open(asked('long', spec));
      } catch {
        return undefined;
      }
    };
    const admitted = Array.from({ length: 200 }, open).flatMap((account) => account ?? []);
    assert.equal(admitted.length, 166, 'each holds 60');
    const [first, ...others] = admitted;
    first?.settle({ status: 'done', usage: usageOf(50, 100), ...ANSWERED });
    assert.equal(open(), undefined);
    for (const one of others) one.settle({ status: 'done', usage: usageOf(50, 100), ...ANSWERED });
    assert.equal(open(), undefined);
    clock.advance(61_000);
    const later = Array.from({ length: 200 }, open).flatMap((account) => account ?? []);
    assert.equal(later.length, 66, 'each holds 150');
    for (const one of later) one.settle({ status: 'done', usage: usageOf(50, 100), ...ANSWERED });
    const probe = limiter.reserve([{ scope: 'tenant:default', spec }], 'gpt', { tokens: 100, cost: 0 });
    assert.equal(probe.status.remainingTokens, 0);
  });

  test('what a crash leaves open is entered with the tokens and the cost of a usual answer, not of the longest', () => {
    const { database, limiter } = testAccountant(new ManualClock(), () => FACTS);
    const notes: string[] = [];
    const journal = { ...NO_JOURNAL, append: (text: string) => void notes.push(...text.split('\n')) };
    const ledger = new Ledger({ database, clock: new ManualClock(), journal, onFailure: assert.ifError });
    const accountant = new Accountant({ ledger, limiter, facts: () => FACTS });
    for (const outputTokens of [10, 30]) {
      accountant.open(asked('1')).settle({ status: 'done', usage: usageOf(5, outputTokens), ...ANSWERED });
    }
    accountant.open(asked('2', { tokensPerMinute: 10_000 })).noteSent();
    const [note] = recoverRows(notes).rows.filter((row) => row[1] === '2');
    assert.deepEqual(note?.slice(9, 20), ['recovered', null, null, null, 50, 0, 0, 20, 0, 1, 0.00007]);
  });

  test('several answers at once are held as many times, and learnt as one', () => {
    const { accountant } = testAccountant(new ManualClock(), () => FACTS);
    const spec = { tokensPerMinute: 1_000_000 };
    const several = accountant.open(asked('1', spec, { answerCount: 3, maxOutputTokens: 2_000 }));
    assert.equal(several.rateLimit.remainingTokens, 1_000_000 - 50 - 3 * 1_000);
    several.settle({ status: 'done', usage: usageOf(50, 3 * 1_500), ...ANSWERED });
    const one = accountant.open(asked('2', spec));
    assert.equal(one.rateLimit.remainingTokens, 1_000_000 - (50 + 4_500) - (50 + 1_500));
  });

  test('no bound and no number of answers makes room in a limit', () => {
    const { accountant } = testAccountant(new ManualClock(), () => FACTS);
    const spec = { tokensPerMinute: 1_000 };
    const { rateLimit } = accountant.open(asked('1', spec, { maxOutputTokens: -1_000_000, answerCount: -5 }));
    assert.equal(rateLimit.remainingTokens, 950);
  });

  test('embeddings, which have no answer, teach nothing of the answers of their chain', () => {
    const { accountant } = testAccountant(new ManualClock(), () => FACTS);
    const embedding = accountant.open(asked('1', {}, { operation: 'embeddings', maxOutputTokens: 0 }));
    embedding.settle({ status: 'done', usage: usageOf(9, 0), ...ANSWERED });
    const chat = accountant.open(asked('2', { tokensPerMinute: 10_000 }));
    assert.equal(chat.rateLimit.remainingTokens, 10_000 - 9 - (50 + 1_000));
  });

  test('limits hold more of a prompt than the ledger expects, and as much more as an upstream has been seen to add', () => {
    const { accountant } = testAccountant(new ManualClock(), () => FACTS);
    const spec = { tokensPerMinute: 1_000 };
    const ask = (id: string) =>
      accountant.open(asked(id, spec, { inputTokens: 10, heldInputTokens: () => 40, maxOutputTokens: 0 }));
    const first = ask('1');
    assert.equal(first.rateLimit.remainingTokens, 960);
    first.settle({ status: 'done', usage: usageOf(140, 0), ...ANSWERED });
    assert.equal(ask('2').rateLimit.remainingTokens, 1_000 - 140 - (40 + 100));
  });

  test('an unknown price costs an unknown amount, a cached answer nothing', () => {
    const { accountant, database, ledger } = testAccountant(new ManualClock());
    const unknown = accountant.open(asked('1', {}, { price: undefined }));
    assert.equal(unknown.settle({ status: 'done', usage: usageOf(1, 1), ...ANSWERED }), undefined);
    const cached = accountant.open(asked('2'));
    assert.equal(cached.settle({ status: 'cached', usage: usageOf(9, 9), attempts: 0 }), 0);
    ledger.flush();
    assert.deepEqual(database.prepare('SELECT status, cost FROM ledger ORDER BY request_id').all(), [
      { status: 'done', cost: null },
      { status: 'cached', cost: 0 },
    ]);
  });

  test('what is refused is not entered', () => {
    const { accountant, database, ledger } = testAccountant(new ManualClock(), () => FACTS);
    assert.equal(
      codeOf(() => accountant.open(asked('1', { requestsPerMinute: 0 }))),
      'rate_limited',
    );
    assert.equal(
      codeOf(() => accountant.open(asked('1', { costPerDay: 0 }))),
      'budget_exhausted',
    );
    ledger.flush();
    assert.deepEqual(database.prepare('SELECT * FROM ledger').all(), []);
  });

  test('a ledger that cannot be written is told of, and requests go on', () => {
    const { limiter, database } = testAccountant(new ManualClock());
    const told: unknown[] = [];
    const ledger = new Ledger({ database, clock: new ManualClock(), onFailure: (error) => void told.push(error) });
    const accountant = new Accountant({ ledger, limiter, facts: () => FACTS });
    database.close();
    const account = accountant.open(asked('1', {}, { principal: ANONYMOUS }));
    assert.equal(account.settle({ status: 'done', usage: usageOf(1, 1), ...ANSWERED }), 0.000002);
    ledger.flush();
    assert.equal(told.length, 1);
  });

  test('requests of one id are entered each, and settled each', () => {
    const { accountant, database, ledger } = testAccountant(new ManualClock(), () => FACTS);
    const accounts = [accountant.open(asked('same')), accountant.open(asked('same'))];
    for (const account of accounts) account.settle({ status: 'done', usage: usageOf(1, 1), ...ANSWERED });
    ledger.flush();
    assert.deepEqual(database.prepare('SELECT status, COUNT(*) AS count FROM ledger GROUP BY status').all(), [
      { status: 'done', count: 2 },
    ]);
  });
});
