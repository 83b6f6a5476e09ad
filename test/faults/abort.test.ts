// A client that leaves stops everything that runs for it, in whatever phase: tokens that nobody reads are money.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI } from '@google/genai';
import { Ollama } from 'ollama';
import OpenAI from 'openai';
import { accountFor, type RouteName, routeNamed } from '../conformance/gateway.ts';
import { CLIENT_KINDS, type ClientKind, modelFor } from '../support/cases.ts';
import { type Fault, startUpstream, type Upstream } from '../support/upstreams/server.ts';
import { CLIENT_KEY, type Gateway, startGateway } from './gateway.ts';

const QUESTION = 'Do the thing that you must not do.';
/** Long enough that whatever ends sooner was ended by the client. */
const PATIENCE_MS = 600_000;

interface AskedStream {
  readonly url: string;
  readonly model: string;
  readonly requestId: string;
  readonly signal?: AbortSignal;
}

/** A stream as the users of each SDK open it. */
const OPEN: Readonly<Record<ClientKind, (asked: AskedStream) => Promise<AsyncIterable<unknown>>>> = {
  'openai-chat': ({ url, model, requestId, signal }) =>
    openai(url, requestId).chat.completions.create(
      { model, messages: [{ role: 'user', content: QUESTION }], stream: true },
      { ...(signal && { signal }) },
    ),
  'openai-responses': ({ url, model, requestId, signal }) =>
    openai(url, requestId).responses.create({ model, input: QUESTION, stream: true }, { ...(signal && { signal }) }),
  anthropic: ({ url, model, requestId, signal }) =>
    new Anthropic({
      baseURL: url,
      apiKey: CLIENT_KEY,
      maxRetries: 0,
      defaultHeaders: { 'x-request-id': requestId },
    }).messages.create(
      { model, max_tokens: 100, messages: [{ role: 'user', content: QUESTION }], stream: true },
      { ...(signal && { signal }) },
    ),
  gemini: ({ url, model, requestId, signal }) =>
    new GoogleGenAI({
      apiKey: CLIENT_KEY,
      httpOptions: { baseUrl: url, headers: { 'x-request-id': requestId } },
    }).models.generateContentStream({ model, contents: QUESTION, config: { ...(signal && { abortSignal: signal }) } }),
  ollama: async ({ url, model, requestId, signal }) => {
    const client = new Ollama({
      host: url,
      headers: { Authorization: `Bearer ${CLIENT_KEY}`, 'x-request-id': requestId },
    });
    signal?.addEventListener('abort', () => client.abort());
    return client.chat({ model, messages: [{ role: 'user', content: QUESTION }], stream: true });
  },
};

function openai(url: string, requestId: string): OpenAI {
  const defaultHeaders = { 'x-request-id': requestId };
  return new OpenAI({ baseURL: `${url}/v1`, apiKey: CLIENT_KEY, maxRetries: 0, defaultHeaders });
}

const MESSAGES = [{ role: 'user', content: QUESTION }];

const RAW_REQUESTS: Readonly<Record<string, object>> = {
  '/v1/chat/completions': { model: 'chain', messages: MESSAGES, stream: true },
  '/v1/completions': { model: 'chain', prompt: QUESTION, stream: true },
  '/v1/responses': { model: 'chain', input: QUESTION, stream: true },
  '/v1/messages': { model: 'chain', max_tokens: 100, messages: MESSAGES, stream: true },
  '/v1beta/models/chain:streamGenerateContent': { contents: [{ role: 'user', parts: [{ text: QUESTION }] }] },
  '/api/chat': { model: 'chain', messages: MESSAGES },
};

const WAITS: readonly (readonly [string, Fault])[] = [
  ['before the upstream’s headers', { type: 'hang-before-headers' }],
  ['before the first content', { type: 'hang-mid-stream', after: 0 }],
];

const UPSTREAMS: readonly RouteName[] = ['openai', 'anthropic', 'ollama'];

for (const name of UPSTREAMS) {
  describe(`a client of ${name} leaves`, () => {
    const route = routeNamed(name);
    let upstream: Upstream;
    let gateway: Gateway;
    let requestCount = 0;
    before(async () => {
      upstream = await startUpstream(route.kind);
      gateway = await startGateway({ config: configFor({ target: accountFor(route, upstream) }, route.kind) });
    });
    after(async () => {
      await gateway.stop();
      await upstream.close();
    });

    const nextRequest = (fault: Fault): { readonly requestId: string; readonly aborted: Promise<void> } => {
      requestCount += 1;
      upstream.respondWith({ scenario: 'refusal', fault });
      upstream.requests.length = 0;
      upstream.abortedCount = 0;
      return { requestId: `${name}-${requestCount}`, aborted: upstream.untilAborted() };
    };
    const checkStopped = async (requestId: string, aborted: Promise<void>): Promise<void> => {
      await aborted;
      assert.equal((await gateway.lineOf(requestId)).error, 'client_closed');
      await gateway.untilIdle();
      assert.equal(upstream.openStreams, 0);
      assert.equal(upstream.requests.length, 1, 'nothing is tried for someone who has left');
      assert.deepEqual(gateway.defects, []);
    };

    for (const client of CLIENT_KINDS) {
      for (const [phase, fault] of WAITS) {
        // Its `abort` reaches only streams that have begun.
        if (client === 'ollama') continue;
        for (const isStream of [true, false]) {
          it(`${client}: ${phase}, ${isStream ? 'streamed' : 'whole'}`, async () => {
            const { requestId, aborted } = nextRequest(fault);
            const controller = new AbortController();
            const asked = gateway.tryAsk(client, {
              model: 'chain',
              scenario: 'refusal',
              isStream,
              signal: controller.signal,
              requestId,
            });
            await upstream.untilRequests(1);
            controller.abort();
            assert.ok((await asked).error);
            await checkStopped(requestId, aborted);
          });
        }
      }

      it(`${client}: in the middle of the answer`, async () => {
        const { requestId, aborted } = nextRequest({ type: 'hang-mid-stream', after: 2 });
        const controller = new AbortController();
        const { signal } = controller;
        const stream = await OPEN[client]({ url: gateway.url, model: 'chain', requestId, signal });
        const iterator = stream[Symbol.asyncIterator]();
        await iterator.next();
        controller.abort();
        await drained(iterator);
        await checkStopped(requestId, aborted);
        assert.ok(Number((await gateway.lineOf(requestId)).outputTokens) > 0, 'the tokens so far are counted');
      });
    }

    // Google's and Ollama's SDKs do not close the connection when their users break out of the loop.
    for (const client of ['openai-chat', 'openai-responses', 'anthropic'] as const) {
      it(`${client}: by breaking out of its loop`, async () => {
        const { requestId, aborted } = nextRequest({ type: 'hang-mid-stream', after: 2 });
        for await (const _event of await OPEN[client]({ url: gateway.url, model: 'chain', requestId })) break;
        await checkStopped(requestId, aborted);
      });
    }

    for (const [path, body] of Object.entries(RAW_REQUESTS)) {
      for (const [phase, fault] of WAITS) {
        it(`${path}: by a closed socket ${phase}`, async () => {
          const { requestId, aborted } = nextRequest(fault);
          const socket = await sendRaw(gateway.url, path, body, requestId);
          await upstream.untilRequests(1);
          socket.end();
          await checkStopped(requestId, aborted);
          socket.destroy();
        });
      }

      it(`${path}: by a reset socket in the middle of the answer`, async () => {
        const { requestId, aborted } = nextRequest({ type: 'hang-mid-stream', after: 2 });
        const socket = await sendRaw(gateway.url, path, body, requestId);
        await untilText(socket, /200 OK[\s\S]*\r\n\r\n[\s\S]*I’m/);
        socket.resetAndDestroy();
        await checkStopped(requestId, aborted);
      });
    }
  });
}

describe('a client leaves while nothing is open yet', () => {
  it('nobody waits for the connection that is being made', async () => {
    const sockets: Socket[] = [];
    // Takes the connection and never answers the TLS handshake.
    const silent = createServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => undefined);
      socket.resume();
    }).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const url = `https://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const account = { provider: 'openai', url, key: 'unused', models: ['listed'] };
    await using gateway = await startGateway({ config: configFor({ target: account }, 'openai') });
    const controller = new AbortController();
    const connected = once(silent, 'connection');
    const asked = gateway.tryAsk('openai-chat', { model: 'chain', isStream: true, signal: controller.signal });
    await connected;
    controller.abort();
    assert.equal((await asked).line.error, 'client_closed');
    await gateway.untilIdle();
    for (const socket of sockets) socket.destroy();
    silent.close();
  });

  it('the wait before the next try is given up', async () => {
    const upstream = await startUpstream('openai');
    upstream.respondWith({ fault: { type: 'status', status: 500 } });
    const account = accountFor(routeNamed('openai'), upstream);
    const retries = { max: 5, backoffMs: PATIENCE_MS, backoffMaxMs: PATIENCE_MS };
    await using gateway = await startGateway({ config: { ...configFor({ target: account }, 'openai'), retries } });
    const controller = new AbortController();
    const asked = gateway.tryAsk('openai-chat', { model: 'chain', isStream: true, signal: controller.signal });
    await upstream.untilRequests(1);
    while (upstream.openStreams > 0) await new Promise((resolve) => setImmediate(resolve));
    controller.abort();
    assert.equal((await asked).line.error, 'client_closed');
    await gateway.untilIdle();
    assert.equal(upstream.requests.length, 1);
    await upstream.close();
  });
});

describe('after all clients have left', () => {
  it('no socket and no timer stays behind', async () => {
    const before = resources();
    const upstream = await startUpstream('openai');
    const account = accountFor(routeNamed('openai'), upstream);
    const gateway = await startGateway({ config: configFor({ target: account }, 'openai') });
    upstream.respondWith({ scenario: 'refusal', fault: { type: 'hang-mid-stream', after: 1 } });
    const controllers = Array.from({ length: 40 }, () => new AbortController());
    const aborted = upstream.untilAborted(controllers.length);
    const asked = controllers.map(({ signal }, index) =>
      gateway.tryAsk(CLIENT_KINDS[index % CLIENT_KINDS.length] as ClientKind, {
        model: 'chain',
        scenario: 'refusal',
        isStream: true,
        signal,
      }),
    );
    await upstream.untilRequests(controllers.length);
    for (const controller of controllers) controller.abort();
    const outcomes = await Promise.all(asked);
    assert.deepEqual(new Set(outcomes.map(({ line }) => line.error)), new Set(['client_closed']));
    await aborted;
    await gateway.untilIdle();
    await gateway.stop();
    await upstream.close();
    // Closing a socket takes the loop a few turns.
    while (resources() > before) await new Promise((resolve) => setTimeout(resolve, 10));
  });
});

function configFor(accounts: Readonly<Record<string, object>>, kind: Upstream['kind']): Record<string, unknown> {
  return {
    accounts,
    chains: { chain: Object.keys(accounts).map((account) => ({ account, model: modelFor(kind, 'refusal') })) },
    timeouts: { connectMs: PATIENCE_MS, ttftMs: PATIENCE_MS, idleMs: PATIENCE_MS, totalMs: PATIENCE_MS },
  };
}

async function drained(iterator: AsyncIterator<unknown>): Promise<void> {
  try {
    while (!(await iterator.next()).done);
  } catch {
    // Some SDKs throw for their user's own abort, others end.
  }
}

async function sendRaw(url: string, path: string, body: object, requestId: string): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  await once(socket, 'connect');
  const text = JSON.stringify(body);
  const head = [
    `POST ${path} HTTP/1.1`,
    'host: localhost',
    `authorization: Bearer ${CLIENT_KEY}`,
    `x-request-id: ${requestId}`,
    `content-length: ${Buffer.byteLength(text)}`,
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n${text}`);
  return socket;
}

async function untilText(socket: Socket, pattern: RegExp): Promise<void> {
  let text = '';
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    text += chunk;
    if (pattern.test(text)) return;
  }
  throw new Error(`The connection ended before ${pattern}: ${text}`);
}

/** What keeps a process alive. */
function resources(): number {
  return process.getActiveResourcesInfo().filter((name) => /TCP|Timeout/.test(name)).length;
}
