// Ollama's SDK asks `generate` through a node, with every kind of upstream behind it.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type GenerateRequest, type GenerateResponse, Ollama } from 'ollama';
import type { ScenarioName } from '../support/cases.ts';
import { ANSWER_SCHEMA, IMAGE, LENGTH_LIMIT, LONG_QUESTION, questionOf } from '../support/prompts.ts';
import { finalAnswer } from '../support/upstreams/scenarios.ts';
import { type Gateway, modelAt, ROUTES, type RouteSpec, routeNamed, startGateway } from './gateway.ts';

let gateway: Gateway;
let client: Ollama;

before(async () => {
  gateway = await startGateway({ config: { retries: { max: 0 }, cooldown: { failures: 1_000 } } });
  const { baseUrl, apiKey } = gateway.asClient('ollama');
  client = new Ollama({ host: baseUrl, headers: { Authorization: `Bearer ${apiKey}` } });
});

after(async () => {
  await gateway.stop();
  assert.deepEqual(gateway.defects, []);
});

/** What a scenario's user says besides the prompt. */
const SAID: Partial<Record<ScenarioName, Partial<GenerateRequest>>> = {
  image: { images: [IMAGE.base64] },
  'json-schema': { format: ANSWER_SCHEMA },
  length: { options: { num_predict: LENGTH_LIMIT } },
  reasoning: { think: true },
};

async function whole(route: RouteSpec, scenario: ScenarioName): Promise<GenerateResponse> {
  gateway.upstreams[route.name].respondWith(scenario);
  const prompt = questionOf(scenario);
  return client.generate({ model: modelAt(route, scenario), prompt, ...SAID[scenario], stream: false });
}

async function streamed(route: RouteSpec, scenario: ScenarioName): Promise<GenerateResponse[]> {
  gateway.upstreams[route.name].respondWith(scenario);
  const prompt = questionOf(scenario);
  const lines: GenerateResponse[] = [];
  const answer = await client.generate({ model: modelAt(route, scenario), prompt, ...SAID[scenario], stream: true });
  for await (const line of answer) lines.push(line);
  return lines;
}

function joined(lines: readonly GenerateResponse[], field: 'response' | 'thinking'): string {
  return lines.map((line) => line[field] ?? '').join('');
}

for (const route of ROUTES) {
  describe(`generate at ${route.name}`, () => {
    for (const scenario of ['image', 'json-schema', 'length'] as const) {
      it(`${scenario}: whole and streamed say the same, and end with the counts`, async () => {
        const { text, finish, usage } = finalAnswer(scenario);
        const answer = await whole(route, scenario);
        assert.deepEqual([answer.response, answer.done, answer.done_reason], [text, true, finish]);
        const lines = await streamed(route, scenario);
        assert.equal(joined(lines, 'response'), text);
        assert.ok(lines.length > 2);
        assert.deepEqual(new Set(lines.slice(0, -1).map(({ done }) => done)), new Set([false]));
        for (const last of [answer, lines.at(-1)]) {
          assert.deepEqual(
            [last?.done, last?.done_reason, last?.prompt_eval_count, last?.eval_count],
            [true, finish, usage.inputTokens, usage.outputTokens],
          );
          assert.equal(typeof last?.eval_duration, 'number');
        }
      });
    }
  });
}

for (const name of ['ollama', 'anthropic', 'gemini'] as const) {
  it(`thinking is told apart from the answer: ${name}`, async () => {
    const { text, reasoning } = finalAnswer('reasoning');
    const answer = await whole(routeNamed(name), 'reasoning');
    assert.deepEqual([answer.response, answer.thinking], [text, reasoning]);
    const lines = await streamed(routeNamed(name), 'reasoning');
    assert.deepEqual([joined(lines, 'response'), joined(lines, 'thinking')], [text, reasoning]);
  });
}

it('an Ollama upstream’s own durations reach the client', async () => {
  const answer = await whole(routeNamed('ollama'), 'length');
  assert.equal(answer.total_duration, 4_883_583_458);
  assert.equal((await streamed(routeNamed('ollama'), 'length')).at(-1)?.total_duration, 4_883_583_458);
});

describe('generate’s errors are Ollama’s', () => {
  const model = modelAt(routeNamed('openai'), 'length');
  const refused = (request: Partial<GenerateRequest>, status: number, error: RegExp): Promise<void> =>
    assert.rejects(client.generate({ model, prompt: 'hi', ...request, stream: false }), {
      name: 'ResponseError',
      status_code: status,
      message: error,
    });

  it('before the answer', async () => {
    await refused({ context: [1] }, 400, /^'context' is not supported/);
    await refused({ raw: true }, 400, /^'raw' is not supported/);
    await refused({ model: 'nobody' }, 404, /nobody/);
    gateway.upstreams.openai.respondWith({ fault: { type: 'status', status: 429 } });
    await refused({}, 429, /./);
  });

  it('inside a stream, after what was said', async () => {
    const { ollama } = gateway.upstreams;
    ollama.respondWith({ scenario: 'length', fault: { type: 'cut-mid-stream', after: 'content' } });
    const request = { model: modelAt(routeNamed('ollama'), 'length'), prompt: LONG_QUESTION, ...SAID.length };
    let said = '';
    const asked = (async () => {
      for await (const line of await client.generate({ ...request, stream: true })) said += line.response;
    })();
    await assert.rejects(asked);
    assert.notEqual(said, '');
  });
});

describe('generate without a prompt', () => {
  const model = modelAt(routeNamed('openai'), 'length');

  it('loads a model, whole and streamed, and asks nobody', async () => {
    const asked = gateway.upstreams.openai.requests.length;
    const { created_at: _, ...answer } = await client.generate({ model, prompt: '', stream: false });
    assert.deepEqual(answer, { model, response: '', done: true, done_reason: 'load' });
    const lines: unknown[] = [];
    for await (const line of await client.generate({ model, prompt: '', keep_alive: 0, stream: true })) {
      lines.push([line.done, line.done_reason]);
    }
    assert.deepEqual(lines, [[true, 'unload']]);
    assert.equal(gateway.upstreams.openai.requests.length, asked);
  });

  it('says which model is not there', async () => {
    await assert.rejects(client.generate({ model: 'nobody', prompt: '' }), {
      status_code: 404,
      error: "The model 'nobody' does not exist here.",
    });
  });
});
