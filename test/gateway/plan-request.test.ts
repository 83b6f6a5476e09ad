// Rules, strategies and the client's wishes on the request path: which targets a chat meets, in which order.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ChainRouting, RuleConfig, StrategyConfig } from '../../src/config/routing.ts';
import { explainRequest } from '../../src/gateway/explain.ts';
import { handle } from '../../src/gateway/pipeline.ts';
import { planRequest } from '../../src/gateway/plan-request.ts';
import { settleAccount } from '../../src/gateway/settle.ts';
import type { ModelFacts } from '../../src/tenancy/price.ts';
import { PriceTable } from '../../src/tenancy/price-table.ts';
import { ANONYMOUS } from '../../src/tenancy/principal.ts';
import { failed, streamed } from '../support/chat-wire.ts';
import type { PartialConfig } from '../support/node.ts';
import { chatRequest, failureOf, framesOf, TestContext, TestGateway } from './support.ts';

const ACCOUNTS = {
  a: { url: 'http://a.test' },
  b: { url: 'http://b.test' },
  c: { url: 'http://c.test' },
};

function ordered(type: StrategyConfig['type'], weights: readonly number[]): { readonly routing: ChainRouting } {
  const members = weights.map((weight, index) => ({ type: 'target' as const, index, weight }));
  return { routing: { strategy: { type, unfit: 'skip' }, affinity: 'auto', members } };
}

function gatewayWith(config: PartialConfig, ...replies: ConstructorParameters<typeof TestGateway>[1][]): TestGateway {
  return new TestGateway({ accounts: ACCOUNTS, retries: { max: 0 }, ...config }, ...replies);
}

class KnownContext extends TestContext {
  readonly #headers: Readonly<Record<string, string>>;
  override readonly isExplained: boolean;

  constructor(headers: Readonly<Record<string, string>>, isExplained = false) {
    super(0);
    this.#headers = headers;
    this.isExplained = isExplained;
  }

  override headers(): Readonly<Record<string, string>> {
    return this.#headers;
  }
}

/** Some ten tokens. */
const PROMPT = { messages: [{ role: 'user', content: 'Tell me what a lighthouse is.' }] };

function planned(gateway: TestGateway, body: object = {}, context: TestContext = new TestContext(0)): string[] {
  const { legs } = planRequest(chatRequest(body), 10, context, gateway.deps);
  return legs.flatMap(({ chain }) => chain.targets.map(({ id }) => id));
}

function targetsOf(...ids: string[]): string[] {
  return ids;
}

async function askTimes(gateway: TestGateway, times: number): Promise<void> {
  for (let asked = 0; asked < times; asked += 1) await gateway.text();
}

function share(gateway: TestGateway, host: string, from = 0): number {
  return gateway.hosts.slice(from).filter((called) => called === host).length;
}

describe('a request with nothing to plan', () => {
  test('gets its chain itself, and nobody looks at its headers', () => {
    const gateway = gatewayWith({ chains: { main: ['a/one', 'b/two'] } });
    const context = new TestContext(0);
    context.headers = () => assert.fail('the headers were read');
    const plan = planRequest(chatRequest(), 10, context, gateway.deps);
    assert.deepEqual(
      plan.legs.map(({ model }) => model),
      ['main'],
    );
    assert.equal(plan.legs[0].chain, gateway.router.route('main'));
  });

  test('does not move a turn by being explained', () => {
    const gateway = gatewayWith({
      chains: { main: { targets: ['a/one', 'b/two'], ...ordered('round-robin', [1, 1]) } },
    });
    const explained = (): readonly string[] => explainRequest(chatRequest(), new TestContext(0), gateway.deps).targets;
    assert.deepEqual([explained(), explained()], [targetsOf('a/one', 'b/two'), targetsOf('a/one', 'b/two')]);
    assert.deepEqual(planned(gateway), targetsOf('a/one', 'b/two'));
    assert.deepEqual(explained(), targetsOf('b/two', 'a/one'));
  });
});

describe('rules', () => {
  const RULES: readonly RuleConfig[] = [
    { name: 'simple', when: { complexity: { max: 19 }, promptTokens: { max: 2_000 } }, use: 'cheap' },
    { name: 'hard', when: { complexity: { min: 20 } }, use: 'strong' },
  ];
  const config: PartialConfig = { chains: { main: ['c/any'], cheap: ['a/small'], strong: ['b/big'] }, rules: RULES };
  const hard = `Prove step by step that there are infinitely many primes, then derive a bound. ${'Give every lemma. '.repeat(60)}`;

  test('send short simple prompts to one chain and long reasoning to another', async () => {
    const gateway = gatewayWith(config, streamed('Hi'));
    await gateway.text({ messages: [{ role: 'user', content: 'What is the capital of France?' }] });
    const context = gateway.context();
    await gateway.text({ messages: [{ role: 'user', content: hard }] }, context);
    assert.deepEqual(gateway.hosts, ['a', 'b']);
    assert.equal(context.trace.chain, 'strong');
    assert.equal(context.trace.model, 'main');
  });

  test('may ask for the client’s headers', () => {
    const rules: readonly RuleConfig[] = [{ when: { headers: { 'X-Team': 'ops*' } }, use: 'cheap' }];
    const gateway = gatewayWith({ ...config, rules });
    assert.deepEqual(planned(gateway, {}, new KnownContext({ 'x-team': 'ops-1' })), ['a/small']);
    assert.deepEqual(planned(gateway, {}, new KnownContext({ 'x-team': 'dev' })), ['c/any']);
  });

  test('may ask for the tags of the key', () => {
    const rules: readonly RuleConfig[] = [{ when: { keyTags: ['team=ops', 'batch'] }, use: 'cheap' }];
    const gateway = gatewayWith({ ...config, rules });
    const withTags = (tags: Record<string, string>) => {
      const context = new TestContext(0);
      return planned(gateway, {}, Object.assign(context, { principal: { ...context.principal, tags } }));
    };
    assert.deepEqual(withTags({ team: 'ops' }), ['a/small']);
    assert.deepEqual(withTags({ batch: '' }), ['a/small']);
    assert.deepEqual(withTags({ team: 'dev' }), ['c/any']);
  });

  test('lead nobody to a chain that the key may not use', async () => {
    const gateway = gatewayWith(config, streamed('Hi'));
    const context = new TestContext(0);
    Object.assign(context, { principal: { ...context.principal, scopes: { chains: ['main'] } } });
    assert.equal((await gateway.failure({}, context)).code, 'forbidden');
    assert.deepEqual(gateway.hosts, []);
  });

  test('are summed up in a line for a client that asks', () => {
    const gateway = gatewayWith(config);
    const context = new KnownContext({}, true);
    planned(gateway, {}, context);
    assert.equal(context.trace.route, "rule 'simple'; chain cheap by priority; first a/small");
  });
});

describe('strategies', () => {
  test('weighted round-robin gives every target exactly its share', async () => {
    const chain = { targets: ['a/one', 'b/two', 'c/three'], ...ordered('round-robin', [5, 3, 2]) };
    const gateway = gatewayWith({ chains: { main: chain } }, streamed('Hi'));
    await askTimes(gateway, 200);
    assert.deepEqual([share(gateway, 'a'), share(gateway, 'b'), share(gateway, 'c')], [100, 60, 40]);
  });

  test('kept answers take nobody’s turn, so that what is asked is spread evenly', async () => {
    const chain = { targets: ['a/one', 'b/two'], ...ordered('round-robin', [1, 1]) };
    const cache = { isEnabled: true, requests: 'all' } as const;
    const gateway = gatewayWith({ chains: { main: chain }, cache }, streamed('Hi'));
    for (const seed of [1, 1, 2, 2, 3, 3, 4, 4]) await gateway.text({ seed });
    assert.deepEqual(gateway.hosts, ['a', 'b', 'a', 'b']);
  });

  test('nor do requests that read an answer along', async () => {
    const chain = { targets: ['a/one', 'b/two'], ...ordered('round-robin', [1, 1]) };
    const cache = { isEnabled: true, requests: 'all' } as const;
    const gateway = gatewayWith({ chains: { main: chain }, cache }, streamed('Hi'));
    for (const seed of [1, 2, 3, 4]) await Promise.all([gateway.text({ seed }), gateway.text({ seed })]);
    assert.deepEqual(gateway.hosts, ['a', 'b', 'a', 'b']);
  });

  test('nor do requests that a limit refuses', async () => {
    const chain = { targets: ['a/one', 'b/two'], ...ordered('round-robin', [1, 1]) };
    const gateway = gatewayWith({ chains: { main: chain } }, streamed('Hi'));
    const principal = { ...ANONYMOUS, limits: [{ scope: 'key:k', spec: { requestsPerMinute: 0 } }] };
    for (let index = 0; index < 4; index += 1) {
      const refused = await gateway.failure({}, Object.assign(gateway.context(), { principal }));
      assert.equal(refused.code, 'rate_limited');
      await gateway.text();
    }
    assert.deepEqual(gateway.hosts, ['a', 'b', 'a', 'b']);
  });

  test('nor do requests for a single target, by the name of its model or by the client’s own order', async () => {
    const chain = { targets: ['a/one', 'b/two'], ...ordered('round-robin', [1, 1]) };
    const gateway = gatewayWith({ chains: { main: chain } }, streamed('Hi'));
    for (const named of [{ model: 'two' }, { provider: { order: ['b'] } }]) {
      const before = gateway.hosts.length;
      for (let index = 0; index < 4; index += 1) {
        await gateway.text(named);
        await gateway.text();
      }
      assert.deepEqual(gateway.hosts.slice(before), ['b', 'a', 'b', 'b', 'b', 'a', 'b', 'b']);
    }
    const before = gateway.hosts.length;
    for (let index = 0; index < 4; index += 1) await gateway.text({ provider: { order: ['nobody'] } });
    assert.deepEqual(gateway.hosts.slice(before), ['a', 'b', 'a', 'b']);
  });

  test('targets of one model that is asked for by its name take turns, and the others stand by', async () => {
    const chain = { targets: ['a/one', 'b/two', 'c/one'], ...ordered('round-robin', [3, 4, 1]) };
    const gateway = gatewayWith({ chains: { main: chain } }, streamed('Hi'));
    for (let index = 0; index < 8; index += 1) await gateway.text({ model: 'one' });
    assert.deepEqual([share(gateway, 'a'), share(gateway, 'b'), share(gateway, 'c')], [6, 0, 2]);
    assert.deepEqual(planned(gateway, { model: 'one' }).sort(), ['a/one', 'b/two', 'c/one']);
    assert.deepEqual(planned(gateway, { model: 'two' })[0], 'b/two');
    const explained = explainRequest(chatRequest({ model: 'one' }), gateway.context(), gateway.deps).routes[0];
    assert.deepEqual(
      explained?.decisions.map(({ ordered }) => ordered.length),
      [2, 3],
      'those that are asked for, and all',
    );
  });

  test('a target that becomes slow loses its requests after one answer', async () => {
    const chain = { targets: ['a/one', 'b/two'], ...ordered('fastest', [1, 1]) };
    const gateway = gatewayWith({ chains: { main: chain } });
    const delays: Record<string, number> = { 'a.test': 50, 'b.test': 50 };
    gateway.http.script = ({ url }) => {
      gateway.clock.advance(delays[new URL(url).hostname] ?? 0);
      return streamed('Hi');
    };
    await askTimes(gateway, 40);
    assert.equal(share(gateway, 'a'), 20);
    delays['a.test'] = 800;
    await askTimes(gateway, 40);
    assert.equal(share(gateway, 'a', 40), 1);
  });

  test('whole answers are not compared with streamed ones', async () => {
    const chain = { targets: ['a/one', 'b/two'], ...ordered('fastest', [1, 1]) };
    const gateway = gatewayWith({ chains: { main: chain } }, streamed('Hi'));
    await gateway.text();
    const read = (isStream: boolean) => gateway.deps.routing.read('a/one', isStream, gateway.clock.elapsed());
    assert.deepEqual(read(true), { errorRate: 0, ttft: { ttftMs: 0, ageMs: 0 } });
    assert.deepEqual(read(false), { errorRate: 0 });
  });

  test('a failed attempt counts as one, a prompt that was refused does not', async () => {
    for (const [reply, errorRate] of [
      [failed(500), 0.1],
      [failed(400), 0],
    ] as const) {
      const gateway = gatewayWith({ chains: { main: ['a/one'] } }, reply);
      await gateway.failure();
      assert.equal(gateway.deps.routing.read('a/one', true, gateway.clock.elapsed()).errorRate, errorRate);
    }
  });

  test('cost-optimal asks the cheapest by the built-in table', async () => {
    const openai = { provider: 'openai', keys: ['k'] };
    const gateway = new TestGateway(
      {
        accounts: { a: { ...openai, url: 'http://a.test' }, b: { ...openai, url: 'http://b.test' } },
        chains: {
          main: { targets: ['a/gpt-5', 'b/gpt-5-mini', 'a/unheard-of'], ...ordered('cost-optimal', [1, 1, 1]) },
        },
      },
      streamed('Hi'),
    );
    const prices = new PriceTable(gateway.clock);
    const facts = (provider: string, model: string, account: string) => prices.find(provider, model, account);
    const deps = { ...gateway.deps, facts };
    await framesOf(await handle(chatRequest(), gateway.context(), deps));
    assert.deepEqual(gateway.hosts, ['b']);
    const { targets } = explainRequest(chatRequest(), new TestContext(0), deps);
    assert.deepEqual(targets, ['b/gpt-5-mini', 'a/gpt-5', 'a/unheard-of']);
  });

  test('cost-optimal expects of an answer what those of its chain really had', async () => {
    const chain = { targets: ['a/one', 'b/two'], ...ordered('cost-optimal', [1, 1]) };
    const gateway = gatewayWith({ chains: { main: chain } }, streamed('Hi'));
    // Ten tokens of prompt: with 512 of answer the second is cheaper, with a few the first.
    const price = (model: string) => (model === 'one' ? { input: 1, output: 2 } : { input: 30, output: 1 });
    const facts = (provider: string, model: string): ModelFacts => ({
      ...{ provider, model, price: price(model), capabilities: [], source: 's', date: '2026-11-22' },
    });
    const deps = { ...gateway.deps, facts };
    const order = (): string[] => explainRequest(chatRequest(PROMPT), new TestContext(0), deps).targets.slice();
    assert.deepEqual(order(), ['b/two', 'a/one']);
    const context = gateway.context();
    await framesOf(await handle(chatRequest(PROMPT), context, deps));
    settleAccount(context.trace, gateway.clock);
    assert.deepEqual(order(), ['a/one', 'b/two']);
  });

  test('a target that cools down comes last', async () => {
    const chain = { targets: ['a/one', 'b/two'], ...ordered('round-robin', [1, 1]) };
    const gateway = gatewayWith({ chains: { main: chain } });
    gateway.health.coolTarget('a/one', 10_000);
    assert.deepEqual(planned(gateway), ['b/two', 'a/one']);
    assert.deepEqual(planned(gateway), ['b/two', 'a/one']);
  });

  test('a target that runs as much as it can comes after the others, until something of it has ended', () => {
    const one = { account: 'a', model: 'one', timeouts: {}, retries: {}, headers: {}, extraBody: {}, traits: {} };
    const chain = { targets: [{ ...one, capacity: 1 }, 'b/two'], ...ordered('priority', [1, 1]) };
    const gateway = gatewayWith({ chains: { main: chain } });
    assert.deepEqual(planned(gateway), ['a/one', 'b/two']);
    const visit = gateway.health.enter('a/one');
    assert.ok(visit);
    assert.deepEqual(planned(gateway), ['b/two', 'a/one']);
    gateway.health.leave(visit, 'success');
    assert.deepEqual(planned(gateway), ['a/one', 'b/two']);
  });

  test('a chain reached by a model’s name keeps that model in front, at whichever place it stands', () => {
    const chain = { targets: ['a/one', 'b/two', 'c/two'], ...ordered('round-robin', [1, 1, 1]) };
    const gateway = gatewayWith({ chains: { main: chain } });
    assert.deepEqual(planned(gateway, { model: 'two' }), ['b/two', 'c/two', 'a/one']);
    assert.deepEqual(planned(gateway, { model: 'two' }).slice(0, 2).sort(), ['b/two', 'c/two']);
    assert.deepEqual(planned(gateway, { model: 'one' })[0], 'a/one');
  });
});

describe('OpenRouter’s fields', () => {
  const config: PartialConfig = { chains: { main: ['a/one'], other: ['b/two', 'a/one'] } };

  test('the models are asked one after the other, and the upstreams see none of these fields', async () => {
    const gateway = gatewayWith(config, failed(503), streamed('Hi'));
    await gateway.text({ models: ['missing', 'other'], provider: { allow_fallbacks: true } });
    assert.deepEqual(gateway.hosts, ['a', 'b']);
    const bodies = gateway.http.calls.map(({ request }) => Object.keys(JSON.parse(String(request.body))));
    assert.deepEqual(
      bodies[1]?.filter((key) => ['models', 'provider', 'route'].includes(key)),
      [],
    );
    assert.deepEqual(planned(gateway, { models: ['other'] }), ['a/one', 'b/two'], 'nobody twice');
  });

  test('an account that routes itself gets what is about providers, and no models that the key may not use', async () => {
    const router = { provider: 'openrouter', keys: ['k'], url: 'http://router.test' };
    const gateway = new TestGateway({ accounts: { r: router }, chains: { main: ['r/x'] } }, streamed('Hi'));
    const scopes = { models: ['main'] };
    const context = Object.assign(gateway.context(), { principal: { ...ANONYMOUS, scopes } });
    await gateway.text({ provider: { only: ['groq'] }, models: ['dear'], route: 'fallback' }, context);
    const { model, models, route, provider } = JSON.parse(String(gateway.http.calls[0]?.request.body));
    assert.deepEqual([model, models, route, provider], ['x', undefined, undefined, { only: ['groq'] }]);
  });

  test('an order, and a list of those that may serve', () => {
    const gateway = gatewayWith({ chains: { main: ['a/one', 'b/two', 'c/three'] } });
    assert.deepEqual(planned(gateway, { provider: { order: ['c'] } }), ['c/three', 'a/one', 'b/two']);
    assert.deepEqual(planned(gateway, { provider: { only: ['b', 'c'] } }), ['b/two', 'c/three']);
  });

  test('when they leave nobody the request fails, and says by which of them', async () => {
    const gateway = gatewayWith(config, streamed('Hi'));
    const error = await gateway.failure({ provider: { only: ['nobody'] } });
    assert.deepEqual([error.code, error.status, error.param], ['model_not_found', 404, 'provider']);
    assert.equal(error.message, "The request's own limits leave nobody to ask: a/one is not among provider.only.");
    assert.deepEqual(gateway.hosts, []);
  });

  test('a key that may use only one of the models gets that one', async () => {
    const gateway = gatewayWith(config, streamed('Hi'));
    const context = new TestContext(0);
    Object.assign(context, { principal: { ...context.principal, scopes: { models: ['other'] } } });
    const plan = planRequest(chatRequest({ models: ['other'] }), 10, context, gateway.deps);
    assert.deepEqual(
      plan.legs.map(({ model, chain }) => [model, chain.name]),
      [['other', 'other']],
    );
    const refused = failureOf((async () => planned(gateway, { models: ['a/one'] }, context))());
    assert.equal((await refused).code, 'forbidden');
  });
});
