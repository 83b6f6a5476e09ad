// A node that is asked without HTTP.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ChatRequest } from '../../src/model/chat.ts';
import { createNode } from '../../src/node.ts';
import { FakeHttp } from '../support/fake-http.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { configWith, LogRecorder } from '../support/node.ts';
import { seededRandom } from '../support/seeded-random.ts';

const REQUEST: ChatRequest = {
  model: 'main',
  isStream: false,
  messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hello' }] }],
  tools: [],
  sampling: {},
};
const ANSWER = { id: 'a', model: 'm', choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' } }] };

function open(anonymous: 'always' | 'never') {
  const log = new LogRecorder();
  const node = createNode(
    configWith({
      server: { anonymous },
      accounts: { own: { url: 'http://upstream.test/v1' } },
      chains: { main: ['own/m'] },
    }),
    {
      clock: new ManualClock(),
      random: seededRandom(1),
      http: new FakeHttp({ headers: { 'content-type': 'application/json' }, chunks: [ANSWER] }),
      logger: log,
    },
  );
  return { node, log };
}

async function textOf(frames: ReturnType<ReturnType<typeof createNode>['ask']>): Promise<string> {
  let text = '';
  for await (const batch of frames) {
    for (const event of batch.flatMap(({ events }) => events)) if (event.type === 'text-delta') text += event.text;
  }
  return text;
}

test('a request without HTTP is answered and settled like any other', async () => {
  const { node, log } = open('always');
  assert.equal(await textOf(node.ask(REQUEST, { requestId: 'r1' })), 'Hi');
  assert.equal(node.runningCount, 0);
  assert.deepEqual(
    log.requests.map(({ requestId, operation }) => [requestId, operation]),
    [['r1', 'direct']],
  );
});

test('it needs a key where clients do, and a revoked one is refused at once', async () => {
  const { node } = open('never');
  await assert.rejects(textOf(node.ask(REQUEST, {})), { code: 'unauthenticated' });
  const { key, secret } = node.keys.createKey({ tenant: 'acme', name: 'k' });
  assert.equal(await textOf(node.ask(REQUEST, { secret })), 'Hi');
  node.keys.revokeKey(key.id);
  node.forgetKeys();
  await assert.rejects(textOf(node.ask(REQUEST, { secret })), { code: 'unauthenticated' });
});
