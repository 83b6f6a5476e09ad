import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Asker } from '../../src/cli/asker.ts';
import { CommandError } from '../../src/cli/command-error.ts';
import { NodeRefusal, type OpenAnswer } from '../../src/cli/node-client.ts';
import type { Clock } from '../../src/ports.ts';

/** Its pauses end at once and are noted; every look at it is 10 ms later. */
function noting() {
  const pauses: number[] = [];
  let elapsed = 0;
  const clock = {
    elapsed: () => (elapsed += 10),
    after: () => ({ cancel: () => {}, refresh: () => {} }),
    sleep: async (pauseMs: number, signal?: AbortSignal) => {
      signal?.throwIfAborted();
      pauses.push(pauseMs);
    },
  } as unknown as Clock;
  return { pauses, clock };
}

async function* hello(): OpenAnswer['events'] {
  yield { type: 'response-start', id: 'r', model: 'm' };
  yield { type: 'text-delta', choice: 0, text: 'Hel' };
  yield { type: 'text-delta', choice: 0, text: 'lo' };
  yield { type: 'finish', choice: 0, finishReason: { unified: 'stop', raw: 'stop' } };
  yield { type: 'response-end' };
}

function scripted(...outcomes: (Error | OpenAnswer)[]) {
  const ask = async (_question: unknown, signal: AbortSignal): Promise<OpenAnswer> => {
    signal.throwIfAborted();
    const outcome = outcomes.shift()!;
    if (outcome instanceof Error) throw outcome;
    return outcome;
  };
  return { ask, outcomes };
}

const QUESTION = { model: 'm', messages: [] };

test('what passes is asked again, and only the last try is measured', async () => {
  const { pauses, clock } = noting();
  const answer = { target: 'x/m%20n', events: hello() };
  const client = scripted(new NodeRefusal('slow down', 429), new NodeRefusal('broken', 502), answer);
  const asker = new Asker(client, clock, new AbortController().signal);
  assert.deepEqual(await asker.ask(QUESTION), {
    text: 'Hello',
    target: 'x/m n',
    ttftMs: 10,
    totalMs: 20,
    usage: undefined,
    finish: 'stop',
  });
  assert.deepEqual(pauses, [1_000, 5_000]);
});

test('three tries are the end, and what stays wrong is asked once', async () => {
  const { pauses, clock } = noting();
  const busy = scripted(...[1, 2, 3, 4].map((count) => new NodeRefusal(`busy ${count}`, 503)));
  await assert.rejects(new Asker(busy, clock, new AbortController().signal).ask(QUESTION), { message: 'busy 3' });
  assert.equal(busy.outcomes.length, 1);
  for (const error of [new NodeRefusal('no such model', 404), new CommandError('cut')]) {
    await assert.rejects(new Asker(scripted(error), clock, new AbortController().signal).ask(QUESTION), error);
  }
  assert.deepEqual(pauses, [1_000, 5_000]);
});

test('an interruption is no failed answer', async () => {
  const interruption = new AbortController();
  interruption.abort();
  const asking = new Asker(scripted(), noting().clock, interruption.signal).ask(QUESTION);
  await assert.rejects(asking, { name: 'AbortError' });
});
