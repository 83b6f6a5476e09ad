// Copies of requests: asked after the real answer, dropped rather than felt, and kept beside it.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { handle, type PipelineDeps } from '../../src/gateway/pipeline.ts';
import { type ShadowDeps, ShadowRunner } from '../../src/gateway/shadow.ts';
import { replayable, type ShadowPair } from '../../src/model/replay.ts';
import type { LimitSpec } from '../../src/tenancy/principal.ts';
import { DONE, failed, ROLE, STOP, stream, streamed, text } from '../support/chat-wire.ts';
import type { FakeReply } from '../support/fake-http.ts';
import { chatRequest, failureOf, type TestContext, TestGateway, TWO_TARGETS } from './support.ts';

const SAID = (words: string) => ROLE + text(words) + STOP + DONE;

class ShadowedGateway extends TestGateway {
  readonly kept: { readonly id: string; readonly tenant: string; readonly pair: ShadowPair }[] = [];
  readonly outcomes: string[] = [];
  isBusy = false;
  readonly limits = { queueMax: 2, concurrencyMax: 1 };
  readonly runner: ShadowRunner;

  constructor(replies: Readonly<Record<string, FakeReply>>, share = 1) {
    super({
      ...TWO_TARGETS,
      chains: { main: { targets: ['a/one'], shadow: { to: 'other', share } }, other: ['b/two'] },
      rules: [{ when: { models: ['other'] }, use: 'main' }],
    });
    this.http.script = ({ url }) => replies[new URL(url).hostname[0] ?? ''] ?? 'refuse';
    const deps: ShadowDeps = {
      clock: this.clock,
      ask: (request, context) => handle(request, context, this.deps),
      limits: () => this.limits,
      isBusy: () => this.isBusy,
      keep: (id, tenant, pair) => void this.kept.push({ id, tenant, pair }),
      onOutcome: (outcome) => void this.outcomes.push(outcome),
      onTrace: () => undefined,
    };
    this.runner = new ShadowRunner(deps);
    Object.assign(this.deps, { shadows: this.runner });
  }
}

function limited(context: TestContext, spec: LimitSpec, scopes = {}): TestContext {
  const limits = [{ scope: 'key:k', spec }];
  return Object.assign(context, { principal: { ...context.principal, limits, scopes } });
}

describe('a chain with a shadow', () => {
  test('answers as without it, and then asks the other chain the same', async () => {
    const gateway = new ShadowedGateway({ a: streamed('from a'), b: streamed('from', ' b') });
    assert.equal(await gateway.text({ temperature: 0.5 }), SAID('from a'));
    assert.deepEqual(gateway.hosts, ['a'], 'not before the client has its answer');
    await gateway.advance(0);
    assert.deepEqual(gateway.hosts, ['a', 'b']);
    const [asked, copied] = gateway.http.calls.map(({ request }) => JSON.parse(String(request.body)));
    assert.deepEqual({ ...copied, model: 'one' }, asked);
    assert.deepEqual(gateway.outcomes, ['answered']);
    const [{ id, tenant, pair } = assert.fail('no pair')] = gateway.kept;
    const usage = {
      inputTokens: 11,
      cachedInputTokens: 0,
      cacheWriteTokens: 0,
      outputTokens: 7,
      reasoningTokens: 0,
      isEstimated: false,
    };
    const answer = { ttftMs: 0, totalMs: 0, usage, finish: 'stop' };
    assert.deepEqual([id, tenant], ['request-1', 'default']);
    assert.deepEqual(pair, {
      chain: 'main',
      to: 'other',
      request: {
        messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hello' }] }],
        tools: [],
        sampling: { temperature: 0.5 },
      },
      served: { text: 'from a', target: 'a/one', ...answer },
      shadow: { text: 'from b', target: 'b/two', ...answer },
    });
  });

  test('has an entry of its own in the ledger for the copy', async () => {
    const gateway = new ShadowedGateway({ a: streamed('from a'), b: streamed('from b') });
    await gateway.text();
    await gateway.advance(0);
    assert.deepEqual(
      gateway
        .entries()
        .map(({ request_id, operation, model, target, status }) => [request_id, operation, model, target, status]),
      [['request-1~shadow', 'shadow', 'other', 'b/two', 'done']],
    );
  });

  test('copies only the share that is wanted', async () => {
    for (const [share, hosts] of [
      [0.5, ['a']],
      [0.51, ['a', 'b']],
    ] as const) {
      const gateway = new ShadowedGateway({ a: streamed('from a'), b: streamed('from b') }, share);
      await gateway.text();
      await gateway.advance(0);
      assert.deepEqual(gateway.hosts, hosts, 'the dice show 0.5');
    }
  });

  test('copies no failure, no broken answer, and none whose client left', async () => {
    for (const reply of [failed(400), stream([ROLE, text('cut')], 'cut')]) {
      const gateway = new ShadowedGateway({ a: reply, b: streamed('from b') });
      await gateway.failure();
      await gateway.advance(0);
      assert.deepEqual(gateway.hosts, ['a']);
    }
    const gateway = new ShadowedGateway({ a: streamed('one', 'two'), b: streamed('from b') });
    (await gateway.handle()).cancel();
    await gateway.advance(0);
    assert.deepEqual(gateway.hosts, ['a']);
  });

  test('does not spend a client’s own key, nor let an upstream’s own tools act twice', async () => {
    const gateway = new ShadowedGateway({ a: streamed('from a'), b: streamed('from b') });
    await gateway.text({}, Object.assign(gateway.context(), { ownKeys: new Map([['openai-compatible', 'own']]) }));
    await gateway.text({ tools: [{ type: 'web_search' }] });
    await gateway.advance(0);
    assert.deepEqual(gateway.hosts, ['a', 'a']);
  });

  test('keeps why there is no second answer', async () => {
    const gateway = new ShadowedGateway({ a: streamed('from a'), b: failed(500, { message: 'down' }) });
    await gateway.text();
    await gateway.advance(0);
    assert.deepEqual(gateway.outcomes, ['failed']);
    assert.deepEqual(
      gateway.kept.map(({ pair }) => [pair.served.text, pair.shadow.text, pair.shadow.error]),
      [['from a', '', 'down']],
    );
  });
});

describe('a shadow is never felt', () => {
  test('what waits is bounded, and no more than so many run at once', async () => {
    const gateway = new ShadowedGateway({ a: streamed('from a'), b: 'hang' });
    for (let asked = 0; asked < 5; asked += 1) {
      await gateway.text();
      if (asked === 0) await gateway.advance(0);
    }
    await gateway.advance(0);
    assert.deepEqual(gateway.hosts.filter((host) => host === 'b').length, 1);
    assert.deepEqual(gateway.outcomes, ['queue-full', 'queue-full'], 'one runs, two wait');
    const stopped = gateway.runner.stop();
    await stopped;
    assert.equal(gateway.http.openCount, 0);
    assert.deepEqual(gateway.kept, []);
    await gateway.text();
    await gateway.advance(0);
    assert.equal(gateway.hosts.at(-1), 'a', 'a stopped runner takes nothing');
  });

  test('a busy node drops copies, before they wait and after', async () => {
    const gateway = new ShadowedGateway({ a: streamed('from a'), b: streamed('from b') });
    await gateway.text();
    gateway.isBusy = true;
    await gateway.advance(0);
    await gateway.text();
    await gateway.advance(0);
    assert.deepEqual(gateway.hosts, ['a', 'a']);
    assert.deepEqual(gateway.outcomes, ['node-busy', 'node-busy']);
  });

  test('it takes no request and no place of its tenant, and only spare tokens', async () => {
    const gateway = new ShadowedGateway({ a: streamed('from a'), b: streamed('from b') });
    const spec = { requestsPerMinute: 1, concurrent: 1, tokensPerMinute: 4_000 };
    const context = limited(gateway.context(), spec);
    await gateway.text({ max_tokens: 100 }, context);
    await gateway.advance(0);
    assert.deepEqual(gateway.outcomes, ['answered']);
    await context.trace.account?.settle({ status: 'done', attempts: 1 });
    assert.equal((await failureOf(gateway.text({}, limited(gateway.context(), spec)))).code, 'rate_limited');
  });

  test('where less than half of a limit is left there is no copy, and no entry of one', async () => {
    const gateway = new ShadowedGateway({ a: streamed('from a'), b: streamed('from b') });
    await gateway.text({ max_tokens: 100 }, limited(gateway.context(), { tokensPerMinute: 200 }));
    await gateway.advance(0);
    assert.deepEqual([gateway.hosts, gateway.outcomes], [['a'], ['over-limit']]);
    assert.equal(gateway.entries().length, 0);
  });

  test('the scopes of the key bind the client, not where the operator sends the copy', async () => {
    const gateway = new ShadowedGateway({ a: streamed('from a'), b: streamed('from b') });
    await gateway.text({}, limited(gateway.context(), {}, { models: ['main'] }));
    await gateway.advance(0);
    assert.deepEqual(gateway.outcomes, ['answered']);
  });

  test('the client’s routing wishes stay with its own request', async () => {
    const gateway = new ShadowedGateway({ a: streamed('from a'), b: streamed('from b') });
    await gateway.text({ models: ['a/one'], provider: { only: ['a'] } });
    await gateway.advance(0);
    assert.deepEqual(gateway.hosts, ['a', 'b']);
  });
});

test('what clients ask is kept under its ledger entry, and copies are not', async () => {
  const gateway = new ShadowedGateway({ a: streamed('from a'), b: streamed('from b') });
  const kept: unknown[] = [];
  const keepPrompt: PipelineDeps['keepPrompt'] = (id, tenant, { model }) => void kept.push([id, tenant, model]);
  Object.assign(gateway.deps, { keepPrompt });
  await gateway.text();
  await gateway.text();
  await gateway.advance(0);
  assert.deepEqual(gateway.hosts, ['a', 'a', 'b', 'b']);
  assert.deepEqual(
    kept.map((entry) => (entry as string[]).slice(1)),
    [
      ['default', 'main'],
      ['default', 'main'],
    ],
  );
});

test('a replayed request has what makes its answer, and nothing of who asked', () => {
  const parameters = { type: 'object' };
  const request = chatRequest({
    ...{ user: 'ada', metadata: { a: 'b' }, tool_choice: 'auto', temperature: 1 },
    tools: [{ type: 'function', function: { name: 'f', parameters } }],
  });
  assert.deepEqual(replayable(request), {
    messages: request.messages,
    tools: [{ name: 'f', parameters }],
    toolChoice: { type: 'auto' },
    sampling: { temperature: 1 },
  });
});
