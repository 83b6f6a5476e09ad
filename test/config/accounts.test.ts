import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from './support.ts';

function accountsOf(text: string): (string | undefined)[] {
  return parse(text).config.chains.a?.targets.map(({ account }) => account) ?? [];
}

test('targets with the same provider, address and key share one account', () => {
  const text = `chains:
  a:
    - {model: x, provider: openai, key: one}
    - {model: y, provider: openai, key: one}
    - {model: x, provider: openai, key: two}
    - {model: x, provider: openai, key: one, organization: org-1}
    - {model: x, provider: openai, key: one, url: https://eu.example/v1/}
    - {model: y, provider: openai, key: one, url: https://eu.example/v1}
`;
  assert.deepEqual(accountsOf(text), ['openai', 'openai', 'openai-2', 'openai-3', 'openai-4', 'openai-4']);
});

test('a target with the credential of a named account uses that account', () => {
  const text = `accounts: {main: {provider: openai, key: one}}
chains: {a: [{model: x, provider: openai, key: one}, {model: y, provider: openai, key: two}]}`;
  assert.deepEqual(accountsOf(text), ['main', 'openai']);
});

test("a target that names only a provider uses that provider's only account", () => {
  const text = `accounts: {main: {provider: openai, key: one}}
chains: {a: [{model: x, provider: openai}, openai/y, {model: z, provider: ollama}, ollama/w]}`;
  assert.deepEqual(accountsOf(text), ['main', 'main', 'ollama', 'ollama']);
  assert.deepEqual(Object.keys(parse(text).config.accounts), ['main', 'ollama']);
});

test('a shorthand names an account first, inline ones included, and keeps the slashes of the model', () => {
  const text = `accounts: {groq: {provider: openai, key: k}}
chains: {a: [groq/meta-llama/llama-3, openai-2/x, {model: m, provider: openai, key: i}, {model: m, provider: openai, key: j}]}`;
  const targets = parse(text).config.chains.a?.targets;
  assert.deepEqual(
    targets?.map(({ account, model }) => [account, model]),
    [
      ['groq', 'meta-llama/llama-3'],
      ['openai-2', 'x'],
      ['openai', 'm'],
      ['openai-2', 'm'],
    ],
  );
});

test('an account without its key keeps its name, so that the others are called the same in every environment', () => {
  const text = `chains:
  a:
    - {model: x, provider: openai, key: "\${UNSET}"}
    - {model: y, provider: openai, key: two}
`;
  assert.deepEqual(accountsOf(text), ['openai-2']);
});

test('a chain as a mapping has its own deadlines and lists for special failures', () => {
  const text = `chains:
  a:
    targets: [ollama/x]
    onContextLength: [ollama/long]
    onContentFilter: [{model: free, provider: ollama, extraBody: {think: null}, traits: {hasStreamUsage: "false"}}]
    timeouts: {totalMs: 1m}
    retries: {max: 0}
`;
  const plain = { account: 'ollama', timeouts: {}, retries: {}, headers: {}, extraBody: {}, traits: {} };
  assert.deepEqual(parse(text).config.chains.a, {
    targets: [{ ...plain, model: 'x' }],
    onContextLength: [{ ...plain, model: 'long' }],
    onContentFilter: [{ ...plain, model: 'free', extraBody: { think: null }, traits: { hasStreamUsage: false } }],
    timeouts: { totalMs: 60_000 },
    retries: { max: 0 },
  });
});

test('everything of an account reaches the configuration', () => {
  const text = `accounts:
  east:
    provider: azure
    keys: [one, two, one]
    url: https://east.example
    dialect: openai-responses
    organization: org
    project: pro
    apiVersion: 2024-10-21
    headers: {x-team: blue}
    models: [gpt-5]
`;
  assert.deepEqual(parse(text).config.accounts.east, {
    provider: 'azure',
    url: 'https://east.example',
    dialect: 'openai-responses',
    keys: ['one', 'two'],
    organization: 'org',
    project: 'pro',
    apiVersion: '2024-10-21',
    headers: { 'x-team': 'blue' },
    models: ['gpt-5'],
  });
});

test('aliases lead to chains and to account/model', () => {
  const text = 'chains: {a: [ollama/x]}\naliases: {gpt-4: a, tiny: ollama/y}';
  assert.deepEqual(parse(text).config.aliases, { 'gpt-4': 'a', tiny: 'ollama/y' });
});
