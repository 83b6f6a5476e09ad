import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { type Discovery, discover } from '../../src/providers/discover.ts';
import { ollamaUrl, PROBE_TIMEOUT_MS } from '../../src/providers/local-servers.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { UndiciHttpClient } from '../../src/system/undici-http-client.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { type Script, ScriptedHttpClient } from '../support/scripted-http-client.ts';

const OLLAMA = 'http://127.0.0.1:11434/api/tags';
const LLAMACPP = 'http://127.0.0.1:8080/v1/models';
const LMSTUDIO = 'http://127.0.0.1:1234/v1/models';
const VLLM = 'http://127.0.0.1:8000/v1/models';

const find = (env: Record<string, string>, script: Script = {}): Promise<Discovery> =>
  discover(env, new ScriptedHttpClient(script), new ManualClock());

const chain = ({ chains, defaultChain }: Discovery): string[] =>
  chains[defaultChain]?.targets.map(({ account, model }) => `${account}/${model}`) ?? [];

const findings = (discovery: Discovery): string[] =>
  discovery.findings.map(({ name, isUsable, detail }) => `${isUsable ? '+' : '-'} ${name}: ${detail}`);

const BUILTIN = '+ flowmesh: answers with quotations when nothing else does';

test('with nothing at hand the built-in answerer is the whole chain', async () => {
  assert.deepEqual(await find({}), {
    accounts: { flowmesh: { provider: 'flowmesh', keys: [], headers: {}, models: ['extractive'] } },
    chains: {
      default: {
        targets: [
          {
            account: 'flowmesh',
            model: 'extractive',
            timeouts: {},
            retries: {},
            headers: {},
            extraBody: {},
            traits: {},
          },
        ],
        onContextLength: [],
        onContentFilter: [],
        timeouts: {},
        retries: {},
      },
    },
    aliases: { auto: 'default' },
    defaultChain: 'default',
    findings: [
      {
        name: 'flowmesh',
        title: 'Built-in extractive answerer',
        isUsable: true,
        detail: 'answers with quotations when nothing else does',
        modelCount: 1,
      },
    ],
  });
});

test('keys make accounts in the order of the presets, before local servers', async () => {
  const discovery = await find(
    { GROQ_API_KEY: ' gsk ', ANTHROPIC_API_KEY: 'ant', OPENAI_API_KEY: '  ' },
    { [OLLAMA]: { body: { models: [{ name: 'nomic-embed-text' }, { name: 'llama3.2' }] } } },
  );
  assert.deepEqual(discovery.accounts.groq, { provider: 'groq', keys: ['gsk'], headers: {}, models: [] });
  assert.deepEqual(chain(discovery), [
    'anthropic/claude-sonnet-5-5',
    'groq/openai/gpt-oss-120b',
    'ollama/llama3.2',
    'flowmesh/extractive',
  ]);
  assert.deepEqual(findings(discovery), [
    '+ anthropic: key from ANTHROPIC_API_KEY',
    '+ groq: key from GROQ_API_KEY',
    '+ ollama: port 11434, llama3.2',
    BUILTIN,
  ]);
  assert.deepEqual(
    discovery.findings.map(({ modelCount }) => modelCount),
    [undefined, undefined, 2, 1],
  );
});

test('no finding shows a key', async () => {
  const discovery = await find({ OPENAI_API_KEY: 'sk-secret', AZURE_OPENAI_API_KEY: 'az-secret' });
  assert.doesNotMatch(JSON.stringify(discovery.findings), /secret/);
});

test('the first variable of a provider wins', async () => {
  const { accounts } = await find({ GOOGLE_API_KEY: 'second', GEMINI_API_KEY: 'first' });
  assert.deepEqual(accounts.gemini?.keys, ['first']);
});

test('a provider without a default model has an account but no place in the chain', async () => {
  const discovery = await find({ HF_TOKEN: 'hf' });
  assert.deepEqual(Object.keys(discovery.accounts), ['huggingface', 'flowmesh']);
  assert.deepEqual(chain(discovery), ['flowmesh/extractive']);
  assert.match(findings(discovery)[0] ?? '', /ask for huggingface\/<model>/);
});

test('OpenAI takes its organisation, project and another address from the environment', async () => {
  const { accounts } = await find({
    OPENAI_API_KEY: 'k',
    OPENAI_ORG_ID: 'org',
    OPENAI_PROJECT_ID: 'proj',
    OPENAI_BASE_URL: 'https://eu.api.openai.com/v1',
  });
  assert.deepEqual(accounts.openai, {
    provider: 'openai',
    keys: ['k'],
    headers: {},
    models: [],
    url: 'https://eu.api.openai.com/v1',
    organization: 'org',
    project: 'proj',
  });
});

test('a base URL on this machine is meant for clients of flowmesh and ignored', async () => {
  const discovery = await find({ OPENAI_API_KEY: 'k', OPENAI_BASE_URL: 'http://localhost:2402/v1' });
  assert.equal(discovery.accounts.openai?.url, undefined);
  assert.match(findings(discovery)[0] ?? '', /OPENAI_BASE_URL points at this machine and is ignored/);
});

test('a broken address costs its own account only', async () => {
  const discovery = await find({ OPENAI_API_KEY: 'k', OPENAI_BASE_URL: 'nonsense', GROQ_API_KEY: 'g' });
  assert.deepEqual(Object.keys(discovery.accounts), ['groq', 'flowmesh']);
  assert.match(findings(discovery)[0] ?? '', /^- openai: .*must begin with http/);
});

test('Azure needs its endpoint, and joins the chain with its deployment', async () => {
  const half = await find({ AZURE_OPENAI_API_KEY: 'k' });
  assert.deepEqual(findings(half), ['- azure: AZURE_OPENAI_API_KEY is set, but AZURE_OPENAI_ENDPOINT is not', BUILTIN]);
  const whole = await find({
    AZURE_OPENAI_API_KEY: 'k',
    AZURE_OPENAI_ENDPOINT: 'https://r.openai.azure.com/',
    AZURE_OPENAI_DEPLOYMENT_NAME: 'prod',
    OPENAI_API_VERSION: '2024-10-21',
  });
  assert.deepEqual(whole.accounts.azure, {
    provider: 'azure',
    keys: ['k'],
    headers: {},
    models: ['prod'],
    url: 'https://r.openai.azure.com/',
    apiVersion: '2024-10-21',
  });
  assert.deepEqual(chain(whole), ['azure/prod', 'flowmesh/extractive']);
});

test('local servers of the OpenAI kind are found by their lists', async () => {
  const discovery = await find(
    {},
    {
      [LLAMACPP]: { body: { object: 'list', data: [{ id: 'gguf', object: 'model', owned_by: 'llamacpp' }] } },
      [LMSTUDIO]: {
        body: {
          data: [
            { id: 'text-embedding-nomic', owned_by: 'organization_owner' },
            { id: 'qwen', owned_by: 'organization_owner' },
          ],
        },
      },
      [VLLM]: { body: { data: [{ id: 'Qwen/Qwen3', owned_by: 'vllm' }] } },
    },
  );
  assert.deepEqual(chain(discovery), ['llamacpp/gguf', 'lmstudio/qwen', 'vllm/Qwen/Qwen3', 'flowmesh/extractive']);
  assert.equal(discovery.accounts.llamacpp?.url, 'http://127.0.0.1:8080/v1');
});

test('whatever else listens on a usual port is named and left alone', async () => {
  const discovery = await find(
    {},
    {
      [OLLAMA]: { body: { models: [] } },
      [LLAMACPP]: { body: '<html>Jenkins</html>' },
      [LMSTUDIO]: { status: 401, body: { error: { message: 'key' } } },
      [VLLM]: { body: { data: [{ id: '7' }] } },
    },
  );
  assert.deepEqual(findings(discovery), [
    '- ollama: port 11434: it runs, but has no chat model loaded',
    '- llamacpp: port 8080: it answers, but not with a list of models',
    "- lmstudio: port 1234: it wants a key; add it as an account with 'key' to the configuration",
    '- vllm: port 8000: it answers, but not with an OpenAI-compatible list of models',
    BUILTIN,
  ]);
  assert.deepEqual(Object.keys(discovery.accounts), ['flowmesh']);
});

test('all ports are asked at once, and a silent one is given up in time', async () => {
  const http = new ScriptedHttpClient({ [OLLAMA]: 'hang', [LLAMACPP]: 'hang', [LMSTUDIO]: 'hang', [VLLM]: 'hang' });
  const clock = new ManualClock();
  const discovering = discover({}, http, clock);
  await setImmediate();
  assert.deepEqual(http.urls, [OLLAMA, LLAMACPP, LMSTUDIO, VLLM]);
  clock.advance(PROBE_TIMEOUT_MS);
  const discovery = await discovering;
  assert.equal(discovery.findings[0]?.detail, `port 11434: no answer within ${PROBE_TIMEOUT_MS} ms`);
  assert.ok(PROBE_TIMEOUT_MS <= 300);
  assert.deepEqual(
    http.requests.map(({ signal }) => signal?.aborted),
    [true, true, true, true],
  );
  assert.equal(clock.timerCount, 0);
});

test('FLOWMESH_NO_PROBE keeps the ports alone', async () => {
  const http = new ScriptedHttpClient({ [OLLAMA]: { body: { models: [{ name: 'llama3.2' }] } } });
  const discovery = await discover({ FLOWMESH_NO_PROBE: '1' }, http, new ManualClock());
  assert.deepEqual(http.urls, []);
  assert.deepEqual(chain(discovery), ['flowmesh/extractive']);
});

test('OLLAMA_HOST is read as Ollama reads it', () => {
  const cases: Record<string, string> = {
    '192.168.1.5': 'http://192.168.1.5:11434',
    '192.168.1.5:9000': 'http://192.168.1.5:9000',
    ':9000': 'http://127.0.0.1:9000',
    '0.0.0.0': 'http://127.0.0.1:11434',
    '0.0.0.0:9000': 'http://127.0.0.1:9000',
    '[::]:9000': 'http://[::1]:9000',
    'nas.local:80': 'http://nas.local',
    'http://nas.local': 'http://nas.local',
    'https://ollama.example.com/base/': 'https://ollama.example.com/base',
  };
  for (const [host, url] of Object.entries(cases)) assert.equal(ollamaUrl(host), url, host);
});

test('an announced Ollama that is not there is reported', async () => {
  const discovery = await find({ OLLAMA_HOST: 'nas.local' });
  assert.deepEqual(findings(discovery), ['- ollama: nas.local:11434: ECONNREFUSED', BUILTIN]);
  const wrong = await find({ OLLAMA_HOST: 'ftp://nas' });
  assert.match(findings(wrong)[0] ?? '', /^- ollama: .*OLLAMA_HOST must begin with http/);
});

test('a real server is found through real sockets', async (t) => {
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(request.url === '/api/tags' ? { models: [{ name: 'tiny:1b' }] } : {}));
  });
  const port = await listening(server);
  const http = new UndiciHttpClient();
  t.after(async () => {
    await http.close();
    server.close();
    server.closeAllConnections();
  });
  const discovery = await discover({ OLLAMA_HOST: `127.0.0.1:${port}` }, http, systemClock);
  assert.deepEqual(discovery.accounts.ollama, {
    provider: 'ollama',
    url: `http://127.0.0.1:${port}`,
    keys: [],
    headers: {},
    models: [],
  });
  assert.equal(chain(discovery)[0], 'ollama/tiny:1b');
});

function listening(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}
