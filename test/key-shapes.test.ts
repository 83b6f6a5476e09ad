import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GatewayError } from '../src/errors.ts';
import { hideKeys } from '../src/key-shapes.ts';

const KEYS = [
  `fm-${'aB3_-'.repeat(8)}xyz`,
  `fma-${'aB3_-'.repeat(8)}xyz`,
  'sk-proj-abcDEF0123456789_-abcDEF',
  'sk-ant-api03-abcDEF0123456789',
  'sk-or-v1-0123456789abcdef0123456789abcdef',
  'AIzaSyA-0123456789abcdefghijklmnopqrstu',
  'gsk_0123456789abcdefghijABCDEFGHIJ',
  'xai-0123456789abcdefghijABCDEFGHIJ',
  'jina_0123456789abcdef0123456789abcdefABCDEFGHIJ',
  'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl',
];

for (const key of KEYS) {
  test(`a key that begins with ${key.slice(0, 7)} is hidden in a sentence and in the error that quotes it`, () => {
    assert.equal(hideKeys(`No '${key}', nor /v1/${key}/x.`), "No '[redacted]', nor /v1/[redacted]/x.");
    assert.equal(new GatewayError('not_found', `No ${key}.`).message, 'No [redacted].');
  });
}

test('names of models, responses and requests are no keys', () => {
  const names = [
    'anthropic.claude-sonnet-4-5-20250929-v1:0',
    'accounts/fireworks/models/llama-v3p1-405b-instruct-long-name',
    'resp_68f0a1b2c3d4e5f60718293a4b5c6d7e8f90',
    'req_011CSHoEeqs5C35K2UUqR7Fy',
    'task-sk-learn-regression-of-many-features',
    'jina-embeddings-v2-base-en',
    'jina-reranker-v2-base-multilingual',
    'hf.co/bartowski/Meta-Llama-3.1-8B-Instruct-GGUF:Q4_K_M',
    'ft:gpt-4o-mini-2024-07-18:my-organisation:my-long-suffix:AbCdEf12',
  ];
  for (const name of names) assert.equal(hideKeys(name), name);
});
