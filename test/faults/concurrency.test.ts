// Many streams at once through one node: each client gets its own answer, whole and in order, however the targets
// behave and however slowly the client reads; and the memory comes back.

import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Gateway, startGateway } from './gateway.ts';
import { NumberedUpstream, numberedText, openNumbered } from './numbered.ts';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

const STREAMS = 1_000;
const PIECES = 6;
const PATIENCE = { connectMs: 120_000, ttftMs: 120_000, idleMs: 120_000, totalMs: 120_000 };

async function startChain(first: NumberedUpstream, second?: NumberedUpstream): Promise<Gateway> {
  const targets = [{ provider: 'openai-compatible', url: await first.listen(), key: 'unused', model: 'numbered' }];
  if (second) targets.push({ provider: 'anthropic', url: await second.listen(), key: 'unused', model: 'numbered' });
  return startGateway({
    config: {
      chains: { chain: targets },
      timeouts: PATIENCE,
      retries: { max: 0 },
      cooldown: { failures: 1_000 },
      log: { level: 'silent' },
    },
  });
}

/** Opens all streams at once and reads each to its end. */
async function runStreams(gateway: Gateway, count: number, pieces: number, attemptsOf: (stream: number) => number) {
  const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
  const streams = Array.from({ length: count }, (_, stream) => stream);
  await Promise.all(
    streams.map(async (stream) => {
      const opened = await openNumbered(gateway.url, agent, stream);
      const expected = {
        status: 200,
        text: numberedText(stream, pieces),
        endCount: 1,
        attempts: String(attemptsOf(stream)),
      };
      assert.deepEqual(await opened.read(), expected);
    }),
  );
  agent.destroy();
}

describe('1,000 streams at once', () => {
  const isRefused = (stream: number): boolean => stream % 10 === 3;
  const steady = new NumberedUpstream({ pieces: PIECES });
  const flaky = new NumberedUpstream({ pieces: PIECES, isRefused });
  const backup = new NumberedUpstream({ pieces: PIECES });
  let plain: Gateway;
  let mixed: Gateway;
  before(async () => {
    plain = await startChain(steady);
    mixed = await startChain(flaky, backup);
  });
  after(async () => {
    await plain.stop();
    await mixed.stop();
    for (const upstream of [steady, flaky, backup]) await upstream.close();
  });

  it('each client gets its own pieces, all of them, in order', async () => {
    steady.expect(STREAMS);
    await runStreams(plain, STREAMS, PIECES, () => 1);
    await plain.untilIdle();
    assert.deepEqual(plain.defects, []);
  });

  it('also when every tenth first target fails and the second answers', async () => {
    backup.expect(STREAMS / 10);
    flaky.expect(STREAMS - STREAMS / 10);
    await runStreams(mixed, STREAMS, PIECES, (stream) => (isRefused(stream) ? 2 : 1));
    await mixed.untilIdle();
    assert.equal(flaky.refusedCount, STREAMS / 10);
    assert.deepEqual(mixed.defects, []);
  });

  it('the memory of ended streams comes back', async () => {
    steady.expect(1);
    const used = await settledHeap();
    for (let round = 0; round < 5; round += 1) await runStreams(plain, 100, PIECES, () => 1);
    await plain.untilIdle();
    const grownBytes = (await settledHeap()) - used;
    // A stream that leaked would leave its request, its sockets and its buffers behind.
    assert.ok(grownBytes < 10_000 * 500, `500 streams left ${grownBytes} bytes behind.`);
  });
});

describe('clients that read slowly', () => {
  it('500 of them get everything', async () => {
    const pieces = 15;
    const padding = 'x'.repeat(2_000);
    const upstream = new NumberedUpstream({ pieces, padding });
    upstream.expect(500);
    const gateway = await startChain(upstream);
    const agent = new Agent({ maxSockets: Number.POSITIVE_INFINITY });
    const opened = await Promise.all(
      Array.from({ length: 500 }, (_, stream) => openNumbered(gateway.url, agent, stream)),
    );
    // Nobody has read a piece yet; now they do, ten at a time.
    while (opened.length > 0) {
      const first = 500 - opened.length;
      const answers = await Promise.all(opened.splice(0, 10).map((stream) => stream.read()));
      for (const [at, answer] of answers.entries()) {
        const text = numberedText(first + at, pieces, padding);
        assert.deepEqual(answer, { status: 200, text, endCount: 1, attempts: '1' });
      }
    }
    await gateway.untilIdle();
    agent.destroy();
    await gateway.stop();
    await upstream.close();
  });

  it('slow their upstream down instead of filling our memory', async () => {
    const padding = 'x'.repeat(64_000);
    const pieces = 1_500;
    const upstream = new NumberedUpstream({ pieces, padding });
    const gateway = await startChain(upstream);
    const agent = new Agent();
    const opened = await openNumbered(gateway.url, agent, 0);
    const used = process.memoryUsage();
    const stalledAt = await untilStalled(upstream);
    const { heapUsed, external } = process.memoryUsage();
    // What the system's socket buffers hold, and little more, of 96 MB.
    assert.ok(
      stalledAt < 48_000_000,
      `${stalledAt} bytes were taken from the upstream for a client that reads nothing`,
    );
    const grownMb = (heapUsed + external - used.heapUsed - used.external) / 1e6;
    assert.ok(grownMb < 48, `Memory grew by ${grownMb.toFixed(1)} MB.`);
    const answer = await opened.read();
    assert.deepEqual(
      { ...answer, text: answer.text === numberedText(0, pieces, padding) },
      { status: 200, text: true, endCount: 1, attempts: '1' },
    );
    agent.destroy();
    await gateway.stop();
    await upstream.close();
  });
});

/** Resolves with the bytes written when nothing more goes into the socket. */
async function untilStalled(upstream: NumberedUpstream): Promise<number> {
  for (let last = -1; ; ) {
    await new Promise((resolve) => setTimeout(resolve, 250));
    const isFull = [...upstream.open].every((response) => response.writableNeedDrain);
    if (upstream.writtenBytes === last && isFull) return last;
    last = upstream.writtenBytes;
  }
}

async function settledHeap(): Promise<number> {
  for (let round = 0; round < 3; round += 1) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    collectGarbage();
  }
  return process.memoryUsage().heapUsed;
}
