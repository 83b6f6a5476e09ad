// Embeddings, both sides.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gemini } from '../../../src/dialects/gemini/index.ts';
import { GatewayError } from '../../../src/errors.ts';

const client = gemini.client.embeddings!;
const upstream = gemini.upstream!.embeddings!;
const target = { model: 'gemini-embedding-001', isStream: false, traits: {} };
const content = (...texts: string[]) => ({ parts: texts.map((text) => ({ text })) });

test('a single request is read, and answered with one embedding', () => {
  const body = { content: content('a', 'b'), taskType: 'RETRIEVAL_QUERY', output_dimensionality: 3 };
  const request = client.parseRequest(body, { model: 'models/e' });
  assert.deepEqual(request, {
    model: 'e',
    inputs: ['a\nb'],
    dimensions: 3,
    encoding: 'float',
    original: { dialect: 'gemini', body },
  });
  assert.deepEqual(client.renderResponse({ model: 'e', vectors: [[1, 2]], inputTokens: 4 }, request), {
    embedding: { values: [1, 2] },
    usageMetadata: { promptTokenCount: 4 },
  });
});

test('a batch is read in order, and answered with every embedding', () => {
  const body = {
    requests: [
      { model: 'models/e', content: content('a') },
      { model: 'models/e', content: content('b') },
    ],
  };
  const request = client.parseRequest(body, {});
  assert.deepEqual([request.model, request.inputs], ['e', ['a', 'b']]);
  assert.deepEqual(client.renderResponse({ model: 'e', vectors: [[1], [2]] }, request), {
    embeddings: [{ values: [1] }, { values: [2] }],
  });
});

test('a batch keeps what each of its requests asks for', () => {
  const request = client.parseRequest(
    {
      requests: [
        { content: content('a'), task_type: 'X', title: 't' },
        { content: content('b'), outputDimensionality: 2 },
      ],
    },
    { model: 'e' },
  );
  assert.deepEqual(upstream.renderRequest(request, target), {
    path: '/models/gemini-embedding-001:batchEmbedContents',
    body: {
      requests: [
        { taskType: 'X', title: 't', model: 'models/gemini-embedding-001', content: content('a') },
        { outputDimensionality: 2, model: 'models/gemini-embedding-001', content: content('b') },
      ],
    },
  });
});

test('another dialect’s inputs all go into one batch', () => {
  assert.deepEqual(
    upstream.renderRequest({ model: 'e', inputs: ['a', 'b'], dimensions: 8, encoding: 'base64' }, target).body,
    {
      requests: [
        { outputDimensionality: 8, model: 'models/gemini-embedding-001', content: content('a') },
        { outputDimensionality: 8, model: 'models/gemini-embedding-001', content: content('b') },
      ],
    },
  );
});

test('an answer gives every vector in order, or is none', () => {
  assert.deepEqual(upstream.parseResponse('{"embeddings":[{"values":[1,2]},{"values":[3,4]}]}'), {
    model: '',
    vectors: [
      [1, 2],
      [3, 4],
    ],
  });
  assert.deepEqual(upstream.parseResponse('{"embedding":{"values":[1]},"usageMetadata":{"promptTokenCount":2}}'), {
    model: '',
    vectors: [[1]],
    inputTokens: 2,
  });
  assert.equal(upstream.parseResponse('{"embeddings":[{}]}'), undefined);
  assert.equal(upstream.parseResponse('nope'), undefined);
});

test('a count that is only estimated is not told, as Google tells none', () => {
  const request = client.parseRequest({ content: { parts: [{ text: 'a' }] } }, { model: 'e' });
  const answer = { model: 'e', vectors: [[1]], inputTokens: 1 };
  assert.deepEqual(client.renderResponse({ ...answer, isEstimated: true }, request), { embedding: { values: [1] } });
  assert.deepEqual(client.renderResponse({ ...answer, isEstimated: false }, request), {
    embedding: { values: [1] },
    usageMetadata: { promptTokenCount: 1 },
  });
});

test('a batch of nothing is the client’s mistake', () => {
  assert.throws(() => client.parseRequest({ requests: [] }, { model: 'e' }), {
    code: 'bad_request',
    param: 'requests',
  });
});

test('token ids and pictures are refused clearly', () => {
  assert.throws(
    () => upstream.renderRequest({ model: 'e', inputs: [[1, 2]], encoding: 'float' }, target),
    (error) => error instanceof GatewayError && error.code === 'unsupported' && error.param === 'input',
  );
  assert.throws(
    () => client.parseRequest({ content: { parts: [{ inlineData: {} }] } }, { model: 'e' }),
    (error) => error instanceof GatewayError && error.code === 'bad_request' && error.param === 'content',
  );
});
