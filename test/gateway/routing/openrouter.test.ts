import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { GatewayError } from '../../../src/errors.ts';
import type { Candidate } from '../../../src/gateway/routing/candidate.ts';
import {
  admit,
  askedModels,
  preferListed,
  type RoutePreferences,
  readPreferences,
  withoutRoutingFields,
} from '../../../src/gateway/routing/openrouter.ts';
import type { ChatRequest } from '../../../src/model/chat.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { candidate, facts } from './support.ts';

function request(body: JsonObject): ChatRequest {
  return {
    model: 'm',
    isStream: false,
    messages: [],
    tools: [],
    sampling: {},
    original: { dialect: 'openai-chat', body },
  };
}

function preferences(provider: JsonObject, more: JsonObject = {}): RoutePreferences {
  return readPreferences(request({ provider, ...more })) ?? assert.fail('no preferences');
}

describe('the fields', () => {
  test('absent mean no preferences', () => {
    assert.equal(readPreferences(request({ model: 'm' })), undefined);
    assert.equal(readPreferences(request({ models: null })), undefined);
    assert.equal(
      readPreferences({ ...request({}), original: { dialect: 'gemini', body: { models: ['a'] } } }),
      undefined,
    );
  });

  test('are read whole', () => {
    const provider = {
      order: ['anthropic', 'openai'],
      only: ['anthropic'],
      ignore: ['groq'],
      allow_fallbacks: false,
      require_parameters: true,
      max_price: { prompt: 1, completion: 2 },
      sort: 'price',
      data_collection: 'deny',
    };
    assert.deepEqual(readPreferences(request({ models: ['a', 'b'], provider, seed: 1 })), {
      models: ['a', 'b'],
      order: ['anthropic', 'openai'],
      only: ['anthropic'],
      ignore: ['groq'],
      isFallbackAllowed: false,
      requiredFields: ['models', 'provider', 'seed'],
      maxPrice: { input: 1, output: 2 },
      strategy: 'cost-optimal',
    });
  });

  test('name the strategy by sort, in both of its forms', () => {
    assert.equal(preferences({ sort: 'latency' }).strategy, 'fastest');
    assert.equal(preferences({ sort: { by: 'throughput' } }).strategy, 'fastest');
    assert.equal(preferences({}).strategy, undefined);
  });

  const wrong: readonly [body: JsonObject, param: string, message: string][] = [
    [{ models: 'a' }, 'models', "'models' must be a list of at most 50 strings."],
    [{ models: [1] }, 'models', "'models' must be a list of at most 50 strings."],
    [{ models: Array(51).fill('a') }, 'models', "'models' must be a list of at most 50 strings."],
    [{ provider: 'x' }, 'provider', "'provider' must be an object, not a string."],
    [{ provider: { only: {} } }, 'provider.only', "'provider.only' must be a list of at most 50 strings."],
    [{ provider: { sort: 'best' } }, 'provider.sort', "'provider.sort' must be price, latency or throughput."],
    [
      { provider: { max_price: { prompt: 'x' } } },
      'provider.max_price.prompt',
      "'provider.max_price.prompt' must be a number, not a string.",
    ],
  ];
  for (const [body, param, message] of wrong) {
    test(`${JSON.stringify(body).slice(0, 40)} is refused by name`, () => {
      assert.throws(
        () => readPreferences(request(body)),
        (error) =>
          error instanceof GatewayError &&
          error.code === 'bad_request' &&
          error.param === param &&
          error.message === message,
      );
    });
  }

  test('give the models to ask, each once, the asked one first', () => {
    assert.deepEqual(askedModels('a', readPreferences(request({ models: ['b', 'a', 'c'] }))), ['a', 'b', 'c']);
    assert.deepEqual(askedModels('a', undefined), ['a']);
  });

  test('are taken out for upstreams that would refuse them', () => {
    const sent = request({ model: 'm', models: ['a'], provider: {}, route: 'fallback', seed: 1 });
    assert.deepEqual(withoutRoutingFields(sent).original?.body, { model: 'm', seed: 1 });
    assert.equal(sent.original?.body.models === undefined, false);
    const plain = request({ model: 'm' });
    assert.equal(withoutRoutingFields(plain), plain);
  });
});

describe('the preferences', () => {
  const known = (id: string, more: Partial<Candidate> = {}) =>
    candidate(id, { names: [id.split('/')[0] ?? '', 'vendor'], price: { input: 1, output: 4 }, ...more });
  const all = [
    known('main/gpt'),
    known('backup/gpt', { price: { input: 2, output: 3 } }),
    known('own/llama', { refusedFields: ['seed'] }),
    known('router/x', { isRouter: true }),
  ];

  const cases: readonly [name: string, provider: JsonObject, admitted: string[], because: string | undefined][] = [
    ['only keeps the listed accounts', { only: ['main'] }, ['main/gpt', 'router/x'], 'is not among provider.only'],
    ['only knows the provider, case aside', { only: ['VENDOR'] }, all.map(({ id }) => id), undefined],
    [
      'only knows variants of a provider',
      { only: ['main/turbo'] },
      ['main/gpt', 'router/x'],
      'is not among provider.only',
    ],
    ['only knows a whole target', { only: ['own/llama'] }, ['own/llama', 'router/x'], 'is not among provider.only'],
    [
      'ignore leaves out, routers too',
      { ignore: ['router', 'own'] },
      ['main/gpt', 'backup/gpt'],
      'is among provider.ignore',
    ],
    [
      'max_price bounds the prompt',
      { max_price: { prompt: 1 } },
      ['main/gpt', 'own/llama', 'router/x'],
      'costs more than provider.max_price, or its price is unknown',
    ],
    [
      'max_price bounds the answer',
      { max_price: { completion: 3 } },
      ['backup/gpt', 'router/x'],
      'costs more than provider.max_price, or its price is unknown',
    ],
    [
      'require_parameters leaves out who drops a field',
      { require_parameters: true },
      ['main/gpt', 'backup/gpt', 'router/x'],
      "does not take 'seed', which provider.require_parameters asks for",
    ],
    ['order alone leaves nobody out', { order: ['own'] }, all.map(({ id }) => id), undefined],
    [
      'order without fallbacks does',
      { order: ['own'], allow_fallbacks: false },
      ['own/llama', 'router/x'],
      'is not among provider.order, and provider.allow_fallbacks is false',
    ],
  ];
  for (const [name, provider, expected, because] of cases) {
    test(name, () => {
      const { admitted, refused } = admit(all, facts(), preferences(provider, { seed: 1 }));
      assert.deepEqual(
        admitted.map(({ id }) => id),
        expected,
      );
      assert.equal(refused.at(-1)?.because, because);
      assert.equal(admitted.length + refused.length, all.length);
    });
  }

  test('an unknown price is over any limit', () => {
    const { admitted } = admit([candidate('a')], facts(), preferences({ max_price: { prompt: 100 } }));
    assert.deepEqual(admitted, []);
  });

  test('require_parameters counts reasoning, which is otherwise dropped where it is unknown', () => {
    const plain = candidate('plain', { capabilities: ['tools'] });
    const asked = facts({ isReasoningAsked: true, needs: ['tools'] });
    assert.deepEqual(admit([plain], asked, preferences({ require_parameters: true })).refused, [
      { id: 'plain', because: 'cannot do reasoning, which provider.require_parameters asks for' },
    ]);
    assert.equal(admit([plain], asked, preferences({})).admitted.length, 1);
  });

  test('order puts the listed ones first and leaves the others as they are', () => {
    const ids = (provider: JsonObject) => preferListed(all, preferences(provider)).map(({ id }) => id);
    assert.deepEqual(ids({ order: ['own', 'backup'] }), ['own/llama', 'backup/gpt', 'main/gpt', 'router/x']);
    assert.deepEqual(
      ids({}),
      all.map(({ id }) => id),
    );
    assert.deepEqual(ids({ allow_fallbacks: false }), ['main/gpt']);
  });
});
