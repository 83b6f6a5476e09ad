// A request that names several models: limits and ledger follow the one that is asked.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LimitSpec } from '../../src/tenancy/principal.ts';
import { DONE, failed, ROLE, STOP, streamed, text } from '../support/chat-wire.ts';
import type { FakeReply } from '../support/fake-http.ts';
import { type TestContext, TestGateway, TWO_TARGETS } from './support.ts';

const SAID = (words: string) => ROLE + text(words) + STOP + DONE;

function gatewayOf(replies: Readonly<Record<string, FakeReply>>): TestGateway {
  const gateway = new TestGateway({
    ...TWO_TARGETS,
    chains: { main: ['a/one'], other: ['b/two'], third: ['c/three'] },
    accounts: { ...TWO_TARGETS.accounts, c: { url: 'http://c.test' } },
  });
  gateway.http.script = ({ url }) => replies[new URL(url).hostname[0] ?? ''] ?? 'refuse';
  return gateway;
}

function limited(gateway: TestGateway, models: Readonly<Record<string, LimitSpec>>, more: LimitSpec = {}): TestContext {
  const context = gateway.context();
  const limits = [{ scope: 'key:k', spec: { ...more, models } }];
  return Object.assign(context, { principal: { ...context.principal, limits } });
}

async function settle(gateway: TestGateway, { trace }: TestContext): Promise<void> {
  await trace.account?.settle({ ...trace, status: 'done', account: trace.accountName, attempts: trace.attemptCount });
  await gateway.advance(0);
}

const modelsOf = (gateway: TestGateway) =>
  gateway.entries().map(({ model, target, status }) => [model, target, status]);

test('a fallback is limited and entered under its own name, and the first name is free again', async () => {
  const gateway = gatewayOf({ a: failed(500), b: streamed('from b') });
  const models = { main: { tokensPerMinute: 1_200 }, other: { tokensPerMinute: 5_000, requestsPerMinute: 1 } };
  const context = limited(gateway, models, { requestsPerMinute: 3 });
  assert.equal(await gateway.text({ models: ['other'] }, context), SAID('from b'));
  assert.deepEqual([context.trace.model, context.trace.chain], ['other', 'other']);
  await settle(gateway, context);
  assert.deepEqual(modelsOf(gateway), [['other', 'b/two', 'done']]);
  const again = limited(gateway, models, { requestsPerMinute: 3 });
  const error = await gateway.failure({ models: ['other'] }, again);
  assert.equal(error.code, 'upstream_error', 'what the upstream said is told rather than our limit');
  assert.deepEqual(gateway.hosts, ['a', 'b', 'a']);
  assert.equal(again.trace.model, 'main');
});

test('a name whose limit is reached is passed over, at the beginning as on the way', async () => {
  const gateway = gatewayOf({ a: failed(500), b: streamed('from b'), c: streamed('from c') });
  const full = { requestsPerMinute: 0 };
  assert.equal(await gateway.text({ models: ['other'] }, limited(gateway, { main: full })), SAID('from b'));
  assert.deepEqual(gateway.hosts, ['b']);
  const onTheWay = limited(gateway, { other: full });
  assert.equal(await gateway.text({ models: ['other', 'third'] }, onTheWay), SAID('from c'));
  assert.deepEqual(gateway.hosts, ['b', 'a', 'c']);
  assert.equal(onTheWay.trace.model, 'third');
});

test('when every name’s limit is reached, the first one’s is told and nobody is asked', async () => {
  const gateway = gatewayOf({});
  const full = { requestsPerMinute: 0 };
  const error = await gateway.failure({ models: ['other'] }, limited(gateway, { main: full, other: full }));
  assert.match(error.message, /0 requests a minute of key:k model:main/);
  assert.equal(error.code, 'rate_limited');
  assert.deepEqual([gateway.hosts, gateway.entries()], [[], []]);
});
