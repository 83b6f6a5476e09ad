// Codex makes room in a long conversation by asking for one item that stands for it, and goes on from that item.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import { startEcho } from '../support/echo-upstream.ts';
import { startNode } from '../support/node.ts';
import { startRawUpstream } from '../support/raw-upstream.ts';

const user = (text: string) => ({ type: 'message', role: 'user', content: [{ type: 'input_text', text }] });
const HISTORY = [
  user('Fix the test.'),
  { type: 'function_call', call_id: 'call_1', name: 'shell', arguments: '{"command":"ls"}' },
  { type: 'function_call_output', call_id: 'call_1', output: 'a.ts' },
];
const TOOLS = [{ type: 'function', name: 'shell', parameters: { type: 'object', properties: {} } }];

async function setup(answer: (heard: string) => string) {
  const upstream = await startEcho({ answer });
  const node = await startNode({ accounts: { up: { url: upstream.url } }, chains: { main: ['up/echo-1'] } });
  const post = async (path: string, body: object): Promise<any> => {
    const response = await node.post(path, { model: 'main', instructions: 'Be brief.', tools: TOOLS, ...body });
    assert.equal(response.status, 200);
    return response;
  };
  return {
    upstream,
    node,
    post,
    async [Symbol.asyncDispose]() {
      await node.stop();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

/** What the upstream heard last, from which the summary is missing. */
const textsOf = ({ messages }: any): string[] => messages.map(({ content }: any) => content ?? '');

test('a trigger is answered with one compaction item, from which any upstream goes on', async () => {
  await using world = await setup((heard) => (heard.includes('replaced by a summary') ? 'It is in a.ts.' : 'On it.'));
  const { upstream, node, post } = world;
  const client = new OpenAI({ baseURL: `${node.url}/v1`, apiKey: 'any' });
  const input = [...HISTORY, { type: 'compaction_trigger' }] as any;
  const stream = await client.responses.create({
    model: 'main',
    tools: TOOLS as any,
    input,
    stream: true,
    store: false,
  });
  const items: any[] = [];
  let output: any;
  for await (const event of stream) {
    if (event.type === 'response.output_item.done') items.push(event.item);
    if (event.type === 'response.completed') output = event.response.output;
  }
  assert.deepEqual(
    items.map(({ type }) => type),
    ['compaction'],
  );
  assert.deepEqual(output, items);
  const asked = upstream.requests.at(-1);
  assert.deepEqual([asked.tools, asked.messages.at(-1).role], [undefined, 'user']);
  await post('/v1/responses', { input: [HISTORY[0], ...items, user('Go on.')] });
  const heard = textsOf(upstream.requests.at(-1));
  assert.deepEqual([heard.length, heard[0], heard.at(-1)?.endsWith('Go on.')], [4, 'Be brief.', true]);
  assert.match(JSON.stringify(upstream.requests.at(-1)), /Summary of the conversation so far.*It is in a\.ts\./);
});

test('/responses/compact answers with the users’ messages and the item', async () => {
  await using world = await setup(() => 'It is in a.ts.');
  const { upstream, post } = world;
  const compacted = await (await post('/v1/responses/compact', { input: HISTORY })).json();
  assert.deepEqual([compacted.object, compacted.usage.output_tokens], ['response.compaction', 3]);
  const [kept, item, ...more] = compacted.output;
  assert.deepEqual([kept, item.type, more], [HISTORY[0], 'compaction', []]);
  await post('/v1/responses', { input: [...compacted.output, user('Go on.')] });
  assert.match(JSON.stringify(upstream.requests.at(-1).messages), /It is in a\.ts\./);
});

test('OpenAI compacts by itself; of a summary of ours it is told in words', async () => {
  const sealed = { type: 'compaction', id: 'cmp_1', encrypted_content: 'sealed by OpenAI' };
  await using upstream = await startRawUpstream((response) => {
    response.setHeader('content-type', 'application/json');
    const usage = { input_tokens: 5, output_tokens: 2, total_tokens: 7 };
    response.end(
      JSON.stringify({ id: 'resp_1', object: 'response', status: 'completed', model: 'm', output: [sealed], usage }),
    );
  });
  await using other = await setup(() => 'It is in a.ts.');
  await using node = await startNode({
    accounts: { openai: { provider: 'openai-responses', url: `${upstream.url}/v1`, keys: ['k'] } },
    chains: { main: ['openai/gpt-6-sol'] },
  });
  const sent = (): any => JSON.parse(upstream.requests.at(-1)?.body ?? '');
  const compacted: any = await (await node.post('/v1/responses/compact', { model: 'main', input: HISTORY })).json();
  assert.deepEqual(sent().input, [...HISTORY, { type: 'compaction_trigger' }]);
  assert.deepEqual(compacted.output, [HISTORY[0], sealed]);
  const ours: any = await (await other.post('/v1/responses/compact', { input: HISTORY })).json();
  await node.post('/v1/responses', { model: 'main', input: [...ours.output, user('Go on.')] });
  const [first, told, last] = sent().input;
  assert.deepEqual([first, last], [HISTORY[0], user('Go on.')]);
  assert.match(told.content[0].text, /^Summary of the conversation so far.*\n\nIt is in a\.ts\.$/s);
});
