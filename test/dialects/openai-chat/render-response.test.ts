import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openaiChat } from '../../../src/dialects/openai-chat/index.ts';
import type { ChatRequest, ChatResponse, Part } from '../../../src/model/chat.ts';

const REQUEST: ChatRequest = { model: 'm', isStream: false, messages: [], tools: [], sampling: {} };

function render(response: Partial<ChatResponse>, request = REQUEST): any {
  const whole: ChatResponse = { id: 'msg_1', model: 'claude', createdAt: 5, choices: [], ...response };
  return JSON.parse(openaiChat.client.renderResponse(whole, request));
}

function message(...parts: Part[]): unknown {
  const finishReason = { unified: 'stop', raw: 'x' } as const;
  return render({ choices: [{ index: 0, parts, finishReason }] }).choices[0].message;
}

describe('openai-chat renderResponse', () => {
  it('returns an original of its own as it was', () => {
    const text = '{ "id": "x",  "strange": 1 }';
    const response = { id: 'x', model: 'm', choices: [], original: { dialect: 'openai-chat', text } } as const;
    assert.equal(openaiChat.client.renderResponse(response, REQUEST), text);
  });

  it('writes a whole completion', () => {
    const usage = {
      inputTokens: 10,
      cachedInputTokens: 4,
      cacheWriteTokens: 3,
      outputTokens: 6,
      reasoningTokens: 2,
      isEstimated: false,
    };
    const choice = {
      index: 0,
      parts: [{ type: 'text', text: 'Hi' }],
      finishReason: { unified: 'length', raw: 'max_tokens' },
      logprobs: [{ token: 'Hi', logprob: -1, bytes: [72, 105], topLogprobs: [{ token: 'Ho', logprob: -2 }] }],
    } as const;
    assert.deepEqual(render({ choices: [choice], usage }), {
      id: 'chatcmpl-msg_1',
      object: 'chat.completion',
      created: 5,
      model: 'claude',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: 'Hi', refusal: null },
          logprobs: {
            content: [
              { token: 'Hi', logprob: -1, bytes: [72, 105], top_logprobs: [{ token: 'Ho', logprob: -2, bytes: null }] },
            ],
            refusal: null,
          },
          finish_reason: 'length',
        },
      ],
      usage: {
        prompt_tokens: 10,
        completion_tokens: 6,
        total_tokens: 16,
        prompt_tokens_details: { cached_tokens: 4, cache_write_tokens: 3 },
        completion_tokens_details: { reasoning_tokens: 2 },
      },
    });
  });

  it('has null content beside tool calls, and text where there is some', () => {
    const call = { type: 'tool-call', id: 'a', name: 'f', argumentsJson: '{"x":1}' } as const;
    const tool_calls = [{ id: 'a', type: 'function', function: { name: 'f', arguments: '{"x":1}' } }];
    assert.deepEqual(message(call), { role: 'assistant', content: null, refusal: null, tool_calls });
    assert.deepEqual(message({ type: 'text', text: 'x' }, call), {
      role: 'assistant',
      content: 'x',
      refusal: null,
      tool_calls,
    });
    assert.deepEqual(message(), { role: 'assistant', content: '', refusal: null });
    assert.deepEqual(message({ type: 'refusal', text: 'no' }), { role: 'assistant', content: null, refusal: 'no' });
  });

  it('writes reasoning with its signatures so that the client can send them back', () => {
    const parts: Part[] = [
      { type: 'reasoning', text: 'a', signature: { dialect: 'anthropic', value: 's' } },
      { type: 'reasoning', text: '', signature: { dialect: 'anthropic', value: 'd' }, isRedacted: true },
      { type: 'reasoning', text: 'b' },
      { type: 'text', text: 'x' },
    ];
    const rendered = message(...parts) as any;
    assert.equal(rendered.reasoning_content, 'a\n\nb');
    assert.deepEqual(rendered.reasoning_details, [
      { type: 'reasoning.text', text: 'a', signature: 's', format: 'anthropic-claude-v1', index: 0 },
      { type: 'reasoning.encrypted', data: 'd', format: 'anthropic-claude-v1', index: 1 },
    ]);
    const history = { model: 'm', messages: [{ role: 'user', content: 'x' }, rendered] };
    assert.deepEqual(openaiChat.client.parseRequest(history, {}).messages[1]?.parts.slice(0, 2), parts.slice(0, 2));
  });

  it('writes citations', () => {
    const annotation = { url: 'https://a', title: 't', start: 0, end: 1 };
    assert.deepEqual((message({ type: 'text', text: 'x', annotations: [annotation] }) as any).annotations, [
      { type: 'url_citation', url_citation: { url: 'https://a', title: 't', start_index: 0, end_index: 1 } },
    ]);
  });

  it('writes function_call for a client that declared functions', () => {
    const body = { model: 'm', messages: [{ role: 'user', content: 'x' }], functions: [{ name: 'f' }] };
    const choice = {
      index: 0,
      parts: [{ type: 'tool-call', id: 'a', name: 'f', argumentsJson: '{}' }],
      finishReason: { unified: 'tool-calls', raw: 'tool_use' },
    } as const;
    const [rendered] = render({ choices: [choice] }, openaiChat.client.parseRequest(body, {})).choices;
    assert.equal(rendered.finish_reason, 'function_call');
    assert.deepEqual(rendered.message, {
      role: 'assistant',
      content: null,
      refusal: null,
      function_call: { name: 'f', arguments: '{}' },
    });
  });
});
