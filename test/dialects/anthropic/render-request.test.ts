// Neutral requests → calls of /v1/messages and count_tokens.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GatewayError } from '../../../src/errors.ts';
import type { ChatRequest, MediaPart, Message } from '../../../src/model/chat.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { body, client, request, target, upstream, user } from './support.ts';

function render(extra: Partial<ChatRequest>, model?: string): JsonObject {
  return upstream.renderRequest(request(extra), target(model)).body;
}

function contents(messages: Message[]): unknown {
  return render({ messages }).messages;
}

function refusal(action: () => unknown): { code: string; message: string } {
  try {
    action();
  } catch (error) {
    assert.ok(error instanceof GatewayError);
    return { code: error.code, message: error.message };
  }
  throw new Error('was not refused');
}

test("a client's own body is sent on with only model and stream replaced", () => {
  const wire: JsonObject = body({ stream: true, context_management: { edits: [] }, unknown_field: [1] });
  const parsed = client.parseRequest(wire, { headers: { 'anthropic-version': '2026-10-21', 'anthropic-beta': 'b' } });
  const call = upstream.renderRequest(parsed, target('claude-opus-5', { isStream: true }));
  const sent: unknown = call;
  assert.deepEqual(sent, {
    path: '/v1/messages',
    body: { ...wire, model: 'claude-opus-5', stream: true },
    headers: { 'anthropic-version': '2026-10-21', 'anthropic-beta': 'b' },
  });
  assert.equal(call.body.messages, wire.messages);
});

test('what the root of a tool’s schema only names is told where Claude looks for it', () => {
  const $defs = {
    Circle: { type: 'object', properties: { radius: { type: 'number' } }, required: ['radius'] },
    Named: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] },
  };
  const schemaOf = (parameters: JsonObject): unknown => {
    const [tool] = render({ tools: [{ name: 'f', parameters }] }).tools as JsonObject[];
    return JSON.parse(JSON.stringify(tool?.input_schema));
  };
  assert.deepEqual(schemaOf({ anyOf: [{ $ref: '#/$defs/Circle' }, { $ref: '#/$defs/Named' }], $defs }), {
    $defs,
    type: 'object',
    properties: { radius: { type: 'number' }, name: { type: 'string' } },
  });
  assert.deepEqual(schemaOf({ allOf: [{ $ref: '#/$defs/Circle' }, { $ref: '#/$defs/Named' }], $defs }), {
    $defs,
    type: 'object',
    properties: { radius: { type: 'number' }, name: { type: 'string' } },
    required: ['radius', 'name'],
  });
  const definitions = { ...$defs, Loop: { $ref: '#/definitions/Loop' } };
  assert.deepEqual(schemaOf({ $ref: '#/definitions/Circle', definitions }), { ...$defs.Circle, definitions });
  assert.deepEqual(schemaOf({ $ref: '#/definitions/Loop', definitions }), {
    definitions,
    type: 'object',
    properties: {},
  });
});

test('tools whose properties Claude refuses are refused before it does, so that a chain goes on', () => {
  const tool = (name: string) => ({
    name: 'f',
    parameters: { type: 'object', properties: { [name]: { type: 'object', properties: { 'a b': {} } } } },
  });
  assert.deepEqual(
    refusal(() => render({ tools: [tool('filter[id]')] })),
    {
      code: 'unsupported',
      message:
        "Claude takes no property 'filter[id]' of the tool 'f': names have 1 to 64 of A-Z, a-z, 0-9, '_', '.' and '-'.",
    },
  );
  assert.throws(() => render({ tools: [tool('x'.repeat(65))] }), { code: 'unsupported', param: 'tools' });
  assert.ok(render({ tools: [tool('filter.id-1_')] }).tools);
  assert.ok(render({ tools: [tool('filter[id]')] }, 'kimi-k3').tools);
});

test('temperature goes out with the version that still knows it', () => {
  const headers = { 'anthropic-version': '2026-10-21' };
  const version = (extra: JsonObject, refusedFields: string[] = []) =>
    upstream.renderRequest(
      client.parseRequest(body(extra), { headers }),
      target('claude-sonnet-4-5', { traits: { refusedFields } }),
    ).headers?.['anthropic-version'];
  assert.equal(version({}), '2026-10-21');
  assert.equal(version({ temperature: 0 }), '2023-06-01');
  assert.equal(version({ top_k: 5 }), '2023-06-01');
  assert.equal(version({ temperature: 0 }, ['temperature']), '2026-10-21');
  assert.deepEqual(upstream.renderRequest(request(), target()).headers, { 'anthropic-version': '2023-06-01' });
});

test("fields that the server refuses are left out of the client's own body", () => {
  const call = upstream.renderRequest(
    client.parseRequest(body({ context_management: {} }), {}),
    target('kimi', { traits: { refusedFields: ['context_management'] } }),
  );
  assert.deepEqual(call.body, body({ model: 'kimi' }));
});

test('thoughts without signature never reach Claude, and thinking is left off where its thought is gone', () => {
  const messages = [
    { role: 'user', content: 'Hi' },
    {
      role: 'assistant',
      content: [
        { type: 'thinking', thinking: 'Foreign', signature: '' },
        { type: 'tool_use', id: 'functions.f:0', name: 'f', input: {} },
      ],
    },
    { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'functions.f:0', content: 'x' }] },
  ];
  const thinking = { type: 'enabled', budget_tokens: 2_000 };
  const parsed = client.parseRequest(body({ messages, thinking, max_tokens: 4_000 }), {});
  const sent = upstream.renderRequest(parsed, target('claude-sonnet-4-5')).body;
  assert.equal(sent.thinking, undefined);
  const [, assistant, result] = sent.messages as { content: JsonObject[] }[];
  assert.equal(assistant?.content.length, 1);
  assert.match(String(assistant?.content[0]?.id), /^[A-Za-z0-9_-]{1,64}$/);
  assert.equal(result?.content[0]?.tool_use_id, assistant?.content[0]?.id);
  assert.equal((parsed.original!.body.messages as unknown[])[1], messages[1]);
});

test('a blank text of another model, which Claude refuses, is left out of the history', () => {
  const call = { type: 'tool_use', id: 'call_1', name: 'f', input: {} };
  const messages = [
    { role: 'user', content: 'Hi' },
    { role: 'assistant', content: [{ type: 'text', text: '\n\n' }, call] },
    { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'call_1', content: '' }] },
  ];
  const parsed = client.parseRequest(body({ messages }), {});
  assert.deepEqual(upstream.renderRequest(parsed, target('claude-opus-5')).body.messages, [
    messages[0],
    { role: 'assistant', content: [call] },
    messages[2],
  ]);
});

test('where a turn was nothing but an unsigned thought, its neighbours become one turn', () => {
  const messages = [
    { role: 'user', content: 'Hi' },
    { role: 'assistant', content: [{ type: 'thinking', thinking: 'Foreign', signature: '' }] },
    { role: 'user', content: 'Still there?' },
  ];
  const parsed = client.parseRequest(body({ messages }), {});
  assert.deepEqual(upstream.renderRequest(parsed, target('claude-opus-5')).body.messages, [
    {
      role: 'user',
      content: [
        { type: 'text', text: 'Hi' },
        { type: 'text', text: 'Still there?' },
      ],
    },
  ]);
});

test('calls with equal ids are told apart, and their results with them', () => {
  const call = { type: 'tool-call', id: 'x', name: 'f', argumentsJson: '{}' } as const;
  const result = (text: string): Message => ({
    role: 'tool',
    parts: [{ type: 'tool-result', toolCallId: 'x', parts: [{ type: 'text', text }] }],
  });
  const wire = contents([user('Hi'), { role: 'assistant', parts: [call, call] }, result('1'), result('2')]);
  const [, assistant, results] = wire as { content: JsonObject[] }[];
  assert.deepEqual(
    assistant?.content.map((block) => block.id),
    ['x', 'x_1'],
  );
  assert.deepEqual(
    results?.content.map((block) => [block.tool_use_id, (block.content as JsonObject[])[0]?.text]),
    [
      ['x', '1'],
      ['x_1', '2'],
    ],
  );
});

test("other makers' models behind the dialect get their unsigned thoughts back", () => {
  const messages = [
    { role: 'user', content: 'Hi' },
    { role: 'assistant', content: [{ type: 'thinking', thinking: 'Own', signature: '' }] },
    { role: 'user', content: 'And?' },
  ];
  const parsed = client.parseRequest(body({ messages }), {});
  assert.deepEqual(upstream.renderRequest(parsed, target('kimi-k2')).body.messages, messages);
});

test('an edited conversation is rendered afresh and keeps every other field and own block', () => {
  const hosted = { type: 'server_tool_use', id: 's', name: 'web_search', input: { query: 'q' } };
  const wire = body({
    system: [{ type: 'text', text: 'S', cache_control: { type: 'ephemeral' } }],
    context_management: {},
    messages: [
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: [hosted, { type: 'text', text: 'Found' }] },
      { role: 'user', content: 'And?' },
    ],
  });
  const parsed = client.parseRequest(wire, {});
  const edited = {
    ...parsed,
    messages: [...parsed.messages.slice(0, 1), user('Knowledge'), ...parsed.messages.slice(1)],
    original: { ...parsed.original!, isConversationEdited: true },
  };
  assert.deepEqual(upstream.renderRequest(edited, target('claude')).body, {
    ...wire,
    model: 'claude',
    messages: [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Knowledge' },
          { type: 'text', text: 'Hi' },
        ],
      },
      { role: 'assistant', content: [hosted, { type: 'text', text: 'Found' }] },
      { role: 'user', content: [{ type: 'text', text: 'And?' }] },
    ],
  });
});

test('a request of another dialect is built whole', () => {
  assert.deepEqual(
    upstream.renderRequest(
      request({
        messages: [{ role: 'system', parts: [{ type: 'text', text: 'Be brief.' }] }, user('Hi')],
        sampling: { temperature: 1.7, topP: 0.9, topK: 4, stop: ['END', ' \n'], seed: 1, presencePenalty: 1 },
        endUser: 'u1',
      }),
      target('claude-sonnet-4-5', { isStream: true }),
    ),
    {
      path: '/v1/messages',
      body: {
        model: 'claude-sonnet-4-5',
        max_tokens: 8_192,
        system: [{ type: 'text', text: 'Be brief.' }],
        messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }],
        stop_sequences: ['END'],
        temperature: 1,
        top_k: 4,
        metadata: { user_id: 'u1' },
        stream: true,
      },
      headers: { 'anthropic-version': '2023-06-01' },
    },
  );
});

test('temperature 0 survives, top_p goes alone, and Claude 4.7 and later get neither', () => {
  assert.equal(render({ sampling: { temperature: 0 } }).temperature, 0);
  assert.equal(render({ sampling: { topP: 0.3 } }).top_p, 0.3);
  const late = render({ sampling: { temperature: 0.5, topP: 0.3, topK: 2 } }, 'claude-opus-4-7');
  assert.deepEqual([late.temperature, late.top_p, late.top_k], [undefined, undefined, undefined]);
});

test('the configured bound is used when the client gives none', () => {
  const traits = { defaultMaxOutputTokens: 1_000 };
  const call = (sampling: ChatRequest['sampling']) =>
    upstream.renderRequest(request({ sampling }), target('claude-3-haiku-20240307', { traits })).body.max_tokens;
  assert.equal(call({}), 1_000);
  assert.equal(call({ maxOutputTokens: 7 }), 7);
});

test('turns alternate, results come first, empty text goes, and a prefill is trimmed', () => {
  const call = { type: 'tool-call', id: 'a', name: 'f', argumentsJson: '' } as const;
  assert.deepEqual(
    contents([
      user('One'),
      user('   '),
      user('Two'),
      { role: 'assistant', parts: [{ type: 'text', text: '' }, call, { ...call, id: 'b', argumentsJson: '[oops' }] },
      { role: 'tool', parts: [{ type: 'tool-result', toolCallId: 'b', parts: [{ type: 'text', text: 'B' }] }] },
      { role: 'tool', parts: [{ type: 'tool-result', toolCallId: 'a', parts: [], isError: true }] },
      { role: 'system', parts: [{ type: 'text', text: 'Hurry' }] },
      { role: 'assistant', parts: [{ type: 'text', text: 'The answer: \n' }] },
    ]),
    [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'One' },
          { type: 'text', text: 'Two' },
        ],
      },
      {
        role: 'assistant',
        content: [
          { type: 'tool_use', id: 'a', name: 'f', input: {} },
          { type: 'tool_use', id: 'b', name: 'f', input: { invalid_arguments: '[oops' } },
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 'a', is_error: true },
          { type: 'tool_result', tool_use_id: 'b', content: [{ type: 'text', text: 'B' }] },
          { type: 'text', text: '<system>\nHurry\n</system>' },
        ],
      },
      { role: 'assistant', content: [{ type: 'text', text: 'The answer:' }] },
    ],
  );
});

test('a conversation that the assistant opens gets a user turn before it', () => {
  assert.deepEqual(contents([{ role: 'assistant', parts: [{ type: 'text', text: 'Hello' }] }, user('Hi')]), [
    { role: 'user', content: [{ type: 'text', text: '(The conversation begins with the assistant.)' }] },
    { role: 'assistant', content: [{ type: 'text', text: 'Hello' }] },
    { role: 'user', content: [{ type: 'text', text: 'Hi' }] },
  ]);
});

test("a lone system message becomes the user's turn, and nothing at all is refused", () => {
  const lone = render({ messages: [{ role: 'system', parts: [{ type: 'text', text: 'Do it' }] }] });
  assert.equal(lone.system, undefined);
  assert.deepEqual(lone.messages, [{ role: 'user', content: [{ type: 'text', text: 'Do it' }] }]);
  assert.equal(refusal(() => render({ messages: [user(' ')] })).code, 'bad_request');
});

test('foreign thoughts are dropped and signed ones sent verbatim', () => {
  const parts = [
    { type: 'reasoning', text: 'Own', signature: { dialect: 'anthropic', value: 's' } },
    { type: 'reasoning', text: '', signature: { dialect: 'anthropic', value: 'r' }, isRedacted: true },
    { type: 'reasoning', text: 'Foreign', signature: { dialect: 'gemini', value: 'g' } },
    { type: 'reasoning', text: 'Unsigned' },
    { type: 'text', text: 'T' },
  ] as const;
  assert.deepEqual((contents([user('Hi'), { role: 'assistant', parts }, user('x')]) as JsonObject[])[1], {
    role: 'assistant',
    content: [
      { type: 'thinking', thinking: 'Own', signature: 's' },
      { type: 'redacted_thinking', data: 'r' },
      { type: 'text', text: 'T' },
    ],
  });
});

test('a Gemini signature inside a tool call id does not reach Anthropic', () => {
  const id = 'call_1__sig__QUJD';
  const wire = contents([
    user('Hi'),
    { role: 'assistant', parts: [{ type: 'tool-call', id, name: 'f', argumentsJson: '{}' }] },
    { role: 'tool', parts: [{ type: 'tool-result', toolCallId: id, parts: [{ type: 'text', text: 'x' }] }] },
  ]) as { content: JsonObject[] }[];
  assert.equal(wire[1]?.content[0]?.id, 'call_1');
  assert.equal(wire[2]?.content[0]?.tool_use_id, 'call_1');
});

test('media is rendered in every form that Anthropic takes', () => {
  const media = (part: Partial<MediaPart>) => {
    const whole = { type: 'media', kind: 'image', source: { type: 'base64', data: 'eyJhIjoxfQ==' }, ...part } as const;
    return (contents([{ role: 'user', parts: [whole] }]) as { content: JsonObject[] }[])[0]?.content[0];
  };
  assert.deepEqual(media({ mimeType: 'image/jpg' }), {
    type: 'image',
    source: { type: 'base64', media_type: 'image/jpeg', data: 'eyJhIjoxfQ==' },
  });
  assert.deepEqual(media({ source: { type: 'url', url: 'https://x' } }), {
    type: 'image',
    source: { type: 'url', url: 'https://x' },
  });
  assert.deepEqual(media({ kind: 'document', mimeType: 'application/pdf', fileName: 'a.pdf' }), {
    type: 'document',
    source: { type: 'base64', media_type: 'application/pdf', data: 'eyJhIjoxfQ==' },
    title: 'a.pdf',
  });
  assert.deepEqual(media({ kind: 'document', mimeType: 'application/json' }), {
    type: 'document',
    source: { type: 'text', media_type: 'text/plain', data: '{"a":1}' },
  });
  assert.deepEqual(
    refusal(() => media({ kind: 'audio', mimeType: 'audio/wav' })),
    { code: 'unsupported', message: 'Anthropic models take no audio: send a transcript or choose another model.' },
  );
  assert.equal(refusal(() => media({ mimeType: 'image/tiff' })).code, 'unsupported');
  assert.equal(refusal(() => media({ mimeType: 'nonsense' })).code, 'bad_request');
  assert.equal(
    refusal(() => media({ source: { type: 'file', fileId: 'f', dialect: 'openai-chat' } })).code,
    'unsupported',
  );
  assert.equal(refusal(() => media({ source: { type: 'url', url: 'gs://b/o' } })).code, 'unsupported');
});

test('an image in a tool result stays an image', () => {
  const image = {
    type: 'media',
    kind: 'image',
    mimeType: 'image/png',
    source: { type: 'base64', data: 'AA' },
  } as const;
  const wire = contents([
    user('Hi'),
    { role: 'assistant', parts: [{ type: 'tool-call', id: 'a', name: 'f', argumentsJson: '{}' }] },
    { role: 'tool', parts: [{ type: 'tool-result', toolCallId: 'a', parts: [image] }] },
  ]) as { content: JsonObject[] }[];
  assert.deepEqual(wire[2]?.content[0]?.content, [
    { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AA' } },
  ]);
});

test('tools get an object schema, hosted tools of other dialects go, choices are translated', () => {
  const wire = render({
    tools: [
      { name: 'bare', isStrict: true },
      { name: 'f', description: 'd', parameters: { properties: { a: {} } } },
      { name: 'either', parameters: { anyOf: [{ properties: { a: {} } }, { properties: { b: {} } }] } },
      { name: 'web_search', isHosted: true, extensions: { 'openai-responses': { type: 'web_search' } } },
    ],
    toolChoice: { type: 'required' },
    parallelToolCalls: false,
  });
  assert.deepEqual(wire.tools, [
    { name: 'bare', input_schema: { type: 'object', properties: {} } },
    { name: 'f', description: 'd', input_schema: { type: 'object', properties: { a: {} } } },
    { name: 'either', input_schema: { type: 'object', properties: { a: {}, b: {} } } },
  ]);
  assert.deepEqual(wire.tool_choice, { type: 'any', disable_parallel_tool_use: true });
  const choice = (extra: Partial<ChatRequest>) => render({ tools: [{ name: 'f' }], ...extra }).tool_choice;
  assert.equal(choice({}), undefined);
  assert.deepEqual(choice({ parallelToolCalls: false }), { type: 'auto', disable_parallel_tool_use: true });
  assert.deepEqual(choice({ toolChoice: { type: 'auto' } }), { type: 'auto' });
  assert.deepEqual(choice({ toolChoice: { type: 'none' }, parallelToolCalls: false }), { type: 'none' });
  assert.deepEqual(choice({ toolChoice: { type: 'tool', name: 'f' } }), { type: 'tool', name: 'f' });
});

test('a history with tool calls but no tools declares them and forbids their use', () => {
  const wire = render({
    messages: [
      user('Hi'),
      { role: 'assistant', parts: [{ type: 'tool-call', id: 'a', name: 'f', argumentsJson: '{}' }] },
    ],
  });
  assert.deepEqual(wire.tools, [{ name: 'f', input_schema: { type: 'object', properties: {} } }]);
  assert.deepEqual(wire.tool_choice, { type: 'none' });
});

test('thinking budgets leave room for the answer', () => {
  const plan = (extra: Partial<ChatRequest>, model?: string) => {
    const { thinking, max_tokens, output_config } = render(extra, model);
    return { thinking, max_tokens, output_config };
  };
  const enabled = (budget_tokens: number) => ({ type: 'enabled', budget_tokens });
  assert.deepEqual(plan({ reasoning: { effort: 'high' } }), {
    thinking: enabled(24_576),
    max_tokens: 28_672,
    output_config: undefined,
  });
  assert.deepEqual(plan({ reasoning: { effort: 'max' } }).thinking, enabled(59_904));
  assert.deepEqual(plan({ reasoning: { budgetTokens: -1 } }).thinking, enabled(8_192));
  assert.deepEqual(plan({ reasoning: { effort: 'high' }, sampling: { maxOutputTokens: 4_096 } }), {
    thinking: enabled(3_072),
    max_tokens: 4_096,
    output_config: undefined,
  });
  assert.equal(plan({ reasoning: { effort: 'high' }, sampling: { maxOutputTokens: 2_000 } }).thinking, undefined);
  assert.deepEqual(plan({ reasoning: { effort: 'none' } }).thinking, { type: 'disabled' });
  assert.equal(plan({ reasoning: { effort: 'high' } }, 'claude-3-5-haiku-20241022').thinking, undefined);
});

test('newer models think adaptively, with an effort', () => {
  const plan = (reasoning: ChatRequest['reasoning'], model: string) => {
    const { thinking, output_config } = render({ ...(reasoning && { reasoning }) }, model);
    return [thinking, output_config];
  };
  assert.deepEqual(plan({ effort: 'minimal' }, 'claude-opus-4-6'), [{ type: 'adaptive' }, { effort: 'low' }]);
  assert.deepEqual(plan({ effort: 'xhigh' }, 'claude-sonnet-4-6'), [{ type: 'adaptive' }, { effort: 'high' }]);
  assert.deepEqual(plan({ effort: 'xhigh', isSummaryWanted: true }, 'claude-opus-5'), [
    { type: 'adaptive', display: 'summarized' },
    { effort: 'xhigh' },
  ]);
  assert.deepEqual(plan({ effort: 'none' }, 'claude-sonnet-5-5'), [undefined, { effort: 'low' }]);
  assert.deepEqual(plan({ budgetTokens: -1 }, 'claude-mythos-preview'), [{ type: 'adaptive' }, undefined]);
});

test('with thinking on, sampling goes', () => {
  const wire = render({ reasoning: { effort: 'low' }, sampling: { temperature: 0.2, topK: 1 } });
  assert.deepEqual([wire.temperature, wire.top_k], [undefined, undefined]);
});

test('thinking is left off for forced tools, after an unsigned tool call, and before a prefill', () => {
  const reasoning = { effort: 'low' } as const;
  const call = { type: 'tool-call', id: 'a', name: 'f', argumentsJson: '{}' } as const;
  const signed = { type: 'reasoning', text: 't', signature: { dialect: 'anthropic', value: 's' } } as const;
  const history = (parts: Message['parts']): Message[] => [user('Hi'), { role: 'assistant', parts }];
  const tools = [{ name: 'f' }];
  assert.equal(render({ reasoning, tools, toolChoice: { type: 'required' } }).thinking, undefined);
  assert.equal(render({ reasoning, tools, messages: history([call]) }).thinking, undefined);
  assert.notEqual(render({ reasoning, tools, messages: history([signed, call]) }).thinking, undefined);
  assert.equal(render({ reasoning, messages: history([{ type: 'text', text: 'So' }]) }).thinking, undefined);
});

test('a JSON schema becomes output_config.format with closed objects', () => {
  const schema = {
    $schema: 'x',
    type: 'object',
    properties: {
      age: { type: 'integer', minimum: 0, description: 'Years.' },
      tags: { type: 'array', items: { type: 'string', format: 'email' }, minItems: 1, maxItems: 3 },
      pet: { oneOf: [{ properties: { name: { type: 'string' } }, additionalProperties: true }, { type: 'null' }] },
    },
    required: ['age'],
  };
  const wire = render({ responseFormat: { type: 'json-schema', name: 'n', schema } });
  assert.deepEqual(wire.output_config, {
    format: {
      type: 'json_schema',
      schema: {
        type: 'object',
        properties: {
          age: { type: 'integer', description: 'Years. (minimum: 0)' },
          tags: {
            type: 'array',
            items: { type: 'string', format: 'email' },
            minItems: 1,
            description: '(maxItems: 3)',
          },
          pet: {
            anyOf: [
              { type: 'object', properties: { name: { type: 'string' } }, additionalProperties: false },
              { type: 'null' },
            ],
          },
        },
        required: ['age'],
        additionalProperties: false,
      },
    },
  });
});

test('a schema that the grammar cannot say is told in words', () => {
  const number = { type: 'number' };
  const tree = { type: 'object', properties: { next: { $ref: '#/$defs/tree' } } };
  const wireOf = (answer: JsonObject) => {
    const schema = { type: 'object', properties: { answer }, $defs: { tree, number } };
    const { system, output_config } = render({ responseFormat: { type: 'json-schema', name: 'n', schema } });
    return {
      isInWords: JSON.stringify(system)?.includes(JSON.stringify(JSON.stringify(schema)).slice(1, -1)),
      output_config,
    };
  };
  for (const answer of [
    { type: 'object', additionalProperties: number },
    { type: 'object' },
    {},
    { $ref: '#/$defs/tree' },
  ]) {
    assert.deepEqual(wireOf(answer), { isInWords: true, output_config: undefined });
  }
  for (const answer of [{ type: 'object', additionalProperties: false }, { $ref: '#/$defs/number' }]) {
    assert.equal(wireOf(answer).output_config === undefined, false);
  }
});

test('models without the grammar, and those of other makers, are told the schema in words', () => {
  const schema = { type: 'object', properties: { a: { type: 'string' } } };
  const asked = (model: string) => {
    const { system, output_config } = render({ responseFormat: { type: 'json-schema', name: 'n', schema } }, model);
    return { isInWords: system !== undefined, isInGrammar: output_config !== undefined };
  };
  assert.deepEqual(asked('claude-sonnet-4-20250514'), { isInWords: true, isInGrammar: false });
  assert.deepEqual(asked('claude-opus-4-1'), { isInWords: false, isInGrammar: true });
  assert.deepEqual(asked('kimi-k3'), { isInWords: true, isInGrammar: true });
});

test('any JSON becomes a system sentence', () => {
  assert.deepEqual(render({ responseFormat: { type: 'json' } }).system, [
    {
      type: 'text',
      text: 'Answer with a single JSON object and nothing else: no other text and no code fence.',
    },
  ]);
});

test('more than one answer is refused', () => {
  assert.deepEqual(
    refusal(() => render({ sampling: { candidateCount: 2 } })),
    { code: 'unsupported', message: 'Anthropic models give one answer a request: leave n out or set it to 1.' },
  );
});

test('at most four cache breakpoints are sent, the last ones', () => {
  const marked = (text: string) =>
    ({ type: 'text', text, extensions: { anthropic: { cache_control: { type: 'ephemeral' } } } }) as const;
  const wire = render({
    messages: [
      { role: 'system', parts: [marked('s1'), marked('s2')] },
      { role: 'user', parts: [marked('u1'), marked('u2'), marked('u3')] },
    ],
    tools: [{ name: 'f', extensions: { anthropic: { cache_control: { type: 'ephemeral' } } } }],
  });
  const has = (blocks: unknown) => (blocks as JsonObject[]).map((block) => block.cache_control !== undefined);
  assert.deepEqual(has(wire.tools), [false]);
  assert.deepEqual(has(wire.system), [false, true]);
  assert.deepEqual(has((wire.messages as JsonObject[])[0]?.content), [true, true, true]);
});

test('a token count carries the prompt and nothing about the answer', () => {
  const wire = body({ stream: true, temperature: 1, system: 'S', tools: [] });
  const call = upstream.tokenCount!.renderRequest(client.parseRequest(wire, {}), target('claude-x'));
  assert.equal(call.path, '/v1/messages/count_tokens');
  assert.deepEqual(call.body, { model: 'claude-x', messages: wire.messages, system: 'S', tools: [] });
  assert.equal(upstream.tokenCount!.parseResponse('{"input_tokens":14}'), 14);
  assert.equal(upstream.tokenCount!.parseResponse('<html>'), undefined);
  assert.deepEqual(client.renderTokenCount?.(14), { input_tokens: 14 });
});

test('threads go to Claude as they came; servers that only speak the dialect are asked for no more than they can do', () => {
  const sent = (thread: JsonObject, model: string) =>
    upstream.renderRequest(client.parseRequest(body({ thread }), {}), target(model)).body.thread;
  const going = { type: 'continue', previous_message_id: 'msg_1' };
  assert.deepEqual(sent(going, 'claude-opus-5'), going);
  assert.equal(sent({ type: 'create' }, 'kimi-k3'), undefined);
  assert.throws(() => sent(going, 'kimi-k3'), { code: 'unsupported', param: 'thread' });
});
