// Keys are told to the one server that they are for, and to nobody else: not to clients, not to logs, not to metrics,
// not to files, not to other upstreams. Every key here is recognisable, and every place is searched for it.

import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { inspect } from 'node:util';
import { ROUTES } from '../conformance/gateway.ts';
import { modelFor } from '../support/cases.ts';
import { startNode, type TestNode } from '../support/node.ts';
import { LENGTH_LIMIT, LONG_QUESTION } from '../support/prompts.ts';
import { type RawUpstream, startRawUpstream } from '../support/raw-upstream.ts';
import { startUpstream, type Upstream } from '../support/upstreams/server.ts';
import { FAULT_CASES } from './fault-cases.ts';
import { ENDPOINTS } from './wire-shapes.ts';

const CANARY = 'canary';
const PROVIDER_KEYS = ['sk-canary-provider-0001', 'sk-canary-provider-0002'];
const CLIENT_KEY = 'sk-canary-client-0003';
/** What clients send besides, meant for us or for nobody. */
const CLIENT_HEADERS = {
  authorization: `Bearer ${CLIENT_KEY}`,
  'x-api-key': 'canary-byo-0004',
  'x-goog-api-key': 'canary-byo-0005',
  'api-key': 'canary-byo-0006',
  cookie: 'session=canary-cookie-0007',
  'proxy-authorization': 'Basic canary-proxy-0008',
  // Of a provider that no account here has: it goes nowhere. Where one has, test/http/tenancy.test.ts looks.
  'x-provider-key': 'groq=canary-byo-0009',
  'openai-organization': 'org-canary-0010',
  'x-forwarded-for': '203.0.113.7',
};
const TALKATIVE_STATUSES = [400, 401, 402, 403, 404, 413, 422, 429, 500, 502, 503, 529];

/** Everything that anybody saw: where it was seen, and what. */
const seen: (readonly [string, string])[] = [];

let node: TestNode;
let talkative: RawUpstream;
const upstreams: Upstream[] = [];

before(async () => {
  const accounts: Record<string, object> = {};
  for (const route of ROUTES) {
    const upstream = await startUpstream(route.kind, {
      keys: PROVIDER_KEYS,
      models: [modelFor(route.kind, 'length')],
    });
    upstreams.push(upstream);
    accounts[route.name] = {
      provider: route.provider,
      url: upstream.url,
      keys: PROVIDER_KEYS,
      ...('apiVersion' in route && { apiVersion: route.apiVersion }),
    };
  }
  // Says back every header that it got, in whatever way it fails.
  talkative = await startRawUpstream((response, { message, body }) => {
    const told = JSON.stringify(message.headers);
    const status = Number(/way-(\d+)/.exec(`${message.url} ${body}`)?.[1]);
    const sentence = `You sent ${told}`;
    if (status === 0) response.writeHead(500, { 'content-type': 'text/html' }).end(`<h1>Oops</h1><pre>${told}</pre>`);
    else if (status === 1) response.writeHead(200, { 'content-type': 'text/event-stream' }).end(`data: ${told}\n\n`);
    else if (status === 2) {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: 'Hello' } }] })}\n\n`);
      response.end(`data: ${JSON.stringify({ error: { message: sentence, type: 'server_error', code: null } })}\n\n`);
    } else if (status === 3) {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: 'Hello' } }] })}\n\n`);
      response.end(`data: ${sentence}\n\n`);
    } else if (status === 4) response.writeHead(200, { 'content-type': 'application/json' }).end(`{${sentence}`);
    else {
      response
        .writeHead(status, { 'content-type': 'application/json', 'x-echo': told, 'retry-after': '1' })
        .end(
          JSON.stringify({ error: { message: sentence, type: 'x', code: 'y', status: 'Z', sent: message.headers } }),
        );
    }
  });
  for (const dialect of ['openai-chat', 'openai-responses', 'anthropic', 'gemini', 'ollama'] as const) {
    const provider = dialect === 'openai-responses' ? dialect : dialect === 'openai-chat' ? 'openai' : dialect;
    accounts[`talkative-${dialect}`] = { provider, url: talkative.url, keys: PROVIDER_KEYS };
  }
  node = await startNode({
    accounts,
    server: { apiKeys: [CLIENT_KEY] },
    retries: { max: 1, backoffMs: 1, backoffMaxMs: 1 },
    timeouts: { ttftMs: 100, idleMs: 100, totalMs: 5_000 },
    // A failing target is asked again at once.
    cooldown: { failures: 1_000_000, baseMs: 1, maxMs: 1 },
  });
});

after(async () => {
  await node.stop();
  await talkative.close();
  for (const upstream of upstreams) await upstream.close();
});

async function look(where: string, path: string, init: RequestInit = {}): Promise<number> {
  const response = await fetch(node.url + path, { ...init, headers: { ...CLIENT_HEADERS, ...init.headers } });
  seen.push([`${where}: headers`, JSON.stringify([...response.headers])]);
  seen.push([`${where}: body`, await response.text().catch(String)]);
  return response.status;
}

/** What the scenario `length` asks, in the format of each kind of client. */
function question(path: string, model: string, stream: boolean): [string, object] {
  const messages = [{ role: 'user', content: LONG_QUESTION }];
  switch (path) {
    case '/v1/responses':
      return [path, { model, input: LONG_QUESTION, max_output_tokens: LENGTH_LIMIT, stream, store: true }];
    case '/v1/messages':
      return [path, { model, messages, max_tokens: LENGTH_LIMIT, stream }];
    case '/v1beta':
      return [
        `/v1beta/models/${encodeURIComponent(model)}:${stream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`,
        {
          contents: [{ role: 'user', parts: [{ text: LONG_QUESTION }] }],
          generationConfig: { maxOutputTokens: LENGTH_LIMIT },
        },
      ];
    case '/api/chat':
      return [path, { model, messages, options: { num_predict: LENGTH_LIMIT }, stream }];
    default:
      return [path, { model, messages, max_completion_tokens: LENGTH_LIMIT, stream }];
  }
}

const PATHS = ['/v1/chat/completions', '/v1/responses', '/v1/messages', '/v1beta', '/api/chat'];

async function ask(path: string, model: string, isStream: boolean): Promise<void> {
  const [url, body] = question(path, model, isStream);
  await look(`${url} ${model}`, url, { method: 'POST', body: JSON.stringify(body) });
}

describe('keys', () => {
  it('are kept while upstreams fail in every way', async () => {
    await Promise.all(
      ROUTES.map(async (route, at) => {
        const upstream = upstreams[at] as Upstream;
        const model = `${route.name}/${modelFor(route.kind, 'length')}`;
        const faults = FAULT_CASES.flatMap(({ fault, isHeavy }) => (fault === 'refused' || isHeavy ? [] : [fault]));
        for (const [turn, fault] of faults.entries()) {
          upstream.respondWith({ scenario: 'length', fault });
          await ask(PATHS[turn % PATHS.length] as string, model, turn % 2 === 0);
          await ask(PATHS[(turn + 1) % PATHS.length] as string, model, turn % 2 === 1);
        }
        upstream.respondWith('length');
        for (const path of PATHS) await ask(path, model, false);
      }),
    );
  });

  it('are kept while upstreams say back what they were sent', async () => {
    for (const way of [0, 1, 2, 3, 4, ...TALKATIVE_STATUSES]) {
      for (const dialect of ['openai-chat', 'openai-responses', 'anthropic', 'gemini', 'ollama']) {
        const model = `talkative-${dialect}/way-${way}`;
        await Promise.all(PATHS.flatMap((path) => [ask(path, model, true), ask(path, model, false)]));
      }
      const isAnswer = way >= 1 && way <= 4;
      // What an endpoint that is passed through answers with 200 is its answer, whatever stands in it.
      const passedThrough = isAnswer ? [] : ['/v1/audio/speech', '/v1/moderations'];
      for (const path of ['/v1/embeddings', '/v1/messages/count_tokens', ...passedThrough]) {
        const model = `talkative-${path.includes('messages') ? 'anthropic' : 'openai-chat'}/way-${way}`;
        const body = { model, input: 'x', voice: 'x', messages: [{ role: 'user', content: 'x' }] };
        await look(path, path, { method: 'POST', body: JSON.stringify(body) });
      }
    }
    assert.ok(talkative.requests.length > 500, `only ${talkative.requests.length} requests`);
  });

  it('are kept when the request itself is wrong', async () => {
    for (const endpoint of ENDPOINTS) {
      await look(endpoint.name, `${endpoint.path('nobody')}?key=${CLIENT_KEY}`, { method: 'POST', body: '{' });
      await look(endpoint.name, endpoint.path('nobody'), {
        method: 'POST',
        body: JSON.stringify(endpoint.body('nobody')),
      });
      await look(endpoint.name, endpoint.path('nobody'), { method: 'DELETE' });
    }
    await look('unknown path', `/nothing?key=${CLIENT_KEY}`);
    await look('undecodable path', `/v1/models/%E0%A4%A?key=${CLIENT_KEY}`);
    assert.equal(
      await look('a wrong key', '/v1/models', {
        headers: { authorization: 'Bearer canary-wrong-0011', 'x-api-key': '', 'x-goog-api-key': '', 'api-key': '' },
      }),
      401,
    );
  });

  it('are kept by what operators look at', async () => {
    for (const path of ['/metrics', '/v1/models', '/v1beta/models', '/api/tags', '/', '/healthz', '/readyz']) {
      assert.equal(await look(path, path), 200, path);
    }
  });

  it('were seen by nobody whom they are not for', async () => {
    const leaks = seen.filter(([, text]) => text.includes(CANARY));
    assert.deepEqual([...new Set(leaks.map(([where, text]) => `${where}: ${around(text)}`))].slice(0, 10), []);
    assert.ok(seen.length > 1_000, `only ${seen.length} texts were searched`);
  });

  it('are in no line of the log', () => {
    const lines = node.log.lines.map((line) => inspect(line, { depth: null, breakLength: Number.POSITIVE_INFINITY }));
    assert.ok(lines.length > 500, `only ${lines.length} lines`);
    assert.deepEqual(
      lines
        .filter((line) => line.includes(CANARY))
        .map(around)
        .slice(0, 10),
      [],
    );
    assert.deepEqual(
      node.log.lines.filter((line) => line.level === 'error'),
      [],
    );
  });

  it('are in no file, although conversations are', async () => {
    const files = await readdir(node.dataDirectory);
    const contents = await Promise.all(files.map((file) => readFile(join(node.dataDirectory, file), 'latin1')));
    assert.ok(
      contents.some((content) => content.includes(LONG_QUESTION.slice(0, 20))),
      `${files} have no conversation`,
    );
    assert.deepEqual(contents.filter((content) => content.includes(CANARY)).map(around), []);
  });

  it('of clients are sent to no upstream, and those of accounts in no place but their header', () => {
    const requests = [
      ...upstreams.flatMap((upstream) =>
        upstream.requests.map(({ headers, bytes, path, query }) => ({
          headers,
          rest: `${path} ${JSON.stringify(query)} ${bytes}`,
        })),
      ),
      ...talkative.requests.map(({ message, body }) => ({ headers: message.headers, rest: `${message.url} ${body}` })),
    ];
    assert.ok(requests.length > 1_000);
    for (const { headers, rest } of requests) {
      assert.doesNotMatch(rest, /canary/);
      const { authorization, 'x-api-key': anthropic, 'x-goog-api-key': google, 'api-key': azure, ...others } = headers;
      assert.doesNotMatch(JSON.stringify(others), /canary|203\.0\.113\.7/);
      const keys = [authorization, anthropic, google, azure].filter((value) => value !== undefined);
      assert.equal(keys.length, 1, `keys in ${keys.length} headers`);
      assert.match(String(keys[0]), /^(Bearer )?sk-canary-provider-000[12]$/);
    }
  });
});

function around(text: string): string {
  const at = text.indexOf(CANARY);
  return text.slice(Math.max(0, at - 120), at + 60);
}
