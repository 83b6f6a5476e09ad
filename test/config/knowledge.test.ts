import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { describe, test } from 'node:test';
import { parse, problemsOf } from './support.ts';

const CHAINS = 'chains:\n  main:\n    targets: [{model: m, provider: local, url: "http://127.0.0.1:9/v1"}]\n';

describe('knowledge', () => {
  test('watched folders start at the file, and belong to the default tenant', () => {
    const { knowledge } = parse('knowledge: {watch: [{path: docs, collection: handbook}]}').config;
    assert.deepEqual(knowledge.watch, [{ path: resolve('docs'), collection: 'handbook', tenant: 'default' }]);
  });

  test('what a chain does not say, the top level does', () => {
    const text = `knowledge: {topK: 3, maxTokens: 900}\n${CHAINS}    knowledge: {collections: handbook, topK: 8}\n`;
    assert.deepEqual(parse(text).config.chains.main?.knowledge, {
      collections: ['handbook'],
      topK: 8,
      maxTokens: 900,
      minScore: 0,
      required: false,
    });
  });

  test('a chain without knowledge has none', () => {
    assert.equal(parse(CHAINS).config.chains.main?.knowledge, undefined);
  });

  test('embeddings must name what can be asked', () => {
    assert.equal(parse(`${CHAINS}knowledge: {embeddings: main}`).config.knowledge.embeddings, 'main');
    assert.match(
      problemsOf(`${CHAINS}knowledge: {embeddings: mian}`).join(),
      /knowledge\.embeddings: 'mian' is neither/,
    );
  });

  test('a collection has a name that fits into a path', () => {
    assert.match(
      problemsOf('knowledge: {watch: [{path: docs, collection: a/b}]}').join(),
      /knowledge\.watch\[0\]\.collection/,
    );
  });
});
