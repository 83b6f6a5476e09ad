import assert from 'node:assert/strict';
import { test } from 'node:test';
import { handleEmbeddings, handleTokenCount } from '../../src/gateway/operations.ts';
import { ANONYMOUS } from '../../src/tenancy/principal.ts';
import { failed, JSON_HEADERS } from '../support/chat-wire.ts';
import type { FakeAnswer } from '../support/fake-http.ts';
import type { PartialConfig } from '../support/node.ts';
import { chatRequest, failureOf, TestGateway, TWO_TARGETS } from './support.ts';

const EMBEDDING = { model: 'main', inputs: ['Hello there', [1, 2, 3]], encoding: 'float' } as const;

function vectors(usage?: object): FakeAnswer {
  const data = [0, 1].map((index) => ({ object: 'embedding', index, embedding: [index, 0.5] }));
  return { headers: JSON_HEADERS, chunks: [{ object: 'list', model: 'up', data, ...(usage && { usage }) }] };
}

test('embeddings fall back like chats do', async () => {
  const gateway = new TestGateway(TWO_TARGETS, failed(500), vectors({ prompt_tokens: 9, total_tokens: 9 }));
  const context = gateway.context();
  const response = await handleEmbeddings(EMBEDDING, context, gateway.deps);
  assert.deepEqual(response.vectors, [
    [0, 0.5],
    [1, 0.5],
  ]);
  assert.deepEqual(gateway.hosts, ['a', 'b']);
  assert.deepEqual([context.trace.usage?.inputTokens, context.trace.usage?.isEstimated], [9, false]);
  assert.equal(gateway.clock.timerCount, 0);
  assert.equal(gateway.health.inFlight('b/two'), 0);
});

test('embeddings without usage are estimated: texts by their length, ids by their number', async () => {
  const gateway = new TestGateway(TWO_TARGETS, vectors());
  const context = gateway.context();
  const response = await handleEmbeddings(EMBEDDING, context, gateway.deps);
  assert.deepEqual([context.trace.usage?.inputTokens, context.trace.usage?.isEstimated], [5, true]);
  assert.deepEqual([response.inputTokens, response.isEstimated], [5, true]);
});

test('limits hold the texts that are embedded, and no answer', async () => {
  const gateway = new TestGateway(TWO_TARGETS, vectors({ prompt_tokens: 9, total_tokens: 9 }));
  const limits = [{ scope: 'tenant:acme', spec: { tokensPerMinute: 100 } }];
  const context = Object.assign(gateway.context(), { principal: { ...ANONYMOUS, limits } });
  await handleEmbeddings(EMBEDDING, context, gateway.deps);
  assert.equal(context.trace.account?.rateLimit.remainingTokens, 92);
});

test('an answer that is no embeddings is a failure', async () => {
  const gateway = new TestGateway(TWO_TARGETS, { headers: JSON_HEADERS, chunks: [{ hello: 1 }] });
  const error = await failureOf(handleEmbeddings(EMBEDDING, gateway.context(), gateway.deps));
  assert.equal(error.code, 'upstream_garbage');
  assert.deepEqual(gateway.hosts, ['a', 'b']);
});

test('a server that embeds only the first text of a batch has failed', async () => {
  const data = [{ object: 'embedding', index: 0, embedding: [1] }];
  const short = { headers: JSON_HEADERS, chunks: [{ object: 'list', model: 'up', data }] };
  const gateway = new TestGateway(TWO_TARGETS, short, vectors());
  assert.equal((await handleEmbeddings(EMBEDDING, gateway.context(), gateway.deps)).vectors.length, 2);
  assert.deepEqual(gateway.hosts, ['a', 'b']);
  const alone = new TestGateway(TWO_TARGETS, short);
  const { code, message } = await failureOf(handleEmbeddings(EMBEDDING, alone.context(), alone.deps));
  assert.deepEqual([code, message], ['upstream_garbage', 'The upstream answered with 1 vectors for 2 inputs.']);
});

test('no input is answered with no vectors, and no upstream is asked: most would refuse it', async () => {
  const gateway = new TestGateway(TWO_TARGETS, vectors());
  const context = gateway.context();
  const response = await handleEmbeddings({ ...EMBEDDING, inputs: [] }, context, gateway.deps);
  assert.deepEqual(response, { model: 'main', vectors: [], inputTokens: 0 });
  assert.deepEqual(gateway.hosts, []);
  assert.deepEqual([context.trace.usage?.inputTokens, context.trace.usage?.isEstimated], [0, false]);
  const unknown = await failureOf(
    handleEmbeddings({ ...EMBEDDING, model: 'nobody', inputs: [] }, gateway.context(), gateway.deps),
  );
  assert.equal(unknown.code, 'model_not_found');
});

test('silence is a timeout, and a client that leaves ends the call', async () => {
  const late = new TestGateway({ ...TWO_TARGETS, timeouts: { ttftMs: 100 } }, 'hang', vectors());
  const response = handleEmbeddings(EMBEDDING, late.context(), late.deps);
  await late.advance(100);
  await response;
  assert.deepEqual(late.hosts, ['a', 'b']);
  const left = new TestGateway(TWO_TARGETS, 'hang');
  const context = left.context();
  const outcome = failureOf(handleEmbeddings(EMBEDDING, context, left.deps));
  await left.advance(0);
  context.leave();
  assert.equal((await outcome).code, 'client_closed');
  assert.equal(left.http.openCount, 0);
  assert.equal(left.health.inFlight('a/one'), 0);
  assert.equal(left.clock.timerCount, 0);
});

const ANTHROPIC: PartialConfig = {
  accounts: { a: { provider: 'anthropic', url: 'http://a.test', keys: ['k'] } },
  chains: { main: ['a/one'] },
  retries: { max: 0 },
};

test('an upstream that can count is asked', async () => {
  const gateway = new TestGateway(ANTHROPIC, { headers: JSON_HEADERS, chunks: [{ input_tokens: 42 }] });
  const count = await handleTokenCount(chatRequest(), gateway.context(), gateway.deps);
  assert.deepEqual(count, { inputTokens: 42, isEstimated: false });
  assert.match(gateway.http.calls[0]?.request.url ?? '', /\/v1\/messages\/count_tokens$/);
});

test('where none can count, or the count fails, it is an estimate', async () => {
  const plain = new TestGateway(TWO_TARGETS, failed(500));
  assert.deepEqual(await handleTokenCount(chatRequest(), plain.context(), plain.deps), {
    inputTokens: 5,
    isEstimated: true,
  });
  assert.deepEqual(plain.hosts, []);
  const failing = new TestGateway(ANTHROPIC, failed(500));
  assert.deepEqual(await handleTokenCount(chatRequest(), failing.context(), failing.deps), {
    inputTokens: 5,
    isEstimated: true,
  });
});

test('a count of nonsense is refused', async () => {
  const gateway = new TestGateway(ANTHROPIC, failed(400));
  const error = await failureOf(handleTokenCount(chatRequest(), gateway.context(), gateway.deps));
  assert.equal(error.code, 'bad_request');
});

test('the trace of a count names model and chain, estimated or not', async () => {
  const gateway = new TestGateway(TWO_TARGETS);
  const context = gateway.context();
  await handleTokenCount(chatRequest(), context, gateway.deps);
  assert.deepEqual([context.trace.model, context.trace.chain], ['main', 'main']);
});

test('the built-in answerer has no embeddings', async () => {
  const gateway = new TestGateway({
    accounts: { flowmesh: { provider: 'flowmesh' } },
    chains: { main: ['flowmesh/extractive'] },
  });
  const error = await failureOf(handleEmbeddings(EMBEDDING, gateway.context(), gateway.deps));
  assert.equal(error.code, 'unsupported');
  assert.deepEqual(gateway.hosts, []);
});
