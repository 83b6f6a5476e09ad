import assert from 'node:assert/strict';
import { test } from 'node:test';
import { handle } from '../../src/gateway/pipeline.ts';
import type { StopSignal } from '../../src/ports.ts';
import {
  completion,
  DONE,
  JSON_HEADERS,
  ROLE,
  SSE_HEADERS,
  STOP,
  sse,
  stream,
  streamed,
  text,
  USAGE,
  whole,
} from '../support/chat-wire.ts';
import { settled } from '../support/fake-http.ts';
import type { PartialConfig } from '../support/node.ts';
import { chatRequest, failureOf, framesOf, TestGateway, TWO_TARGETS } from './support.ts';

const ONE_TARGET: PartialConfig = { ...TWO_TARGETS, chains: { main: ['a/one'] } };
const FAILURE = sse({ error: { message: 'The server is overloaded', type: 'server_error', code: null } });

test('a stream of the client’s own dialect comes through byte for byte', async () => {
  const gateway = new TestGateway(ONE_TARGET, streamed('Hel', 'lo'));
  const shown = await gateway.text({ stream_options: { include_usage: true } });
  assert.equal(shown, ROLE + text('Hel') + text('lo') + STOP + USAGE + DONE);
});

test('nothing of an attempt that fails before its first content is shown', async () => {
  for (const broken of [
    stream([ROLE, FAILURE]),
    stream([ROLE], 'cut'),
    stream([ROLE], 'end'),
    stream([ROLE, 'data: {"not json\n\n']),
    stream([DONE]),
  ]) {
    const gateway = new TestGateway(TWO_TARGETS, broken, streamed('Hi'));
    assert.equal(await gateway.text(), ROLE + text('Hi') + STOP + DONE);
    assert.deepEqual(gateway.hosts, ['a', 'b']);
    assert.equal(gateway.http.openCount, 0);
  }
});

test('after a fallback an Anthropic client sees one message_start, of the target that answered', async () => {
  const start = (id: string) =>
    `event: message_start\ndata: ${JSON.stringify({ type: 'message_start', message: { id, type: 'message', role: 'assistant', model: 'm', content: [], stop_reason: null, stop_sequence: null, usage: { input_tokens: 1, output_tokens: 1 } } })}\n\n`;
  const ping = 'event: ping\ndata: {"type":"ping"}\n\n';
  const error = `event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n`;
  const rest = [
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hi' } },
    { type: 'content_block_stop', index: 0 },
    { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 2 } },
    { type: 'message_stop' },
  ].map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
  const anthropic = { provider: 'anthropic', dialect: 'anthropic', keys: ['k'] } as const;
  const gateway = new TestGateway(
    {
      ...TWO_TARGETS,
      accounts: { a: { ...anthropic, url: 'http://a.test' }, b: { ...anthropic, url: 'http://b.test' } },
    },
    stream([start('msg_a'), ping, error]),
    stream([start('msg_b'), ping, ...rest]),
  );
  const shown = await gateway.text({ max_tokens: 10 }, gateway.context(), 'anthropic');
  assert.equal(shown.split('event: message_start').length, 2);
  assert.equal(shown.includes('msg_a'), false);
  assert.equal(shown, start('msg_b') + ping + rest.join(''));
});

test('however the first content’s stream is cut into reads, what is held comes with it', async () => {
  const bytes = ROLE + text('Hi') + STOP + DONE;
  for (const size of [1, 7, bytes.length]) {
    const chunks = bytes.match(new RegExp(`[\\s\\S]{1,${size}}`, 'g')) ?? [];
    const gateway = new TestGateway(ONE_TARGET, stream(chunks));
    assert.equal(await gateway.text(), bytes);
  }
});

test('after the first content a failure is thrown to the client, and no other target is asked', async () => {
  for (const [broken, code] of [
    [stream([ROLE, text('Hi'), FAILURE]), 'upstream_overloaded'],
    [stream([ROLE, text('Hi')], 'cut'), 'upstream_cut'],
    [stream([ROLE, text('Hi')], 'end'), 'upstream_cut'],
    [stream([ROLE, text('Hi'), 'data: {"not json\n\n']), 'upstream_garbage'],
  ] as const) {
    const gateway = new TestGateway({ ...TWO_TARGETS, cooldown: { failures: 1 } }, broken, streamed('no'));
    const answer = await gateway.handle();
    const error = await failureOf(framesOf(answer));
    assert.equal(error.code, code);
    assert.deepEqual(gateway.hosts, ['a']);
    assert.equal(gateway.health.inFlight('a/one'), 0);
    assert.equal(gateway.health.state('a/one'), 'open', 'it counts on the circuit');
    assert.equal(gateway.http.openCount, 0);
    assert.equal(gateway.clock.timerCount, 0);
  }
});

test('what came in the same read before the failure is shown first', async () => {
  const gateway = new TestGateway(ONE_TARGET, stream([ROLE + text('Hi') + FAILURE]));
  const answer = await gateway.handle();
  assert.equal((await answer.next())?.map(({ original }) => original?.data.includes('Hi')).join(), 'false,true');
  assert.equal((await failureOf(answer.next())).code, 'upstream_overloaded');
});

test('an error that is the request’s fault does not count on the circuit, even in the middle of a stream', async () => {
  const refusal = sse({ error: { message: 'flagged', type: 'invalid_request_error', code: 'content_filter' } });
  const gateway = new TestGateway({ ...ONE_TARGET, cooldown: { failures: 1 } }, stream([ROLE, text('Hi'), refusal]));
  assert.equal((await failureOf(framesOf(await gateway.handle()))).code, 'content_filtered');
  assert.equal(gateway.health.state('a/one'), 'closed');
});

test('no content within ttftMs is a timeout, and the next target is tried', async () => {
  const config = { ...TWO_TARGETS, timeouts: { ttftMs: 500 } };
  for (const silent of ['hang', stream([ROLE], 'hang')] as const) {
    const gateway = new TestGateway(config, silent, streamed('Hi'));
    const context = gateway.context();
    const shown = gateway.text({}, context);
    await gateway.advance(499);
    assert.deepEqual(gateway.hosts, ['a']);
    await gateway.advance(1);
    assert.equal(await shown, ROLE + text('Hi') + STOP + DONE);
    assert.deepEqual(context.trace.failures, [
      {
        target: 'a/one',
        code: 'upstream_timeout',
        message: 'The upstream sent no content within 500 ms.',
        durationMs: 500,
      },
    ]);
    assert.equal(gateway.http.openCount, 0);
    assert.equal(gateway.clock.timerCount, 0);
  }
});

test('an unstreamed answer has four times as long, for its first content is its last', async () => {
  const gateway = new TestGateway({ ...TWO_TARGETS, timeouts: { ttftMs: 500 } }, 'hang', whole('Hi'));
  const shown = gateway.text({ stream: false });
  await gateway.advance(1_999);
  assert.deepEqual(gateway.hosts, ['a']);
  await gateway.advance(1);
  assert.deepEqual(gateway.hosts, ['a', 'b']);
  await shown;
});

test('no target is asked for more than its model is known to write', async () => {
  const gateway = new TestGateway(TWO_TARGETS, 'refuse', streamed('Hi'));
  const facts = { provider: '', capabilities: [], source: '', date: '', maxOutputTokens: 16_384 };
  const deps = {
    ...gateway.deps,
    facts: (_provider: string, model: string) => (model === 'two' ? { ...facts, model } : undefined),
  };
  await framesOf(await handle(chatRequest({ max_tokens: 64_000 }), gateway.context(), deps));
  const sent = gateway.http.calls.map(({ request }) => JSON.parse(String(request.body)).max_tokens);
  assert.deepEqual(sent, [64_000, 16_384]);
});

test('comments while a model thinks are no silence; the total deadline ends them, too', async () => {
  const clock = { idleMs: 300, totalMs: 1_000 };
  const gateway = new TestGateway({ ...ONE_TARGET, timeouts: clock });
  gateway.http.request = async ({ signal }) => ({
    status: 200,
    headers: SSE_HEADERS,
    body: pacedComments(gateway, signal),
  });
  const answer = await gateway.handle();
  await answer.next();
  const broken = failureOf(framesOf(answer));
  for (let second = 0; second < 4; second += 1) await gateway.advance(250);
  assert.equal((await broken).message, 'The answer was not complete within 1000 ms.');
});

test('silence between two reads for idleMs breaks the answer', async () => {
  const gateway = new TestGateway({ ...ONE_TARGET, timeouts: { idleMs: 300 } }, stream([ROLE, text('Hi')], 'hang'));
  const answer = await gateway.handle();
  await answer.next();
  const outcome = failureOf(framesOf(answer));
  await gateway.advance(300);
  const error = await outcome;
  assert.equal(error.code, 'upstream_timeout');
  assert.equal(error.message, 'The upstream fell silent and sent nothing within 300 ms.');
  assert.equal(gateway.http.calls[0]?.isAborted, true);
  assert.equal(gateway.clock.timerCount, 0);
});

test('the time that a slow client takes is not the upstream’s silence', async () => {
  const gateway = new TestGateway({ ...ONE_TARGET, timeouts: { idleMs: 300 } }, streamed('Hel', 'lo'));
  const answer = await gateway.handle();
  await answer.next();
  await gateway.advance(10_000);
  await answer.next();
  await gateway.advance(10_000);
  assert.equal((await framesOf(answer)).at(-1)?.events.at(-1)?.type, 'response-end');
});

test('the total deadline ends a running answer too', async () => {
  const gateway = new TestGateway(
    { ...ONE_TARGET, timeouts: { totalMs: 1_000 }, cooldown: { failures: 1 } },
    stream([ROLE, text('Hi')], 'hang'),
  );
  const answer = await gateway.handle();
  await answer.next();
  const outcome = failureOf(framesOf(answer));
  await gateway.advance(1_000);
  assert.equal((await outcome).message, 'The answer was not complete within 1000 ms.');
  assert.equal(gateway.http.openCount, 0);
  assert.equal(gateway.health.state('a/one'), 'closed');
  assert.equal(gateway.clock.timerCount, 0);
});

test('a client that leaves in the middle of an answer stops the upstream', async () => {
  const gateway = new TestGateway(ONE_TARGET, stream([ROLE, text('Hi')], 'hang'));
  const context = gateway.context();
  const answer = await gateway.handle({}, context);
  await answer.next();
  const outcome = failureOf(framesOf(answer));
  await settled();
  context.leave();
  assert.equal((await outcome).code, 'client_closed');
  assert.equal(gateway.http.calls[0]?.isAborted, true);
  assert.equal(gateway.health.inFlight('a/one'), 0);
  assert.equal(gateway.clock.timerCount, 0);
});

test('a cancelled answer stops the upstream and is settled once', async () => {
  const gateway = new TestGateway(ONE_TARGET, stream([ROLE, text('Hi')], 'hang'));
  const context = gateway.context();
  const answer = await gateway.handle({}, context);
  await answer.next();
  answer.cancel();
  answer.cancel();
  await settled();
  assert.equal(gateway.http.openCount, 0);
  assert.equal(gateway.health.inFlight('a/one'), 0);
  assert.equal(context.trace.usage?.isEstimated, true);
  assert.equal(gateway.clock.timerCount, 0);
});

test('a whole answer to a streaming request is streamed to the client, usage included', async () => {
  const gateway = new TestGateway(ONE_TARGET, whole('Hello'));
  const context = gateway.context();
  const shown = await gateway.text({ stream_options: { include_usage: true } }, context);
  assert.match(shown, /"content":"Hello"/);
  assert.match(shown, /"prompt_tokens":11/);
  assert.equal(shown.endsWith(DONE), true);
  assert.equal(context.trace.usage?.outputTokens, 7);
});

test('a stream as answer to an unstreamed request is collected', async () => {
  const gateway = new TestGateway(ONE_TARGET, streamed('Hel', 'lo'));
  const frames = await framesOf(await gateway.handle({ stream: false }));
  const texts = frames.flatMap(({ events }) =>
    events.flatMap((event) => (event.type === 'text-delta' ? [event.text] : [])),
  );
  assert.equal(texts.join(''), 'Hello');
});

test('an error body inside a 200 is a failure', async () => {
  const gateway = new TestGateway(
    TWO_TARGETS,
    { headers: JSON_HEADERS, chunks: [{ error: { message: 'overloaded', type: 'server_error' } }] },
    whole('Hi'),
  );
  await gateway.text({ stream: false });
  assert.deepEqual(gateway.hosts, ['a', 'b']);
});

test('an error answer whose body is cut off or never ends still counts by its status', async () => {
  for (const ending of ['cut', 'hang'] as const) {
    const gateway = new TestGateway(TWO_TARGETS, { status: 429, chunks: ['{"error":'], ending }, streamed('Hi'));
    const context = gateway.context();
    const shown = gateway.text({}, context);
    await gateway.advance(5_000);
    await shown;
    assert.equal(context.trace.failures[0]?.code, 'upstream_rate_limited');
    assert.equal(gateway.http.openCount, 0);
    assert.equal(gateway.clock.timerCount, 0);
  }
});

test('of an endless error answer only the beginning is read', async () => {
  const gateway = new TestGateway(
    TWO_TARGETS,
    { status: 500, chunks: Array(1_000).fill('x'.repeat(1_024)) },
    streamed('Hi'),
  );
  await gateway.text();
  assert.equal(gateway.http.calls[0]?.readCount, 65);
  assert.equal(gateway.http.calls[0]?.isAbandoned, true);
});

test('an upstream that sends frames without content, without end, is given up', async () => {
  const gateway = new TestGateway(TWO_TARGETS, stream(Array(40).fill(ROLE.repeat(5_000))), streamed('Hi'));
  const context = gateway.context();
  await gateway.text({}, context);
  assert.equal(context.trace.failures[0]?.code, 'upstream_garbage');
  assert.equal(gateway.http.openCount, 0);
});

test('the usage that the upstream reports is the trace’s', async () => {
  const gateway = new TestGateway(ONE_TARGET, streamed('Hi'));
  const context = gateway.context();
  await gateway.text({}, context);
  assert.deepEqual(context.trace.usage, {
    inputTokens: 11,
    cachedInputTokens: 0,
    cacheWriteTokens: 0,
    outputTokens: 7,
    reasoningTokens: 0,
    isEstimated: false,
  });
  assert.equal(context.trace.finishReason, 'stop');
});

test('a stream without usage is estimated, marked, and told to a client that asked', async () => {
  const gateway = new TestGateway(ONE_TARGET, stream([ROLE, text('Hello there'), STOP, DONE]));
  const context = gateway.context();
  const shown = await gateway.text({ stream_options: { include_usage: true } }, context);
  assert.equal(context.trace.usage?.isEstimated, true);
  assert.equal(context.trace.usage?.inputTokens, 5);
  assert.equal(context.trace.usage?.outputTokens, 2);
  assert.match(shown, /"prompt_tokens":5,"completion_tokens":2/);
  assert.equal(shown.endsWith(DONE), true);
});

test('an unstreamed answer without usage is estimated too', async () => {
  const gateway = new TestGateway(ONE_TARGET, {
    headers: JSON_HEADERS,
    chunks: [completion('Hello there', undefined)],
  });
  gateway.http.script = () => ({ headers: JSON_HEADERS, chunks: [{ ...completion('Hello there'), usage: undefined }] });
  const context = gateway.context();
  await framesOf(await gateway.handle({ stream: false }, context));
  assert.equal(context.trace.usage?.isEstimated, true);
  assert.equal(context.trace.usage?.outputTokens, 2);
});

test('an answer that breaks counts what came until then', async () => {
  const gateway = new TestGateway(ONE_TARGET, stream([ROLE, text('Hello there')], 'cut'));
  const context = gateway.context();
  await failureOf(gateway.text({}, context));
  assert.equal(context.trace.usage?.outputTokens, 2);
  assert.equal(context.trace.usage?.isEstimated, true);
});

test('the prompt’s tokens that a broken answer’s upstream told at its start are kept', async () => {
  const start = {
    type: 'message_start',
    message: {
      id: 'msg_1',
      role: 'assistant',
      model: 'm',
      content: [],
      usage: { input_tokens: 321, output_tokens: 1 },
    },
  };
  const delta = { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hello there' } };
  const block = { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } };
  const gateway = new TestGateway(
    { ...ONE_TARGET, accounts: { a: { provider: 'anthropic', url: 'http://a.test' } } },
    stream(
      [start, block, delta].map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`),
      'cut',
    ),
  );
  const context = gateway.context();
  await failureOf(gateway.text({}, context));
  assert.equal(context.trace.usage?.inputTokens, 321);
  assert.equal(context.trace.usage?.outputTokens, 2);
});

test('a defect in our own code is thrown as it is and leaves nothing behind', async () => {
  const gateway = new TestGateway(TWO_TARGETS, streamed('Hi'));
  const defect = new TypeError('undefined is not a function');
  gateway.http.script = () => {
    throw defect;
  };
  await assert.rejects(gateway.handle(), defect);
  assert.equal(gateway.health.inFlight('a/one'), 0);
  assert.equal(gateway.clock.timerCount, 0);
});

test('the trace of a good answer says who answered, how often was tried, and when the first content came', async () => {
  const gateway = new TestGateway(TWO_TARGETS, streamed('Hi'));
  const context = gateway.context();
  await gateway.text({ model: 'two' }, context);
  const { model, chain, target, provider, attemptCount, isStream, ttftMs } = context.trace;
  assert.deepEqual(
    { model, chain, target, provider, attemptCount, isStream, ttftMs },
    {
      model: 'two',
      chain: 'main',
      target: 'b/two',
      provider: 'openai-compatible',
      attemptCount: 1,
      isStream: true,
      ttftMs: 0,
    },
  );
});

test('nothing is left behind by a good answer', async () => {
  const gateway = new TestGateway(TWO_TARGETS, streamed('Hi'));
  await gateway.text();
  await settled();
  assert.equal(gateway.health.inFlight('a/one'), 0);
  assert.equal(gateway.http.openCount, 0);
  assert.equal(gateway.clock.timerCount, 0);
});

test('an upstream that does not end its body after the terminal mark is hung up after a second', async () => {
  const gateway = new TestGateway(ONE_TARGET, stream([ROLE, text('Hi'), STOP, DONE], 'hang'));
  const shown = await gateway.text();
  assert.equal(shown.endsWith(DONE), true);
  assert.equal(gateway.http.openCount, 1);
  await gateway.advance(999);
  assert.equal(gateway.http.openCount, 1);
  await gateway.advance(1);
  assert.equal(gateway.http.calls[0]?.isAbandoned, true);
});

/** Content, and then a comment every 200 ms. */
async function* pacedComments({ clock }: TestGateway, signal: StopSignal | undefined): AsyncGenerator<Uint8Array> {
  yield Buffer.from(ROLE + text('Hi'));
  for (;;) {
    await clock.sleep(200, signal);
    yield Buffer.from(': processing\n\n');
  }
}
