import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AccountConfig, PriceConfig } from '../../src/config/config.ts';
import type { ModelFacts } from '../../src/tenancy/price.ts';
import { configuredPrices, type PriceSources, PriceTable } from '../../src/tenancy/price-table.ts';
import { parse } from '../config/support.ts';

function tableOn(day: string, sources?: PriceSources): PriceTable {
  return new PriceTable({ now: () => Date.parse(`${day}T12:00:00Z`) }, sources);
}

function table(sources?: PriceSources): PriceTable {
  return tableOn('2026-11-22', sources);
}

function row(facts: Partial<ModelFacts>): ModelFacts {
  return {
    provider: 'openai',
    model: 'm',
    capabilities: [],
    source: 'https://example.com',
    date: '2026-11-22',
    ...facts,
  };
}

test('a model is found by its exact name, its snapshot, and in upper case', () => {
  for (const model of ['gpt-6.1-terra', 'gpt-6.1-terra-2026-10-26', 'GPT-6.1-Terra', 'openai/gpt-6.1-terra']) {
    assert.equal(table().find('openai', model)?.model, 'gpt-6.1-terra', model);
  }
  assert.equal(table().find('anthropic', 'claude-haiku-4-5-20251001')?.model, 'claude-haiku-4-5');
  assert.equal(table().find('anthropic', 'claude-haiku-4-5@20251001')?.model, 'claude-haiku-4-5');
  assert.equal(table().find('gemini', 'models/gemini-2.5-pro')?.model, 'gemini-2.5-pro');
  assert.equal(table().find('openai-responses', 'gpt-5')?.model, 'gpt-5');
});

test('a model of the same family is not taken for another', () => {
  for (const model of ['gpt-6.1', 'gpt-6.1-terra-pro', 'gpt-5-turbo']) {
    assert.equal(table().find('openai', model), undefined, model);
  }
  assert.equal(table().find('groq', 'gpt-5'), undefined);
});

test("OpenRouter's names find the vendor's row where its prices are the vendor's, and nowhere else", () => {
  const priceAt = (model: string): number | undefined => table().find('openrouter', model)?.price?.input;
  assert.equal(priceAt('openai/gpt-6.1-terra'), 1);
  assert.equal(priceAt('anthropic/claude-sonnet-5.5'), 2);
  assert.equal(priceAt('google/gemini-2.5-pro'), 1.25);
  assert.equal(priceAt('x-ai/grok-4.7:nitro'), 2);
  assert.equal(table().find('openrouter', 'deepseek/deepseek-v4-pro'), undefined);
  assert.equal(table().find('openrouter', 'openai/gpt-oss-120b'), undefined);
});

test("OpenRouter's free variants are free, known or not; its automatic choice has no price", () => {
  for (const model of ['openai/gpt-6.1-terra:free', 'someone/something:free']) {
    assert.deepEqual(table().find('openrouter', model)?.price, { input: 0, output: 0 }, model);
  }
  const auto = table().find('openrouter', 'openrouter/auto');
  assert.equal(auto?.model, 'openrouter/auto');
  assert.equal(auto?.price, undefined);
});

test('rows of a prefix are used when no exact one fits, the longer prefix first', () => {
  const fileRows = [
    row({ model: 'house-*', price: { input: 1, output: 1 } }),
    row({ model: 'house-large-*', price: { input: 2, output: 2 } }),
    row({ model: 'house-large-1', price: { input: 3, output: 3 } }),
  ];
  const found = ['house-x', 'house-large-x', 'house-large-1', 'horse-x'].map(
    (model) => table({ fileRows }).find('openai', model)?.price?.input,
  );
  assert.deepEqual(found, [1, 2, 3, undefined]);
});

test('a row of OpenAI by its Responses API is one of OpenAI', () => {
  const fileRows = [row({ provider: 'openai-responses', model: 'house', price: { input: 7, output: 7 } })];
  assert.equal(table({ fileRows }).find('openai', 'house')?.price?.input, 7);
});

test('an announced price comes into force with its day', () => {
  assert.equal(tableOn('2026-11-30').find('gemini', 'gemini-4-argon')?.price?.input, 2);
  assert.equal(tableOn('2026-12-01').find('gemini', 'gemini-4-argon')?.price?.input, 4);
  const listed = tableOn('2027-01-01')
    .rows()
    .find(({ model }) => model === 'gemini-3.8-flash');
  assert.deepEqual(listed?.price, { input: 1.5, output: 7.5, cacheRead: 0.15 });
});

test("a file's row counts when it was read later, and fills its gaps from the built-in one", () => {
  const price = { input: 9, output: 9 };
  const newer = table({ fileRows: [row({ model: 'gpt-5', price, date: '2026-12-01' })] }).find('openai', 'gpt-5');
  assert.deepEqual(newer, {
    provider: 'openai',
    model: 'gpt-5',
    price,
    contextLength: 400_000,
    maxOutputTokens: 128_000,
    capabilities: ['tools', 'json-schema', 'images', 'documents', 'reasoning'],
    source: 'https://example.com',
    date: '2026-12-01',
  });
  const older = table({ fileRows: [row({ model: 'gpt-5', price, date: '2026-01-01' })] }).find('openai', 'gpt-5');
  assert.deepEqual(older, table().find('openai', 'gpt-5'));
});

test("a new price of a file ends the old one's announced changes", () => {
  const fileRows = [row({ provider: 'gemini', model: 'gemini-4-argon', price: { input: 1, output: 1 } })];
  const found = tableOn('2027-01-01', { fileRows }).find('gemini', 'gemini-4-argon');
  assert.deepEqual([found?.price, found?.changes], [{ input: 1, output: 1 }, undefined]);
});

test("what the configuration says replaces the price and keeps the table's other facts", () => {
  const overrides: PriceConfig[] = [{ provider: 'openai', model: 'gpt-6.1-terra', input: 0.5, output: 2, quality: 60 }];
  assert.deepEqual(table({ overrides }).find('openai', 'gpt-6.1-terra-2026-10-26'), {
    provider: 'openai',
    model: 'gpt-6.1-terra',
    price: { input: 0.5, output: 2 },
    contextLength: 1_050_000,
    maxOutputTokens: 128_000,
    capabilities: ['tools', 'json-schema', 'images', 'documents', 'reasoning'],
    quality: 60,
    source: 'configuration',
    date: '2026-11-22',
  });
});

test('an override without rates leaves the price and its source alone', () => {
  const found = table({ overrides: [{ model: 'gpt-5', contextLength: 1_000 }] }).find('openai', 'gpt-5');
  assert.deepEqual(
    [found?.contextLength, found?.price?.input, found?.source],
    [1_000, 1.25, 'https://developers.openai.com/api/docs/pricing'],
  );
});

test('of several overrides the closest counts: whole name before prefix, account before provider before all', () => {
  const overrides: PriceConfig[] = [
    { model: '*', input: 1, output: 1 },
    { model: 'm*', input: 2, output: 2 },
    { provider: 'azure', model: 'm*', input: 3, output: 3 },
    { account: 'east', model: 'm*', input: 4, output: 4 },
    { model: 'mine', input: 5, output: 5 },
  ];
  const prices = table({ overrides });
  const found = [
    prices.find('azure', 'other', 'west'),
    prices.find('openai', 'm1'),
    prices.find('azure', 'm1', 'west'),
    prices.find('azure', 'm1', 'east'),
    prices.find('azure', 'mine', 'east'),
  ];
  assert.deepEqual(
    found.map((facts) => facts?.price?.input),
    [1, 2, 3, 4, 5],
  );
});

test('what the closest override leaves out, the next one says', () => {
  const overrides: PriceConfig[] = [
    { model: 'gpt-5', quality: 60 },
    { provider: 'openai', model: 'gpt-*', input: 0.5, output: 2, quality: 10 },
    { model: '*', contextLength: 9_000 },
  ];
  const found = table({ overrides }).find('openai', 'gpt-5');
  assert.deepEqual(
    [found?.quality, found?.price, found?.contextLength, found?.source],
    [60, { input: 0.5, output: 2 }, 9_000, 'configuration'],
  );
});

test('an Azure deployment and a model on this machine are unknown until the configuration prices them', () => {
  assert.equal(table().find('azure', 'gpt-4o', 'east'), undefined);
  assert.equal(table().find('ollama', 'llama3.3'), undefined);
  assert.equal(table().find('openai-compatible', 'gpt-4o'), undefined);
  const overrides = [{ account: 'east', model: 'gpt-4o', input: 2.5, output: 10, cacheRead: 1.25 }];
  assert.deepEqual(table({ overrides }).find('azure', 'gpt-4o', 'east'), {
    provider: 'azure',
    model: 'gpt-4o',
    price: { input: 2.5, output: 10, cacheRead: 1.25 },
    capabilities: [],
    source: 'configuration',
    date: '2026-11-22',
  });
});

test('the built-in answerer is known to cost nothing', () => {
  assert.deepEqual(table().find('flowmesh', 'extractive')?.price, { input: 0, output: 0 });
});

test('an account with energy costs its electricity, which an override still replaces', () => {
  const home: AccountConfig = {
    provider: 'ollama',
    keys: [],
    headers: {},
    models: [],
    energy: { watts: 300, pricePerKwh: 0.3, tokensPerSecond: 50, promptTokensPerSecond: 1_000 },
  };
  const overrides = [{ account: 'home', model: 'big', input: 1, output: 2 }];
  const prices = table(configuredPrices({ prices: overrides, accounts: { home } }));
  const found = prices.find('ollama', 'llama3.3', 'home');
  // 300 W × $0.30 are $0.000025 a second; a million tokens take 20,000 s to write and 1,000 s to read.
  assert.equal(found?.price?.output.toFixed(9), '0.500000000');
  assert.equal(found?.price?.input.toFixed(9), '0.025000000');
  assert.equal(prices.find('ollama', 'llama3.3', 'other'), undefined);
  assert.deepEqual(prices.find('ollama', 'big', 'home')?.price, { input: 1, output: 2 });
});

test('a configuration file reaches the table', () => {
  const { config } = parse(`accounts:
  east: {provider: azure, url: https://east.example, key: k}
chains: {a: [east/gpt-4o]}
prices:
  - {account: east, model: gpt-4o, input: 2.5, output: "10"}
`);
  assert.deepEqual(table(configuredPrices(config)).find('azure', 'gpt-4o', 'east')?.price, { input: 2.5, output: 10 });
});
