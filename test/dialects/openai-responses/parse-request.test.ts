// What clients send → ChatRequest.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openaiResponses } from '../../../src/dialects/openai-responses/index.ts';
import { sealSignature } from '../../../src/dialects/sealed-signature.ts';
import { GatewayError } from '../../../src/errors.ts';
import type { Message } from '../../../src/model/chat.ts';
import type { JsonObject } from '../../../src/model/json.ts';

const parse = (body: JsonObject) => openaiResponses.client.parseRequest(body, {});
const messagesOf = (input: JsonObject['input']) => parse({ model: 'm', input }).messages.map(bare);
const bare = ({ role, parts }: Message) => ({ role, parts });

function assertRefused(body: JsonObject, param: string): void {
  assert.throws(
    () => parse(body),
    (error: unknown) => error instanceof GatewayError && error.code === 'bad_request' && error.param === param,
  );
}

test('a string input with instructions becomes a system and a user message', () => {
  const body = { model: 'm', input: 'Hi', instructions: 'Be brief', stream: true };
  assert.deepEqual(parse(body), {
    model: 'm',
    isStream: true,
    messages: [
      {
        role: 'system',
        parts: [{ type: 'text', text: 'Be brief' }],
        extensions: { 'openai-responses': { isInstructions: true } },
      },
      {
        role: 'user',
        parts: [{ type: 'text', text: 'Hi' }],
        extensions: { 'openai-responses': { firstItem: 0, itemCount: 1 } },
      },
    ],
    tools: [],
    sampling: {},
    isUsageWanted: true,
    original: { dialect: 'openai-responses', body },
  });
});

test('every scalar field lands where the neutral model has it', () => {
  const request = parse({
    model: 'm',
    input: 'x',
    max_output_tokens: 100,
    temperature: 0,
    top_p: 0.5,
    top_logprobs: 3,
    parallel_tool_calls: false,
    user: 'old',
    safety_identifier: 'new',
    metadata: { a: 'b' },
    reasoning: { effort: 'high', summary: 'auto' },
    text: { format: { type: 'json_schema', name: 'n', schema: { type: 'object' }, strict: true } },
    tool_choice: 'required',
  });
  assert.deepEqual(request.sampling, {
    maxOutputTokens: 100,
    temperature: 0,
    topP: 0.5,
    logprobs: true,
    topLogprobs: 3,
  });
  assert.equal(request.parallelToolCalls, false);
  assert.equal(request.endUser, 'new');
  assert.deepEqual(request.metadata, { a: 'b' });
  assert.deepEqual(request.reasoning, { effort: 'high', isSummaryWanted: true });
  assert.deepEqual(request.responseFormat, {
    type: 'json-schema',
    name: 'n',
    schema: { type: 'object' },
    isStrict: true,
  });
  assert.deepEqual(request.toolChoice, { type: 'required' });
});

test('the items of one assistant turn become one message, each tool output its own', () => {
  const messages = messagesOf([
    { role: 'user', content: 'go' },
    { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 'think' }], encrypted_content: 'E' },
    {
      type: 'message',
      id: 'msg_1',
      role: 'assistant',
      content: [{ type: 'output_text', text: 'ok', annotations: [] }],
    },
    { type: 'function_call', call_id: 'a', name: 'f', arguments: '{"x":1}' },
    { type: 'function_call', call_id: 'b', name: 'g', arguments: '' },
    { type: 'function_call_output', call_id: 'a', output: 'A' },
    { type: 'function_call_output', call_id: 'b', output: [{ type: 'input_text', text: 'B' }] },
  ]);
  assert.deepEqual(messages, [
    { role: 'user', parts: [{ type: 'text', text: 'go' }] },
    {
      role: 'assistant',
      parts: [
        {
          type: 'reasoning',
          text: 'think',
          signature: { dialect: 'openai-responses', value: 'E', id: 'rs_1' },
        },
        { type: 'text', text: 'ok' },
        { type: 'tool-call', id: 'a', name: 'f', argumentsJson: '{"x":1}' },
        { type: 'tool-call', id: 'b', name: 'g', argumentsJson: '{}' },
      ],
    },
    { role: 'tool', parts: [{ type: 'tool-result', toolCallId: 'a', parts: [{ type: 'text', text: 'A' }] }] },
    { role: 'tool', parts: [{ type: 'tool-result', toolCallId: 'b', parts: [{ type: 'text', text: 'B' }] }] },
  ]);
});

test('system and developer items keep their place as system messages', () => {
  const messages = messagesOf([
    { role: 'developer', content: 'one' },
    { role: 'user', content: 'two' },
    { role: 'system', content: [{ type: 'input_text', text: 'three' }] },
  ]);
  assert.deepEqual(
    messages.map(({ role }) => role),
    ['system', 'user', 'system'],
  );
});

test('images, files and audio become media parts', () => {
  const [message] = messagesOf([
    {
      role: 'user',
      content: [
        { type: 'input_image', image_url: 'data:image/png;base64,QUJD', detail: 'low' },
        { type: 'input_image', image_url: 'https://x/y.jpg' },
        { type: 'input_image', file_id: 'file-1' },
        { type: 'input_file', filename: 'a.pdf', file_data: 'data:application/pdf;base64,UERG' },
        { type: 'input_file', filename: 'a.csv', file_data: 'Q1NW' },
        { type: 'input_file', file_url: 'https://x/z.pdf' },
        { type: 'input_audio', input_audio: { data: 'V0FW', format: 'wav' } },
      ],
    },
  ]);
  assert.deepEqual(message?.parts, [
    {
      type: 'media',
      kind: 'image',
      source: { type: 'base64', data: 'QUJD' },
      mimeType: 'image/png',
      detail: 'low',
    },
    { type: 'media', kind: 'image', source: { type: 'url', url: 'https://x/y.jpg' } },
    { type: 'media', kind: 'image', source: { type: 'file', fileId: 'file-1', dialect: 'openai-responses' } },
    {
      type: 'media',
      kind: 'document',
      mimeType: 'application/pdf',
      source: { type: 'base64', data: 'UERG' },
      fileName: 'a.pdf',
    },
    {
      type: 'media',
      kind: 'document',
      mimeType: 'text/csv',
      source: { type: 'base64', data: 'Q1NW' },
      fileName: 'a.csv',
    },
    { type: 'media', kind: 'document', source: { type: 'url', url: 'https://x/z.pdf' } },
    { type: 'media', kind: 'audio', mimeType: 'audio/wav', source: { type: 'base64', data: 'V0FW' } },
  ]);
});

test('items that only OpenAI knows are tolerated and counted to the message after them', () => {
  const request = parse({
    model: 'm',
    input: [
      { type: 'item_reference', id: 'msg_0' },
      { role: 'user', content: 'go' },
      { type: 'reasoning', id: 'rs_0', summary: [] },
      { type: 'web_search_call', id: 'ws_1', status: 'completed' },
      { role: 'assistant', content: 'found' },
      { type: 'some_new_thing', id: 'x' },
    ],
  });
  assert.deepEqual(request.messages, [
    {
      role: 'user',
      parts: [{ type: 'text', text: 'go' }],
      extensions: { 'openai-responses': { firstItem: 0, itemCount: 2 } },
    },
    {
      role: 'assistant',
      parts: [{ type: 'text', text: 'found' }],
      extensions: { 'openai-responses': { firstItem: 2, itemCount: 4 } },
    },
  ]);
});

test('a custom tool call keeps its input as JSON for the dialects that know only functions', () => {
  const messages = messagesOf([
    { type: 'custom_tool_call', call_id: 'c', name: 'apply_patch', input: 'say "x"' },
    { type: 'custom_tool_call_output', call_id: 'c', output: 'done' },
  ]);
  assert.deepEqual(messages, [
    {
      role: 'assistant',
      parts: [
        {
          type: 'tool-call',
          id: 'c',
          name: 'apply_patch',
          argumentsJson: '{"input":"say \\"x\\""}',
          extensions: { 'openai-responses': { type: 'custom', name: 'apply_patch' } },
        },
      ],
    },
    {
      role: 'tool',
      parts: [
        {
          type: 'tool-result',
          toolCallId: 'c',
          parts: [{ type: 'text', text: 'done' }],
          extensions: { 'openai-responses': { type: 'custom' } },
        },
      ],
    },
  ]);
});

test('reasoning that another provider signed comes back with its own signature', () => {
  const encrypted = sealSignature({ dialect: 'anthropic', value: 'SIG' }, true);
  const [message] = messagesOf([{ type: 'reasoning', id: 'rs_fm_1_0', summary: [], encrypted_content: encrypted }]);
  assert.deepEqual(message?.parts, [
    { type: 'reasoning', text: '', signature: { dialect: 'anthropic', value: 'SIG' }, isRedacted: true },
  ]);
});

test('function tools are flat, types that the client does not run itself are hosted and kept whole', () => {
  const webSearch = { type: 'web_search', search_context_size: 'low' };
  const { tools } = parse({
    model: 'm',
    input: 'x',
    tools: [
      { type: 'function', name: 'f', description: 'd', parameters: { type: 'object' }, strict: false },
      webSearch,
    ],
  });
  assert.deepEqual(tools, [
    { name: 'f', description: 'd', parameters: { type: 'object' }, isStrict: false },
    { name: 'web_search', isHosted: true, extensions: { 'openai-responses': webSearch } },
  ]);
});

test('tool_choice allowed_tools narrows the tools and sets the mode', () => {
  const request = parse({
    model: 'm',
    input: 'x',
    tools: [
      { type: 'function', name: 'f' },
      { type: 'function', name: 'g' },
    ],
    tool_choice: { type: 'allowed_tools', mode: 'required', tools: [{ type: 'function', name: 'g' }] },
  });
  assert.deepEqual(request.tools, [{ name: 'g' }]);
  assert.deepEqual(request.toolChoice, { type: 'required' });
});

test('tool_choice names a function or, for a hosted tool, leaves the choice to the model', () => {
  const choose = (tool_choice: JsonObject) => parse({ model: 'm', input: 'x', tool_choice }).toolChoice;
  assert.deepEqual(choose({ type: 'function', name: 'f' }), { type: 'tool', name: 'f' });
  assert.deepEqual(choose({ type: 'web_search' }), { type: 'auto' });
});

test('malformed requests are refused with the field at fault', () => {
  assertRefused({ input: 'x' }, 'model');
  assertRefused({ model: 'm' }, 'input');
  assertRefused({ model: 'm', input: 3 }, 'input');
  assertRefused({ model: 'm', input: 'x', background: true }, 'background');
  assertRefused({ model: 'm', input: [{ role: 'robot', content: '' }] }, 'input[0].role');
  assertRefused({ model: 'm', input: [{ content: 'x' }] }, 'input[0].type');
  assertRefused({ model: 'm', input: [{ type: 'function_call', name: 'f' }] }, 'input[0].call_id');
  assertRefused({ model: 'm', input: [{ role: 'user', content: [{ type: 'input_image' }] }] }, 'input[0].content[0]');
  assertRefused(
    { model: 'm', input: [{ role: 'user', content: [{ type: 'input_image', image_url: 'data:text/x;base64,QQ==' }] }] },
    'input[0].content[0].image_url',
  );
  assertRefused({ model: 'm', input: 'x', temperature: 'hot' }, 'temperature');
  assertRefused({ model: 'm', input: 'x', tools: [{ type: 'function' }] }, 'tools[0].name');
  assertRefused({ model: 'm', input: 'x', text: { format: { type: 'yaml' } } }, 'text.format.type');
});
