import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Scopes } from '../../src/tenancy/principal.ts';
import type { PartialConfig } from '../support/node.ts';
import { routerOf } from './support.ts';

const CONFIG: PartialConfig = {
  accounts: { a: { url: 'http://a.test' }, b: { url: 'http://b.test' } },
  chains: { smart: ['a/big', 'b/big', 'a/small'], cheap: ['b/small'], fallback: ['b/last'] },
  aliases: { 'gpt-4o': 'smart', nick: 'a/direct', chained: 'cheap' },
};

const targets = (config: PartialConfig, model: string, serving: readonly string[] = []): string[] =>
  routerOf(config, () => serving)
    .route(model)
    .targets.map(({ id }) => id);

test('an alias stands for a chain or for one model of an account', () => {
  assert.deepEqual(targets(CONFIG, 'gpt-4o'), ['a/big', 'b/big', 'a/small']);
  assert.deepEqual(targets(CONFIG, 'nick'), ['a/direct']);
});

test('an alias comes before everything else of that name', () => {
  assert.deepEqual(targets({ ...CONFIG, aliases: { smart: 'cheap' } }, 'smart'), ['b/small']);
});

test('a chain is found by its name', () => {
  assert.deepEqual(targets(CONFIG, 'cheap'), ['b/small']);
});

test('it knows the targets that chains name', () => {
  const router = routerOf(CONFIG);
  assert.deepEqual(
    ['a/small', 'b/last', 'a/direct'].map((id) => router.hasTarget(id)),
    [true, true, false],
  );
});

test('account/model asks exactly there, whatever the model is called', () => {
  assert.deepEqual(targets(CONFIG, 'a/anything'), ['a/anything']);
  assert.deepEqual(targets(CONFIG, 'a/meta-llama/Llama-3'), ['a/meta-llama/Llama-3']);
});

test('a bare model of a chain’s targets takes that chain with those targets first', () => {
  assert.deepEqual(targets(CONFIG, 'small'), ['a/small', 'a/big', 'b/big']);
  assert.deepEqual(targets(CONFIG, 'big'), ['a/big', 'b/big', 'a/small']);
});

test('a model that accounts are known to serve goes to them', () => {
  assert.deepEqual(targets(CONFIG, 'listed', ['b', 'a', 'gone']), ['b/listed', 'a/listed']);
});

test('what nothing matches goes to the default chain', () => {
  assert.deepEqual(targets({ ...CONFIG, defaultChain: 'fallback' }, 'unheard-of'), ['b/last']);
  assert.deepEqual(targets({ ...CONFIG, defaultChain: 'fallback' }, 'nobody/model'), ['b/last']);
});

test('without a default chain an unknown model is refused with the names that would do', () => {
  assert.throws(() => routerOf(CONFIG).route('unheard-of'), {
    code: 'model_not_found',
    status: 404,
    param: 'model',
    message:
      "No chain, alias or account serves the model 'unheard-of'. Known: smart, cheap, fallback, gpt-4o, nick, chained.",
  });
});

test('a refusal tells a key only of names that its scopes have', () => {
  const told = (scopes: Scopes): string => {
    try {
      routerOf(CONFIG).route('unheard-of', undefined, scopes);
    } catch (error) {
      return String(error).replace(/.* (Known|It may use): /, '');
    }
    return 'it was routed';
  };
  assert.equal(told({ models: ['c*', 'gpt-4o'] }), 'cheap, gpt-4o, chained.');
  assert.equal(told({ chains: ['smart'] }), 'smart, gpt-4o.');
  assert.equal(told({ models: ['c*'], chains: ['smart'] }), 'none.');
});

test('what a client asks for has all the names by which its model may be limited', () => {
  const names = (asked: string): readonly string[] =>
    routerOf({ ...CONFIG, defaultChain: 'fallback' }, (model) => (model === 'listed' ? ['b'] : [])).namesOf(asked);
  assert.deepEqual(names('smart'), ['smart'], 'a chain is a name of its own');
  assert.deepEqual(names('gpt-4o'), ['gpt-4o', 'smart']);
  assert.deepEqual(names('nick'), ['nick', 'a/direct', 'direct']);
  assert.deepEqual(names('b/big'), ['b/big', 'big']);
  assert.deepEqual(names('big'), ['big', 'smart', 'a/big']);
  assert.deepEqual(names('listed'), ['listed', 'b/listed']);
  assert.deepEqual(names('unheard-of'), ['unheard-of', 'fallback']);
  assert.deepEqual(routerOf(CONFIG).namesOf('unheard-of'), ['unheard-of']);
});

test('a client’s key in the place of a model’s name goes nowhere, also behind the name of an account', () => {
  const key = 'sk-proj-abcDEF0123456789_-abcDEF';
  const message = /^No chain, alias or account serves the model '/;
  for (const asked of [key, `a/${key}`]) {
    assert.throws(() => routerOf({ ...CONFIG, defaultChain: 'fallback' }).route(asked), { message });
  }
});

test('names that every object knows are nothing special', () => {
  for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'a/', '/a', '/', '']) {
    assert.throws(() => routerOf(CONFIG).route(name), { code: 'model_not_found' });
  }
});

test('an endless model name is not repeated whole', () => {
  assert.throws(
    () => routerOf(CONFIG).route('x'.repeat(100_000)),
    (error: Error) => error.message.length < 400,
  );
});

test('what a target says of its timeouts and retries goes before its chain, and that before the whole', () => {
  const router = routerOf({
    ...CONFIG,
    timeouts: { connectMs: 1, ttftMs: 2, idleMs: 3, totalMs: 4 },
    retries: { max: 5, backoffMs: 6 },
    chains: {
      main: {
        timeouts: { ttftMs: 20, idleMs: 30, totalMs: 40 },
        retries: { max: 50 },
        targets: [{ account: 'a', model: 'm', timeouts: { idleMs: 300 }, retries: { backoffMs: 600 } }, 'b/m'],
      },
    },
    aliases: {},
  });
  const chain = router.route('main');
  assert.equal(chain.totalMs, 40);
  const [first, second] = chain.targets;
  assert.deepEqual(first?.timeouts, { connectMs: 1, ttftMs: 20, idleMs: 300, totalMs: 40 });
  assert.deepEqual([first?.retries.max, first?.retries.backoffMs], [50, 600]);
  assert.deepEqual(second?.timeouts, { connectMs: 1, ttftMs: 20, idleMs: 30, totalMs: 40 });
});

test('a target’s traits go before its provider’s', () => {
  const router = routerOf({
    accounts: { m: { provider: 'mistral' } },
    chains: { main: ['m/x', { account: 'm', model: 'y', traits: { hasShortToolCallIds: false } }] },
  });
  assert.deepEqual(
    router.route('main').targets.map(({ traits }) => traits.hasShortToolCallIds),
    [true, false],
  );
});
