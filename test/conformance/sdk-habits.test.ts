// What SDKs and frameworks send besides the documented: recorded from their newest versions, made anonymous and small.
// docs/clients.md names the clients and versions.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import Anthropic from '@anthropic-ai/sdk';
import { TOOLS } from '../support/prompts.ts';
import { finalAnswer } from '../support/upstreams/scenarios.ts';
import { type OpenNode, startOpenNode } from './open-node.ts';

let node: OpenNode;

before(async () => {
  node = await startOpenNode();
});

after(async () => {
  await node[Symbol.asyncDispose]();
});

describe('compressed requests', () => {
  const body = Buffer.from(
    JSON.stringify({ model: 'openai/gpt-4.1-mini', messages: [{ role: 'user', content: 'Grüße' }] }),
  );
  const encoded = {
    gzip: gzipSync(body),
    deflate: deflateSync(body),
    br: brotliCompressSync(body),
    zstd: zstdCompressSync(body),
  };

  for (const [encoding, bytes] of Object.entries(encoded)) {
    it(`${encoding} is understood`, async () => {
      const upstream = node.upstream('openai', 'refusal');
      await node.answered('/v1/chat/completions', bytes, { 'content-encoding': encoding });
      assert.equal(upstream.lastRequest.body.messages[0].content, 'Grüße');
    });
  }

  it('an unknown encoding, a broken body and one that grows too large are refused in words of the dialect', async () => {
    const unknown = await node.post('/v1/messages', body, { 'content-encoding': 'lzma' });
    assert.equal(unknown.status, 415);
    assert.equal(
      unknown.body.error.message,
      "The body's content-encoding 'lzma' is unknown here. Use one of gzip, x-gzip, deflate, br, zstd, or none.",
    );
    const broken = await node.post('/v1/messages', body, { 'content-encoding': 'gzip' });
    assert.equal(broken.status, 400);
    assert.deepEqual([broken.body.type, broken.body.error.type], ['error', 'invalid_request_error']);
    const bomb = await node.post('/v1/chat/completions', gzipSync(Buffer.alloc(40 * 2 ** 20, ' ')), {
      'content-encoding': 'gzip',
    });
    assert.equal(bomb.status, 413);
  });
});

describe('the AI SDK 7 names items of earlier answers instead of sending them', () => {
  it('what the node has stored takes the place of its name', async () => {
    const upstream = node.upstream('anthropic', 'refusal');
    const first = await node.answered('/v1/responses', { model: 'coder', input: 'Hi.' });
    const [item] = first.output;
    await node.answered('/v1/responses', {
      model: 'coder',
      input: [
        { role: 'user', content: 'Hi.' },
        { type: 'item_reference', id: item.id },
        { role: 'user', content: 'And now?' },
      ],
    });
    assert.deepEqual(
      upstream.lastRequest.body.messages.map((message: any) => [message.role, message.content[0]?.text]),
      [
        ['user', 'Hi.'],
        ['assistant', finalAnswer('refusal').refusal],
        ['user', 'And now?'],
      ],
    );
  });

  it('a name that nobody here knows is an error where the conversation would lack a turn', async () => {
    const input = [
      { role: 'user', content: 'Hi.' },
      { type: 'item_reference', id: 'msg_unknown' },
    ];
    const { status, body } = await node.post('/v1/responses', { model: 'coder', input });
    assert.equal(status, 400);
    assert.equal(body.error.param, 'input[1]');
  });
});

describe('LiteLLM as Ollama client sends results with ids, and their calls without', () => {
  it('a call gets the id of its result', async () => {
    const upstream = node.upstream('openai-responses', 'refusal');
    await node.answered('/api/chat', {
      model: 'openai-responses/gpt-4.1-mini',
      stream: false,
      messages: [
        { role: 'user', content: 'Weather and time?', images: [] },
        {
          role: 'assistant',
          content: '',
          tool_calls: [
            { function: { name: 'get_weather', arguments: { city: 'Bern' } } },
            { function: { name: 'get_time', arguments: { city: 'Bern' } } },
          ],
        },
        { role: 'tool', content: 'sunny', tool_call_id: 'call_a' },
        { role: 'tool', content: 'noon', tool_call_id: 'call_b', tool_name: 'get_time' },
      ],
    });
    const items = upstream.lastRequest.body.input.slice(1);
    assert.deepEqual(
      items.map(({ type, call_id, name, output }: any) => [type, call_id, name ?? output]),
      [
        ['function_call', 'call_a', 'get_weather'],
        ['function_call', 'call_b', 'get_time'],
        ['function_call_output', 'call_a', 'sunny'],
        ['function_call_output', 'call_b', 'noon'],
      ],
    );
  });
});

describe("the tool runner of Anthropic's SDK leaves the conversation to the server", () => {
  it('sends it whole when it is told that there is no thread', async () => {
    const upstream = node.upstream('gemini', 'tools');
    const anthropic = new Anthropic({ apiKey: 'x', baseURL: node.url, maxRetries: 0 });
    const runner = anthropic.beta.messages.toolRunner({
      model: 'gemini/gemini-2.5-flash',
      max_tokens: 100,
      max_iterations: 2,
      messages: [{ role: 'user', content: 'Weather?' }],
      tools: TOOLS.map((tool) => ({
        name: tool.name,
        description: tool.description,
        input_schema: tool.parameters as { type: 'object' },
        run: () => 'sunny',
        parse: (input: unknown) => input,
      })),
    });
    await runner.runUntilDone();
    assert.deepEqual(
      upstream.lastRequest.body.contents.map((content: any) => content.role),
      ['user', 'model', 'user'],
    );
  });
});

describe('LangChain for Google', () => {
  it('sends an empty list of stop sequences, which a reasoning model of OpenAI would refuse', async () => {
    const upstream = node.upstream('openai', 'refusal');
    await node.answered('/v1beta/models/openai/gpt-5-mini:generateContent', {
      contents: [{ role: 'user', parts: [{ text: 'Hi.' }] }],
      generationConfig: { stopSequences: [] },
      safetySettings: [],
    });
    assert.equal(upstream.lastRequest.body.stop, undefined);
  });

  it("leaves 'models/' out before a name with a slash", async () => {
    const answer = await node.answered('/v1beta/openai/text-embedding-3-small:batchEmbedContents', {
      requests: [{ model: 'openai/text-embedding-3-small', content: { parts: [{ text: 'a' }] } }],
    });
    assert.equal(answer.embeddings.length, 1);
  });
});

describe("Mistral's SDK 2 in front of other providers", () => {
  it("OpenAI gets neither Mistral's own fields nor its word for a required tool", async () => {
    const upstream = node.upstream('openai', 'refusal');
    await node.answered('/v1/chat/completions', {
      model: 'openai/gpt-4.1-mini',
      messages: [
        { role: 'user', content: 'Hi.' },
        { role: 'assistant', content: 'Hello.', prefix: false },
        { role: 'user', content: 'Use a tool.' },
      ],
      safe_prompt: false,
      tool_choice: 'any',
      tools: TOOLS.map((tool) => ({ type: 'function', function: tool })),
    });
    const { body } = upstream.lastRequest;
    assert.equal(body.tool_choice, 'required');
    assert.deepEqual([body.safe_prompt, body.messages[1]], [undefined, { role: 'assistant', content: 'Hello.' }]);
  });
});

describe('Ollama clients', () => {
  it('ask what a model can do before they offer it tools, and what is loaded', async () => {
    const shown = await node.answered('/api/show', { model: 'coder' });
    assert.deepEqual(shown.capabilities, ['completion', 'tools', 'vision']);
    const unknown = await node.post('/api/show', { model: 'nowhere' });
    assert.deepEqual(unknown, { status: 404, body: { error: "The model 'nowhere' does not exist here." } });
    const loaded = await fetch(`${node.url}/api/ps`);
    assert.deepEqual(await loaded.json(), { models: [] });
  });
});

describe('the openai SDK', () => {
  it('counts the tokens of a Responses request', async () => {
    const answer = await node.answered('/v1/responses/input_tokens', {
      model: 'openai/gpt-4.1-mini',
      input: 'Hello there.',
    });
    assert.equal(answer.object, 'response.input_tokens');
    assert.ok(answer.input_tokens > 0);
  });
});
