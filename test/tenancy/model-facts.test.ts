import assert from 'node:assert/strict';
import { test } from 'node:test';
import { presetNamed } from '../../src/providers/preset-lookup.ts';
import { presets } from '../../src/providers/presets.ts';
import { builtinFacts } from '../../src/tenancy/model-facts.ts';
import type { ModelFacts, Rates } from '../../src/tenancy/price.ts';
import { renderOwn } from '../../src/tenancy/price-files/own.ts';
import { readPriceFile } from '../../src/tenancy/price-update.ts';

function nameOf({ provider, model }: ModelFacts): string {
  return `${provider}/${model}`;
}

/** Every set of rates of a row: the base, its tiers, its announced changes. */
function ratesOf({ price, changes = [] }: ModelFacts): Rates[] {
  const prices = [...(price ? [price] : []), ...changes.map((change) => change.price)];
  return prices.flatMap((one) => [one, ...(one.tiers ?? []).map((tier) => tier.price)]);
}

test('every row is of a known provider and tells where and when it was read', () => {
  for (const row of builtinFacts) {
    assert.ok(presetNamed(row.provider), nameOf(row));
    assert.match(row.source, /^https:\/\/[a-z0-9.-]+\/\S*$/, nameOf(row));
    assert.match(row.date, /^2026-\d\d-\d\d$/, nameOf(row));
  }
});

test('no model stands there twice', () => {
  const names = builtinFacts.map((row) => nameOf(row).toLowerCase());
  assert.deepEqual(
    names.filter((name, index) => names.indexOf(name) !== index),
    [],
  );
});

test('rates are amounts, and reading the cache is never dearer than the prompt', () => {
  for (const row of builtinFacts) {
    for (const rates of ratesOf(row)) {
      for (const rate of Object.values(rates).filter((value) => typeof value === 'number')) {
        assert.ok(Number.isFinite(rate) && rate >= 0 && rate < 1_000, nameOf(row));
      }
      assert.ok((rates.cacheRead ?? 0) <= rates.input, nameOf(row));
      assert.ok((rates.cacheWrite ?? rates.input) >= rates.input, nameOf(row));
    }
  }
});

test('nothing in the table is free: a row without a sourced price has none', () => {
  const free = builtinFacts.filter((row) => ratesOf(row).some(({ input }) => input === 0)).map(nameOf);
  assert.deepEqual(free, []);
  const silent = builtinFacts.filter(
    ({ price, capabilities }) => price?.output === 0 && !capabilities.includes('embeddings'),
  );
  assert.deepEqual(silent.map(nameOf), []);
});

test('tiers are dearer the longer the prompt, and have the cache rates that the base has', () => {
  for (const row of builtinFacts) {
    for (const tier of row.price?.tiers ?? []) {
      assert.ok(
        tier.price.input > (row.price?.input ?? 0) && tier.price.output > (row.price?.output ?? 0),
        nameOf(row),
      );
      assert.equal(tier.price.cacheRead === undefined, row.price?.cacheRead === undefined, nameOf(row));
      assert.ok(tier.aboveInputTokens < (row.contextLength ?? 0), nameOf(row));
    }
  }
});

test('the table knows at least 60 priced models, and every large provider', () => {
  assert.ok(builtinFacts.filter(({ price }) => price).length >= 60);
  for (const provider of ['openai', 'anthropic', 'gemini', 'mistral', 'deepseek', 'groq', 'xai']) {
    assert.ok(builtinFacts.filter((row) => row.provider === provider && row.price).length >= 3, provider);
  }
});

test("every cloud preset's default model has a row", () => {
  const missing = presets
    .filter(({ defaultModel, isBuiltin }) => defaultModel !== undefined && !isBuiltin)
    .filter(
      ({ name, defaultModel }) => !builtinFacts.some((row) => row.provider === name && row.model === defaultModel),
    )
    .map(({ name, defaultModel }) => `${name}/${defaultModel}`);
  assert.deepEqual(missing, []);
});

test('written in our own shape and read again the table is the same', () => {
  assert.deepEqual(readPriceFile(renderOwn(builtinFacts), '2030-01-01'), { rows: builtinFacts, problems: [] });
});
