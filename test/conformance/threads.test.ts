// Anthropic's SDK keeps a conversation at the server and sends only what is new. The official one, in front of a chain
// whose Claude keeps its threads and whose second target knows of none.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { completion } from '../support/chat-wire.ts';
import { startNode } from '../support/node.ts';
import { type RawRequest, startRawUpstream } from '../support/raw-upstream.ts';

/** Threads go on from replies of its own only. */
function claude(id: string, said: string) {
  const content = [{ type: 'text', text: said }];
  const usage = { input_tokens: 1, output_tokens: 1 };
  return { id, type: 'message', role: 'assistant', model: 'c', content, stop_reason: 'end_turn', usage };
}

const bodyOf = ({ body }: RawRequest): any => JSON.parse(body);

test('a thread goes on at the next target while Claude is down, and at Claude when it is back', async () => {
  let isDown = false;
  const kept = new Set<string>();
  await using anthropic = await startRawUpstream((response, request, index) => {
    const { thread } = bodyOf(request);
    const answer = (status: number, body: object) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    const failure = (type: string, details?: object) => ({ type: 'error', error: { type, message: type, details } });
    if (isDown) return answer(529, failure('overloaded_error'));
    if (thread.type === 'continue' && !kept.has(thread.previous_message_id))
      return answer(404, failure('not_found_error', { error_code: 'thread_not_found' }));
    kept.add(`msg_${index}`);
    return answer(200, claude(`msg_${index}`, `Claude ${index}`));
  });
  await using other = await startRawUpstream((response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(completion('The other')));
  });
  await using node = await startNode({
    accounts: {
      anthropic: { provider: 'anthropic', url: anthropic.url, keys: ['k'] },
      other: { url: `${other.url}/v1`, keys: ['k'] },
    },
    chains: { main: ['anthropic/claude-opus-5', 'other/m'] },
    retries: { max: 0 },
    cooldown: { failures: 100 },
  });
  const client = new Anthropic({ baseURL: node.url, apiKey: 'any', maxRetries: 0 });
  const thread = client.beta.messages.thread({ model: 'main', max_tokens: 100 });
  const say = async (content: string): Promise<unknown> => {
    const message = await thread.send({ role: 'user', content });
    return message.content[0]?.type === 'text' && message.content[0].text;
  };
  assert.equal(await say('one'), 'Claude 0');
  assert.equal(await say('two'), 'Claude 1');
  assert.deepEqual(bodyOf(anthropic.requests[1] as RawRequest).messages.length, 1);
  isDown = true;
  assert.equal(await say('three'), 'The other');
  const heard = bodyOf(other.requests.at(-1) as RawRequest).messages.map(({ content }: any) => content);
  assert.deepEqual(heard, ['one', 'Claude 0', 'two', 'Claude 1', 'three']);
  assert.equal(await say('four'), 'The other');
  isDown = false;
  assert.equal(await say('five'), `Claude ${anthropic.requests.length - 1}`);
  assert.equal(bodyOf(anthropic.requests.at(-1) as RawRequest).messages.length, 9);
});
