import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ollama } from '../../../src/dialects/ollama/index.ts';
import { GatewayError } from '../../../src/errors.ts';
import type { EmbeddingRequest } from '../../../src/model/embedding.ts';
import { TARGET, upstream } from './support.ts';

const client = ollama.client.embeddings;
assert.ok(client);
const server = upstream.embeddings;
assert.ok(server);

const REQUEST: EmbeddingRequest = { model: 'asked', inputs: ['a', 'b'], encoding: 'base64', dimensions: 2 };

describe('embeddings of a client', () => {
  test('take a text or texts', () => {
    const body = { model: 'm', input: ['a', 'b'], dimensions: 2, keep_alive: '5m' };
    assert.deepEqual(client.parseRequest(body, {}), {
      model: 'm',
      inputs: ['a', 'b'],
      dimensions: 2,
      encoding: 'float',
      original: { dialect: 'ollama', body },
    });
    assert.deepEqual(client.parseRequest({ model: 'm', input: 'a' }, {}).inputs, ['a']);
    assert.deepEqual(client.parseRequest({ model: 'm', prompt: 'a' }, {}).inputs, ['a']);
  });

  test('may have no input, which one empty text is too', () => {
    for (const body of [{ input: [] }, { input: '' }, { prompt: '' }]) {
      const request = client.parseRequest({ model: 'm', ...body }, {});
      assert.deepEqual(request.inputs, []);
      const { embedding, embeddings } = client.renderResponse({ model: 'm', vectors: [] }, request);
      assert.deepEqual('prompt' in body ? embedding : embeddings, []);
    }
    assert.deepEqual(client.parseRequest({ model: 'm', input: ['', 'a'] }, {}).inputs, ['', 'a']);
  });

  test('need an input', () => {
    assert.throws(
      () => client.parseRequest({ model: 'm' }, {}),
      (error) => error instanceof GatewayError && error.param === 'input',
    );
  });

  test('are answered in the form that was asked', () => {
    const response = {
      model: 'e',
      vectors: [
        [1, 2],
        [3, 4],
      ],
      inputTokens: 5,
    };
    assert.deepEqual(client.renderResponse(response, REQUEST), {
      model: 'e',
      embeddings: [
        [1, 2],
        [3, 4],
      ],
      total_duration: 0,
      load_duration: 0,
      prompt_eval_count: 5,
    });
    const legacy = client.parseRequest({ model: 'm', prompt: 'a' }, {});
    assert.deepEqual(client.renderResponse(response, legacy), { embedding: [1, 2] });
  });
});

describe('embeddings of an upstream', () => {
  test('are asked at /api/embed', () => {
    assert.deepEqual(server.renderRequest(REQUEST, TARGET), {
      path: '/api/embed',
      body: { model: 'qwen3', input: ['a', 'b'], dimensions: 2 },
    });
  });

  test('carry the fields of an Ollama client, whose legacy prompt becomes an input', () => {
    const modern = client.parseRequest({ model: 'm', input: 'a', truncate: false }, {});
    assert.deepEqual(server.renderRequest(modern, TARGET).body, { model: 'qwen3', input: ['a'], truncate: false });
    const legacy = client.parseRequest({ model: 'm', prompt: 'a', keep_alive: '5m' }, {});
    assert.deepEqual(server.renderRequest(legacy, TARGET).body, { keep_alive: '5m', model: 'qwen3', input: ['a'] });
  });

  test('refuse token ids', () => {
    assert.throws(
      () => server.renderRequest({ ...REQUEST, inputs: [[1, 2]] }, TARGET),
      (error) => error instanceof GatewayError && error.code === 'unsupported',
    );
  });

  test('are read, and anything else is not', () => {
    assert.deepEqual(server.parseResponse('{"model":"e","embeddings":[[1,2]],"prompt_eval_count":5}'), {
      model: 'e',
      vectors: [[1, 2]],
      inputTokens: 5,
    });
    assert.equal(server.parseResponse('{"embeddings":[["a"]]}'), undefined);
    assert.equal(server.parseResponse('{"error":"no"}'), undefined);
    assert.equal(server.parseResponse('<html>'), undefined);
  });
});
