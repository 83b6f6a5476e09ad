// What real agents send besides the documented: recorded from their newest versions, made anonymous and small.
// docs/clients.md names the clients and versions.

import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { TOOLS } from '../support/prompts.ts';
import { finalAnswer } from '../support/upstreams/scenarios.ts';
import { ROUTES } from './gateway.ts';
import { type OpenNode, startOpenNode } from './open-node.ts';

let node: OpenNode;

before(async () => {
  node = await startOpenNode();
});

after(async () => {
  await node[Symbol.asyncDispose]();
});

describe('Claude Code 2.1 does not know the model names of a gateway and takes them for the newest Claude', () => {
  const request = (model: string) => ({
    model,
    max_tokens: 32_000,
    thinking: { type: 'adaptive' },
    output_config: { effort: 'high' },
    system: [{ type: 'text', text: 'You are an agent.' }],
    messages: [
      { role: 'user', content: [{ type: 'text', text: 'Say hello.' }] },
      {
        role: 'system',
        content: [{ type: 'text', text: '# Environment', cache_control: { type: 'ephemeral' } }],
      },
      {
        role: 'assistant',
        content: [
          { type: 'text', text: 'I look.' },
          { type: 'tool_use', id: 'toolu_1', name: 'get_time', input: { city: 'Bern' } },
        ],
      },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: '12:00' }] },
      { role: 'system', content: 'Two turns are left.' },
    ],
    tools: TOOLS.map(({ parameters, ...tool }) => ({ ...tool, input_schema: parameters })),
  });

  it('system messages between the turns are told an older Claude as text of the user', async () => {
    const upstream = node.upstream('anthropic', 'refusal');
    await node.answered('/v1/messages?beta=true', request('coder'));
    assert.deepEqual(
      upstream.lastRequest.body.messages.map((message: any) => [message.role, message.content]),
      [
        [
          'user',
          [
            { type: 'text', text: 'Say hello.' },
            { type: 'text', text: '<system>\n# Environment\n</system>', cache_control: { type: 'ephemeral' } },
          ],
        ],
        ['assistant', request('').messages[2]?.content],
        [
          'user',
          [
            { type: 'tool_result', tool_use_id: 'toolu_1', content: '12:00' },
            { type: 'text', text: '<system>\nTwo turns are left.\n</system>' },
          ],
        ],
      ],
    );
  });

  it('and go as they came to a Claude that takes them', async () => {
    const upstream = node.upstream('anthropic', 'refusal');
    await node.answered('/v1/messages?beta=true', request('anthropic/claude-opus-4-8'));
    assert.deepEqual(upstream.lastRequest.body.messages, request('').messages);
  });

  it('their tokens are counted by an older Claude, too', async () => {
    node.upstream('anthropic', 'refusal');
    const { model, system, messages, tools } = request('coder');
    const answer = await node.answered('/v1/messages/count_tokens?beta=true', { model, system, messages, tools });
    assert.equal(answer.input_tokens, finalAnswer('refusal').usage.inputTokens);
  });

  for (const name of ['compatible', 'ollama'] as const) {
    it(`models of ${name} get one system message, the first`, async () => {
      const upstream = node.upstream(name, 'refusal');
      await node.answered('/v1/messages', request(`${name}/${upstream.models[0]}`));
      const { messages } = upstream.lastRequest.body;
      assert.deepEqual(
        messages.map((message: any) => message.role),
        ['system', 'user', 'assistant', 'tool', 'user'],
      );
      assert.equal(messages[1].content, 'Say hello.\n\n<system>\n# Environment\n</system>');
      assert.equal(messages[4].content, '<system>\nTwo turns are left.\n</system>');
    });
  }

  it('what its own tool search has found is told to models of other dialects', async () => {
    const upstream = node.upstream('openai', 'refusal');
    const found = { type: 'tool_reference', tool_name: 'get_weather' };
    await node.answered('/v1/messages', {
      model: 'openai/gpt-4.1-mini',
      max_tokens: 100,
      messages: [
        { role: 'user', content: 'Search the tools.' },
        { role: 'assistant', content: [{ type: 'tool_use', id: 'toolu_1', name: 'ToolSearch', input: {} }] },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: [found] }] },
      ],
    });
    assert.equal(
      upstream.lastRequest.body.messages.at(-1).content,
      "The tool 'get_weather' is loaded and can be called now.",
    );
  });
});

describe('agents with several system messages on a local model', () => {
  it('the leading ones become one, a later one is told by the next user message', async () => {
    const upstream = node.upstream('compatible', 'refusal');
    await node.answered('/v1/chat/completions', {
      model: 'compatible/Qwen/Qwen3-8B',
      messages: [
        { role: 'system', content: 'One.' },
        { role: 'developer', content: [{ type: 'text', text: 'Two.' }] },
        { role: 'user', content: 'Hi.' },
        { role: 'assistant', content: 'Hello.' },
        { role: 'system', content: 'Answer in French.' },
        { role: 'user', content: 'Again.', name: 'ada' },
      ],
    });
    assert.deepEqual(upstream.lastRequest.body.messages, [
      {
        role: 'system',
        content: [
          { type: 'text', text: 'One.' },
          { type: 'text', text: 'Two.' },
        ],
      },
      { role: 'user', content: 'Hi.' },
      { role: 'assistant', content: 'Hello.' },
      { role: 'user', content: '<system>\nAnswer in French.\n</system>\n\nAgain.', name: 'ada' },
    ]);
  });

  it("OpenAI's own models get them as they came", async () => {
    const upstream = node.upstream('openai', 'refusal');
    const messages = [
      { role: 'system', content: 'One.' },
      { role: 'user', content: 'Hi.' },
      { role: 'system', content: 'Two.' },
    ];
    await node.answered('/v1/chat/completions', { model: 'openai/gpt-4.1-mini', messages });
    assert.deepEqual(upstream.lastRequest.body.messages, messages);
  });
});

describe('Codex 0.169', () => {
  it('is told at once to go without a WebSocket', async () => {
    const status = await new Promise((resolve, reject) => {
      const { port } = new URL(node.url);
      const headers = {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
        'openai-beta': 'responses_websockets=2026-02-06',
      };
      const request = httpRequest({ port, host: '127.0.0.1', path: '/v1/responses', headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      request.on('error', reject).end();
    });
    assert.equal(status, 426);
  });

  const functions = TOOLS.map((tool) => ({ type: 'function', ...tool, strict: false }));
  const developer = {
    type: 'message',
    id: 'msg_1',
    role: 'developer',
    content: [{ type: 'input_text', text: 'Code.' }],
  };
  const user = { type: 'message', id: 'msg_2', role: 'user', content: [{ type: 'input_text', text: 'Go on.' }] };

  it('offers its newer models the tools in the input; every upstream gets them', async () => {
    for (const { name } of ROUTES.filter((route) => route.name !== 'openai-responses')) {
      const upstream = node.upstream(name, 'tools');
      const answer = await node.answered('/v1/responses', {
        model: `${name}/${upstream.models[0]}`,
        store: false,
        input: [
          {
            type: 'additional_tools',
            id: 'at_1',
            role: 'developer',
            tools: [{ type: 'namespace', name: 'functions', description: '', tools: functions }],
          },
          developer,
          user,
        ],
      });
      const call = answer.output.find((item: any) => item.type === 'function_call');
      assert.equal(call?.name, 'get_weather', name);
    }
  });

  it('offers a tool again, and the latest offer counts', async () => {
    const upstream = node.upstream('anthropic', 'tools');
    const old = functions.map((tool) => ({ ...tool, description: 'Old.', parameters: { type: 'object' } }));
    await node.answered('/v1/responses', {
      model: 'coder',
      tools: old,
      input: [{ type: 'additional_tools', role: 'developer', tools: functions }, user],
    });
    assert.deepEqual(
      upstream.lastRequest.body.tools.map((tool: any) => tool.name),
      TOOLS.map((tool) => tool.name),
    );
  });

  it('tells OpenAI of its session; what no answer depends on is left out', async () => {
    const upstream = node.upstream('openai-responses', 'refusal');
    await node.answered('/v1/responses', {
      model: 'openai-responses/gpt-4.1-mini',
      store: false,
      prompt_cache_key: 'session-1',
      // The model does not reason, which Codex cannot know when it asked for a chain.
      reasoning: { summary: 'auto' },
      include: ['reasoning.encrypted_content'],
      client_metadata: { session_id: 'session-1', 'x-codex-installation-id': 'installation-1' },
      input: [developer, user],
    });
    const { body } = upstream.lastRequest;
    assert.deepEqual([body.client_metadata, body.reasoning, body.include], [undefined, undefined, undefined]);
    assert.equal(body.prompt_cache_key, 'session-1');
    assert.deepEqual(body.input, [developer, user]);
  });
});
