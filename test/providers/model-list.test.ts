import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AccountConfig } from '../../src/config/config.ts';
import { HttpFailure } from '../../src/ports.ts';
import { buildAccount } from '../../src/providers/accounts.ts';
import { isChatModel, listModels, type ModelEntry } from '../../src/providers/model-list.ts';
import { presetNamed } from '../../src/providers/preset-lookup.ts';
import { type Script, ScriptedHttpClient } from '../support/scripted-http-client.ts';

function list(http: ScriptedHttpClient, provider: string, more: Partial<AccountConfig> = {}): Promise<ModelEntry[]> {
  const config = { provider, keys: ['k'], headers: {}, models: [], ...more };
  return listModels(buildAccount('mine', config, presetNamed), http, new AbortController().signal);
}

const LOCAL = 'http://h:1/v1/models';
const local = (body: unknown, status = 200): Promise<ModelEntry[]> =>
  list(new ScriptedHttpClient({ [LOCAL]: { status, body } }), 'local', { url: 'http://h:1' });

test('an OpenAI list gives names, owners, ages and context sizes, each model once', async () => {
  const http = new ScriptedHttpClient({
    'https://api.openai.com/v1/models': {
      body: {
        object: 'list',
        data: [
          { id: 'gpt-a', object: 'model', created: 1_700_000_000, owned_by: 'openai' },
          { id: 'gpt-a', object: 'model' },
          { id: 'long', context_length: 1_000_000, name: 'Long one' },
          { object: 'model' },
          null,
        ],
      },
    },
  });
  assert.deepEqual(await list(http, 'openai'), [
    { id: 'gpt-a', ownedBy: 'openai', createdAt: 1_700_000_000 },
    { id: 'long', title: 'Long one', contextTokens: 1_000_000 },
  ]);
  assert.equal(http.requests[0]?.method, 'GET');
  assert.equal(http.requests[0]?.headers.authorization, 'Bearer k');
});

test("Together's bare array is a list too", async () => {
  assert.deepEqual(await local([{ id: 'a', display_name: 'A' }]), [{ id: 'a', title: 'A' }]);
});

test('Anthropic is asked page after page', async () => {
  const base = 'https://api.anthropic.com/v1/models?limit=1000';
  const http = new ScriptedHttpClient({
    [base]: {
      body: {
        data: [{ id: 'claude-a', display_name: 'Claude A', created_at: '2026-01-01T00:00:00Z', type: 'model' }],
        has_more: true,
        last_id: 'claude-a',
      },
    },
    [`${base}&after_id=claude-a`]: { body: { data: [{ id: 'claude-b' }], has_more: false, last_id: 'claude-b' } },
  });
  assert.deepEqual(await list(http, 'anthropic'), [
    { id: 'claude-a', title: 'Claude A', ownedBy: 'anthropic', createdAt: 1_767_225_600 },
    { id: 'claude-b', ownedBy: 'anthropic' },
  ]);
  assert.equal(http.requests[1]?.headers['x-api-key'], 'k');
  assert.equal(http.requests[1]?.headers['anthropic-version'], '2023-06-01');
});

test('a list that never ends is left after 20 pages', async () => {
  const base = 'https://api.anthropic.com/v1/models?limit=1000';
  const page = { body: { data: [{ id: 'again' }], has_more: true, last_id: 'again' } };
  const http = new ScriptedHttpClient({ [base]: page, [`${base}&after_id=again`]: page });
  assert.deepEqual(await list(http, 'anthropic'), [{ id: 'again', ownedBy: 'anthropic' }]);
  assert.equal(http.requests.length, 20);
});

test('Gemini is asked page after page; what can neither answer nor embed is left out', async () => {
  const base = 'https://generativelanguage.googleapis.com/v1beta/models?pageSize=1000';
  const http = new ScriptedHttpClient({
    [base]: {
      body: {
        models: [
          {
            name: 'models/gemini-a',
            displayName: 'A',
            inputTokenLimit: 1_048_576,
            supportedGenerationMethods: ['generateContent'],
          },
          { name: 'models/veo', supportedGenerationMethods: ['predictLongRunning'] },
        ],
        nextPageToken: 'p/2',
      },
    },
    [`${base}&pageToken=p%2F2`]: {
      body: { models: [{ name: 'models/embed', supportedGenerationMethods: ['embedContent'] }] },
    },
  });
  assert.deepEqual(await list(http, 'gemini'), [
    { id: 'gemini-a', title: 'A', ownedBy: 'google', contextTokens: 1_048_576 },
    { id: 'embed', ownedBy: 'google' },
  ]);
});

test('Ollama lists its tags', async () => {
  const http = new ScriptedHttpClient({
    'http://127.0.0.1:11434/api/tags': {
      body: { models: [{ name: 'llama3.2:latest', modified_at: '2026-01-01T00:00:00.5+00:00', size: 1 }] },
    },
  });
  assert.deepEqual(await list(http, 'ollama'), [
    { id: 'llama3.2:latest', ownedBy: 'ollama', createdAt: 1_767_225_600 },
  ]);
});

test('the built-in answerer and Azure answer from the configuration', async () => {
  const http = new ScriptedHttpClient({});
  assert.deepEqual(await list(http, 'flowmesh', { models: ['extractive'] }), [{ id: 'extractive' }]);
  assert.deepEqual(await list(http, 'azure', { url: 'https://r', models: ['gpt'] }), [{ id: 'gpt' }]);
  assert.deepEqual(http.urls, []);
});

test('a refused key, a missing endpoint and something that is no list are different failures', async () => {
  await assert.rejects(local({ error: { message: 'no' } }, 401), { code: 'upstream_authentication' });
  await assert.rejects(local('<html>Not here</html>', 404), { code: 'upstream_not_found', message: 'Not here' });
  await assert.rejects(local('<html>Hello</html>'), { code: 'upstream_garbage' });
  await assert.rejects(local({ data: 'none' }), { code: 'upstream_garbage' });
  const nowhere: Script = {};
  await assert.rejects(list(new ScriptedHttpClient(nowhere), 'openai'), HttpFailure);
});

test('names tell chat models from others', () => {
  const others = [
    'text-embedding-3-small',
    'nomic-embed-text',
    'whisper-1',
    'tts-1',
    'bge-m3',
    'omni-moderation-latest',
    'dall-e-3',
    'jina-reranker',
  ];
  assert.deepEqual(others.filter(isChatModel), []);
  const chat = ['gpt-4o', 'llama3.2:latest', 'Qwen/Qwen3-32B', 'claude-sonnet-5-5', 'mistral-small'];
  assert.deepEqual(chat.filter(isChatModel), chat);
});
