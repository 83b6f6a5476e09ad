// Conversations of several turns: what one turn told must be there in the next, whoever carries it. Results of parallel
// calls in any order, the providers' proofs of their reasoning, and conversations that the node itself remembers.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import OpenAI from 'openai';
import { CLIENT_KINDS, type ClientKind, modelFor } from '../support/cases.ts';
import { TOOL_QUESTION, TOOL_RESULTS, TOOLS } from '../support/prompts.ts';
import { finalAnswer } from '../support/upstreams/scenarios.ts';
import { sign } from '../support/upstreams/speaker.ts';
import { converse, finalResponse, textOf } from './conversation.ts';
import { type Gateway, modelAt, ROUTES, type RouteName, routeNamed, startGateway } from './gateway.ts';

let gateway: Gateway;

before(async () => {
  gateway = await startGateway();
});

after(async () => {
  await gateway.stop();
  assert.deepEqual(gateway.defects, []);
});

const MODES = [
  ['whole', false],
  ['streamed', true],
] as const;

describe('results of parallel calls', () => {
  const quotes = finalAnswer('tool-result').text.split('; ');
  for (const client of CLIENT_KINDS) {
    for (const route of ROUTES) {
      for (const [mode, isStream] of MODES) {
        it(`${client} at ${route.name}, ${mode}: may come in either order`, async () => {
          const upstream = gateway.upstreams[route.name];
          const model = modelAt(route, 'tool-result');
          for (const order of ['as called', 'reversed'] as const) {
            upstream.respondWith('tool-result');
            const talk = converse(client, { ...gateway.asClient(client), model, isStream, isReasoning: false });
            const calls = await talk.open();
            const results = order === 'reversed' ? calls.toReversed() : calls;
            if (order === 'reversed' && ORDER_MATTERS.some(([one, other]) => one === client && other === route.name)) {
              // The body goes as it came, and the upstream says what it does not like about it.
              await assert.rejects(talk.answer(results), /Function response at index 0|does not follow its call/);
              continue;
            }
            assert.deepEqual((await talk.answer(results)).split('; ').sort(), quotes.toSorted());
          }
        });
      }
    }
  }
});

/** Upstreams that refuse another order, and get the client's own body because they speak its dialect. */
const ORDER_MATTERS: readonly (readonly [ClientKind, RouteName])[] = [
  ['gemini', 'gemini'],
  ['ollama', 'ollama'],
];

describe('proofs of reasoning', () => {
  // Of the first turn, which the scenario's final answer does not tell.
  const reasoning = 'I should ask the tool. 天気は?';
  const proofs = {
    gemini: sign('gemini', reasoning),
    anthropic: sign('anthropic', reasoning),
    'openai-responses': sign('openai', reasoning),
  } as const;

  /** Who has a place for another provider's proof. Gemini's rides in the id of the call, which everyone sends back. */
  const CARRIERS: Readonly<Record<keyof typeof proofs, readonly ClientKind[]>> = {
    gemini: ['openai-chat', 'openai-responses', 'anthropic', 'gemini', 'ollama'],
    anthropic: ['openai-chat', 'openai-responses', 'anthropic'],
    'openai-responses': ['openai-chat', 'openai-responses', 'anthropic'],
  };

  for (const name of ['gemini', 'anthropic', 'openai-responses'] as const) {
    const route = routeNamed(name);
    for (const client of CLIENT_KINDS) {
      const isCarried = CARRIERS[name].includes(client);
      for (const [mode, isStream] of MODES) {
        it(`${client} at ${name}, ${mode}: ${isCarried ? 'come back verbatim' : 'are left out, and nothing is made up'}`, async () => {
          const upstream = gateway.upstreams[name];
          upstream.respondWith('reasoning-tools');
          const model = modelAt(route, 'reasoning-tools');
          const talk = converse(client, { ...gateway.asClient(client), model, isStream, isReasoning: true });
          const calls = await talk.open();
          assert.equal(await talk.answer(calls), finalAnswer('reasoning-tools').text);
          assert.deepEqual(proofsIn(upstream.lastRequest.body), isCarried ? [proofs[name]] : []);
        });
      }
    }
  }

  for (const client of CLIENT_KINDS) {
    it(`${client}: a conversation may go on with another provider, which is told of no proof`, async () => {
      for (const from of ['gemini', 'anthropic', 'openai-responses'] as const) {
        for (const to of ROUTES.filter((route) => route.name !== from)) {
          gateway.upstreams[from].respondWith('reasoning-tools');
          gateway.upstreams[to.name].respondWith('reasoning-tools');
          const model = modelAt(routeNamed(from), 'reasoning-tools');
          const talk = converse(client, { ...gateway.asClient(client), model, isStream: false, isReasoning: true });
          const calls = await talk.open();
          const text = await talk.answer(calls, modelAt(to, 'reasoning-tools'));
          assert.equal(text, finalAnswer('reasoning-tools').text, `${from} → ${to.name}`);
          const { body } = gateway.upstreams[to.name].lastRequest;
          // Gemini 3 demands one, and documents what to send in its place.
          const placeholder = to.name === 'gemini' ? ['skip_thought_signature_validator'] : [];
          const found = proofsIn(body);
          // Servers like OpenRouter want the `reasoning_details` back, whoever's they are; the others ignore them.
          if (client === 'openai-chat' && to.name === 'compatible') assert.ok(found.length <= 1);
          else assert.deepEqual(found, placeholder, `${from} → ${to.name}`);
          assert.doesNotMatch(JSON.stringify(body), /__sig__|fm1\./);
        }
      }
    });
  }
});

/** Every proof in a request body, wherever its dialect keeps them. */
function proofsIn(body: unknown): string[] {
  const found: string[] = [];
  JSON.stringify(body, (key, value) => {
    if (['thoughtSignature', 'signature', 'encrypted_content'].includes(key) && value) found.push(value);
    return value;
  });
  return found;
}

describe('conversations that the node remembers', () => {
  const tools = TOOLS.map((tool) => ({ type: 'function' as const, ...tool, strict: false }));
  for (const route of ROUTES) {
    for (const [mode, isStream] of MODES) {
      it(`${route.name}, first turn ${mode}: previous_response_id has the whole conversation before it`, async () => {
        const { baseUrl, apiKey } = gateway.asClient('openai-responses');
        const client = new OpenAI({ baseURL: baseUrl, apiKey, maxRetries: 0 });
        const upstream = gateway.upstreams[route.name];
        upstream.respondWith('tool-result');
        const model = modelAt(route, 'tool-result');
        const opening = { model, input: TOOL_QUESTION, tools };
        const first = isStream ? await finalResponse(client, opening) : await client.responses.create(opening);
        const outputs = first.output.flatMap((item) =>
          item.type === 'function_call'
            ? [
                {
                  type: 'function_call_output' as const,
                  call_id: item.call_id,
                  output: TOOL_RESULTS[item.name] ?? '',
                },
              ]
            : [],
        );
        assert.equal(outputs.length, 2);
        const second = await client.responses.create({ model, input: outputs, previous_response_id: first.id, tools });
        assert.equal(textOf(second), finalAnswer('tool-result').text);
        // An OpenAI upstream was not told of it, and its answer is passed on as it came.
        const isVerbatim = route.dialect === 'openai-responses';
        assert.equal(second.previous_response_id, isVerbatim ? null : first.id);

        const thanks = { model, input: 'Danke! And tomorrow?', previous_response_id: second.id, tools };
        const third = isStream ? await finalResponse(client, thanks) : await client.responses.create(thanks);
        assert.equal(textOf(third), finalAnswer('tool-result').text);
        const sent = JSON.stringify(upstream.lastRequest.body);
        const places = [TOOL_QUESTION, 'said «', 'Danke! And tomorrow?'].map((text) => sent.indexOf(text));
        assert.ok(
          places.every((place, at) => place > (places[at - 1] ?? 0)),
          `in order: ${places}`,
        );
        assert.doesNotMatch(sent, /previous_response_id/);

        const kept = await client.responses.retrieve(second.id);
        assert.deepEqual(kept.output, second.output);
        await client.responses.delete(second.id);
        await assert.rejects(client.responses.create(thanks), { status: 400, param: 'previous_response_id' });
      });
    }
  }

  it('are not kept when the client says store: false', async () => {
    const { baseUrl, apiKey } = gateway.asClient('openai-responses');
    const client = new OpenAI({ baseURL: baseUrl, apiKey, maxRetries: 0 });
    gateway.upstreams.anthropic.respondWith('refusal');
    const model = `anthropic/${modelFor('anthropic', 'refusal')}`;
    const first = await client.responses.create({ model, input: 'hi', store: false });
    await assert.rejects(client.responses.create({ model, input: 'more', previous_response_id: first.id }), {
      status: 400,
    });
  });
});
