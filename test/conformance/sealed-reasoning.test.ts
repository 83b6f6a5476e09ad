// The reasoning of OpenAI's models is sealed by OpenAI and has to come back. A client of Anthropic's API (Claude Code, say)
// has no field for it; its signature carries it, and Claude never sees it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { startNode } from '../support/node.ts';
import { type RawRequest, startRawUpstream } from '../support/raw-upstream.ts';

const REASONING = { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'sealed by OpenAI' };
const CALL = { type: 'function_call', call_id: 'call_1', name: 'f', arguments: '{}' };
const USAGE = { input_tokens: 1, output_tokens: 1, total_tokens: 2 };
const RESPONSE = { id: 'resp_1', object: 'response', status: 'completed', model: 'm', output: [], usage: USAGE };

const bodyOf = ({ body }: RawRequest): any => JSON.parse(body);

/** Whole or streamed, as it is asked. */
const openai = await startRawUpstream((response, request) => {
  const whole = { ...RESPONSE, output: [REASONING, { ...CALL, id: 'fc_1', status: 'completed' }] };
  if (!bodyOf(request).stream) return response.setHeader('content-type', 'application/json').end(JSON.stringify(whole));
  const events: object[] = [
    { type: 'response.created', response: RESPONSE },
    ...whole.output.map((item, output_index) => ({ type: 'response.output_item.done', output_index, item })),
    { type: 'response.completed', response: whole },
  ];
  response.setHeader('content-type', 'text/event-stream');
  return response.end(events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(''));
});
const claude = await startRawUpstream((response) => {
  const message = { id: 'msg_1', type: 'message', role: 'assistant', model: 'c', content: [], stop_reason: 'end_turn' };
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ ...message, usage: { input_tokens: 1, output_tokens: 1 } }));
});

for (const isStreamed of [true, false]) {
  test(`sealed reasoning goes back to OpenAI, and not to Claude (${isStreamed ? 'streamed' : 'whole'})`, async () => {
    await using node = await startNode({
      accounts: {
        openai: { provider: 'openai', url: `${openai.url}/v1`, keys: ['k'] },
        claude: { provider: 'anthropic', url: claude.url, keys: ['k'] },
      },
    });
    const client = new Anthropic({ baseURL: node.url, apiKey: 'any', maxRetries: 0 });
    const question = { role: 'user', content: 'Go' } as const;
    const asked = {
      max_tokens: 4_096,
      thinking: { type: 'adaptive' } as const,
      tools: [{ name: 'f', input_schema: { type: 'object' as const } }],
    };
    const first = { model: 'openai/gpt-5.5', messages: [question], ...asked };
    const { content } = await (isStreamed
      ? client.messages.stream(first).finalMessage()
      : client.messages.create(first));
    assert.deepEqual(
      content.map(({ type }) => type),
      ['thinking', 'tool_use'],
    );
    const result = { type: 'tool_result', tool_use_id: 'call_1', content: 'done' } as const;
    const messages: Anthropic.MessageParam[] = [
      question,
      { role: 'assistant', content },
      { role: 'user', content: [result] },
    ];
    await client.messages.create({ model: 'openai/gpt-5.5', messages, ...asked });
    assert.deepEqual(bodyOf(openai.requests.at(-1) as RawRequest).input.slice(1), [
      REASONING,
      CALL,
      { type: 'function_call_output', call_id: 'call_1', output: 'done' },
    ]);
    await client.messages.create({ model: 'claude/claude-sonnet-5', messages, ...asked });
    const [, answer] = bodyOf(claude.requests.at(-1) as RawRequest).messages;
    assert.deepEqual(answer.content, [{ type: 'tool_use', id: 'call_1', name: 'f', input: {} }]);
  });
}

test.after(async () => {
  await openai.close();
  await claude.close();
});
