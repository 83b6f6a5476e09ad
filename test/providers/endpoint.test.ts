import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AccountConfig } from '../../src/config/config.ts';
import type { Account } from '../../src/providers/account.ts';
import { buildAccount } from '../../src/providers/accounts.ts';
import { endpointFor } from '../../src/providers/endpoint.ts';
import { presetNamed } from '../../src/providers/preset-lookup.ts';
import { VERSION } from '../../src/version.ts';

const account = (provider: string, more: Partial<AccountConfig> = {}): Account =>
  buildAccount('mine', { provider, keys: [], headers: {}, models: [], ...more }, presetNamed);

const urlOf = (one: Account, path: string, model = 'm'): string => endpointFor(one, undefined, { path }, model).url;

test('the version stands once, however the base URL and the path were written', () => {
  const cases: [provider: string, url: string | undefined, path: string, expected: string][] = [
    ['openai', undefined, '/chat/completions', 'https://api.openai.com/v1/chat/completions'],
    ['openai', undefined, '/v1/chat/completions', 'https://api.openai.com/v1/chat/completions'],
    ['openai-compatible', 'http://h:1', '/chat/completions', 'http://h:1/v1/chat/completions'],
    ['openai-compatible', 'http://h:1', '/v1/chat/completions', 'http://h:1/v1/chat/completions'],
    ['openai-compatible', 'http://h:1/v1/', '/embeddings', 'http://h:1/v1/embeddings'],
    ['openai-compatible', 'http://h/serving', '/v1/embeddings', 'http://h/serving/embeddings'],
    ['zai', undefined, '/v1/chat/completions', 'https://api.z.ai/api/paas/v4/chat/completions'],
    ['deepinfra', undefined, '/v1/chat/completions', 'https://api.deepinfra.com/v1/openai/chat/completions'],
    ['perplexity', undefined, '/responses', 'https://api.perplexity.ai/v1/responses'],
    ['anthropic', undefined, '/v1/messages', 'https://api.anthropic.com/v1/messages'],
    ['anthropic', 'https://h/v1', '/v1/messages', 'https://h/v1/messages'],
    ['anthropic', 'https://h/anthropic', '/v1/messages', 'https://h/anthropic/v1/messages'],
    ['anthropic', 'https://h', '/messages', 'https://h/v1/messages'],
    [
      'gemini',
      undefined,
      '/models/x:generateContent',
      'https://generativelanguage.googleapis.com/v1beta/models/x:generateContent',
    ],
    [
      'gemini',
      'https://h',
      '/models/x:streamGenerateContent?alt=sse',
      'https://h/v1beta/models/x:streamGenerateContent?alt=sse',
    ],
    ['gemini', 'https://h/v1', '/v1beta/models/x:countTokens', 'https://h/v1/models/x:countTokens'],
    ['ollama', undefined, '/api/chat', 'http://127.0.0.1:11434/api/chat'],
    ['ollama', 'http://h:11434/v1', '/api/chat', 'http://h:11434/api/chat'],
    ['ollama', 'http://h/api/', '/api/chat', 'http://h/api/chat'],
  ];
  for (const [provider, url, path, expected] of cases) {
    assert.equal(
      urlOf(account(provider, url === undefined ? {} : { url }), path),
      expected,
      `${provider} ${url} ${path}`,
    );
  }
});

test('Azure with a version calls the deployment, and everything else directly', () => {
  const dated = account('azure', { url: 'https://r.openai.azure.com', apiVersion: '2024-10-21' });
  const root = 'https://r.openai.azure.com/openai';
  assert.equal(
    urlOf(dated, '/chat/completions', 'my gpt/4'),
    `${root}/deployments/my%20gpt%2F4/chat/completions?api-version=2024-10-21`,
  );
  assert.equal(urlOf(dated, '/v1/embeddings', 'e'), `${root}/deployments/e/embeddings?api-version=2024-10-21`);
  assert.equal(urlOf(dated, '/responses', 'e'), `${root}/responses?api-version=2024-10-21`);
});

test('an Azure URL that names its deployment keeps it', () => {
  const url = 'https://r.openai.azure.com/openai/deployments/fixed/chat/completions';
  const dated = account('azure', { url, apiVersion: '2024-10-21' });
  assert.equal(
    urlOf(dated, '/chat/completions', 'other'),
    'https://r.openai.azure.com/openai/deployments/fixed/chat/completions?api-version=2024-10-21',
  );
});

test('Azure without a version calls the v1 API', () => {
  const current = account('azure', { url: 'https://r.openai.azure.com' });
  assert.equal(urlOf(current, '/chat/completions'), 'https://r.openai.azure.com/openai/v1/chat/completions');
});

test('the key goes where the provider looks for it', () => {
  const authOf = (one: Account): Record<string, string> => {
    const { 'content-type': type, 'user-agent': agent, ...rest } = endpointFor(one, 'k', { path: '/x' }, 'm').headers;
    assert.equal(type, 'application/json');
    assert.equal(agent, `flowmesh/${VERSION}`);
    return rest;
  };
  assert.deepEqual(authOf(account('openai')), { authorization: 'Bearer k' });
  assert.deepEqual(authOf(account('anthropic')), { 'x-api-key': 'k' });
  assert.deepEqual(authOf(account('gemini')), { 'x-goog-api-key': 'k' });
  assert.deepEqual(authOf(account('azure', { url: 'https://r' })), { 'api-key': 'k' });
});

test('without a key no authentication header is sent', () => {
  const { headers } = endpointFor(account('llamacpp'), undefined, { path: '/models' }, '');
  assert.deepEqual(Object.keys(headers).sort(), ['content-type', 'user-agent']);
});

test("the configuration's headers win over all, a dialect's never over the key", () => {
  const one = account('openai', { organization: 'org', headers: { 'User-Agent': 'mine' } });
  const call = { path: '/x', headers: { 'openai-beta': 'b', authorization: 'Bearer stolen' } };
  assert.deepEqual(endpointFor(one, 'k', call, 'm').headers, {
    'content-type': 'application/json',
    'user-agent': 'mine',
    'openai-beta': 'b',
    authorization: 'Bearer k',
    'openai-organization': 'org',
  });
});

test('a model name never leads to another host or path', () => {
  const azure = account('azure', { url: 'https://r.openai.azure.com', apiVersion: '2024-10-21' });
  const gemini = account('gemini');
  const attempts: [Account, string, string][] = [
    [azure, '/chat/completions', '..'],
    [azure, '/chat/completions', '.'],
    [gemini, '/models/../../secret:generateContent', 'x'],
    [gemini, '/models/%2e%2e/secret', 'x'],
    [gemini, '/models/a b:generateContent', 'x'],
    [gemini, '/models/a#b:generateContent', 'x'],
    [gemini, '/models/a\\b:generateContent', 'x'],
    [gemini, '/models/a?key=1:streamGenerateContent?alt=sse', 'x'],
    [gemini, '/models/a\nb', 'x'],
  ];
  for (const [one, path, model] of attempts) {
    assert.throws(() => urlOf(one, path, model), { code: 'bad_request', param: 'model' }, `${path} ${model}`);
  }
  assert.equal(
    urlOf(azure, '/chat/completions', '@evil.example/x?y#z'),
    'https://r.openai.azure.com/openai/deployments/%40evil.example%2Fx%3Fy%23z/chat/completions?api-version=2024-10-21',
  );
});
