// A second target for a request whose first one is late: when it is asked, who wins, what the other one costs.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { HedgeConfig } from '../../src/config/routing.ts';
import { explainRequest } from '../../src/gateway/explain.ts';
import { HedgeBudget } from '../../src/gateway/hedge-budget.ts';
import { settleAccount } from '../../src/gateway/settle.ts';
import type { LimitSpec } from '../../src/tenancy/principal.ts';
import { DONE, failed, ROLE, STOP, stream, streamed, text, whole } from '../support/chat-wire.ts';
import type { FakeReply } from '../support/fake-http.ts';
import { chatRequest, failureOf, framesOf, type TestContext, TestGateway } from './support.ts';

const HEDGE: HedgeConfig = { afterMs: 1_000, budgetPercent: 100 };
const SAID = (words: string) => ROLE + text(words) + STOP + DONE;

/** The chain `main` over `a/one`, `b/two`, `c/three`; each host answers as the test says. */
function hedged(replies: Readonly<Record<string, FakeReply>>, hedge: HedgeConfig = HEDGE): TestGateway {
  const gateway = new TestGateway({
    accounts: { a: { url: 'http://a.test' }, b: { url: 'http://b.test' }, c: { url: 'http://c.test' } },
    chains: { main: { targets: ['a/one', 'b/two', 'c/three'], hedge } },
    retries: { max: 0 },
  });
  gateway.http.script = ({ url }) => replies[new URL(url).hostname[0] ?? ''] ?? 'refuse';
  return gateway;
}

/** So many answers of `a/one`, each after so long, so that its p95 is known. */
async function teach(gateway: TestGateway, times: number, ttftMs: number): Promise<void> {
  const { routing, clock } = gateway.deps;
  const target = { id: 'a/one' } as Parameters<typeof routing.watch>[0];
  for (let taught = 0; taught < times; taught += 1) {
    await routing.watch(target, true, clock, async () => {
      gateway.clock.advance(ttftMs);
      return { ok: true, answer: undefined };
    });
  }
}

function limited(context: TestContext, spec: LimitSpec): TestContext {
  const limits = [{ scope: 'key:k', spec }];
  return Object.assign(context, { principal: { ...context.principal, limits } });
}

async function settle(gateway: TestGateway, context: TestContext): Promise<void> {
  const { trace } = context;
  await trace.account?.settle({
    ...trace,
    status: trace.errorCode ? 'error' : 'done',
    account: trace.accountName,
    attempts: trace.attemptCount,
  });
  await gateway.advance(0);
}

function billedOf(gateway: TestGateway): unknown[] {
  return gateway.entries().map((entry) => [entry.request_id, entry.status, entry.target, entry.input_tokens]);
}

describe('a hedged chain', () => {
  test('asks nobody else while the first target is in time', async () => {
    const gateway = hedged({ a: streamed('from a'), b: streamed('from b') });
    const context = gateway.context();
    assert.equal(await gateway.text({}, context), SAID('from a'));
    assert.deepEqual(gateway.hosts, ['a']);
    assert.deepEqual([context.trace.attemptCount, context.trace.hedge], [1, undefined]);
    assert.equal(gateway.clock.timerCount, 0);
  });

  test('asks the next one when the first content is late, and cancels the first when that answers', async () => {
    const gateway = hedged({ a: 'hang', b: streamed('from b') });
    const context = gateway.context();
    const answer = gateway.text({}, context);
    await gateway.advance(999);
    assert.deepEqual(gateway.hosts, ['a']);
    await gateway.advance(1);
    assert.equal(await answer, SAID('from b'));
    assert.deepEqual(gateway.hosts, ['a', 'b']);
    assert.deepEqual(
      gateway.http.calls.map(({ isAborted }) => isAborted),
      [true, false],
    );
    const { target, provider, accountName, targetModel, attemptCount, hedge, waitedMs } = context.trace;
    assert.deepEqual(
      { target, provider, accountName, targetModel, attemptCount, waitedMs },
      {
        target: 'b/two',
        provider: 'openai-compatible',
        accountName: 'b',
        targetModel: 'two',
        attemptCount: 2,
        waitedMs: 1_000,
      },
    );
    assert.deepEqual(hedge, { target: 'b/two', afterMs: 1_000, outcome: 'won' });
    assert.equal(gateway.health.inFlight('a/one'), 0);
    assert.equal(gateway.health.inFlight('b/two'), 0);
  });

  test('works for whole answers as well', async () => {
    const gateway = hedged({ a: 'hang', b: whole('from b') });
    const answering = gateway.handle({ stream: false });
    await gateway.advance(1_000);
    const answer = await answering;
    const texts = (await framesOf(answer)).flatMap(({ events }) =>
      events.flatMap((event) => (event.type === 'text-delta' ? event.text : [])),
    );
    assert.deepEqual(texts, ['from b']);
    assert.equal(gateway.http.calls[0]?.isAborted, true);
  });

  test('takes the first after all when it answers first, and cancels the second', async () => {
    const gateway = hedged({ a: stream([ROLE, text('slow'), STOP, DONE]), b: 'hang' });
    const { script } = gateway.http;
    let release = (): void => undefined;
    const request = gateway.http.request.bind(gateway.http);
    gateway.http.request = async (sent) => {
      if (sent.url.includes('a.test')) await new Promise<void>((resolve) => (release = resolve));
      return request(sent);
    };
    assert.ok(script);
    const context = gateway.context();
    const answer = gateway.text({}, context);
    await gateway.advance(1_000);
    assert.deepEqual(gateway.hosts, ['b']);
    release();
    assert.equal(await answer, SAID('slow'));
    assert.deepEqual(
      gateway.http.calls.map(({ isAborted }) => isAborted),
      [true, false],
    );
    assert.deepEqual([context.trace.target, context.trace.hedge?.outcome], ['a/one', 'lost']);
  });

  test('enters both upstreams’ tokens in the ledger once: the answer’s, and the prompt of the one given up', async () => {
    const gateway = hedged({ a: 'hang', b: streamed('from b') });
    const context = gateway.context();
    const answer = gateway.text({}, context);
    await gateway.advance(1_000);
    await answer;
    await settle(gateway, context);
    const entries = gateway.entries();
    assert.deepEqual(entries, [
      {
        ...{ request_id: 'request-1', status: 'done', operation: 'openai-chat', model: 'main', target: 'b/two' },
        ...{ input_tokens: 11, output_tokens: 7, attempts: 2 },
      },
      {
        ...{ request_id: 'request-1~hedge', status: 'aborted', operation: 'hedge', model: 'main', target: 'a/one' },
        ...{ input_tokens: 5, output_tokens: 0, attempts: 1 },
      },
    ]);
  });

  test('goes on with the second when the first fails, and with the rest when both do', async () => {
    const gateway = hedged({ a: stream([ROLE], 'hang'), b: stream([ROLE], 'hang'), c: streamed('from c') });
    gateway.router = new TestGateway({
      accounts: { a: { url: 'http://a.test' }, b: { url: 'http://b.test' }, c: { url: 'http://c.test' } },
      chains: { main: { targets: ['a/one', 'b/two', 'c/three'], hedge: HEDGE, timeouts: { ttftMs: 5_000 } } },
      retries: { max: 0 },
    }).router;
    const context = gateway.context();
    const answer = gateway.text({}, context);
    await gateway.advance(1_000);
    await gateway.advance(4_000);
    assert.deepEqual(gateway.hosts, ['a', 'b'], 'the second may still answer');
    await gateway.advance(1_000);
    assert.equal(await answer, SAID('from c'));
    assert.deepEqual(
      context.trace.failures.map(({ target, code }) => [target, code]),
      [
        ['a/one', 'upstream_timeout'],
        ['b/two', 'upstream_timeout'],
      ],
    );
    assert.deepEqual([context.trace.attemptCount, context.trace.waitedMs], [3, 6_000]);
    assert.equal(context.trace.hedge?.outcome, 'failed');
    await settle(gateway, context);
    assert.deepEqual(billedOf(gateway), [
      ['request-1', 'done', 'c/three', 11],
      ['request-1~hedge', 'error', 'b/two', 0],
    ]);
  });

  test('bills a second attempt once when the first has failed and the client then leaves', async () => {
    const gateway = hedged({ a: stream([ROLE], 'hang'), b: stream([ROLE], 'hang') });
    gateway.router = new TestGateway({
      accounts: { a: { url: 'http://a.test' }, b: { url: 'http://b.test' } },
      chains: { main: { targets: ['a/one', 'b/two'], hedge: HEDGE, timeouts: { ttftMs: 5_000 } } },
      retries: { max: 0 },
    }).router;
    const context = gateway.context();
    const answer = failureOf(gateway.text({}, context));
    await gateway.advance(1_000);
    await gateway.advance(4_000);
    context.leave();
    assert.equal((await answer).code, 'client_closed');
    context.trace.errorCode = 'client_closed';
    settleAccount(context.trace, gateway.clock);
    assert.deepEqual(billedOf(gateway), [
      ['request-1', 'aborted', 'a/one', 0],
      ['request-1~hedge', 'aborted', 'b/two', 5],
    ]);
  });

  test('waits for the first when the second fails', async () => {
    const gateway = hedged({ a: stream([ROLE], 'hang'), b: failed(400) });
    const context = gateway.context();
    const answer = failureOf(gateway.text({}, context));
    await gateway.advance(1_000);
    assert.deepEqual(gateway.hosts, ['a', 'b']);
    context.leave();
    assert.equal((await answer).code, 'client_closed');
    assert.equal(gateway.http.openCount, 0);
    gateway.entries();
    assert.equal(gateway.clock.timerCount, 0);
  });

  test('ends at once, with both attempts stopped, when the first fails by the client’s fault', async () => {
    const gateway = hedged({ a: 'hang', b: 'hang' });
    let answerFirst = (): void => undefined;
    const request = gateway.http.request.bind(gateway.http);
    gateway.http.request = async (sent) => {
      if (!sent.url.includes('a.test')) return request(sent);
      await new Promise<void>((resolve) => (answerFirst = resolve));
      return { status: 400, headers: {}, body: (async function* () {})() };
    };
    const context = gateway.context();
    const failing = gateway.failure({}, context);
    await gateway.advance(1_000);
    answerFirst();
    assert.equal((await failing).code, 'bad_request');
    assert.deepEqual(
      gateway.http.calls.map(({ isAborted }) => isAborted),
      [true],
    );
    context.trace.errorCode = 'bad_request';
    settleAccount(context.trace, gateway.clock);
    assert.deepEqual(billedOf(gateway), [
      ['request-1', 'error', 'a/one', 0],
      ['request-1~hedge', 'aborted', 'b/two', 5],
    ]);
  });

  test('stops both when the client leaves, and bills the prompts that the upstreams had', async () => {
    const gateway = hedged({ a: 'hang', b: 'hang' });
    const context = gateway.context();
    const answer = failureOf(gateway.text({}, context));
    await gateway.advance(1_000);
    context.leave();
    assert.equal((await answer).code, 'client_closed');
    await gateway.advance(0);
    assert.deepEqual(
      gateway.http.calls.map(({ isAborted }) => isAborted),
      [true, true],
    );
    assert.equal(context.trace.attemptCount, 2);
    context.trace.errorCode = 'client_closed';
    settleAccount(context.trace, gateway.clock);
    assert.deepEqual(billedOf(gateway), [
      ['request-1', 'aborted', 'a/one', 6],
      ['request-1~hedge', 'aborted', 'b/two', 5],
    ]);
    assert.equal(gateway.health.inFlight('a/one') + gateway.health.inFlight('b/two'), 0);
  });

  test('an answer that has won is stopped when the client leaves in its middle', async () => {
    const gateway = hedged({ a: 'hang', b: stream([ROLE, text('begin')], 'hang') });
    const context = gateway.context();
    const answering = gateway.handle({}, context);
    await gateway.advance(1_000);
    const answer = await answering;
    while ((await Promise.race([answer.next(), gateway.advance(0)])) !== undefined);
    context.leave();
    await gateway.advance(0);
    assert.equal(gateway.http.openCount, 0);
  });
});

describe('when the second target is asked', () => {
  test('after the p95 of the first one’s times to first content, once twenty are known', async () => {
    for (const [times, waitMs] of [
      [19, 1_000],
      [20, 200],
    ] as const) {
      const gateway = hedged({ a: 'hang', b: streamed('from b') });
      await teach(gateway, times, 200);
      const answer = gateway.text();
      await gateway.advance(waitMs - 1);
      assert.deepEqual(gateway.hosts, ['a']);
      await gateway.advance(1);
      assert.equal(await answer, SAID('from b'));
    }
  });

  test('later, when the first one becomes slow: cancelled attempts count as the time they took', async () => {
    const gateway = hedged({ a: 'hang', b: streamed('from b') });
    await teach(gateway, 90, 200);
    for (let asked = 0; asked < 5; asked += 1) {
      const answer = gateway.text();
      await gateway.advance(200);
      await answer;
    }
    const { routing, clock } = gateway.deps;
    assert.equal(routing.slowTtftMs('a/one', true, 20), 200);
    const reading = routing.read('a/one', true, clock.elapsed());
    assert.equal(reading.ttft?.ttftMs, 200);
    assert.equal(reading.errorRate, 0, 'being slower than another is no failure');
  });

  test('the next one that could answer: none that cools down, and not the same one again', async () => {
    const gateway = hedged({ a: 'hang', b: streamed('from b'), c: streamed('from c') });
    gateway.health.coolTarget('b/two', 10_000);
    const answer = gateway.text();
    await gateway.advance(1_000);
    assert.equal(await answer, SAID('from c'));
    assert.deepEqual(gateway.hosts, ['a', 'c']);
  });

  test('nobody, while the chain’s budget is used up', async () => {
    const gateway = hedged({ a: 'hang', b: streamed('from b') }, { afterMs: 1_000, budgetPercent: 10 });
    const hedges: (string | undefined)[] = [];
    for (let asked = 0; asked < 20; asked += 1) {
      const context = gateway.context();
      const answer = gateway.text({}, context);
      await gateway.advance(1_000);
      if (context.trace.hedge?.outcome === 'over-budget') {
        context.leave();
        await failureOf(answer);
      } else await answer;
      hedges.push(context.trace.hedge?.outcome);
    }
    assert.deepEqual(
      hedges.flatMap((outcome, index) => (outcome === 'won' ? index + 1 : [])),
      [10, 20],
    );
    assert.equal(hedges.filter((outcome) => outcome === 'over-budget').length, 18);
  });

  test('nobody, when the client’s limits have no room for a second attempt; the budget is not touched', async () => {
    const gateway = hedged({ a: 'hang', b: streamed('from b') });
    const context = limited(gateway.context(), { tokensPerMinute: 1_500 });
    const answer = failureOf(gateway.text({}, context));
    await gateway.advance(1_000);
    assert.deepEqual(gateway.hosts, ['a']);
    assert.equal(context.trace.hedge?.outcome, 'over-limit');
    assert.deepEqual(gateway.deps.routing.hedgeBudget('main').state, { requests: 1, hedges: 0 });
    context.leave();
    await answer;
  });

  test('a limit of one request at once does not forbid it', async () => {
    const gateway = hedged({ a: 'hang', b: streamed('from b') });
    const context = limited(gateway.context(), { concurrent: 1, requestsPerMinute: 1 });
    const answer = gateway.text({}, context);
    await gateway.advance(1_000);
    assert.equal(await answer, SAID('from b'));
  });
});

test('an explanation says whom it would ask after how long, and what is left of the budget', async () => {
  const gateway = hedged({ a: 'hang', b: streamed('from b') }, { afterMs: 1_000, budgetPercent: 10 });
  const explain = () => explainRequest(chatRequest(), gateway.context(), gateway.deps);
  assert.equal(
    explain().text.at(-1),
    'hedge: after 1000 ms (too little is known of a/one) b/two is asked too; 0 of the last 0 requests were asked twice, 10 % may be',
  );
  await teach(gateway, 20, 250);
  gateway.deps.routing.hedgeBudget('main').noteRequest();
  assert.deepEqual(explain().routes[0]?.hedge, {
    ...{ first: 'a/one', second: 'b/two', afterMs: 250, isLearned: true },
    ...{ budgetPercent: 10, requests: 1, hedges: 0 },
  });
  for (const target of ['b/two', 'c/three']) gateway.health.coolTarget(target, 10_000);
  assert.equal(explain().text.at(-1), 'hedge: a/one alone, for nobody else could be asked now');
});

describe('the budget of second attempts', () => {
  test('is a share of the last hundred requests, and what is given back can be taken again', () => {
    const budget = new HedgeBudget();
    assert.equal(budget.take(100), undefined, 'no request, no second attempt');
    for (let request = 0; request < 50; request += 1) budget.noteRequest();
    const taken = Array.from({ length: 5 }, () => budget.take(10));
    assert.ok(taken.every(Boolean));
    assert.equal(budget.take(10), undefined);
    taken[0]?.();
    assert.ok(budget.take(10));
    assert.deepEqual(budget.state, { requests: 50, hedges: 5 });
    for (let request = 0; request < 99; request += 1) budget.noteRequest();
    assert.deepEqual(budget.state, { requests: 100, hedges: 5 });
    budget.noteRequest();
    assert.deepEqual(budget.state, { requests: 100, hedges: 0 });
    taken[1]?.();
    assert.deepEqual(budget.state, { requests: 100, hedges: 0 }, 'it has left the window already');
  });
});
