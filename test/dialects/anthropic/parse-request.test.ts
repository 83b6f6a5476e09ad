// Messages API bodies → neutral requests.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GatewayError } from '../../../src/errors.ts';
import type { ChatRequest } from '../../../src/model/chat.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { body, client } from './support.ts';

function parse(extra: JsonObject): ChatRequest {
  return client.parseRequest(body(extra), {});
}

function refusal(wire: JsonObject): { code: string; message: string; param: string | undefined } {
  try {
    client.parseRequest(wire, {});
  } catch (error) {
    assert.ok(error instanceof GatewayError);
    return { code: error.code, message: error.message, param: error.param };
  }
  throw new Error('was not refused');
}

test('a minimal body becomes a neutral request that carries its original', () => {
  const wire = body({ stream: true });
  assert.deepEqual(client.parseRequest(wire, {}), {
    model: 'claude',
    isStream: true,
    messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hi' }] }],
    tools: [],
    sampling: { maxOutputTokens: 100 },
    original: { dialect: 'anthropic', body: wire },
  });
});

test('the wire headers are kept with the original, others are not', () => {
  const headers = { 'anthropic-version': '2026-10-21', 'anthropic-beta': 'a,b', 'openai-beta': 'x' };
  assert.deepEqual(client.parseRequest(body(), { headers }).original?.headers, {
    'anthropic-version': '2026-10-21',
    'anthropic-beta': 'a,b',
  });
});

test('max_tokens is required for an answer and may be absent for a count', () => {
  const wire = { model: 'claude', messages: [{ role: 'user', content: 'Hi' }] };
  assert.deepEqual(refusal(wire), { code: 'bad_request', message: 'max_tokens: Field required', param: 'max_tokens' });
  assert.deepEqual(client.parseRequest(wire, { isTokenCount: true }).sampling, {});
});

test('system may be text or blocks, and cache_control stays with its block', () => {
  assert.deepEqual(parse({ system: 'Be brief.' }).messages[0], {
    role: 'system',
    parts: [{ type: 'text', text: 'Be brief.' }],
  });
  const cache = { cache_control: { type: 'ephemeral' } };
  assert.deepEqual(parse({ system: [{ type: 'text', text: 'A', ...cache }] }).messages[0], {
    role: 'system',
    parts: [{ type: 'text', text: 'A', extensions: { anthropic: cache } }],
  });
});

test('a system message in mid-conversation keeps its place', () => {
  const messages = [
    { role: 'user', content: 'Hi' },
    { role: 'system', content: 'From now on in French.' },
  ];
  assert.deepEqual(
    parse({ messages }).messages.map((message) => message.role),
    ['user', 'system'],
  );
});

test('an unknown role or a missing content is refused by name', () => {
  assert.equal(refusal(body({ messages: [{ role: 'tool', content: 'x' }] })).param, 'messages[0].role');
  assert.equal(refusal(body({ messages: [{ role: 'user' }] })).param, 'messages[0].content');
  assert.equal(refusal(body({ messages: [] })).param, 'messages');
});

test('images and documents of every source are read', () => {
  const content = [
    { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } },
    { type: 'image', source: { type: 'url', url: 'https://x/y.png' } },
    { type: 'image', source: { type: 'file', file_id: 'file_1' } },
    { type: 'document', title: 'T', source: { type: 'text', media_type: 'text/plain', data: 'Text' } },
    { type: 'document', source: { type: 'content', content: [{ type: 'text', text: 'Inner' }] } },
  ];
  assert.deepEqual(parse({ messages: [{ role: 'user', content }] }).messages[0]?.parts, [
    { type: 'media', kind: 'image', source: { type: 'base64', data: 'AAAA' }, mimeType: 'image/png' },
    { type: 'media', kind: 'image', source: { type: 'url', url: 'https://x/y.png' } },
    { type: 'media', kind: 'image', source: { type: 'file', fileId: 'file_1', dialect: 'anthropic' } },
    { type: 'media', kind: 'document', source: { type: 'text', text: 'Text' }, mimeType: 'text/plain', fileName: 'T' },
    {
      type: 'media',
      kind: 'document',
      source: { type: 'text', text: 'Inner' },
      mimeType: 'text/plain',
      extensions: { anthropic: { source: { type: 'content', content: [{ type: 'text', text: 'Inner' }] } } },
    },
  ]);
});

test('a bad media type is refused by name', () => {
  const content = [{ type: 'image', source: { type: 'base64', media_type: 'png', data: 'AAAA' } }];
  const { param } = refusal(body({ messages: [{ role: 'user', content }] }));
  assert.equal(param, 'messages[0].content[0].source.media_type');
});

test('tool results become tool messages before the rest of their turn', () => {
  const messages = [
    { role: 'assistant', content: [{ type: 'tool_use', id: 't1', name: 'f', input: { a: 1 } }] },
    {
      role: 'user',
      content: [
        { type: 'text', text: 'Go on' },
        { type: 'tool_result', tool_use_id: 't1', content: 'done', is_error: true },
        { type: 'tool_result', tool_use_id: 't2' },
      ],
    },
  ];
  assert.deepEqual(parse({ messages }).messages, [
    { role: 'assistant', parts: [{ type: 'tool-call', id: 't1', name: 'f', argumentsJson: '{"a":1}' }] },
    {
      role: 'tool',
      parts: [{ type: 'tool-result', toolCallId: 't1', parts: [{ type: 'text', text: 'done' }], isError: true }],
    },
    { role: 'tool', parts: [{ type: 'tool-result', toolCallId: 't2', parts: [] }] },
    { role: 'user', parts: [{ type: 'text', text: 'Go on' }] },
  ]);
});

test('thinking keeps its signature, and an unsigned thought has none', () => {
  const content = [
    { type: 'thinking', thinking: 'Signed', signature: 'sig' },
    { type: 'thinking', thinking: 'Foreign', signature: '' },
    { type: 'redacted_thinking', data: 'secret' },
  ];
  assert.deepEqual(parse({ messages: [{ role: 'assistant', content }] }).messages[0]?.parts, [
    { type: 'reasoning', text: 'Signed', signature: { dialect: 'anthropic', value: 'sig' } },
    { type: 'reasoning', text: 'Foreign' },
    { type: 'reasoning', text: '', signature: { dialect: 'anthropic', value: 'secret' }, isRedacted: true },
  ]);
});

test('a search result is readable text elsewhere; other own blocks are kept whole without text', () => {
  const found = { type: 'search_result', title: 'T', source: 's', content: [{ type: 'text', text: 'Found' }] };
  const hosted = { type: 'server_tool_use', id: 's1', name: 'web_search', input: {} };
  const { messages } = parse({
    messages: [
      { role: 'user', content: [found] },
      { role: 'assistant', content: [hosted] },
    ],
  });
  assert.deepEqual(
    messages.map((message) => message.parts[0]),
    [
      { type: 'text', text: 'T\ns\nFound', extensions: { anthropic: { block: found } } },
      { type: 'text', text: '', extensions: { anthropic: { block: hosted } } },
    ],
  );
});

test('custom tools are read and hosted ones kept whole', () => {
  const hosted = { type: 'web_search_20250305', name: 'web_search', max_uses: 3 };
  const schema = { type: 'object', properties: {} };
  const custom = { name: 'f', description: 'd', input_schema: schema, strict: true, defer_loading: true };
  assert.deepEqual(parse({ tools: [custom, hosted] }).tools, [
    {
      name: 'f',
      description: 'd',
      parameters: schema,
      isStrict: true,
      extensions: { anthropic: { defer_loading: true } },
    },
    { name: 'web_search', isHosted: true, extensions: { anthropic: hosted } },
  ]);
});

test('every tool choice is understood', () => {
  const choice = (tool_choice: JsonObject) => {
    const { toolChoice, parallelToolCalls } = parse({ tool_choice });
    return [toolChoice, parallelToolCalls];
  };
  assert.deepEqual(choice({ type: 'auto', disable_parallel_tool_use: true }), [{ type: 'auto' }, false]);
  assert.deepEqual(choice({ type: 'any', disable_parallel_tool_use: false }), [{ type: 'required' }, true]);
  assert.deepEqual(choice({ type: 'tool', name: 'f' }), [{ type: 'tool', name: 'f' }, undefined]);
  assert.deepEqual(choice({ type: 'none' }), [{ type: 'none' }, undefined]);
  assert.equal(refusal(body({ tool_choice: { type: 'some' } })).param, 'tool_choice.type');
});

test('every thinking configuration becomes a wish', () => {
  const wish = (extra: JsonObject) => parse(extra).reasoning;
  assert.equal(wish({}), undefined);
  assert.deepEqual(wish({ thinking: { type: 'disabled' } }), { effort: 'none' });
  assert.deepEqual(wish({ thinking: { type: 'enabled', budget_tokens: 5_000 } }), {
    budgetTokens: 5_000,
    isSummaryWanted: true,
  });
  assert.deepEqual(wish({ thinking: { type: 'adaptive', display: 'omitted' } }), {
    budgetTokens: -1,
    isSummaryWanted: false,
  });
  assert.deepEqual(wish({ thinking: { type: 'adaptive' }, output_config: { effort: 'xhigh' } }), {
    effort: 'xhigh',
    isSummaryWanted: true,
  });
  assert.deepEqual(wish({ output_config: { effort: 'low' } }), { effort: 'low' });
  assert.equal(refusal(body({ thinking: { type: 'enabled' } })).param, 'thinking.budget_tokens');
});

test('sampling, format, user and stop sequences are read', () => {
  const schema = { type: 'object' };
  const parsed = parse({
    temperature: 0,
    top_p: 0.5,
    top_k: 3,
    stop_sequences: ['a'],
    metadata: { user_id: 'u' },
    output_config: { format: { type: 'json_schema', schema } },
  });
  assert.deepEqual(parsed.sampling, { maxOutputTokens: 100, temperature: 0, topP: 0.5, topK: 3, stop: ['a'] });
  assert.equal(parsed.endUser, 'u');
  assert.deepEqual(parsed.responseFormat, { type: 'json-schema', name: 'answer', schema, isStrict: true });
  assert.equal(refusal(body({ stop_sequences: [1] })).param, 'stop_sequences');
});

test('a thread that goes on stands for messages that only Anthropic has; one that begins has them all', () => {
  assert.deepEqual(parse({ thread: { type: 'continue', previous_message_id: 'msg_1' } }).untranslatable, ['thread']);
  assert.equal(parse({ thread: { type: 'create' } }).untranslatable, undefined);
  assert.equal(parse({ thread: null }).untranslatable, undefined);
});

test('the summary that stands for an earlier conversation is told in words, too', () => {
  const block = { type: 'compaction', content: 'They met in Bern.', encrypted_content: 'x' };
  const { messages } = parse({ messages: [{ role: 'assistant', content: [block] }] });
  assert.deepEqual(messages[0]?.parts, [
    {
      type: 'text',
      text: 'Summary of the conversation so far:\nThey met in Bern.',
      extensions: { anthropic: { block } },
    },
  ]);
});

test('tools that come and go within the messages are offered as they are at the end', () => {
  const tool = (name: string, description: string) => ({ name, description, input_schema: { type: 'object' } });
  const added = (definition: JsonObject) => ({ type: 'tool_addition', tool: { type: 'tool_definition', definition } });
  const removed = (name: string) => ({ type: 'tool_removal', tool: { type: 'tool_reference', name } });
  const { tools } = parse({
    tools: [tool('a', 'first'), tool('b', 'first')],
    messages: [
      { role: 'user', content: 'Hi' },
      { role: 'system', content: [added(tool('c', 'new')), removed('a')] },
      {
        role: 'system',
        content: [added(tool('b', 'second')), { type: 'tool_addition', tool: { type: 'tool_reference', name: 'b' } }],
      },
    ],
  });
  assert.deepEqual(
    tools.map(({ name, description }) => [name, description]),
    [
      ['c', 'new'],
      ['b', 'second'],
    ],
  );
});

test('a bound below zero is refused', () => {
  assert.deepEqual(refusal(body({ max_tokens: -1 })), {
    code: 'bad_request',
    message: 'max_tokens: Input should be greater than or equal to 0',
    param: 'max_tokens',
  });
});
