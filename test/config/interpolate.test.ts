import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse, problemsOf } from './support.ts';

const keysOf = (text: string, env: Record<string, string> = {}) =>
  parse(`server: {apiKeys: ['${text}']}`, env).config.server.apiKeys;

test('variables are replaced, alone and inside text', () => {
  assert.deepEqual(keysOf('${A}', { A: 'one' }), ['one']);
  assert.deepEqual(keysOf('x-${A}-${B}-y', { A: 'one', B: 'two' }), ['x-one-two-y']);
});

test('a default stands in for an unset or empty variable', () => {
  assert.deepEqual(keysOf('${A:-one}'), ['one']);
  assert.deepEqual(keysOf('${A:-one}', { A: '' }), ['one']);
  assert.deepEqual(keysOf('${A:-one}', { A: 'two' }), ['two']);
});

test('a doubled dollar keeps the braces as they are', () => {
  assert.deepEqual(keysOf('$${A} $5', { A: 'one' }), ['${A} $5']);
});

test('what a variable holds is not expanded again', () => {
  assert.deepEqual(keysOf('${A}', { A: '${B}', B: 'two' }), ['${B}']);
});

test('unset variables outside of provider keys are told with their name and line', () => {
  const text = `server:
  port: \${PORT}
  apiKeys: ["\${A}", ok]
accounts:
  a: {provider: groq, url: "\${URL}", headers: {key: "\${HEADER}"}}
`;
  assert.deepEqual(problemsOf(text), [
    'config.yaml:2:9 server.port: the environment variable PORT is not set.',
    'config.yaml:3:13 server.apiKeys[0]: the environment variable A is not set.',
    'config.yaml:5:28 accounts.a.url: the environment variable URL is not set.',
    'config.yaml:5:53 accounts.a.headers.key: the environment variable HEADER is not set.',
  ]);
});

test('a field named key inside extraBody is not a provider key', () => {
  const text = 'chains: {a: [{model: m, provider: ollama, extraBody: {key: "${K}"}}]}';
  assert.deepEqual(problemsOf(text), [
    'config.yaml:1:60 chains.a[0].extraBody.key: the environment variable K is not set.',
  ]);
});

test('an unfinished reference is told with the way to write it literally', () => {
  assert.deepEqual(problemsOf("server: {apiKeys: ['${A']}"), [
    "config.yaml:1:20 server.apiKeys[0]: '${' must be followed by a variable's name and '}'; write '$${' for a literal one.",
  ]);
});
