// Streams of events that a gateway labels as JSON, and JSON that one labels as a stream of events.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { peeked } from '../../src/gateway/mislabelled.ts';
import { readText } from '../../src/gateway/upstream-http.ts';
import { framesOf, TestGateway } from './support.ts';

const JSON_LABEL = { 'content-type': 'application/json; charset=utf-8' };
const CONFIG = { accounts: { a: { url: 'http://a.test/v1' } }, chains: { main: ['a/m'] }, retries: { max: 0 } };
const chunk = (delta: object, finish_reason: string | null = null): string =>
  `data: ${JSON.stringify({ id: 'c1', model: 'm', choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
const WIRE = [
  ': waking up\n\n',
  chunk({ content: 'Hel' }),
  chunk({ content: 'lo' }),
  chunk({}, 'stop'),
  'data: [DONE]\n\n',
];

test('are streamed as what they are', async () => {
  const gateway = new TestGateway(CONFIG, { headers: JSON_LABEL, chunks: WIRE });
  const text = await gateway.text({ stream: true });
  assert.equal(text, WIRE.slice(1).join(''));
  assert.equal(gateway.http.openCount, 0);
});

test('are read for a client that did not ask for a stream', async () => {
  const gateway = new TestGateway(CONFIG, { headers: JSON_LABEL, chunks: WIRE });
  const answer = await gateway.handle({ stream: false });
  const events = (await framesOf(answer)).flatMap((frame) => [...frame.events]);
  assert.deepEqual(
    events.map((event) => ('text' in event ? event.text : event.type)),
    ['response-start', 'Hel', 'lo', 'finish', 'response-end'],
  );
});

test('are a failure where they end too early, and closed when the client leaves', async () => {
  const cut = new TestGateway(CONFIG, { headers: JSON_LABEL, chunks: WIRE.slice(0, 1) });
  assert.equal((await cut.failure()).code, 'upstream_cut');
  const slow = new TestGateway(CONFIG, { headers: JSON_LABEL, chunks: WIRE.slice(0, 2), ending: 'hang' });
  const answer = await slow.handle();
  await answer.next();
  answer.cancel();
  assert.deepEqual([slow.http.openCount, slow.http.calls[0]?.isAborted || slow.http.calls[0]?.isAbandoned], [0, true]);
});

test('are not looked for in JSON', async () => {
  const body = {
    id: 'c1',
    model: 'm',
    choices: [{ index: 0, message: { content: 'data: x' }, finish_reason: 'stop' }],
  };
  const gateway = new TestGateway(CONFIG, { headers: JSON_LABEL, chunks: ['\n ', JSON.stringify(body)] });
  assert.match(await gateway.text({ stream: true }), /"content":"data: x"/);
});

const STREAM_LABEL = { 'content-type': 'text/event-stream' };

test('a body of JSON under the label of a stream is read as what it is', async () => {
  const choices = [{ index: 0, message: { content: 'Hello' }, finish_reason: 'stop' }];
  const body = { id: 'c1', model: 'm', choices, usage: { prompt_tokens: 1, completion_tokens: 1 } };
  const chunks = ['\n', JSON.stringify(body, undefined, 1).slice(0, 50), JSON.stringify(body, undefined, 1).slice(50)];
  const gateway = new TestGateway(CONFIG, { headers: STREAM_LABEL, chunks });
  const events = (await framesOf(await gateway.handle({ stream: true }))).flatMap((frame) => [...frame.events]);
  assert.deepEqual(
    events.map((event) => ('text' in event ? event.text : event.type)),
    ['response-start', 'Hello', 'finish', 'usage', 'response-end'],
  );
});

test('errors under the label of a stream keep their words', async () => {
  const error = { code: 429, message: 'All slots are taken.', type: 'rate_limit_error' };
  for (const chunks of [[JSON.stringify({ error }, undefined, 2)], [`error: ${JSON.stringify(error)}\n\n`]]) {
    const gateway = new TestGateway(CONFIG, { headers: STREAM_LABEL, chunks });
    const { code, message } = await gateway.failure();
    assert.deepEqual([code, message], ['upstream_rate_limited', 'All slots are taken.']);
  }
});

test('what was looked at is read with the rest, also where the rest is here already', async () => {
  const chunks = ['{"first":1,', '"second":2}'].map((text) => Buffer.from(text));
  const body = (async function* () {
    for (let next = chunks.shift(); next; next = chunks.shift()) yield next;
  })();
  const { start, response } = await peeked({ status: 200, headers: {}, body, arrived: () => chunks.shift() });
  assert.equal(start, '{"first":1,');
  assert.equal(await readText(response, 1_000, 'fail'), '{"first":1,"second":2}');
});
