import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SemanticKnowledge } from '../../src/gateway/semantic-knowledge.ts';
import type { DocumentInput } from '../../src/knowledge/knowledge.ts';
import { openLocalKnowledge } from '../../src/knowledge/local-knowledge.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { silentLogger } from '../support/transports.ts';

/** Texts about vehicles point one way, all others another. */
function vectorOf(text: string): number[] {
  return /car|automobile|lorry/i.test(text) ? [1, 0, 0] : [0, 1, 0.1];
}

function documentOf(source: string, text: string): DocumentInput {
  return {
    tenant: 'acme',
    collection: 'docs',
    source,
    title: source,
    mimeType: 'text/plain',
    contentHash: source,
    attributes: {},
    passages: [{ text, headings: [], start: 0, end: text.length }],
  };
}

async function brain(model: () => string | undefined = () => 'embedder') {
  const clock = new ManualClock();
  const knowledge = openLocalKnowledge({ file: ':memory:', clock });
  const calls: { readonly tenant: string; readonly texts: readonly string[] }[] = [];
  const state = { remembered: undefined as string | undefined, isDown: false };
  const semantic = new SemanticKnowledge({
    knowledge,
    clock,
    logger: silentLogger,
    model,
    memory: {
      get: () => state.remembered,
      set: (name) => {
        state.remembered = name;
      },
    },
    embed: async (_model, tenant, texts) => {
      calls.push({ tenant, texts });
      if (state.isDown) throw new Error('down');
      return texts.map(vectorOf);
    },
  });
  await knowledge.store(documentOf('garage', 'The automobile needs new brakes.'));
  await knowledge.store(documentOf('kitchen', 'Bread is baked at night.'));
  const search = async (query: string) => {
    const hits = await semantic.searched.search({ tenant: 'acme', collections: ['docs'], query, topK: 1 });
    return hits.map(({ source }) => source);
  };
  /** Lets the background work go on for so long. */
  const pass = async (periodMs: number) => {
    for (let at = 0; at < periodMs; at += 50) {
      clock.advance(50);
      for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { clock, knowledge, semantic, calls, state, search, pass };
}

describe('knowledge with an embeddings model', () => {
  test('finds by meaning what shares no word with the question', async () => {
    const { semantic, search, pass, calls } = await brain();
    assert.deepEqual(await search('Which lorry?'), [], 'before anything is embedded');
    semantic.start();
    await pass(200);
    assert.deepEqual(await search('Which lorry?'), ['garage']);
    assert.deepEqual(
      calls.map(({ tenant }) => tenant),
      ['acme', 'acme', 'acme'],
    );
    await semantic.stop();
  });

  test('embeds each passage once, and what is added later', async () => {
    const { knowledge, semantic, pass, calls } = await brain();
    semantic.start();
    await pass(200);
    assert.deepEqual(calls.flatMap(({ texts }) => texts).length, 2);
    await knowledge.store(documentOf('yard', 'A car stands in the yard.'));
    await pass(10_100);
    assert.equal(calls.flatMap(({ texts }) => texts).length, 3);
    await semantic.stop();
  });

  test('goes by words while the model fails, and tries again later', async () => {
    const { semantic, search, pass, state, calls } = await brain();
    state.isDown = true;
    semantic.start();
    await pass(100);
    assert.deepEqual(await search('bread'), ['kitchen']);
    state.isDown = false;
    const before = calls.length;
    await pass(1_000);
    assert.equal(calls.length, before, 'not at once');
    await pass(60_100);
    assert.deepEqual(await search('Which lorry?'), ['garage']);
    await semantic.stop();
  });

  test('embeds everything anew when the model changes', async () => {
    let model = 'one';
    const { semantic, pass, calls, state } = await brain(() => model);
    semantic.start();
    await pass(200);
    assert.equal(state.remembered, 'one');
    model = 'two';
    await pass(10_200);
    assert.equal(state.remembered, 'two');
    assert.equal(calls.flatMap(({ texts }) => texts).length, 4);
    await semantic.stop();
  });

  test('asks nobody while none is configured', async () => {
    const { semantic, search, pass, calls } = await brain(() => undefined);
    semantic.start();
    await pass(500);
    assert.deepEqual(await search('bread'), ['kitchen']);
    assert.deepEqual(calls, []);
    await semantic.stop();
  });
});
