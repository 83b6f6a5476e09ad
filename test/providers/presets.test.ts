import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildAccount } from '../../src/providers/accounts.ts';
import { ownsModel, presetNamed } from '../../src/providers/preset-lookup.ts';
import { type Preset, presets } from '../../src/providers/presets.ts';

const preset = (name: string): Preset => {
  const found = presetNamed(name);
  assert.ok(found, `no preset ${name}`);
  return found;
};

test('every preset has its own name, in letters that fit an account name', () => {
  const names = presets.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  assert.deepEqual(
    names.filter((name) => !/^[a-z][a-z0-9-]*$/.test(name)),
    [],
  );
});

test('at least 35 providers are known', () => {
  assert.ok(presets.length >= 35, String(presets.length));
});

test('every preset with an address makes an account whose base URL is already normal', () => {
  for (const { name, baseUrl } of presets.filter((one) => one.baseUrl !== '')) {
    const account = buildAccount(name, { provider: name, keys: [], headers: {}, models: [] }, presetNamed);
    assert.equal(account.baseUrl, baseUrl, name);
  }
});

test('cloud presets are called over https, and only local ones on this machine', () => {
  for (const { name, baseUrl, isLocal } of presets.filter((one) => one.baseUrl !== '')) {
    assert.equal(new URL(baseUrl).protocol, isLocal ? 'http:' : 'https:', name);
    assert.equal(new URL(baseUrl).hostname === '127.0.0.1', isLocal === true, name);
  }
});

test('no environment variable makes two accounts', () => {
  const variables = presets.flatMap(({ keyVariables }) => keyVariables);
  assert.deepEqual(
    variables.filter((name, index) => variables.indexOf(name) !== index),
    [],
  );
});

test('a pattern has at most one star, as the matcher expects', () => {
  const patterns = presets.flatMap(({ modelPatterns }) => modelPatterns);
  assert.deepEqual(
    patterns.filter((pattern) => pattern.split('*').length > 2),
    [],
  );
});

test('bare model names find their provider', () => {
  const owners = (model: string): string[] => presets.filter((one) => ownsModel(one, model)).map(({ name }) => name);
  assert.deepEqual(owners('gpt-4o-mini'), ['openai']);
  assert.deepEqual(owners('o3'), ['openai']);
  assert.deepEqual(owners('claude-sonnet-5-5'), ['anthropic']);
  assert.deepEqual(owners('Gemini-3.8-Flash'), ['gemini']);
  assert.deepEqual(owners('grok-latest'), ['xai']);
  assert.deepEqual(owners('flowmesh/extractive'), ['flowmesh']);
  assert.deepEqual(owners('llama3.2'), []);
});

test('open-weight gpt-oss models are not taken for OpenAI models', () => {
  assert.equal(ownsModel(preset('openai'), 'gpt-oss-120b'), false);
  assert.equal(ownsModel(preset('openai'), 'gpt-oss:20b'), false);
});

test('a default model of a provider with name patterns fits them', () => {
  const odd = presets.filter(
    (one) => one.defaultModel && one.modelPatterns.length > 0 && !one.isBuiltin && !ownsModel(one, one.defaultModel),
  );
  assert.deepEqual(
    odd.map(({ name }) => name),
    [],
  );
});

test('Mistral gets short tool call ids and never the fields that it forbids', () => {
  const { traits } = preset('mistral');
  assert.equal(traits.hasShortToolCallIds, true);
  assert.equal(traits.hasStreamUsage, false);
  assert.ok(traits.refusedFields?.includes('stream_options'));
  assert.ok(traits.refusedFields?.includes('seed'));
});
