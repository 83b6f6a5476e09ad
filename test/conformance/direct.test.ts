// A client whose dialect the upstream speaks must not notice the gateway: each question is asked twice, at the upstream
// itself and through a node, and the SDK's results must be equal. The upstreams are deterministic, ids included.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI } from '@google/genai';
import { Ollama } from 'ollama';
import OpenAI from 'openai';
import { ask, modelFor, SCENARIO_NAMES, type ScenarioName, type Seen } from '../support/cases.ts';
import { LENGTH_LIMIT, LONG_QUESTION } from '../support/prompts.ts';
import type { Fault } from '../support/upstreams/faults.ts';
import { finalAnswer } from '../support/upstreams/scenarios.ts';
import { type Answerable, startUpstream, type Upstream } from '../support/upstreams/server.ts';
import { type Gateway, ROUTES, type RouteName, type RouteSpec, routeNamed, startGateway } from './gateway.ts';

/** Where the two questions go. */
interface Side {
  readonly name: 'direct' | 'through';
  readonly baseUrl: string;
  readonly apiKey: string;
  /** Before every model name. */
  readonly prefix: string;
  readonly azureApiVersion?: string;
}

let gateway: Gateway;
const twins = {} as Record<RouteName, Upstream>;

before(async () => {
  // One attempt each, and no target is ever set aside: what the upstream says is what the client gets.
  gateway = await startGateway({ config: { retries: { max: 0 }, cooldown: { failures: 1_000 } } });
  for (const route of ROUTES) twins[route.name] = await startUpstream(route.kind);
});

after(async () => {
  await gateway.stop();
  for (const upstream of Object.values(twins)) await upstream.close();
  assert.deepEqual(gateway.defects, []);
});

/** The same question at both sides, whose upstreams count their requests alike: [direct, through]. */
async function both<Result>(
  route: RouteSpec,
  answer: Answerable,
  question: (side: Side) => Promise<Result>,
): Promise<readonly [direct: Result, through: Result]> {
  const twin = twins[route.name];
  const upstream = gateway.upstreams[route.name];
  for (const one of [twin, upstream]) {
    one.respondWith(answer);
    one.requests.length = 0;
  }
  const direct = await question({
    name: 'direct',
    baseUrl: twin.sdkBaseUrl,
    apiKey: twin.key,
    prefix: '',
    ...(route.apiVersion !== undefined && { azureApiVersion: route.apiVersion }),
  });
  const through = await question({ name: 'through', ...gateway.asClient(route.dialect), prefix: `${route.name}/` });
  return [direct, through];
}

function lastBodies(route: RouteSpec): readonly [direct: any, through: any] {
  return [twins[route.name].lastRequest.body, gateway.upstreams[route.name].lastRequest.body];
}

async function failureOf(question: Promise<unknown>): Promise<any> {
  return question.then(
    (seen) => assert.fail(`a success: ${JSON.stringify(seen)}`),
    (error) => error,
  );
}

/** All that the SDK knows of an answer; chunk times are the SDK's own. */
function whole(seen: Seen): object {
  const { raw, earlier, ...rest } = seen;
  return { ...rest, raw: plain(raw), events: seen.events.map(plain), earlier: earlier.map(whole) };
}

/** Without what SDKs add: functions, prototypes, response headers. */
function plain(value: any): any {
  const { sdkHttpResponse: _, ...rest } = JSON.parse(JSON.stringify(value));
  return rest;
}

describe('chat in every scenario', () => {
  for (const route of ROUTES) {
    for (const isStream of [false, true]) {
      for (const scenario of SCENARIO_NAMES) {
        if (isBeyondSdk(route, scenario, isStream)) continue;
        it(`${route.name}: ${scenario} ${isStream ? 'streamed' : 'whole'} is the same`, async () => {
          const [direct, through] = await both(route, scenario, (side) =>
            ask(route.dialect, {
              ...side,
              model: side.prefix + modelFor(route.kind, scenario),
              scenario,
              isStream,
              isUsageWanted: route.kind !== 'mistral',
            }),
          );
          assert.deepEqual(withTypes(route, whole(through)), withTypes(route, whole(direct)));
        });
      }
    }
  }
});

/**
 * What OpenAI's SDK cannot ask these servers itself: it refuses their streamed calls without index (vLLM-like) or type
 * (Mistral), and bounds the output by a field that Mistral does not know. The matrix has these through the gateway.
 */
function isBeyondSdk({ kind }: RouteSpec, scenario: ScenarioName, isStream: boolean): boolean {
  if (kind === 'mistral' && scenario === 'length') return true;
  const isCalling = ['tools', 'parallel-tools', 'tool-result', 'reasoning-tools'].includes(scenario);
  return (kind === 'compatible' || kind === 'mistral') && isStream && isCalling;
}

/** The one thing that is added to Mistral's answers: the type of a tool call. */
function withTypes({ kind }: RouteSpec, value: any): any {
  if (kind !== 'mistral') return value;
  return JSON.parse(JSON.stringify(value), (_, one) => (one?.function ? { type: 'function', ...one } : one));
}

describe('the bytes of a stream', () => {
  for (const route of ROUTES) {
    it(`${route.name}: every data line arrives as it was sent`, async () => {
      const captured: string[] = [];
      await both(route, 'text', async (side) => captured.push(await captureLines(side, route)));
      assert.equal(captured[1], captured[0]);
      assert.ok(captured[0]!.length > 500);
    });
  }
});

/** Asks as the SDK would and keeps what went over the wire, without line endings and blank lines. */
async function captureLines(side: Side, route: RouteSpec): Promise<string> {
  const realFetch = globalThis.fetch;
  let captured = Promise.resolve('');
  globalThis.fetch = async (...args) => {
    const response = await realFetch(...args);
    captured = response.clone().text();
    return response;
  };
  try {
    const model = side.prefix + modelFor(route.kind, 'text');
    const isUsageWanted = route.kind !== 'mistral';
    await ask(route.dialect, { ...side, model, scenario: 'text', isStream: true, isUsageWanted });
    return (await captured).split(/[\r\n]+/).join('\n');
  } finally {
    globalThis.fetch = realFetch;
  }
}

describe('errors of the upstream', () => {
  for (const route of ROUTES) {
    it(`${route.name}: an unknown model raises the same error`, async () => {
      const [direct, through] = await both(route, 'text', failing(route, 'no-such-model'));
      if (route.name === 'mistral') {
        // Mistral says 400; its words say what it is.
        assert.deepEqual([direct.status, through.status], [400, 404]);
        assert.ok(through instanceof OpenAI.NotFoundError);
        assert.equal(through.message, '404 Invalid model: no-such-model');
      } else {
        assert.deepEqual(facts(through), facts(direct));
      }
    });

    const faults: readonly (readonly [string, Fault])[] = [
      ['400', { type: 'status', status: 400 }],
      ['a prompt that is too long', { type: 'status', status: 400, reason: 'context-length' }],
      ['a prompt that the filter refuses', { type: 'status', status: 400, reason: 'content-filter' }],
      ['413', { type: 'status', status: 413 }],
      ['422', { type: 'status', status: 422 }],
      ['overload', { type: 'status', status: 529 }],
    ];
    for (const [name, fault] of faults) {
      it(`${route.name}: ${name} raises the same error`, async () => {
        const [direct, through] = await both(route, { fault }, failing(route, modelFor(route.kind, 'text')));
        if (route.name !== 'mistral') assert.deepEqual(facts(through), facts(direct));
        // Its error shape is its own: SDKs of OpenAI find code, type and sentence only in OpenAI's.
        else if (name === '422') assert.equal(through.message, '422 body.messages: Field required');
        else assert.deepEqual(told(through), told(direct));
      });
    }
  }
});

function failing(route: RouteSpec, model: string) {
  return (side: Side): Promise<any> =>
    failureOf(ask(route.dialect, { ...side, model: side.prefix + model, scenario: 'text', isStream: false }));
}

/** What every user of the SDK looks at. */
function told(error: any): object {
  return {
    class: error.constructor.name,
    status: error.status ?? error.status_code,
    message: withoutOurs(error.message),
  };
}

function facts(error: any): object {
  const { code, type, param } = error;
  return { ...told(error), code, type, param, body: withoutOurs(error.error) };
}

/** Without what only a gateway can tell (the attempts) and only this request has (its id). */
function withoutOurs(value: any): unknown {
  if (typeof value === 'string') {
    const start = value.indexOf('{');
    if (start < 0) return value;
    // Google's SDK asks under /v1, we under /v1beta, and the error says so.
    return [value.slice(0, start), withoutOurs(JSON.parse(value.slice(start).replace('version v1beta', 'version v1')))];
  }
  return JSON.parse(JSON.stringify(value ?? null), function (this: any, key, one) {
    if (key === 'attempts' || key === 'request_id') return undefined;
    const isOurDetail = Array.isArray(this) && /RequestInfo$/.test(one?.['@type']);
    return isOurDetail ? undefined : one;
  });
}

describe('fields that nobody knows', () => {
  it('survive in requests, in every dialect', async () => {
    for (const route of ROUTES) {
      const unknown = { unheard_of: { nested: [1, 'é', null] }, 'another-one': 0.1 };
      const [direct, through] = await both(route, 'text', async (side) => {
        const response = await postRaw(side, route, unknown);
        return { status: response.status, body: await response.json() };
      });
      const [directBody, throughBody] = lastBodies(route);
      assert.deepEqual(throughBody, directBody, route.name);
      assert.equal(through.status, direct.status, route.name);
    }
  });
});

/** A minimal request of the route's dialect with more fields. */
function postRaw(side: Side, route: RouteSpec, more: object): Promise<Response> {
  const model = modelFor(route.kind, 'text');
  const named = side.prefix + model;
  const [path, body] = {
    'openai-chat': ['/chat/completions', { model: named, messages: [{ role: 'user', content: 'hi' }] }],
    'openai-responses': ['/responses', { model: named, input: 'hi', stream: false }],
    anthropic: ['/v1/messages', { model: named, max_tokens: 9, messages: [{ role: 'user', content: 'hi' }] }],
    gemini: [`/v1beta/models/${named}:generateContent`, { contents: [{ parts: [{ text: 'hi' }] }] }],
    ollama: ['/api/chat', { model: named, stream: false, messages: [{ role: 'user', content: 'hi' }] }],
  }[route.dialect] as [string, object];
  const isAzure = side.azureApiVersion !== undefined;
  const url = isAzure ? `/deployments/${model}${path}?api-version=${side.azureApiVersion}` : path;
  return fetch(side.baseUrl + url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'anthropic-version': '2023-06-01',
      ...(isAzure && { 'api-key': side.apiKey }),
      ...(route.kind === 'anthropic' && { 'x-api-key': side.apiKey }),
      ...(route.kind === 'gemini' ? { 'x-goog-api-key': side.apiKey } : { authorization: `Bearer ${side.apiKey}` }),
    },
    body: JSON.stringify({ ...body, ...more }),
  });
}

describe('what else the SDKs ask', () => {
  const openai = ({ baseUrl, apiKey }: Side) => new OpenAI({ baseURL: baseUrl, apiKey, maxRetries: 0 });
  const anthropic = ({ baseUrl, apiKey }: Side) => new Anthropic({ baseURL: baseUrl, apiKey, maxRetries: 0 });
  const gemini = ({ baseUrl, apiKey }: Side) => new GoogleGenAI({ apiKey, httpOptions: { baseUrl } });
  const texts = ['Grüße', '漢字 🙂', 'third'];

  for (const name of ['openai', 'mistral', 'compatible'] as const) {
    const route = routeNamed(name);
    const model = { openai: 'text-embedding-3-small', mistral: 'mistral-embed', compatible: 'BAAI/bge-m3' }[name];
    for (const encoding_format of ['float', 'base64', undefined] as const) {
      it(`${name}: embeddings as ${encoding_format ?? 'the SDK wants them'}`, async () => {
        const [direct, through] = await both(route, 'text', async (side) => {
          const params = { model: side.prefix + model, input: texts, ...(encoding_format && { encoding_format }) };
          return plain(await openai(side).embeddings.create(params));
        });
        assert.deepEqual(through, direct);
        assert.equal(through.data.length, 3);
      });
    }
  }

  it('anthropic: count_tokens', async () => {
    const [direct, through] = await both(routeNamed('anthropic'), 'image', async (side) => {
      const counted = await anthropic(side).messages.countTokens({
        model: `${side.prefix}claude-sonnet-4-6`,
        messages: [{ role: 'user', content: [IMAGE_BLOCK, { type: 'text', text: 'What is it?' }] }],
      });
      return plain(counted);
    });
    assert.deepEqual(through, direct);
    assert.deepEqual(through, { input_tokens: finalAnswer('image').usage.inputTokens });
  });

  it('gemini: countTokens', async () => {
    const [direct, through] = await both(routeNamed('gemini'), 'refusal', async (side) =>
      plain(await gemini(side).models.countTokens({ model: `${side.prefix}gemini-2.5-flash`, contents: 'How long?' })),
    );
    assert.equal(through.totalTokens, direct.totalTokens);
    assert.equal(through.totalTokens, finalAnswer('refusal').usage.inputTokens);
  });

  it('gemini: embeddings of one and of many', async () => {
    for (const contents of ['one', texts]) {
      const [direct, through] = await both(routeNamed('gemini'), 'text', async (side) =>
        plain(await gemini(side).models.embedContent({ model: `${side.prefix}gemini-embedding-001`, contents })),
      );
      assert.deepEqual(through, direct);
    }
  });

  it('ollama: embed', async () => {
    const [direct, through] = await both(routeNamed('ollama'), 'text', async (side) =>
      new Ollama({ host: side.baseUrl, headers: { Authorization: `Bearer ${side.apiKey}` } }).embed({
        model: `${side.prefix}nomic-embed-text`,
        input: texts,
      }),
    );
    assert.deepEqual(through.embeddings, direct.embeddings);
    assert.equal(through.prompt_eval_count, direct.prompt_eval_count);
  });

  it('legacy completions are answered by chat models, whole and streamed', async () => {
    const side = { name: 'through', ...gateway.asClient('openai-chat'), prefix: '' } as const;
    const { text, usage } = finalAnswer('length');
    for (const route of ROUTES) {
      gateway.upstreams[route.name].respondWith('length');
      const model = `${route.name}/${modelFor(route.kind, 'length')}`;
      const params = { model, prompt: LONG_QUESTION, max_tokens: LENGTH_LIMIT };
      const answer = await openai(side).completions.create(params);
      assert.equal(answer.object, 'text_completion');
      assert.deepEqual(
        answer.choices.map((choice) => [choice.index, choice.text, choice.finish_reason]),
        [[0, text, 'length']],
        route.name,
      );
      assert.equal(answer.usage?.prompt_tokens, usage.inputTokens);
      let streamed = '';
      const reasons: unknown[] = [];
      for await (const chunk of await openai(side).completions.create({ ...params, stream: true })) {
        streamed += chunk.choices[0]?.text ?? '';
        if (chunk.choices[0]?.finish_reason) reasons.push(chunk.choices[0].finish_reason);
      }
      assert.deepEqual([streamed, reasons], [text, ['length']], route.name);
    }
  });
});

// Last: a rate limit sets the account's key aside.
describe('rate limits of the upstream', () => {
  const fault: Fault = { type: 'status', status: 429, retryAfter: { as: 'seconds', ms: 3_000 } };
  for (const route of ROUTES) {
    it(`${route.name}: raise the same error, with the time to wait`, async () => {
      const [direct, through] = await both(route, { fault }, failing(route, modelFor(route.kind, 'text')));
      assert.deepEqual(
        route.name === 'mistral' ? told(through) : facts(through),
        route.name === 'mistral' ? told(direct) : facts(direct),
      );
      // Google's and Ollama's SDKs show no headers.
      if (through.headers) assert.equal(through.headers.get('retry-after'), '3');
    });
  }
});

const IMAGE_BLOCK = {
  type: 'image',
  source: {
    type: 'base64',
    media_type: 'image/png',
    data: 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  },
} as const;
