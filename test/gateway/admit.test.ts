// What is held of a budget before anything is sent.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { handle } from '../../src/gateway/pipeline.ts';
import type { ModelFacts } from '../../src/tenancy/price.ts';
import { ANONYMOUS } from '../../src/tenancy/principal.ts';
import { chatRequest, failureOf, type TestContext, TestGateway } from './support.ts';

/** `a` is of openai, `b` of groq; a token costs a cent. */
function gatewayWith(targets: readonly string[], onContextLength: readonly string[] = []): TestGateway {
  return new TestGateway(
    {
      accounts: { a: { provider: 'openai', url: 'http://a.test' }, b: { provider: 'groq', url: 'http://b.test' } },
      chains: { main: { targets, onContextLength } },
    },
    'hang',
    'hang',
  );
}

/** Two requests at once of a client with an openai key of its own and a dollar a day. */
async function outcomesOfTwo(gateway: TestGateway, spent = 0): Promise<readonly string[]> {
  const price = { input: 10_000, output: 10_000 };
  const facts = (provider: string, model: string): ModelFacts => ({
    ...{ provider, model, price, capabilities: [], source: 's', date: '2026-11-22' },
  });
  const principal = { ...ANONYMOUS, limits: [{ scope: 'key:k', spec: { costPerDay: 1 } }] };
  const before = gateway.tenancy.limiter.reserve(principal.limits, 'main', { tokens: 0, cost: 0 });
  before.settle({ tokens: 0, cost: spent });
  const ask = async (context: TestContext): Promise<string> => {
    const own = { principal, ownKeys: new Map([['openai', 'own']]) };
    const asked = handle(chatRequest({ max_tokens: 50 }), Object.assign(context, own), { ...gateway.deps, facts });
    return (await failureOf(asked)).code;
  };
  const contexts = [gateway.context(), gateway.context()];
  const outcomes = contexts.map(ask);
  await gateway.advance(0);
  for (const context of contexts) context.leave();
  return Promise.all(outcomes);
}

test('requests that the client’s own key pays hold nothing of a budget of dollars', async () => {
  const gateway = gatewayWith(['a/one']);
  assert.deepEqual(await outcomesOfTwo(gateway), ['client_closed', 'client_closed']);
  assert.deepEqual(gateway.hosts, ['a', 'a']);
});

test('where another target of the chain would be ours to pay, its price is held', async () => {
  const gateway = gatewayWith(['a/one', 'b/two']);
  assert.deepEqual(await outcomesOfTwo(gateway), ['client_closed', 'rate_limited']);
});

test('a budget of dollars that is used up refuses no request that the client’s own key pays', async () => {
  const gateway = gatewayWith(['a/one']);
  assert.deepEqual(await outcomesOfTwo(gateway, 1), ['client_closed', 'client_closed']);
  assert.deepEqual(gateway.hosts, ['a', 'a']);
});

test('it refuses one that may end with a target that is ours to pay, also by a detour', async () => {
  for (const gateway of [gatewayWith(['a/one', 'b/two']), gatewayWith(['a/one'], ['b/two'])]) {
    assert.deepEqual(await outcomesOfTwo(gateway, 1), ['budget_exhausted', 'budget_exhausted']);
    assert.deepEqual(gateway.hosts, []);
  }
});
