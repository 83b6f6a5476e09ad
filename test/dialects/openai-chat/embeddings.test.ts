import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import OpenAI from 'openai';
import { openaiChat } from '../../../src/dialects/openai-chat/index.ts';
import { GatewayError } from '../../../src/errors.ts';

const client = openaiChat.client.embeddings!;
const upstream = openaiChat.upstream!.embeddings!;
const parse = (body: object) => client.parseRequest(body as any, {});

describe('openai-chat embeddings', () => {
  it('reads texts and token ids, one or many', () => {
    assert.deepEqual(parse({ model: 'm', input: 'a' }).inputs, ['a']);
    assert.deepEqual(parse({ model: 'm', input: ['a', 'b'] }).inputs, ['a', 'b']);
    assert.deepEqual(parse({ model: 'm', input: [1, 2] }).inputs, [[1, 2]]);
    assert.deepEqual(parse({ model: 'm', input: [[1, 2], [3]] }).inputs, [[1, 2], [3]]);
    const request = parse({ model: 'm', input: 'a', encoding_format: 'base64', dimensions: 8, user: 'u' });
    assert.deepEqual([request.encoding, request.dimensions, request.endUser], ['base64', 8, 'u']);
  });

  it('refuses empty and wrong inputs by name', () => {
    for (const [body, param] of [
      [{ model: 'm' }, 'input'],
      [{ model: 'm', input: [] }, 'input'],
      [{ model: 'm', input: [1, 'a'] }, 'input'],
      [{ model: 'm', input: [[1.5]] }, 'input'],
      [{ input: 'a' }, 'model'],
      [{ model: 'm', input: 'a', encoding_format: 'hex' }, 'encoding_format'],
    ] as const) {
      assert.throws(
        () => parse(body),
        (thrown: unknown) => thrown instanceof GatewayError && thrown.param === param,
      );
    }
  });

  it('asks the upstream for plain numbers and keeps unknown fields', () => {
    const request = parse({ model: 'm', input: 'a', encoding_format: 'base64', input_type: 'query' });
    const target = { model: 'u', isStream: false, traits: {} };
    assert.deepEqual(upstream.renderRequest(request, target), {
      path: '/embeddings',
      body: { model: 'u', input: 'a', encoding_format: 'float', input_type: 'query' },
    });
    const { original: _original, ...foreign } = { ...request, dimensions: 4, inputs: ['a', [1]] };
    const traits = { refusedFields: ['encoding_format'] };
    assert.deepEqual(upstream.renderRequest(foreign, { ...target, traits }).body, {
      input: ['a', [1]],
      dimensions: 4,
      model: 'u',
    });
  });

  it('names the length of the vectors as the server does', () => {
    const traits = { dimensionsField: 'output_dimension' } as const;
    const own = parse({ model: 'm', input: 'a', dimensions: 4 });
    const { original: _original, ...foreign } = own;
    for (const [request, input] of [
      [own, 'a'],
      [foreign, ['a']],
    ] as const) {
      const body = { input, model: 'u', encoding_format: 'float' };
      const sent = (target: object) =>
        upstream.renderRequest(request, { model: 'u', isStream: false, traits: {}, ...target }).body;
      assert.deepEqual(sent({}), { ...body, dimensions: 4 });
      assert.deepEqual(sent({ traits }), { ...body, output_dimension: 4 });
    }
  });

  it('reads numbers and base64, in the order of the index', () => {
    const text = JSON.stringify({
      id: 'emb-1',
      model: 'u',
      data: [
        { index: 1, embedding: Buffer.from(new Float32Array([0.5, -2]).buffer).toString('base64') },
        { index: 0, embedding: [1, 0.25] },
      ],
      usage: { prompt_tokens: 3, total_tokens: 3 },
    });
    assert.deepEqual(upstream.parseResponse(text), {
      model: 'u',
      vectors: [
        [1, 0.25],
        [0.5, -2],
      ],
      inputTokens: 3,
      id: 'emb-1',
    });
    for (const garbage of ['', '{}', '{"data":[{"embedding":"abc"}]}', '{"data":[{"embedding":["x"]}]}']) {
      assert.equal(upstream.parseResponse(garbage), undefined);
    }
  });

  it('gives the official SDK, which asks for base64, exactly the float32 values', async () => {
    const vector = [...new Float32Array([0.1, -1 / 3, 1e-20, 12345.678])];
    const sdk = new OpenAI({
      apiKey: 'k',
      baseURL: 'http://gateway.invalid/v1',
      fetch: async (_url, init) => {
        const request = parse(JSON.parse(String(init?.body)));
        assert.equal(request.encoding, 'base64');
        const answer = client.renderResponse({ model: 'u', vectors: [vector], inputTokens: 2 }, request);
        return new Response(JSON.stringify(answer), { headers: { 'content-type': 'application/json' } });
      },
    });
    const answer = await sdk.embeddings.create({ model: 'm', input: 'a' });
    assert.deepEqual([...answer.data[0]!.embedding], vector);
    assert.deepEqual(answer.usage, { prompt_tokens: 2, total_tokens: 2 });
  });
});
