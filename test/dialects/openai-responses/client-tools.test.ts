// Codex's tools at upstreams of other dialects: custom tools and those in namespaces, offered, called and answered.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openaiResponses } from '../../../src/dialects/openai-responses/index.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import type { StreamEvent } from '../../../src/model/stream.ts';
import { collect, parse, renderEvents } from './wire.ts';

const READ = { type: 'function', name: 'read', description: 'Reads.', parameters: { type: 'object' }, strict: true };
const PATCH = { type: 'custom', name: 'apply_patch', description: 'Edits files.', format: { type: 'text' } };
const TOOLS = [PATCH, { type: 'namespace', name: 'mcp__docs__', description: 'Docs.', tools: [READ, PATCH] }];
const INPUT = {
  type: 'object',
  properties: { input: { type: 'string', description: 'The whole input of the tool, as plain text.' } },
  required: ['input'],
  additionalProperties: false,
};

const start: StreamEvent = { type: 'response-start', id: 'r', model: 'up', createdAt: 5 };
const ending: StreamEvent[] = [
  { type: 'finish', choice: 0, finishReason: { unified: 'tool-calls', raw: '' } },
  { type: 'response-end' },
];
const called = (index: number, name: string, ...deltas: string[]): StreamEvent[] => [
  { type: 'tool-call-start', choice: 0, index, id: `call_${index}`, name },
  ...deltas.map((argumentsDelta) => ({ type: 'tool-call-delta', choice: 0, index, argumentsDelta }) as const),
];

/** Of a finished stream. */
function lastResponse(values: readonly JsonObject[]): any {
  return values.at(-1)?.response;
}

test('custom tools and those of a namespace are offered as functions with one name', () => {
  assert.deepEqual(parse({ tools: TOOLS }).tools, [
    {
      name: 'apply_patch',
      description: 'Edits files.',
      parameters: INPUT,
      isFreeText: true,
      extensions: { 'openai-responses': { type: 'custom', name: 'apply_patch' } },
    },
    {
      name: 'mcp__docs__read',
      description: 'Reads.',
      parameters: { type: 'object' },
      isStrict: true,
      extensions: { 'openai-responses': { name: 'read', namespace: 'mcp__docs__' } },
    },
    {
      name: 'mcp__docs__apply_patch',
      description: 'Edits files.',
      parameters: INPUT,
      isFreeText: true,
      extensions: { 'openai-responses': { type: 'custom', name: 'apply_patch', namespace: 'mcp__docs__' } },
    },
  ]);
});

test('two tools that would get one name are told apart, in offers, choices, calls and answers', () => {
  const tools = [
    { type: 'function', name: 'a__b__c' },
    { type: 'namespace', name: 'a', tools: [{ type: 'function', name: 'b__c' }] },
    { type: 'namespace', name: 'a__b', tools: [{ type: 'function', name: 'c' }] },
  ];
  const choice = { type: 'function', namespace: 'a__b', name: 'c' };
  const input = [{ ...choice, type: 'function_call', call_id: 'x', arguments: '{}' }];
  const request = parse({ tools, tool_choice: choice, input });
  const names = request.tools.map((tool) => tool.name);
  assert.equal(new Set(names).size, 3);
  assert.equal(names[0], 'a__b__c');
  const last = names[2] ?? '';
  assert.deepEqual(request.toolChoice, { type: 'tool', name: last });
  const [call] = request.messages[0]?.parts ?? [];
  assert.equal(call?.type === 'tool-call' && call.name, last);
  const values = renderEvents([start, ...names.flatMap((name, at) => called(at, name, '{}')), ...ending], request);
  const { output } = lastResponse(values);
  assert.deepEqual(
    output.map((item: JsonObject) => [item.namespace, item.name]),
    [
      [undefined, 'a__b__c'],
      ['a', 'b__c'],
      ['a__b', 'c'],
    ],
  );
});

test('the default namespace leaves names as they are, and comes back in the call', () => {
  const tools = [{ type: 'namespace', name: 'functions', tools: [{ type: 'function', name: 'exec' }] }];
  const request = parse({ tools });
  assert.equal(request.tools[0]?.name, 'exec');
  const { output } = lastResponse(renderEvents([start, ...called(0, 'exec', '{}'), ...ending], request));
  assert.deepEqual([output[0].namespace, output[0].name], ['functions', 'exec']);
});

test('allowed_tools names tools in namespaces, one by one or all', () => {
  const allowed = (...tools: JsonObject[]) =>
    parse({ tools: TOOLS, tool_choice: { type: 'allowed_tools', mode: 'auto', tools } }).tools.map((tool) => tool.name);
  assert.deepEqual(allowed({ type: 'namespace', name: 'mcp__docs__' }), ['mcp__docs__read', 'mcp__docs__apply_patch']);
  assert.deepEqual(allowed({ type: 'function', name: 'read', namespace: 'mcp__docs__' }), ['mcp__docs__read']);
  assert.deepEqual(allowed({ type: 'custom', name: 'apply_patch' }), ['apply_patch', 'mcp__docs__apply_patch']);
});

test('a custom tool can be chosen', () => {
  const choose = (tool_choice: JsonObject) => parse({ tools: TOOLS, tool_choice }).toolChoice;
  assert.deepEqual(choose({ type: 'custom', name: 'apply_patch' }), { type: 'tool', name: 'apply_patch' });
});

test('a custom tool’s call is streamed as its text, piece by piece', () => {
  const deltas = ['{"input":"*** Begin\\', 'nA \\"b', '\\""}'];
  const values = renderEvents([start, ...called(0, 'apply_patch', ...deltas), ...ending], parse({ tools: TOOLS }));
  const place = { item_id: 'ctc_fm_r_0', output_index: 0 };
  const item = {
    id: 'ctc_fm_r_0',
    status: 'completed',
    type: 'custom_tool_call',
    input: '*** Begin\nA "b"',
    call_id: 'call_0',
    name: 'apply_patch',
  };
  assert.deepEqual(
    values.slice(2, -1).map(({ sequence_number: _, ...value }) => value),
    [
      { type: 'response.output_item.added', output_index: 0, item: { ...item, status: 'in_progress', input: '' } },
      { type: 'response.custom_tool_call_input.delta', ...place, delta: '*** Begin' },
      { type: 'response.custom_tool_call_input.delta', ...place, delta: '\nA "b' },
      { type: 'response.custom_tool_call_input.delta', ...place, delta: '"' },
      { type: 'response.custom_tool_call_input.done', ...place, input: '*** Begin\nA "b"' },
      { type: 'response.output_item.done', output_index: 0, item },
    ],
  );
  assert.deepEqual(lastResponse(values).output, [item]);
});

test('text after a custom tool’s call waits for nothing, and parallel calls stay apart', () => {
  const events = [
    start,
    ...called(0, 'apply_patch', '{"input":"a'),
    ...called(1, 'mcp__docs__apply_patch', '{"input":"b"}'),
    { type: 'tool-call-delta', choice: 0, index: 0, argumentsDelta: 'a"}' } as const,
    { type: 'text-delta', choice: 0, text: 'done' } as const,
    ...ending,
  ];
  const { output } = lastResponse(renderEvents(events, parse({ tools: TOOLS })));
  assert.deepEqual(
    output.map((item: any) => [item.type, item.namespace, item.input ?? item.content[0].text]),
    [
      ['custom_tool_call', undefined, 'aa'],
      ['custom_tool_call', 'mcp__docs__', 'b'],
      ['message', undefined, 'done'],
    ],
  );
});

test('a call that the end cut off is incomplete, with the text that had come', () => {
  const cut: StreamEvent[] = [
    { type: 'finish', choice: 0, finishReason: { unified: 'length', raw: '' } },
    { type: 'response-end' },
  ];
  const values = renderEvents([start, ...called(0, 'apply_patch', '{"input":"ab\\'), ...cut], parse({ tools: TOOLS }));
  const { output } = lastResponse(values);
  assert.deepEqual([output[0].status, output[0].input], ['incomplete', 'ab']);
});

test('an unstreamed answer has the same items', () => {
  const request = parse({ tools: TOOLS });
  const response = collect([
    start,
    ...called(0, 'apply_patch', '{"input":"x"}'),
    ...called(1, 'mcp__docs__read', '{"a":1}'),
    ...ending,
  ]);
  const { output } = JSON.parse(openaiResponses.client.renderResponse(response, request));
  assert.deepEqual(output, [
    {
      id: 'ctc_fm_r_0',
      status: 'completed',
      type: 'custom_tool_call',
      input: 'x',
      call_id: 'call_0',
      name: 'apply_patch',
    },
    {
      id: 'fc_fm_r_1',
      status: 'completed',
      type: 'function_call',
      arguments: '{"a":1}',
      call_id: 'call_1',
      name: 'read',
      namespace: 'mcp__docs__',
    },
  ]);
});

const HISTORY = [
  { type: 'message', role: 'user', content: 'hi' },
  { type: 'custom_tool_call', id: 'ctc_fm_r_0', status: 'completed', call_id: 'c0', name: 'apply_patch', input: 'p' },
  { type: 'function_call', call_id: 'c1', name: 'read', namespace: 'mcp__docs__', arguments: '{}' },
  { type: 'custom_tool_call_output', call_id: 'c0', output: 'ok' },
  { type: 'function_call_output', call_id: 'c1', name: 'read', namespace: 'mcp__docs__', output: 'text' },
];

test('history items call the same names as the tools, also when the tools are gone', () => {
  for (const tools of [TOOLS, []]) {
    const parts = parse({ tools, input: HISTORY }).messages.flatMap((message) => [...message.parts]);
    assert.deepEqual(
      parts.map((part) => ('name' in part ? part.name : undefined)),
      [undefined, 'apply_patch', 'mcp__docs__read', undefined, 'mcp__docs__read'],
    );
    assert.equal(parts[1]?.type === 'tool-call' && parts[1].argumentsJson, '{"input":"p"}');
  }
});

test('an edited conversation goes back to OpenAI with the items that it came with', () => {
  const request = parse({ tools: TOOLS, input: HISTORY });
  const edited = {
    ...request,
    original: { ...request.original!, isConversationEdited: true },
    // Every message counts as changed.
    messages: request.messages.map((message) => ({
      ...message,
      parts: [...message.parts, { type: 'text', text: '!' } as const],
    })),
  };
  const { body } = openaiResponses.upstream!.renderRequest(edited, { model: 'm', isStream: false, traits: {} });
  const items = (body.input as JsonObject[]).filter((item) => item.type !== 'message');
  assert.deepEqual(items, [
    { type: 'custom_tool_call', call_id: 'c0', name: 'apply_patch', input: 'p' },
    { type: 'function_call', call_id: 'c1', name: 'read', namespace: 'mcp__docs__', arguments: '{}' },
    { type: 'custom_tool_call_output', call_id: 'c0', output: 'ok' },
    { type: 'function_call_output', call_id: 'c1', output: 'text' },
  ]);
  assert.deepEqual(body.tools, TOOLS);
});

test('calls that we named go to OpenAI without our ids', () => {
  const { body } = openaiResponses.upstream!.renderRequest(parse({ tools: TOOLS, input: HISTORY }), {
    model: 'm',
    isStream: false,
    traits: {},
  });
  const { id: _, ...first } = HISTORY[1] ?? {};
  assert.deepEqual((body.input as JsonObject[])[1], first);
});
