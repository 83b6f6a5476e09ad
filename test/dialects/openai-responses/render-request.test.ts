// ChatRequest → what a Responses upstream gets.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UpstreamTraits } from '../../../src/dialects/dialect.ts';
import { openaiResponses } from '../../../src/dialects/openai-responses/index.ts';
import { sealSignature } from '../../../src/dialects/sealed-signature.ts';
import { packToolCallId } from '../../../src/dialects/tool-call-id.ts';
import { GatewayError } from '../../../src/errors.ts';
import type { ChatRequest, Message } from '../../../src/model/chat.ts';
import type { JsonObject } from '../../../src/model/json.ts';

function render(request: ChatRequest, traits: UpstreamTraits = {}, isStream = true) {
  return openaiResponses.upstream!.renderRequest(request, { model: 'up', isStream, traits });
}

const foreign = (fields: Partial<ChatRequest>): ChatRequest => ({
  model: 'm',
  isStream: true,
  messages: [],
  tools: [],
  sampling: {},
  ...fields,
});

const parse = (body: JsonObject) => openaiResponses.client.parseRequest(body, {});

test("a client's own body goes out with only model and stream replaced", () => {
  const body = {
    model: 'm',
    input: [{ type: 'item_reference', id: 'msg_1' }],
    tools: [{ type: 'namespace', name: 'n', tools: [] }],
    prompt_cache_key: 'k',
    store: false,
    unheard_of: { a: 1 },
  };
  assert.deepEqual(render(parse(body)), { path: '/responses', body: { ...body, model: 'up', stream: true } });
});

test('fields the server refuses are dropped, stream options only go with a stream', () => {
  const body = {
    model: 'm',
    input: 'x',
    store: true,
    truncation: 'auto',
    stream_options: { include_obfuscation: false },
  };
  const call = render(parse(body), { refusedFields: ['store', 'truncation'] }, false);
  assert.deepEqual(call.body, { model: 'up', input: 'x', stream: false });
});

test('items that flowmesh made for another provider do not reach OpenAI as if they were its own', () => {
  const input = [
    { role: 'user', content: 'go' },
    { type: 'reasoning', id: 'rs_fm_1_0', summary: [] },
    {
      type: 'reasoning',
      id: 'rs_fm_2_0',
      summary: [],
      encrypted_content: sealSignature({ dialect: 'anthropic', value: 'S' }, false),
    },
    {
      type: 'reasoning',
      id: 'rs_fm_3_0',
      summary: [{ type: 'summary_text', text: 't' }],
      encrypted_content: sealSignature({ dialect: 'openai-responses', value: 'E', id: 'rs_real' }, false),
    },
    { type: 'message', id: 'msg_fm_1_1', role: 'assistant', content: [{ type: 'output_text', text: 'hi' }] },
    { type: 'function_call', id: 'fc_fm_1_2', call_id: packToolCallId('a', 'sig'), name: 'f', arguments: '{}' },
    { type: 'function_call_output', call_id: packToolCallId('a', 'sig'), output: 'r' },
  ];
  assert.deepEqual(render(parse({ model: 'm', input })).body.input, [
    { role: 'user', content: 'go' },
    { type: 'reasoning', id: 'rs_real', summary: [{ type: 'summary_text', text: 't' }], encrypted_content: 'E' },
    { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'hi' }] },
    { type: 'function_call', call_id: 'a', name: 'f', arguments: '{}' },
    { type: 'function_call_output', call_id: 'a', output: 'r' },
  ]);
});

test('an edited conversation carries unchanged messages as their own items and every other field', () => {
  const search = { type: 'web_search_call', id: 'ws_1', status: 'completed' };
  const answer = { type: 'message', id: 'msg_1', role: 'assistant', phase: 'final_answer', content: 'found' };
  const request = parse({
    model: 'm',
    instructions: 'old',
    input: [{ role: 'user', content: 'one' }, search, answer, { role: 'user', content: 'two' }],
    include: ['web_search_call.results'],
  });
  const [instructions, first, second, third] = request.messages as [Message, Message, Message, Message];
  const edited: ChatRequest = {
    ...request,
    messages: [
      { ...instructions, parts: [{ type: 'text', text: 'new' }] },
      first,
      second,
      { role: 'system', parts: [{ type: 'text', text: 'passages' }] },
      { ...third, parts: [{ type: 'text', text: 'two!' }] },
    ],
    original: { ...request.original!, isConversationEdited: true },
  };
  assert.deepEqual(render(edited).body, {
    model: 'up',
    instructions: 'new',
    input: [
      { role: 'user', content: 'one' },
      search,
      answer,
      { type: 'message', role: 'system', content: [{ type: 'input_text', text: 'passages' }] },
      { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'two!' }] },
    ],
    include: ['web_search_call.results'],
    stream: true,
  });
});

test('a conversation of another dialect is rendered in full, unstored', () => {
  const request = foreign({
    messages: [
      { role: 'system', parts: [{ type: 'text', text: 'S1' }] },
      { role: 'system', parts: [{ type: 'text', text: 'S2, JSON' }] },
      {
        role: 'user',
        parts: [
          { type: 'text', text: 'look' },
          { type: 'media', kind: 'image', mimeType: 'image/png', source: { type: 'base64', data: 'QUJD' } },
          { type: 'media', kind: 'document', mimeType: 'application/pdf', source: { type: 'base64', data: 'UERG' } },
        ],
      },
      {
        role: 'assistant',
        parts: [
          { type: 'reasoning', text: 'foreign', signature: { dialect: 'anthropic', value: 's' } },
          { type: 'reasoning', text: 'own', signature: { dialect: 'openai-responses', value: 'E', id: 'rs_1' } },
          { type: 'text', text: 'calling' },
          { type: 'tool-call', id: packToolCallId('a', 'sig'), name: 'f', argumentsJson: '{"x":1}' },
        ],
      },
      {
        role: 'tool',
        parts: [
          {
            type: 'tool-result',
            toolCallId: packToolCallId('a', 'sig'),
            parts: [
              { type: 'text', text: 'r' },
              { type: 'media', kind: 'image', source: { type: 'url', url: 'https://x/y.png' } },
            ],
          },
        ],
      },
      { role: 'system', parts: [{ type: 'text', text: 'late' }] },
    ],
    tools: [{ name: 'f' }, { name: 'web', isHosted: true, extensions: { anthropic: { type: 'web_search_20250305' } } }],
    toolChoice: { type: 'tool', name: 'f' },
    parallelToolCalls: false,
    sampling: { maxOutputTokens: 5, temperature: 0, topP: 0.9, topK: 40, stop: ['x'], seed: 1 },
    reasoning: { budgetTokens: 24_576, isSummaryWanted: true },
    responseFormat: { type: 'json' },
    endUser: 'u',
  });
  assert.deepEqual(render(request).body, {
    model: 'up',
    instructions: 'S1\n\nS2, JSON',
    input: [
      {
        type: 'message',
        role: 'user',
        content: [
          { type: 'input_text', text: 'look' },
          { type: 'input_image', image_url: 'data:image/png;base64,QUJD', detail: 'auto' },
          { type: 'input_file', filename: 'document.pdf', file_data: 'data:application/pdf;base64,UERG' },
        ],
      },
      { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 'own' }], encrypted_content: 'E' },
      { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'calling', annotations: [] }] },
      { type: 'function_call', call_id: 'a', name: 'f', arguments: '{"x":1}' },
      {
        type: 'function_call_output',
        call_id: 'a',
        output: [
          { type: 'input_text', text: 'r' },
          { type: 'input_image', image_url: 'https://x/y.png', detail: 'auto' },
        ],
      },
      { type: 'message', role: 'system', content: [{ type: 'input_text', text: 'late' }] },
    ],
    stream: true,
    store: false,
    include: ['reasoning.encrypted_content'],
    tools: [{ type: 'function', name: 'f', parameters: { type: 'object', properties: {} }, strict: false }],
    tool_choice: { type: 'function', name: 'f' },
    parallel_tool_calls: false,
    reasoning: { effort: 'high', summary: 'auto' },
    text: { format: { type: 'json_object' } },
    max_output_tokens: 16,
    temperature: 0,
    top_p: 0.9,
    safety_identifier: 'u',
  });
});

test('of a conversation with nothing but system messages the last one is what to answer', () => {
  const system = (text: string): Message => ({ role: 'system', parts: [{ type: 'text', text }] });
  const { body } = render(foreign({ messages: [system('one'), system('two')] }));
  assert.equal(body.instructions, 'one');
  assert.deepEqual(body.input, [{ type: 'message', role: 'system', content: [{ type: 'input_text', text: 'two' }] }]);
});

test('reasoning that nobody wants is not asked for in encrypted form', () => {
  const messages: Message[] = [{ role: 'user', parts: [{ type: 'text', text: 'x' }] }];
  assert.equal('include' in render(foreign({ messages })).body, false);
  const off = render(foreign({ messages, reasoning: { effort: 'none' } })).body;
  assert.equal('include' in off, false);
  assert.deepEqual(off.reasoning, { effort: 'none' });
});

test('several answers, audio and the files of other providers are refused clearly', () => {
  const refuse = (request: ChatRequest) =>
    assert.throws(
      () => render(request),
      (error: unknown) => error instanceof GatewayError && error.code === 'unsupported',
    );
  refuse(foreign({ sampling: { candidateCount: 2 } }));
  const media = (part: Message['parts'][number]) => foreign({ messages: [{ role: 'user', parts: [part] }] });
  refuse(media({ type: 'media', kind: 'audio', mimeType: 'audio/wav', source: { type: 'base64', data: 'QQ==' } }));
  refuse(media({ type: 'media', kind: 'image', source: { type: 'file', fileId: 'f', dialect: 'anthropic' } }));
});

test('a model is not told what it is known to refuse', () => {
  const messages: Message[] = [{ role: 'user', parts: [{ type: 'text', text: 'x' }] }];
  const wishes = {
    reasoning: { effort: 'high', isSummaryWanted: true },
    sampling: { temperature: 0.5, topP: 0.5, logprobs: true, topLogprobs: 2 },
  } as const;
  const bodyFor = (model: string) =>
    openaiResponses.upstream!.renderRequest(foreign({ messages, ...wishes }), { model, isStream: true, traits: {} })
      .body;
  const { reasoning, include, temperature } = bodyFor('gpt-4.1-mini');
  assert.deepEqual([reasoning, include, temperature], [undefined, ['message.output_text.logprobs'], 0.5]);
  const thinking = bodyFor('gpt-5-mini');
  assert.deepEqual(thinking.reasoning, { effort: 'high', summary: 'auto' });
  assert.deepEqual(thinking.include, ['reasoning.encrypted_content']);
  assert.deepEqual([thinking.temperature, thinking.top_p, thinking.top_logprobs], [undefined, undefined, undefined]);
});

test('no upstream is told of the earlier response, whose conversation is in the input', () => {
  const body = { model: 'm', input: 'x', previous_response_id: 'resp_1' };
  assert.deepEqual(render(parse(body)).body, { model: 'up', input: 'x', stream: true });
});

test('the end user and the ids of calls are shortened to what OpenAI takes', () => {
  const long = 'x'.repeat(65);
  assert.match(String(render(foreign({ endUser: long })).body.safety_identifier), /^user_[A-Za-z0-9]{9}$/);
  const input = [
    { type: 'function_call', call_id: long, name: 'f', arguments: '{}' },
    { type: 'function_call_output', call_id: long, output: 'x' },
    { type: 'function_call', call_id: 'short id', name: 'f', arguments: '{}' },
  ];
  const ids = (render(parse({ model: 'm', input })).body.input as JsonObject[]).map((item) => item.call_id);
  assert.match(String(ids[0]), /^x{30}_[A-Za-z0-9]{9}$/);
  assert.deepEqual(ids.slice(1), [ids[0], 'short id']);
});

test('calls without an output get one, and outputs without a call are told by the user', () => {
  const call = (id: string): Message => ({
    role: 'assistant',
    parts: [{ type: 'tool-call', id, name: 'f', argumentsJson: '{}' }],
  });
  const result = (id: string): Message => ({
    role: 'tool',
    parts: [{ type: 'tool-result', toolCallId: id, parts: [{ type: 'text', text: id }] }],
  });
  const says = (text: string): Message => ({ role: 'user', parts: [{ type: 'text', text }] });
  const messages = [says('x'), result('gone'), call('a'), call('b'), result('b'), says('y'), result('a'), call('c')];
  const input = render(foreign({ messages })).body.input as JsonObject[];
  assert.deepEqual(
    input.map((item) => {
      if (item.type !== 'message') return [item.type, item.call_id, item.output];
      return (item.content as JsonObject[]).map(({ text }) => text);
    }),
    [
      ['x'],
      ['Result of an earlier tool call:', 'gone'],
      ['function_call', 'a', undefined],
      ['function_call', 'b', undefined],
      ['function_call_output', 'b', 'b'],
      ['function_call_output', 'a', 'No result: the call was not answered.'],
      ['y'],
      ['Result of an earlier tool call:', 'a'],
      ['function_call', 'c', undefined],
      ['function_call_output', 'c', 'No result: the call was not answered.'],
    ],
  );
});
