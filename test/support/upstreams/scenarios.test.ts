// Proves the servers by the providers' own SDKs: every scenario, streamed and not, however the bytes are split.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  ask,
  type ClientKind,
  essence,
  expectedSeen,
  isRefused,
  modelFor,
  SCENARIO_NAMES,
  type ScenarioName,
  type Seen,
  UPSTREAM_DIALECTS,
} from '../cases.ts';
import { finalAnswer } from './scenarios.ts';
import { type Script, SPEAKERS, startUpstream, type UpstreamKind } from './server.ts';

async function perform(
  kind: UpstreamKind,
  client: ClientKind,
  scenario: ScenarioName,
  isStream: boolean,
  defaults: Omit<Script, 'scenario' | 'fault'> = {},
): Promise<Seen> {
  await using upstream = await startUpstream(kind, { defaults });
  upstream.respondWith(scenario);
  return await ask(client, {
    baseUrl: upstream.sdkBaseUrl,
    apiKey: upstream.key,
    model: modelFor(kind, scenario),
    scenario,
    isStream,
    isUsageWanted: kind !== 'mistral',
    ...(kind === 'azure' && { azureApiVersion: '2024-10-21' }),
  });
}

/** Everything of the answer with its ids, but not what only a collector of streams adds. */
function content(seen: Seen): object {
  const { raw: _, events: __, earlier, ...rest } = seen;
  return { ...rest, earlier: earlier.map(content) };
}

const TOOL_SCENARIOS = ['tools', 'parallel-tools', 'tool-result', 'reasoning-tools'];

/**
 * OpenAI's SDK is not made for these servers: its collector refuses streamed calls without index (vLLM-like) or without
 * type (Mistral), and its users bound the output by a field that Mistral does not know.
 */
function isBeyondSdk(kind: UpstreamKind, scenario: ScenarioName, isStream: boolean): boolean {
  if (kind === 'mistral' && scenario === 'length') return true;
  return (kind === 'compatible' || kind === 'mistral') && isStream && TOOL_SCENARIOS.includes(scenario);
}

for (const kind of Object.keys(SPEAKERS) as UpstreamKind[]) {
  for (const client of UPSTREAM_DIALECTS[kind]) {
    describe(`${kind} upstream with the official SDK for ${client}`, () => {
      for (const scenario of SCENARIO_NAMES) {
        if (scenario === 'refusal') continue;
        const expected = expectedSeen(scenario, { upstream: kind, upstreamDialect: client, client });
        for (const isStream of [false, true]) {
          if (isBeyondSdk(kind, scenario, isStream)) continue;
          it(`answers ${scenario} ${isStream ? 'streamed' : 'unstreamed'}`, async () => {
            assert.deepEqual(essence(await perform(kind, client, scenario, isStream)), expected);
          });
        }
        if (isBeyondSdk(kind, scenario, true)) continue;
        it(`gives the same ${scenario} with the same ids streamed as unstreamed`, async () => {
          const [streamed, whole] = [
            await perform(kind, client, scenario, true),
            await perform(kind, client, scenario, false),
          ];
          assert.deepEqual(content(streamed), content(whole));
          assert.ok(streamed.events.length > 1);
          assert.equal(whole.events.length, 0);
        });
      }

      it('declines in its own way, the same streamed and unstreamed', async () => {
        const streamed = await perform(kind, client, 'refusal', true);
        const whole = await perform(kind, client, 'refusal', false);
        assert.deepEqual(content(streamed), content(whole));
        const { refusal } = finalAnswer('refusal');
        if (kind === 'ollama') assert.equal(whole.text, refusal);
        else assert.ok(isRefused(whole));
        if (kind === 'openai') assert.equal(whole.refusal, refusal);
        if (kind === 'anthropic') assert.equal(whole.text, refusal);
      });

      for (const chunking of ['whole', 'byte', 3] as const) {
        it(`is understood with writes of ${chunking}`, async () => {
          const expected = expectedSeen('text', { upstream: kind, upstreamDialect: client, client });
          assert.deepEqual(essence(await perform(kind, client, 'text', true, { chunking })), expected);
        });
      }

      it('is understood with CRLF and comments', async () => {
        const expected = expectedSeen('text', { upstream: kind, upstreamDialect: client, client });
        const defaults = { lineEnding: '\r\n', hasComments: client !== 'gemini' } as const;
        assert.deepEqual(essence(await perform(kind, client, 'text', true, defaults)), expected);
      });
    });
  }
}

describe('what the streams look like', () => {
  it('Anthropic: message_start, blocks in order, message_delta, message_stop', async () => {
    const seen = await perform('anthropic', 'anthropic', 'parallel-tools', true);
    const types = seen.events.map((event) => event.type).filter((type) => type !== 'content_block_delta');
    assert.deepEqual(types, [
      'message_start',
      'content_block_start',
      'content_block_stop',
      'content_block_start',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ]);
  });

  it('Responses: ascending sequence numbers from 0, interleaved arguments, response.completed at the end', async () => {
    const seen = await perform('openai', 'openai-responses', 'parallel-tools', true);
    assert.deepEqual(
      seen.events.map((event) => event.sequence_number),
      seen.events.map((_, index) => index),
    );
    const deltas = seen.events.filter((event) => event.type === 'response.function_call_arguments.delta');
    assert.deepEqual(
      deltas.slice(0, 4).map((event) => event.output_index),
      [0, 1, 0, 1],
    );
    assert.equal(seen.events.at(-1).type, 'response.completed');
  });

  it('OpenAI chat: interleaved arguments of parallel calls, then the reason, then the usage without choices', async () => {
    const seen = await perform('openai', 'openai-chat', 'parallel-tools', true);
    const indexes = seen.events.flatMap((chunk) => chunk.choices[0]?.delta.tool_calls?.[0]?.index ?? []);
    assert.deepEqual(indexes.slice(0, 6), [0, 1, 0, 1, 0, 1]);
    assert.equal(seen.events.at(-2).choices[0].finish_reason, 'tool_calls');
    assert.deepEqual(seen.events.at(-1).choices, []);
    assert.equal(seen.events.at(-1).usage.prompt_tokens, 311);
    assert.equal(seen.events.at(0).usage, null);
  });

  it('Azure: a first chunk without choices that tells of the prompt filter', async () => {
    const seen = await perform('azure', 'openai-chat', 'text', true);
    const [first] = seen.events;
    assert.deepEqual(first.choices, []);
    assert.equal(first.prompt_filter_results[0].content_filter_results.hate.severity, 'safe');
  });

  it('Gemini: the reason for the end only in the last chunk, STOP after function calls, one signature', async () => {
    const seen = await perform('gemini', 'gemini', 'parallel-tools', true);
    assert.deepEqual(
      seen.events.map((chunk) => chunk.candidates[0].finishReason),
      [undefined, undefined, 'STOP'],
    );
    const parts = seen.raw.candidates[0].content.parts;
    assert.deepEqual(
      parts.map((part: any) => typeof part.thoughtSignature),
      ['string', 'undefined'],
    );
  });

  it('vLLM-like: whole calls without an index', async () => {
    await using upstream = await startUpstream('compatible');
    upstream.respondWith('parallel-tools');
    const { TOOLS, TOOL_QUESTION } = await import('../prompts.ts');
    const response = await fetch(`${upstream.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${upstream.key}` },
      body: JSON.stringify({
        model: upstream.models[0],
        stream: true,
        messages: [{ role: 'user', content: TOOL_QUESTION }],
        tools: TOOLS.map((tool) => ({ type: 'function', function: tool })),
      }),
    });
    const frames = (await response.text()).split('\n\n').filter((frame) => frame.includes('tool_calls":'));
    const calls = frames.map((frame) => JSON.parse(frame.slice('data: '.length)).choices[0].delta.tool_calls[0]);
    assert.deepEqual(
      calls.map((call) => [call.index, call.function.name, JSON.parse(call.function.arguments).city]),
      [
        [undefined, 'get_weather', 'Zürich'],
        [undefined, 'get_time', '東京'],
      ],
    );
  });
});
