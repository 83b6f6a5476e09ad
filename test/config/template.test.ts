import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configTemplate } from '../../src/config/template.ts';
import { parse } from './support.ts';

const TEMPLATE = configTemplate({
  targets: [
    { provider: 'openai', model: 'gpt-5', keyVariable: 'OPENAI_API_KEY' },
    { provider: 'ollama', model: 'llama3.2' },
  ],
});

test('the template is a valid configuration with its chain and every default', () => {
  const { config, warnings } = parse(TEMPLATE, { OPENAI_API_KEY: 'k' });
  assert.deepEqual(warnings, []);
  assert.deepEqual(
    config.chains.default?.targets.map(({ account, model }) => `${account}/${model}`),
    ['openai/gpt-5', 'ollama/llama3.2'],
  );
  assert.deepEqual(
    { ...config, accounts: {}, chains: {}, defaultChain: undefined },
    {
      ...parse('').config,
      defaultChain: undefined,
    },
  );
});

test('every commented line may be taken into use and then says what was true before', () => {
  const used = TEMPLATE.replaceAll(/^# ( *\w+:.*)$/gm, '$1').replaceAll(/^# {3}(gpt-4: .*)$/gm, '  $1');
  const { config } = parse(used, { OPENAI_API_KEY: 'k' });
  assert.deepEqual(config, { ...parse(TEMPLATE, { OPENAI_API_KEY: 'k' }).config, aliases: { 'gpt-4': 'default' } });
  assert.match(used, /^server:\n {2}host: 127\.0\.0\.1 /m);
});

test('the first line tells editors where the schema is', () => {
  assert.equal(TEMPLATE.split('\n')[0], '# yaml-language-server: $schema=./flowmesh.schema.json');
  const elsewhere = configTemplate({ targets: [], schemaLocation: 'https://example/s.json' });
  assert.equal(elsewhere.split('\n')[0], '# yaml-language-server: $schema=https://example/s.json');
});
