import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { packToolCallId } from '../../../src/dialects/tool-call-id.ts';
import { GatewayError } from '../../../src/errors.ts';
import type { ChatRequest, Part } from '../../../src/model/chat.ts';
import { parsed, rendered, request, TARGET, upstream } from './support.ts';

function refuses(fields: Partial<ChatRequest>, pattern: RegExp): void {
  assert.throws(
    () => rendered(fields),
    (error) => error instanceof GatewayError && error.code === 'unsupported' && pattern.test(error.message),
  );
}

function user(...parts: Part[]): Partial<ChatRequest> {
  return { messages: [{ role: 'user', parts }] };
}

describe('an upstream request', () => {
  test('goes to /api/chat and always says whether it streams', () => {
    assert.deepEqual(upstream.renderRequest(request(), { ...TARGET, isStream: false }), {
      path: '/api/chat',
      body: { messages: [{ role: 'user', content: 'hi' }], model: 'qwen3', stream: false },
    });
  });

  test('of an Ollama client is the original with another model', () => {
    const original = {
      messages: [{ role: 'user', content: 'hi' }],
      keep_alive: '5m',
      options: { num_ctx: 8_192 },
      new_field: 1,
    };
    assert.deepEqual(upstream.renderRequest(parsed(original), TARGET).body, {
      ...original,
      model: 'qwen3',
      stream: true,
    });
  });

  test('of an Ollama client carries no signature of another provider', () => {
    const signed = packToolCallId('call_0', 'gemini signature');
    const call = { function: { name: 'f', arguments: {} } };
    const result = { role: 'tool', tool_name: 'f', content: 'r' };
    const messages = [
      { role: 'user', content: 'hi' },
      { role: 'assistant', content: '', tool_calls: [{ id: signed, ...call }, call] },
      { ...result, tool_call_id: signed },
      result,
    ];
    assert.deepEqual(upstream.renderRequest(parsed({ messages }), TARGET).body.messages, [
      messages[0],
      { role: 'assistant', content: '', tool_calls: [{ id: 'call_0', ...call }, call] },
      { ...result, tool_call_id: 'call_0' },
      result,
    ]);
  });

  test('tells results in the order of their calls', () => {
    const call = (id: string): Part => ({ type: 'tool-call', id, name: `name of ${id}`, argumentsJson: '{}' });
    const result = (toolCallId: string): Part => ({ type: 'tool-result', toolCallId, parts: [] });
    const { messages } = rendered({
      messages: [
        { role: 'user', parts: [{ type: 'text', text: 'hi' }] },
        { role: 'assistant', parts: [call('a'), call('b')] },
        { role: 'tool', parts: [result('b')] },
        { role: 'tool', parts: [result('a')] },
        { role: 'user', parts: [{ type: 'text', text: 'and?' }] },
      ],
    });
    assert.ok(Array.isArray(messages));
    assert.deepEqual(
      messages.slice(2).map((message: any) => message.tool_name ?? message.role),
      ['name of a', 'name of b', 'user'],
    );
  });

  test('of an Ollama client whose conversation was changed has the new messages and every other field', () => {
    const parsedRequest = parsed({ messages: [{ role: 'user', content: 'hi' }], keep_alive: '5m' });
    assert.ok(parsedRequest.original);
    const edited: ChatRequest = {
      ...parsedRequest,
      messages: [{ role: 'system', parts: [{ type: 'text', text: 'know this' }] }, ...parsedRequest.messages],
      original: { ...parsedRequest.original, isConversationEdited: true },
    };
    assert.deepEqual(upstream.renderRequest(edited, TARGET).body, {
      messages: [
        { role: 'system', content: 'know this' },
        { role: 'user', content: 'hi' },
      ],
      keep_alive: '5m',
      model: 'qwen3',
      stream: true,
    });
  });

  test('does not change the original', () => {
    const parsedRequest = parsed({ messages: [], keep_alive: '5m' });
    upstream.renderRequest(parsedRequest, { ...TARGET, traits: { refusedFields: ['keep_alive'] } });
    assert.deepEqual(parsedRequest.original?.body, { model: 'm', messages: [], keep_alive: '5m' });
  });

  test('leaves out the fields that the server refuses', () => {
    const body = rendered({ sampling: { logprobs: true } }, { traits: { refusedFields: ['logprobs'] } });
    assert.deepEqual(Object.keys(body).sort(), ['messages', 'model', 'stream']);
  });

  test('has calls with argument objects, and results with the name of their tool', () => {
    assert.deepEqual(
      rendered({
        messages: [
          {
            role: 'assistant',
            parts: [
              { type: 'reasoning', text: 'hm', signature: { dialect: 'anthropic', value: 's' } },
              { type: 'text', text: 'let me see' },
              { type: 'tool-call', id: packToolCallId('a', 'signature'), name: 'look', argumentsJson: '{"x":1}' },
              { type: 'tool-call', id: 'b', name: 'ask', argumentsJson: '{oops' },
            ],
          },
          {
            role: 'tool',
            parts: [
              {
                type: 'tool-result',
                toolCallId: packToolCallId('a', 'signature'),
                parts: [{ type: 'text', text: 'A' }],
              },
            ],
          },
          {
            role: 'user',
            parts: [
              { type: 'tool-result', toolCallId: 'b', name: 'ask', parts: [], isError: true },
              { type: 'text', text: 'go on' },
            ],
          },
        ],
      }).messages,
      [
        {
          role: 'assistant',
          content: 'let me see',
          thinking: 'hm',
          tool_calls: [
            { id: 'a', function: { name: 'look', arguments: { x: 1 } } },
            { id: 'b', function: { name: 'ask', arguments: { invalid_arguments: '{oops' } } },
          ],
        },
        { role: 'tool', content: 'A', tool_name: 'look', tool_call_id: packToolCallId('a', 'signature').slice(0, 1) },
        { role: 'tool', content: '', tool_name: 'ask', tool_call_id: 'b' },
        { role: 'user', content: 'go on' },
      ],
    );
  });

  test('has images as base64, in tool results too, and plain-text documents as text', () => {
    const image: Part = {
      type: 'media',
      kind: 'image',
      mimeType: 'image/png',
      source: { type: 'base64', data: 'aGk=' },
    };
    assert.deepEqual(
      rendered({
        messages: [
          {
            role: 'user',
            parts: [
              { type: 'text', text: 'look' },
              image,
              { type: 'media', kind: 'document', source: { type: 'text', text: 'a report' } },
            ],
          },
          { role: 'tool', parts: [{ type: 'tool-result', toolCallId: 'a', name: 'shot', parts: [image] }] },
        ],
      }).messages,
      [
        { role: 'user', content: 'look\n\na report', images: ['aGk='] },
        { role: 'tool', content: '', tool_name: 'shot', tool_call_id: 'a', images: ['aGk='] },
      ],
    );
  });

  test('is refused for what Ollama cannot take', () => {
    refuses(user({ type: 'media', kind: 'image', source: { type: 'url', url: 'https://a/b.png' } }), /data: URI/);
    refuses(
      user({ type: 'media', kind: 'image', source: { type: 'file', fileId: 'f', dialect: 'openai-chat' } }),
      /data: URI/,
    );
    refuses(user({ type: 'media', kind: 'audio', source: { type: 'base64', data: 'aGk=' } }), /not audio/);
    refuses(user({ type: 'media', kind: 'document', source: { type: 'base64', data: 'aGk=' } }), /not document/);
    refuses({ sampling: { candidateCount: 2 } }, /n = 1/);
  });

  test('offers tools with a schema each, and only those it may call', () => {
    const tools = [
      { name: 'look', description: 'Looks.', parameters: { type: 'object', required: ['x'] } },
      { name: 'wait' },
      { name: 'web_search', isHosted: true },
    ];
    const look = {
      type: 'function',
      function: { name: 'look', description: 'Looks.', parameters: { type: 'object', required: ['x'] } },
    };
    const wait = { type: 'function', function: { name: 'wait', parameters: { type: 'object', properties: {} } } };
    assert.deepEqual(rendered({ tools }).tools, [look, wait]);
    assert.deepEqual(rendered({ tools, toolChoice: { type: 'required' } }).tools, [look, wait]);
    assert.deepEqual(rendered({ tools, toolChoice: { type: 'tool', name: 'wait' } }).tools, [wait]);
    assert.equal(rendered({ tools, toolChoice: { type: 'none' } }).tools, undefined);
  });

  test('has the sampling in its options, and temperature 0 survives', () => {
    const body = rendered({
      sampling: {
        maxOutputTokens: 9,
        temperature: 0,
        topP: 0.5,
        topK: 3,
        stop: ['a'],
        seed: 7,
        presencePenalty: 1,
        frequencyPenalty: 2,
        candidateCount: 1,
        logprobs: true,
        topLogprobs: 2,
      },
    });
    assert.deepEqual(body.options, {
      num_predict: 9,
      temperature: 0,
      top_p: 0.5,
      top_k: 3,
      stop: ['a'],
      seed: 7,
      presence_penalty: 1,
      frequency_penalty: 2,
    });
    assert.equal(body.logprobs, true);
    assert.equal(body.top_logprobs, 2);
  });

  test('has the response format', () => {
    assert.equal(rendered({ responseFormat: { type: 'text' } }).format, undefined);
    assert.equal(rendered({ responseFormat: { type: 'json' } }).format, 'json');
    const schema = { type: 'object' };
    assert.deepEqual(rendered({ responseFormat: { type: 'json-schema', name: 'n', schema } }).format, schema);
  });

  test('thinks in levels for gpt-oss and yes or no for every other model', () => {
    const think = (reasoning: ChatRequest['reasoning'], model: string) =>
      rendered({ ...(reasoning && { reasoning }) }, { model }).think;
    assert.equal(think(undefined, 'qwen3'), undefined);
    assert.equal(think({ isSummaryWanted: true }, 'qwen3'), undefined);
    assert.equal(think({ effort: 'none' }, 'qwen3'), false);
    assert.equal(think({ budgetTokens: 0 }, 'qwen3'), false);
    assert.equal(think({ effort: 'low' }, 'qwen3'), true);
    assert.equal(think({ budgetTokens: -1 }, 'gpt-oss:20b'), true);
    assert.equal(think({ effort: 'minimal' }, 'gpt-oss:20b'), 'low');
    assert.equal(think({ effort: 'medium' }, 'gpt-oss:20b'), 'medium');
    assert.equal(think({ effort: 'xhigh' }, 'gpt-oss:20b'), 'high');
    assert.equal(think({ budgetTokens: 1_000 }, 'gpt-oss:20b'), 'low');
  });
});
