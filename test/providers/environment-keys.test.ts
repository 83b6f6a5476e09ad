import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AccountConfig, Config } from '../../src/config/config.ts';
import { DEFAULTS } from '../../src/config/defaults.ts';
import { withEnvironmentKeys } from '../../src/providers/environment-keys.ts';

const ENV = { OPENAI_API_KEY: ' sk-env ', ANTHROPIC_API_KEY: '' };

function keysOf(account: Partial<AccountConfig>): readonly string[] | undefined {
  const accounts = { a: { provider: 'openai', keys: [], headers: {}, models: [], ...account } };
  const config: Config = { ...DEFAULTS, accounts, chains: {}, aliases: {}, dataDirectory: '/nowhere' };
  return withEnvironmentKeys(config, ENV).accounts.a?.keys;
}

test("an account without a key takes the one of its provider's variable", () => {
  assert.deepEqual(keysOf({}), ['sk-env']);
});

test('a configured key stays, an empty variable is none, and a provider without variables gets nothing', () => {
  assert.deepEqual(keysOf({ keys: ['sk-own'] }), ['sk-own']);
  assert.deepEqual(keysOf({ provider: 'anthropic' }), []);
  assert.deepEqual(keysOf({ provider: 'local', url: 'http://127.0.0.1:8000/v1' }), []);
});

test('a key of the environment is never sent to another address than its provider', () => {
  assert.deepEqual(keysOf({ url: 'https://elsewhere.example/v1' }), []);
});
