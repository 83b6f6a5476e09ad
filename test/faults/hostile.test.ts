// Requests that no honest client sends. Whatever comes, the answer is a well-formed one: the client's own fault in its
// own dialect's words, or a valid answer; never a 500, never a crash, never a call that leads elsewhere.
//
// Random bodies come from fast-check; `npm run fuzz` draws new ones and names the seed of those that fail.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { Admission } from '../../src/gateway/admission.ts';
import { createServer } from '../../src/http/server.ts';
import { silentLogger } from '../../src/system/pino-logger.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { systemRandom } from '../../src/system/system-random.ts';
import { Metrics } from '../../src/telemetry/metrics.ts';
import { configWith, startNode, type TestNode } from '../support/node.ts';
import { fc, SEED } from '../support/property.ts';
import { type RawUpstream, startRawUpstream } from '../support/raw-upstream.ts';
import { openKeyRing } from '../support/tenancy.ts';
import { answerAnything, ENDPOINTS, type Endpoint } from './wire-shapes.ts';

const RANDOM_RUNS = 60;
const MESSAGES_MAX = 20_000;
const CONFIG = configWith();

/** One account for every dialect that upstreams speak. */
const ACCOUNTS = {
  chat: { provider: 'openai' },
  responses: { provider: 'openai-responses' },
  azure: { provider: 'azure', apiVersion: '2024-10-21' },
  mistral: { provider: 'mistral' },
  anthropic: { provider: 'anthropic' },
  gemini: { provider: 'gemini' },
  ollama: { provider: 'ollama' },
} as const;
const MODELS = Object.keys(ACCOUNTS).map((account) => `${account}/model`);

/** All that a provider has an address for. Nothing a client writes may lead to another. */
const ADDRESSES: readonly RegExp[] = [
  /^\/v1\/(chat\/completions|completions|responses|messages|messages\/count_tokens|embeddings)$/,
  /^\/openai\/(deployments\/[^/?#]+\/(chat\/completions|completions|embeddings)|responses)\?api-version=2024-10-21$/,
  /^\/v1beta\/models\/[^/?#]+:(generateContent|countTokens|batchEmbedContents|streamGenerateContent\?alt=sse)$/,
  /^\/api\/(chat|embed)$/,
];

let upstream: RawUpstream;
let node: TestNode;
const agent = new Agent({ keepAlive: true, maxSockets: 16 });

before(async () => {
  upstream = await startRawUpstream((response, received, index) => {
    upstream.requests.splice(0, Math.max(0, upstream.requests.length - 50));
    if (!ADDRESSES.some((address) => address.test(received.message.url ?? '')))
      strayed.push(received.message.url ?? '');
    if (received.message.headers['x-injected'] !== undefined) strayed.push('x-injected');
    return answerAnything(response, received, index);
  });
  const accounts = Object.fromEntries(
    Object.entries(ACCOUNTS).map(([name, account]) => [name, { ...account, url: upstream.url, keys: ['key'] }]),
  );
  node = await startNode({ accounts, chains: { main: MODELS }, defaultChain: 'main' });
});

after(async () => {
  agent.destroy();
  await node.stop();
  await upstream.close();
});

/** Addresses that the upstream was called at and has not. */
const strayed: string[] = [];

interface Received {
  readonly status: number;
  readonly text: string;
}

async function send(path: string, body: string | Buffer, headers: Record<string, string> = {}): Promise<Received> {
  const outgoing = request(node.url + path, {
    method: 'POST',
    agent,
    headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...headers },
  });
  outgoing.end(body);
  const [message] = (await once(outgoing, 'response')) as [IncomingMessage];
  let text = '';
  message.setEncoding('utf8');
  for await (const chunk of message) text += chunk;
  return { status: message.statusCode ?? 0, text };
}

/** Says what is wrong with an answer. */
function flawOf(endpoint: Endpoint, { status, text }: Received): string | undefined {
  if (status >= 500 || status < 200) return `status ${status}: ${text.slice(0, 300)}`;
  if (status === 200) return text === '' ? 'empty answer' : undefined;
  const body = parsed(text);
  const flaw = body === undefined ? 'no JSON' : endpoint.flaw(body, status);
  return flaw && `${flaw} in ${status}: ${text.slice(0, 300)}`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function check(endpoint: Endpoint, model: string, body: string | Buffer): Promise<void> {
  const flaw = flawOf(endpoint, await send(endpoint.path(encodeURI(model)), body));
  assert.equal(flaw, undefined, `${endpoint.name} to ${model}: ${body.toString().slice(0, 600)}`);
}

/** Wrong, odd or huge in a place that expects something else. */
const WRONG_VALUES: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1e308,
  Number.MAX_SAFE_INTEGER + 1,
  0.1,
  '',
  'x',
  '\ud800',
  '\u0000\r\n',
  [],
  [null],
  [[]],
  {},
  { type: 'x' },
  { __proto__: null, constructor: 1, toString: 2 },
  'x'.repeat(20_000),
];

interface Place {
  readonly parent: any;
  readonly key: string | number;
}

function* placesOf(value: unknown): Generator<Place> {
  if (typeof value !== 'object' || value === null) return;
  for (const key of Array.isArray(value) ? value.keys() : Object.keys(value)) {
    yield { parent: value, key };
    yield* placesOf((value as any)[key]);
  }
}

describe(`bodies that are not what they should be (seed ${SEED})`, () => {
  for (const endpoint of ENDPOINTS) {
    it(`${endpoint.name}: the model request is answered by every upstream or refused with a reason`, async () => {
      for (const model of MODELS) await check(endpoint, model, JSON.stringify(endpoint.body(model)));
    });

    it(`${endpoint.name}: a wrong value in every place`, async () => {
      let turn = 0;
      const sent: Promise<void>[] = [];
      const sendOne = (model: string, text: string): void => {
        sent.push(check(endpoint, model, text));
      };
      const places = [...placesOf(endpoint.body('main'))].length;
      for (let at = 0; at < places; at += 1) {
        for (const wrong of WRONG_VALUES) {
          const model = MODELS[turn % MODELS.length] as string;
          turn += 1;
          const body = endpoint.body(model);
          const place = [...placesOf(body)][at];
          if (!place) continue;
          place.parent[place.key] = wrong;
          sendOne(model, JSON.stringify(body));
          if (sent.length >= 16) await Promise.all(sent.splice(0));
        }
        const model = MODELS[turn % MODELS.length] as string;
        const body = endpoint.body(model);
        const place = [...placesOf(body)][at];
        if (place && !Array.isArray(place.parent)) delete place.parent[place.key];
        sendOne(model, JSON.stringify(body));
      }
      await Promise.all(sent);
    });

    it(`${endpoint.name}: random JSON in a random place`, async () => {
      const places = [...placesOf(endpoint.body('main'))].length;
      const change = fc.record({
        at: fc.nat(places - 1),
        value: fc.jsonValue({ depthSize: 'small', stringUnit: 'binary' }),
        model: fc.constantFrom(...MODELS),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
          const model = changes[0]?.model ?? 'main';
          const body = endpoint.body(model);
          for (const { at, value } of changes) {
            const place = [...placesOf(body)][at];
            if (place) place.parent[place.key] = value;
          }
          await check(endpoint, model, JSON.stringify(body));
        }),
        { numRuns: RANDOM_RUNS },
      );
    });

    it(`${endpoint.name}: random JSON, and random bytes`, async () => {
      const anything = fc.oneof(
        fc.json({ stringUnit: 'binary' }).map((text) => Buffer.from(text)),
        fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
        fc.string({ unit: 'binary' }).map((text) => Buffer.from(text)),
      );
      await fc.assert(
        fc.asyncProperty(anything, async (bytes) => check(endpoint, 'chat/model', bytes)),
        { numRuns: RANDOM_RUNS },
      );
    });

    it(`${endpoint.name}: known tricks`, async () => {
      for (const [at, text] of trickTexts(endpoint).entries()) {
        await check(endpoint, MODELS[at % MODELS.length] as string, text);
      }
    });
  }

  it('the node did not notice, and goes on', async () => {
    assert.deepEqual(
      node.log.lines.filter((line) => line.level === 'error'),
      [],
    );
    assert.deepEqual(strayed, []);
    for (const endpoint of ENDPOINTS) {
      const model = endpoint.name.startsWith('ollama') ? 'ollama/model' : 'chat/model';
      const { status, text } = await send(endpoint.path(model), JSON.stringify(plainBody(endpoint, model)));
      assert.equal(status, 200, `${endpoint.name}: ${text}`);
    }
  });
});

/** Only what every upstream can do. */
function plainBody(endpoint: Endpoint, model: string): object {
  const full = endpoint.body(model);
  const wanted = ['model', 'max_tokens', 'prompt', 'requests'];
  const kept = Object.fromEntries(Object.entries(full).filter(([key]) => wanted.includes(key)));
  if ('messages' in full) return { ...kept, messages: [{ role: 'user', content: 'x' }], stream: false };
  if ('contents' in full) return { contents: [{ role: 'user', parts: [{ text: 'x' }] }] };
  return 'input' in full ? { ...kept, input: 'x' } : kept;
}

/** Whole texts, because JSON.stringify cannot write most of them. */
function trickTexts(endpoint: Endpoint): string[] {
  const text = JSON.stringify(endpoint.body('main'));
  const open = text.slice(0, -1);
  const deep = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`;
  const deepSchema = `${'{"type":"object","properties":{"a":'.repeat(400)}{"type":"string"}${'}}'.repeat(400)}`;
  return [
    `\uFEFF${text}`,
    `${text}${text}`,
    text.replace('{', '{"__proto__":{"model":"x","stream":true},"constructor":{"prototype":{"a":1}},'),
    text.replaceAll('{', '{"__proto__":[],"hasOwnProperty":null,'),
    text.replaceAll(/:\d+(\.\d+)?/g, ':1e400'),
    text.replaceAll(/:\d+(\.\d+)?/g, ':-1e400'),
    text.replaceAll(/:\d+(\.\d+)?/g, ':123456789012345678901234567890'),
    text.replaceAll(/:"/g, ':"\\ud800\\u0000'),
    `${open},"model":"x","model":"main","messages":[],"messages":null,"stream":"yes"}`,
    `${open},"metadata":${deep(400)}}`,
    `${open},"metadata":${deep(4_000)}}`,
    `${open},"metadata":${deep(100_000)}}`,
    text.replaceAll(/"(parameters|input_schema|parametersJsonSchema|schema|responseSchema|format)":\{/g, (field) =>
      field.replace('{', `{"properties":{"deep":${deepSchema}},`),
    ),
    text.replaceAll(
      /"(parameters|input_schema|parametersJsonSchema|schema|responseSchema|format)":\{/g,
      (field) =>
        `${field}"$ref":"#","$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}},"allOf":[{"$ref":"#/$defs/a"}],`,
    ),
    text.replaceAll('"stream":false', '"stream":true'),
  ];
}

describe('bodies that are too much', () => {
  const chat = ENDPOINTS[0] as Endpoint;

  it('a hundred thousand messages are refused in every dialect that has them', async () => {
    const many = 100_000;
    assert.ok(many > MESSAGES_MAX);
    const turns: Readonly<Record<string, (model: string) => object>> = {
      'chat completions': (model) => ({ model, messages: Array(many).fill({ role: 'user', content: 'x' }) }),
      messages: (model) => ({ model, max_tokens: 1, messages: Array(many).fill({ role: 'user', content: 'x' }) }),
      responses: (model) => ({ model, input: Array(many).fill({ role: 'user', content: 'x' }) }),
      generateContent: () => ({ contents: Array(many).fill({ role: 'user', parts: [{ text: 'x' }] }) }),
      'ollama chat': (model) => ({ model, messages: Array(many).fill({ role: 'user', content: 'x' }) }),
    };
    for (const endpoint of ENDPOINTS) {
      const body = turns[endpoint.name]?.('main');
      if (!body) continue;
      const answer = await send(endpoint.path('main'), JSON.stringify(body));
      assert.equal(answer.status, 400, endpoint.name);
      assert.equal(flawOf(endpoint, answer), undefined);
      assert.match(answer.text, /at most 20000/);
    }
  });

  it('fifty megabytes are refused with 413, announced or not', async () => {
    for (const endpoint of ENDPOINTS) {
      const outgoing = request(node.url + endpoint.path('main'), {
        method: 'POST',
        headers: { 'content-length': 50 * 1024 * 1024 },
      });
      // The rest of the body is not wanted: the connection may end while it is written.
      outgoing.on('error', () => undefined);
      outgoing.write('{"model":');
      const [message] = (await once(outgoing, 'response')) as [IncomingMessage];
      assert.equal(message.statusCode, 413, endpoint.name);
      let text = '';
      for await (const chunk of message) text += chunk;
      assert.equal(flawOf(endpoint, { status: 413, text }), undefined);
      outgoing.destroy();
    }
  });

  it('one word of thirty megabytes is read in linear time', async () => {
    const content = 'x'.repeat(30_000_000);
    const answer = await send(
      '/v1/chat/completions',
      JSON.stringify({ model: 'main', messages: [{ role: 'user', content }] }),
    );
    assert.equal(answer.status, 200);
  });

  it('ten thousand tools, parts or stop words are answered', async () => {
    const many = 10_000;
    const tool = { type: 'function', function: { name: 'f', parameters: {} } };
    for (const model of MODELS) {
      const messages = [{ role: 'user', content: Array(many).fill({ type: 'text', text: 'x' }) }];
      const body = { model, messages, tools: Array(many).fill(tool), stop: Array(many).fill('x') };
      assert.equal(flawOf(chat, await send(chat.path(model), JSON.stringify(body))), undefined);
    }
  });
});

describe('model names', () => {
  const EVIL = [
    '../../admin',
    '..%2f..%2fadmin',
    '..\\..\\admin',
    './././x',
    'a/../../b',
    'x?key=stolen',
    'x#fragment',
    'x:generateContent?',
    'x\r\nx-injected: 1\r\n\r\n',
    'x%0d%0ax-injected:%201',
    '@127.0.0.1:1/x',
    '//127.0.0.1:1/x',
    'http://127.0.0.1:1/x',
    'x y',
    'x\u0000y',
    '\ud800',
    '模型',
    '%',
    '%zz',
    '%2e%2e',
    '..',
    '.',
    ';',
    '"><script>',
    '__proto__',
    'constructor',
    'x'.repeat(5_000),
    'x'.repeat(200_000),
  ];

  for (const account of Object.keys(ACCOUNTS)) {
    it(`of ${account} lead nowhere but to its own addresses`, async () => {
      for (const evil of EVIL) {
        const model = `${account}/${evil}`;
        for (const endpoint of ENDPOINTS) {
          const isInPath = endpoint.path('x').includes('models/x');
          // Heads over 16 kB are refused by Node itself.
          if (isInPath && model.length > 10_000) continue;
          const path = isInPath ? endpoint.path(encodeURIComponent(model.toWellFormed())) : endpoint.path(model);
          const flaw = flawOf(endpoint, await send(path, JSON.stringify(plainBody(endpoint, model))));
          assert.equal(flaw, undefined, `${endpoint.name} to ${JSON.stringify(model.slice(0, 100))}`);
        }
      }
      assert.deepEqual(strayed, []);
    });
  }

  it('in a path of the client’s are what they decode to, and nothing else', async () => {
    const gemini = ENDPOINTS.find(({ name }) => name === 'generateContent') as Endpoint;
    const body = JSON.stringify(plainBody(gemini, ''));
    const paths = EVIL.filter((evil) => evil.length < 10_000).flatMap((evil) => {
      const raw = evil.toWellFormed().replaceAll(/[\r\n\0 ]|[^\x20-\x7e]/g, encodeURIComponent);
      return [
        `/v1beta/models/gemini/${raw}:generateContent`,
        `/v1beta/models/gemini%2F${encodeURIComponent(evil.toWellFormed())}:generateContent`,
        `/v1beta/models/${raw}:streamGenerateContent?alt=sse`,
        `/v1/models/gemini/${raw}:countTokens`,
        `/openai/deployments/azure%2F${encodeURIComponent(evil.toWellFormed())}/chat/completions?api-version=1`,
        `/openai/deployments/${raw}/chat/completions?api-version=1`,
      ];
    });
    for (const path of paths) {
      const { status, text } = await send(
        path,
        path.includes('deployments') ? '{"messages":[{"role":"user","content":"x"}]}' : body,
      );
      assert.ok(status < 500, `${path.slice(0, 200)}: ${status} ${text.slice(0, 300)}`);
      const isAnswer = text.startsWith('data: ') || parsed(text) !== undefined;
      assert.ok(isAnswer, `${path.slice(0, 200)}: ${text.slice(0, 300)}`);
    }
    assert.deepEqual(strayed, []);
  });
});

describe('requests that are no HTTP', () => {
  const RAW: readonly (readonly [string, string])[] = [
    ['garbage', '\u0016\u0003\u0001\u0002\u0000\u0001'],
    [
      'two lengths',
      'POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: 4\r\ncontent-length: 8\r\n\r\nabcdefgh',
    ],
    [
      'a length and chunks',
      'POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    [
      'a broken chunk',
      'POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n',
    ],
    ['a negative length', 'POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: -1\r\n\r\n'],
    [
      'a bare line feed in a header',
      'POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nx-a: b\nx-injected: 1\r\nconnection: close\r\n\r\n',
    ],
    ['a huge head', `GET /v1/models HTTP/1.1\r\nhost: localhost\r\nx-a: ${'x'.repeat(100_000)}\r\n\r\n`],
    ['an unknown method', 'BREW /v1/models HTTP/1.1\r\nhost: localhost\r\n\r\n'],
  ];
  for (const [name, bytes] of RAW) {
    it(`${name}: refused, and the connection is closed`, async () => {
      const answer = await rawAnswer(node.url, bytes);
      assert.match(answer, /^HTTP\/1\.1 4\d\d /);
    });
  }

  it('the node goes on', async () => {
    assert.equal((await fetch(`${node.url}/readyz`)).status, 200);
    assert.deepEqual(
      node.log.lines.filter((line) => line.level === 'error'),
      [],
    );
  });
});

describe('clients that send too slowly', () => {
  const limits = { headMs: 100, requestMs: 200, checkMs: 20 };
  const server = createServer(
    {
      clock: systemClock,
      random: systemRandom,
      logger: silentLogger,
      metrics: new Metrics(() => 0),
      admission: new Admission(() => 10),
      keyRing: openKeyRing(systemClock),
      config: () => CONFIG,
      version: 'test',
      // No request of these tests is complete, so none gets so far.
      history: undefined as never,
      pipeline: undefined as never,
      directory: undefined as never,
    } as never,
    limits,
  );
  let url = '';
  before(async () => {
    url = await server.listen({ host: '127.0.0.1', port: 0 });
  });
  after(() => server.close());

  it('a head that never ends is cut', async () => {
    const answer = await rawAnswer(url, 'POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nx-slow: ', 'a');
    assert.match(answer, /^HTTP\/1\.1 408 /);
  });

  it('a body that never ends is cut', async () => {
    const head = 'POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100000\r\n\r\n';
    const answer = await rawAnswer(url, head, ' ');
    assert.match(answer, /^HTTP\/1\.1 408 /);
  });
});

/** What comes back until the server closes; `drip` is sent again and again meanwhile. */
async function rawAnswer(url: string, bytes: string, drip?: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  let text = '';
  socket.setEncoding('latin1');
  socket.on('data', (chunk) => {
    text += chunk;
  });
  socket.on('error', () => undefined);
  socket.write(bytes, 'latin1');
  const dripping = drip === undefined ? undefined : setInterval(() => socket.write(drip), 10);
  await new Promise((resolve) => socket.once('close', resolve));
  clearInterval(dripping);
  return text;
}
