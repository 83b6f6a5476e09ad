import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readPriceFile } from '../../src/tenancy/price-update.ts';

const TODAY = '2026-11-22';

function read(file: unknown): ReturnType<typeof readPriceFile> {
  return readPriceFile(JSON.stringify(file), TODAY);
}

test("models.dev's api.json: rates, cache, tiers, lengths and what a model can do", () => {
  const file = {
    openai: {
      id: 'openai',
      models: {
        'gpt-6-sol': {
          id: 'gpt-6-sol',
          attachment: true,
          reasoning: true,
          tool_call: true,
          structured_output: true,
          modalities: { input: ['text', 'image', 'pdf'], output: ['text'] },
          limit: { context: 1_050_000, input: 922_000, output: 128_000 },
          cost: {
            input: 2,
            output: 10,
            cache_read: 0.2,
            cache_write: 2.5,
            tiers: [
              { input: 4, output: 15, cache_read: 0.4, cache_write: 5, tier: { type: 'context', size: 272_000 } },
            ],
          },
        },
      },
    },
    google: {
      models: {
        'gemini-2.5-pro': {
          tool_call: { supported: true },
          modalities: { input: ['text', 'audio'], output: ['text'] },
          limit: { context: 1_048_576, output: 65_536 },
          cost: { input: 1.25, output: 10, reasoning: 12, context_over_200k: { input: 2.5, output: 15 } },
        },
      },
    },
  };
  assert.deepEqual(read(file), {
    rows: [
      {
        provider: 'openai',
        model: 'gpt-6-sol',
        price: {
          input: 2,
          output: 10,
          cacheRead: 0.2,
          cacheWrite: 2.5,
          tiers: [{ aboveInputTokens: 272_000, price: { input: 4, output: 15, cacheRead: 0.4, cacheWrite: 5 } }],
        },
        contextLength: 1_050_000,
        maxOutputTokens: 128_000,
        capabilities: ['tools', 'images', 'documents', 'json-schema', 'reasoning'],
        source: 'https://models.dev',
        date: TODAY,
      },
      {
        provider: 'gemini',
        model: 'gemini-2.5-pro',
        price: {
          input: 1.25,
          output: 10,
          reasoning: 12,
          tiers: [{ aboveInputTokens: 200_000, price: { input: 2.5, output: 15 } }],
        },
        contextLength: 1_048_576,
        maxOutputTokens: 65_536,
        capabilities: ['tools', 'audio'],
        source: 'https://models.dev',
        date: TODAY,
      },
    ],
    problems: [],
  });
});

test('models.dev: what has no preset or no use is left out and told; a price of zero is unknown, but for :free', () => {
  const file = {
    'github-copilot': { models: { 'gpt-5': { cost: { input: 0, output: 0 } } } },
    azure: { models: { 'gpt-5': { cost: { input: 1, output: 1 } } } },
    'ollama-cloud': { models: { x: {} } },
    groq: { models: { zero: { cost: { input: 0, output: 0 } }, bad: { cost: { input: -1, output: 1 } }, 'a b': {} } },
    openrouter: { models: { 'x/y:free': { cost: { input: 0, output: 0 } } } },
  };
  const { rows, problems } = read(file);
  assert.deepEqual(
    rows.map(({ provider, model, price }) => [provider, model, price]),
    [
      ['groq', 'zero', undefined],
      ['groq', 'bad', undefined],
      ['openrouter', 'x/y:free', { input: 0, output: 0 }],
    ],
  );
  assert.deepEqual(problems, [
    'providers without a preset, left out: 3 (github-copilot, azure, ollama-cloud)',
    'prices of zero, taken as unknown: 1 (groq/zero)',
    'prices that are no amounts, taken as unknown: 1 (groq/bad)',
    'models without a usable name, left out: 1 (groq/a b)',
  ]);
});

test("LiteLLM's price map: dollars a token, tiers in the keys' names, the provider before the slash", () => {
  const file = {
    sample_spec: { litellm_provider: 'one of …', mode: 'one of …', input_cost_per_token: 0 },
    'gpt-6.1-terra': {
      litellm_provider: 'openai',
      mode: 'chat',
      input_cost_per_token: 1e-6,
      input_cost_per_token_above_272k_tokens: 2e-6,
      input_cost_per_token_above_272k_tokens_flex: 1e-6,
      input_cost_per_token_batches: 5e-7,
      output_cost_per_token: 5e-6,
      output_cost_per_token_above_272k_tokens: 7.5e-6,
      cache_read_input_token_cost: 5e-8,
      cache_read_input_token_cost_above_272k_tokens: 1e-7,
      cache_creation_input_token_cost: 1.25e-6,
      cache_creation_input_token_cost_above_272k_tokens: 2.5e-6,
      max_input_tokens: 922_000,
      max_output_tokens: 128_000,
      supports_function_calling: true,
      supports_vision: true,
      supports_response_schema: true,
    },
    'groq/openai/gpt-oss-120b': {
      litellm_provider: 'groq',
      mode: 'chat',
      input_cost_per_token: 1.5e-7,
      output_cost_per_token: 6e-7,
      cache_creation_input_token_cost: 0,
      supports_reasoning: true,
    },
    'mistral/mistral-embed': {
      litellm_provider: 'mistral',
      mode: 'embedding',
      input_cost_per_token: 1e-7,
      max_input_tokens: 8_192,
    },
  };
  const source = 'https://github.com/BerriAI/litellm/blob/main/model_prices_and_context_window.json';
  assert.deepEqual(read(file), {
    rows: [
      {
        provider: 'openai',
        model: 'gpt-6.1-terra',
        price: {
          input: 1,
          output: 5,
          cacheRead: 0.05,
          cacheWrite: 1.25,
          tiers: [{ aboveInputTokens: 272_000, price: { input: 2, output: 7.5, cacheRead: 0.1, cacheWrite: 2.5 } }],
        },
        contextLength: 922_000,
        maxOutputTokens: 128_000,
        capabilities: ['tools', 'images', 'json-schema'],
        source,
        date: TODAY,
      },
      {
        provider: 'groq',
        model: 'openai/gpt-oss-120b',
        price: { input: 0.15, output: 0.6 },
        capabilities: ['reasoning'],
        source,
        date: TODAY,
      },
      {
        provider: 'mistral',
        model: 'mistral-embed',
        price: { input: 0.1, output: 0 },
        contextLength: 8_192,
        capabilities: ['embeddings'],
        source,
        date: TODAY,
      },
    ],
    problems: [],
  });
});

test('LiteLLM: the entry with its provider wins, and what flowmesh cannot ask for is told', () => {
  const chat = { litellm_provider: 'gemini', mode: 'chat', output_cost_per_token: 2e-6 };
  const { rows, problems } = read({
    'gemini/flash': { ...chat, input_cost_per_token: 1e-6 },
    flash: { ...chat, input_cost_per_token: 9e-6 },
    free: { ...chat, input_cost_per_token: 0, output_cost_per_token: 0 },
    half: { litellm_provider: 'gemini', mode: 'chat', input_cost_per_token: 1e-6 },
    'dall-e-3': { litellm_provider: 'openai', mode: 'image_generation' },
    'bedrock/claude': { litellm_provider: 'bedrock', mode: 'chat' },
    'ollama/llama3': { litellm_provider: 'ollama', mode: 'chat' },
  });
  assert.deepEqual(
    rows.map(({ model, price }) => [model, price]),
    [
      ['flash', { input: 1, output: 2 }],
      ['free', undefined],
      ['half', undefined],
    ],
  );
  assert.deepEqual(problems, [
    'prices of zero, taken as unknown: 1 (free)',
    'prices that are no amounts, taken as unknown: 1 (half)',
    'models that are not for text, left out: 1 (dall-e-3)',
    'models of providers without a preset, left out: 2 (bedrock/claude, ollama/llama3)',
  ]);
});

test('our own shape: zero is zero, a missing date is today, and a wrong row is left out with its reason', () => {
  const good = { provider: 'openai', model: 'house', price: { input: 0, output: 0 }, capabilities: ['tools'] };
  const { rows, problems } = read({
    models: [
      good,
      { ...good, provider: 'nobody' },
      { ...good, model: '' },
      { ...good, price: { input: 1 } },
      { ...good, price: { input: 1, output: '2' } },
      { ...good, price: { input: 1, output: 2, tiers: [{ aboveInputTokens: 0, price: { input: 1, output: 1 } }] } },
      { ...good, capabilities: ['telepathy'] },
      { ...good, contextLength: 1.5 },
      { ...good, quality: 101 },
      { ...good, date: 'yesterday' },
      { ...good, date: '2026-02-30' },
      { ...good, changes: [{ from: '2027-01-01' }] },
      'text',
    ],
  });
  assert.deepEqual(rows, [{ ...good, source: 'file', date: TODAY }]);
  assert.deepEqual(problems, [
    'rows left out because the provider is no preset: 2 (nobody/house, number 13)',
    'rows left out because the model has no usable name: 1 (openai/)',
    'rows left out because the price is no amounts: 3 (openai/house, openai/house, openai/house)',
    'rows left out because a capability is none of tools, images, audio, documents, json-schema, reasoning, embeddings: 1 (openai/house)',
    'rows left out because a length is not a number of tokens: 1 (openai/house)',
    'rows left out because the quality is not from 0 to 100: 1 (openai/house)',
    'rows left out because the date is not YYYY-MM-DD: 2 (openai/house, openai/house)',
    'rows left out because a change is not a day and a price: 1 (openai/house)',
  ]);
});

test('tiers and changes are put into their order', () => {
  const rates = { input: 1, output: 1 };
  const { rows } = read({
    models: [
      {
        provider: 'openai',
        model: 'm',
        price: {
          ...rates,
          tiers: [
            { aboveInputTokens: 9, price: rates },
            { aboveInputTokens: 5, price: rates },
          ],
        },
        changes: [
          { from: '2027-02-01', price: rates },
          { from: '2027-01-01', price: rates },
        ],
      },
    ],
  });
  assert.deepEqual(
    rows[0]?.price?.tiers?.map(({ aboveInputTokens }) => aboveInputTokens),
    [5, 9],
  );
  assert.deepEqual(
    rows[0]?.changes?.map(({ from }) => from),
    ['2027-01-01', '2027-02-01'],
  );
});

test('long lists of what was left out are cut short', () => {
  const models = Object.fromEntries(
    ['a', 'b', 'c', 'd', 'e', 'f'].map((id) => [id, { cost: { input: 0, output: 0 } }]),
  );
  assert.deepEqual(read({ groq: { models } }).problems, [
    'prices of zero, taken as unknown: 6 (groq/a, groq/b, groq/c, groq/d, groq/e, …)',
  ]);
});

test('a file of no known shape has no rows and says so', () => {
  const unknown =
    'the file has none of the known shapes: flowmesh, models.dev (api.json), LiteLLM (model_prices_and_context_window.json)';
  assert.deepEqual(readPriceFile('{', TODAY), { rows: [], problems: ['the file is not a JSON object'] });
  assert.deepEqual(read([1]), { rows: [], problems: ['the file is not a JSON object'] });
  assert.deepEqual(read({}), { rows: [], problems: [unknown] });
  assert.deepEqual(read({ a: { b: 1 } }), { rows: [], problems: [unknown] });
  const large = readPriceFile(`{"models": [], "x": "${' '.repeat(32 * 1024 * 1024)}"}`, TODAY);
  assert.deepEqual(large, { rows: [], problems: ['the file is larger than 32 MiB'] });
});
