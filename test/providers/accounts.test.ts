import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AccountConfig } from '../../src/config/config.ts';
import type { Account } from '../../src/providers/account.ts';
import { buildAccount } from '../../src/providers/accounts.ts';
import { presetNamed } from '../../src/providers/preset-lookup.ts';

const build = (config: Partial<AccountConfig> & { provider: string }): Account =>
  buildAccount('mine', { keys: [], headers: {}, models: [], ...config }, presetNamed);

test('an account carries its preset: dialect, address, authentication, quirks', () => {
  assert.deepEqual(build({ provider: 'groq', keys: ['gsk_1'] }), {
    name: 'mine',
    provider: 'groq',
    dialect: 'openai-chat',
    baseUrl: 'https://api.groq.com/openai/v1',
    keys: ['gsk_1'],
    auth: { type: 'bearer' },
    headers: {},
    traits: {
      maxTokensField: 'max_tokens',
      systemRole: 'system',
      refusedFields: ['logprobs', 'logit_bias', 'top_logprobs'],
      refusedMessageFields: ['name', 'reasoning_content', 'reasoning_details', 'images'],
    },
    models: [],
  });
});

test('base URLs lose what people leave on them', () => {
  const cases: Record<string, string> = {
    'http://host:9000/v1/': 'http://host:9000/v1',
    'http://host:9000/v1///': 'http://host:9000/v1',
    '  https://HOST/v1 ': 'https://host/v1',
    'https://host/v1/v1': 'https://host/v1',
    'https://host/v1/chat/completions': 'https://host/v1',
    'https://host/v1/models/': 'https://host/v1',
    'https://host/proxy/openai/v1?x=1#y': 'https://host/proxy/openai/v1',
    'https://host:443': 'https://host',
    'http://[::1]:8080/': 'http://[::1]:8080',
  };
  for (const [url, expected] of Object.entries(cases)) {
    assert.equal(build({ provider: 'openai-compatible', url }).baseUrl, expected, url);
  }
});

test('an address that is not http, or carries a credential, is refused by name', () => {
  const refuse = (url: string, message: RegExp): void =>
    assert.throws(() => build({ provider: 'openai-compatible', url }), { code: 'bad_request', message });
  refuse('ftp://host/v1', /account 'mine' must begin with http:\/\/ or https:\/\//);
  refuse('localhost:8080', /must begin with http/);
  refuse('file:///etc/passwd', /must begin with http/);
  refuse('https://user:secret@host/v1', /must not contain a user name or password/);
});

test('the refusal of a URL with a password does not repeat the password', () => {
  assert.throws(
    () => build({ provider: 'local', url: 'https://user:hunter2@host/v1' }),
    (error: Error) => !error.message.includes('hunter2'),
  );
});

test('providers without an address of their own ask for url', () => {
  for (const provider of ['openai-compatible', 'local', 'azure']) {
    assert.throws(() => build({ provider }), { code: 'bad_request', message: /'mine' needs 'url'/ });
  }
});

test('an unknown provider is refused with the way out', () => {
  assert.throws(() => build({ provider: 'gorq' }), { code: 'bad_request', message: /'gorq'.*'openai-compatible'/ });
});

test('another dialect brings its own place for the key', () => {
  const url = 'https://host/anthropic';
  assert.deepEqual(build({ provider: 'openai-compatible', url, dialect: 'anthropic' }).auth, {
    type: 'header',
    name: 'x-api-key',
  });
  assert.deepEqual(build({ provider: 'openai-compatible', url, dialect: 'gemini' }).auth, {
    type: 'header',
    name: 'x-goog-api-key',
  });
  assert.deepEqual(build({ provider: 'azure', url: 'https://r.openai.azure.com', dialect: 'openai-responses' }).auth, {
    type: 'header',
    name: 'api-key',
  });
});

test('organisation, project and static headers are sent under lower-case names', () => {
  const { headers } = build({
    provider: 'openai',
    organization: 'org-1',
    project: 'p-1',
    headers: { 'X-Title': 'Me' },
  });
  assert.deepEqual(headers, { 'openai-organization': 'org-1', 'openai-project': 'p-1', 'x-title': 'Me' });
});

test('Azure without a version uses the v1 API, with one the deployments', () => {
  const url = 'https://r.openai.azure.com/';
  const current = build({ provider: 'azure', url });
  assert.equal(current.baseUrl, 'https://r.openai.azure.com/openai/v1');
  assert.equal(current.azureApiVersion, undefined);
  const dated = build({ provider: 'azure', url, apiVersion: '2024-10-21' });
  assert.equal(dated.baseUrl, 'https://r.openai.azure.com/openai');
  assert.equal(dated.azureApiVersion, '2024-10-21');
});

test('an Azure URL of the v1 API stays so even when a dated version is set', () => {
  const account = build({ provider: 'azure', url: 'https://r.openai.azure.com/openai/v1/', apiVersion: '2024-10-21' });
  assert.equal(account.baseUrl, 'https://r.openai.azure.com/openai/v1');
  assert.equal(account.azureApiVersion, undefined);
});

test('the built-in answerer has no address', () => {
  const account = build({ provider: 'flowmesh', models: ['extractive'] });
  assert.equal(account.isBuiltin, true);
  assert.equal(account.baseUrl, '');
});
