import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse, problemsOf, warningsOf } from './support.ts';

const CHAIN = 'chains: {a: [ollama/x]}\n';

test('prices are read whole, numbers from variables included', () => {
  const text = `${CHAIN}prices:
  - model: gpt-5
    provider: openai
    input: 1.25
    output: "\${OUTPUT}"
    cacheRead: 0.125
    cacheWrite: 0
    contextLength: 400000
    maxOutputTokens: 128000
    capabilities: [tools, json-schema]
    quality: 68.5
  - {model: "llama*", capabilities: [tools]}
`;
  assert.deepEqual(parse(text, { OUTPUT: '10.5' }).config.prices, [
    {
      model: 'gpt-5',
      provider: 'openai',
      input: 1.25,
      output: 10.5,
      cacheRead: 0.125,
      cacheWrite: 0,
      contextLength: 400_000,
      maxOutputTokens: 128_000,
      capabilities: ['tools', 'json-schema'],
      quality: 68.5,
    },
    { model: 'llama*', capabilities: ['tools'] },
  ]);
});

test('without prices there are none', () => {
  assert.deepEqual(parse(CHAIN).config.prices, []);
});

const WRONG: readonly (readonly [entry: string, problem: string])[] = [
  ['{model: m, input: 1}', "3:5 prices[0]: a price needs both 'input' and 'output'."],
  ['{model: m, cacheRead: 1}', "3:5 prices[0]: a price needs both 'input' and 'output'."],
  ['{model: m, input: -1, output: 1}', '3:23 prices[0].input: must be a number from 0 to 100000.'],
  ['{model: m, input: cheap, output: 1}', '3:23 prices[0].input: must be a number from 0 to 100000.'],
  ['{model: m, input: .nan, output: 1}', '3:23 prices[0].input: must be a number from 0 to 100000.'],
  ['{model: m, quality: 101}', '3:25 prices[0].quality: must be a number from 0 to 100.'],
  [
    '{model: "gpt-*-mini", input: 1, output: 1}',
    "3:13 prices[0].model: write a whole name, or a beginning followed by '*'.",
  ],
  ['{input: 1, output: 1}', "3:5 prices[0]: 'model' is missing."],
  ['{model: m, provider: opnai}', "3:26 prices[0].provider: unknown provider 'opnai'. Did you mean 'openai'?"],
  ['{model: m, account: home}', "3:25 prices[0].account: there is no account 'home'."],
  ['{model: m, account: ollama, provider: ollama}', "3:5 prices[0]: give 'provider' or 'account', not both."],
  [
    '{model: m, capabilities: [tool]}',
    "3:31 prices[0].capabilities[0]: must be one of tools, images, audio, documents, json-schema, reasoning, embeddings. Did you mean 'tools'?",
  ],
  ['{model: m, inputs: 1}', "3:16 prices[0]: unknown key 'inputs'. Did you mean 'input'?"],
];

for (const [entry, problem] of WRONG) {
  test(`the price ${entry} is refused`, () => {
    assert.deepEqual(problemsOf(`${CHAIN}prices:\n  - ${entry}\n`), [`config.yaml:${problem}`]);
  });
}

test('the price of an account that is skipped goes with it', () => {
  const text = `${CHAIN}accounts: {main: {provider: openai, key: "\${UNSET}"}}
prices: [{account: main, model: m, input: 1, output: 1}, {model: m, input: 2, output: 2}]
`;
  assert.deepEqual(parse(text).config.prices, [{ model: 'm', input: 2, output: 2 }]);
  assert.equal(warningsOf(text).length, 1);
});

test('an account can tell what its electricity costs', () => {
  const text = `accounts:
  home: {provider: ollama, energy: {watts: 300, pricePerKwh: 0.3, tokensPerSecond: 50}}
chains: {a: [home/x]}
`;
  assert.deepEqual(parse(text).config.accounts.home?.energy, { watts: 300, pricePerKwh: 0.3, tokensPerSecond: 50 });
});

test('energy without its speed, or with none, is refused', () => {
  const text = (energy: string): string =>
    `accounts:\n  home: {provider: ollama, energy: ${energy}}\nchains: {a: [home/x]}`;
  assert.deepEqual(problemsOf(text('{watts: 300, pricePerKwh: 0.3}')), [
    "config.yaml:2:36 accounts.home.energy: 'tokensPerSecond' is missing.",
  ]);
  assert.deepEqual(problemsOf(text('{watts: 300, pricePerKwh: 0.3, tokensPerSecond: 0}')), [
    'config.yaml:2:84 accounts.home.energy.tokensPerSecond: must be a number from 0.001 to 10000000.',
  ]);
});
