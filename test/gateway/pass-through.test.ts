import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bodyFor, type OpaqueRequest } from '../../src/gateway/opaque-request.ts';
import { handlePassThrough, type OpaqueAnswer } from '../../src/gateway/pass-through.ts';
import { failed } from '../support/chat-wire.ts';
import type { FakeReply } from '../support/fake-http.ts';
import { settled } from '../support/fake-http.ts';
import type { PartialConfig } from '../support/node.ts';
import { failureOf, TestGateway, TWO_TARGETS } from './support.ts';

const SPEECH: OpaqueRequest = {
  model: 'main',
  path: '/audio/speech',
  contentType: 'application/json',
  before: Buffer.from('{"model":'),
  after: Buffer.from('}'),
};
const AUDIO = { headers: { 'content-type': 'audio/mpeg' }, chunks: ['so', 'und'] } as const;

function setup(config: PartialConfig, ...replies: FakeReply[]) {
  const gateway = new TestGateway(config, ...replies);
  const context = gateway.context();
  return { gateway, context, handle: () => handlePassThrough(SPEECH, context, gateway.deps) };
}

async function bytesOf(answer: OpaqueAnswer): Promise<string> {
  let text = '';
  for (let bytes = await answer.next(); bytes; bytes = await answer.next()) text += Buffer.from(bytes).toString();
  return text;
}

test('the answer comes as it is, after a fallback too, and the model is renamed for each target', async () => {
  const { gateway, handle } = setup(TWO_TARGETS, failed(500), AUDIO);
  const answer = await handle();
  assert.deepEqual([answer.status, answer.headers], [200, { 'content-type': 'audio/mpeg' }]);
  assert.equal(await bytesOf(answer), 'sound');
  assert.deepEqual(
    gateway.http.calls.map(({ request }) => [request.url, String(request.body)]),
    [
      ['http://a.test/v1/audio/speech', '{"model":"one"}'],
      ['http://b.test/v1/audio/speech', '{"model":"two"}'],
    ],
  );
  assert.equal(gateway.health.inFlight('b/two'), 0);
  assert.equal(gateway.clock.timerCount, 0);
});

test('the name of a model is quoted in JSON, and stands in a form as it is', () => {
  assert.equal(String(bodyFor(SPEECH, 'a"b')), '{"model":"a\\"b"}');
  const form = { ...SPEECH, contentType: 'multipart/form-data; boundary=x' };
  assert.equal(String(bodyFor(form, 'tts')), '{"model":tts}');
});

test('targets whose API has no such endpoints are passed by', async () => {
  const accounts = { a: { provider: 'anthropic', url: 'http://a.test' }, b: { url: 'http://b.test' } };
  const { gateway, handle } = setup({ ...TWO_TARGETS, accounts }, AUDIO);
  await bytesOf(await handle());
  assert.deepEqual(gateway.hosts, ['b']);
});

test('no head within ttftMs moves on', async () => {
  const { gateway, handle } = setup({ ...TWO_TARGETS, timeouts: { ttftMs: 100 } }, 'hang', AUDIO);
  const answer = handle();
  await gateway.advance(100);
  await bytesOf(await answer);
  assert.deepEqual(gateway.hosts, ['a', 'b']);
});

test('a body that breaks or falls silent is an upstream’s failure, not a defect of ours', async () => {
  const cut = setup({ ...TWO_TARGETS, cooldown: { failures: 1 } }, { chunks: ['so'], ending: 'cut' });
  assert.equal((await failureOf(bytesOf(await cut.handle()))).code, 'upstream_cut');
  assert.equal(cut.gateway.health.state('a/one'), 'open');
  const silent = setup({ ...TWO_TARGETS, timeouts: { idleMs: 100 } }, { chunks: ['so'], ending: 'hang' });
  const outcome = failureOf(bytesOf(await silent.handle()));
  await silent.gateway.advance(100);
  assert.equal((await outcome).code, 'upstream_timeout');
  for (const { gateway } of [cut, silent]) {
    assert.equal(gateway.http.openCount, 0);
    assert.equal(gateway.health.inFlight('a/one'), 0);
    assert.equal(gateway.clock.timerCount, 0);
  }
});

test('a client that leaves stops the upstream, and the target is not blamed', async () => {
  const { gateway, context, handle } = setup(
    { ...TWO_TARGETS, cooldown: { failures: 1 } },
    { chunks: ['so'], ending: 'hang' },
  );
  const outcome = failureOf(bytesOf(await handle()));
  await settled();
  context.leave();
  assert.equal((await outcome).code, 'client_closed');
  assert.equal(gateway.http.calls[0]?.isAborted, true);
  assert.equal(gateway.health.state('a/one'), 'closed');
  assert.equal(gateway.clock.timerCount, 0);
});

test('an answer given up stops the upstream and frees the target once', async () => {
  const { gateway, handle } = setup(TWO_TARGETS, { chunks: ['so'], ending: 'hang' });
  const answer = await handle();
  await answer.next();
  answer.cancel();
  answer.cancel();
  assert.equal(gateway.http.openCount, 0);
  assert.equal(gateway.health.inFlight('a/one'), 0);
  assert.equal(gateway.clock.timerCount, 0);
});
