// What the providers refuse, the servers refuse too, in the providers' words.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { IMAGE, TIME_TOOL, WEATHER_TOOL } from '../prompts.ts';
import { startUpstream, type Upstream, type UpstreamKind } from './server.ts';
import { sign } from './speaker.ts';

interface Call {
  readonly path?: string;
  readonly headers?: Record<string, string>;
  readonly body: any;
}

type Case = readonly [name: string, body: object, status: number, words: RegExp];

function suite(
  kind: UpstreamKind,
  path: string,
  base: object,
  cases: readonly Case[],
  headers: Record<string, string> = {},
) {
  describe(`${kind} ${path} refuses`, () => {
    let upstream: Upstream;
    before(async () => {
      upstream = await startUpstream(kind);
      upstream.respondWith('refusal');
    });
    after(() => upstream.close());
    const post = (call: Call) => send(upstream, { path, ...call, headers: { ...headers, ...call.headers } });

    it('nothing of the request that the cases start from', async () => {
      assert.equal((await post({ body: base })).status, 200);
    });
    for (const [name, change, status, words] of cases) {
      it(name, async () => {
        const answer = await post({ body: { ...base, ...change } });
        assert.match(answer.text, words);
        assert.equal(answer.status, status);
      });
    }
    it('bodies that are not JSON', async () => {
      assert.match(String((await post({ body: '{"model":' })).status), /^400$/);
    });
  });
}

async function send(upstream: Upstream, call: Call): Promise<{ status: number; text: string }> {
  const response = await fetch(`${upstream.url}${call.path}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${upstream.key}`,
      'api-key': upstream.key,
      'x-goog-api-key': upstream.key,
      ...call.headers,
    },
    body: typeof call.body === 'string' ? call.body : JSON.stringify(call.body),
  });
  return { status: response.status, text: await response.text() };
}

const user = { role: 'user', content: 'Hello' };
const functionTool = { type: 'function', function: WEATHER_TOOL };
const dataUrl = `data:image/png;base64,${IMAGE.base64}`;

function chatCall(id: string) {
  return {
    role: 'assistant',
    content: null,
    tool_calls: [{ id, type: 'function', function: { name: 'get_weather', arguments: '{}' } }],
  };
}

suite('openai', '/v1/chat/completions', { model: 'gpt-4.1-mini', messages: [user] }, [
  ['unknown fields', { top_k: 4 }, 400, /Unknown parameter: 'top_k'/],
  [
    'unknown fields of messages',
    { messages: [{ ...user, cache_control: {} }] },
    400,
    /Unknown parameter: 'messages\[0\]\.cache_control'/,
  ],
  ['a missing list of messages', { messages: undefined }, 400, /Missing required parameter: 'messages'/],
  ['an empty list of messages', { messages: [] }, 400, /messages/],
  ['a missing model', { model: undefined }, 400, /Missing required parameter: 'model'/],
  ['an unknown model', { model: 'gpt-9' }, 404, /model_not_found/],
  ['unknown roles', { messages: [{ role: 'model', content: 'x' }] }, 400, /Supported values are: .*'developer'/],
  [
    'content that is null',
    { messages: [{ role: 'user', content: null }] },
    400,
    /Invalid type for 'messages\[0\]\.content'/,
  ],
  [
    'unknown parts',
    { messages: [{ role: 'user', content: [{ type: 'input_text', text: 'x' }] }] },
    400,
    /messages\[0\]\.content\[0\]\.type/,
  ],
  [
    'results without a call',
    { messages: [user, { role: 'tool', tool_call_id: 'x', content: 'y' }] },
    400,
    /must be a response to a preceeding message/,
  ],
  [
    'calls without results',
    { messages: [user, chatCall('call_1'), user] },
    400,
    /did not have response messages: call_1/,
  ],
  ['ids of more than 40 characters', { messages: [user, chatCall('c'.repeat(41))] }, 400, /maximum length 40/],
  [
    'images of the wrong type',
    {
      messages: [
        { role: 'user', content: [{ type: 'image_url', image_url: { url: dataUrl.replace('png', 'jpeg') } }] },
      ],
    },
    400,
    /invalid_image_format/,
  ],
  [
    'images that are no base64',
    { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,***' } }] }] },
    400,
    /invalid_base64/,
  ],
  [
    'stream_options without stream',
    { stream_options: { include_usage: true } },
    400,
    /only allowed when 'stream' is enabled/,
  ],
  ['tool_choice without tools', { tool_choice: 'auto' }, 400, /only allowed when 'tools' are specified/],
  ['parallel_tool_calls without tools', { parallel_tool_calls: false }, 400, /only allowed when 'tools' are specified/],
  ['metadata without store', { metadata: { a: 'b' } }, 400, /only allowed when 'store' is enabled/],
  [
    'parameters that are no object',
    { tools: [{ type: 'function', function: { name: 'a', parameters: { type: 'string' } } }] },
    400,
    /schema must be a JSON Schema of 'type: \\"object\\"'/,
  ],
  [
    'strict tools with optional parameters',
    { tools: [{ type: 'function', function: { ...WEATHER_TOOL, strict: true } }] },
    400,
    /Missing 'days'/,
  ],
  [
    'a choice of an unknown tool',
    { tools: [functionTool], tool_choice: { type: 'function', function: { name: 'x' } } },
    400,
    /not found in 'tools'/,
  ],
  [
    'max_tokens of reasoning models',
    { model: 'gpt-5-mini', max_tokens: 9 },
    400,
    /Use 'max_completion_tokens' instead/,
  ],
  ['temperature of reasoning models', { model: 'gpt-5-mini', temperature: 0 }, 400, /unsupported_value/],
  ['reasoning_effort of other models', { reasoning_effort: 'low' }, 400, /unsupported_parameter/],
  ['more than four stops', { stop: ['a', 'b', 'c', 'd', 'e'] }, 400, /stop/],
  ['temperatures above 2', { temperature: 2.1 }, 400, /temperature/],
  ['json_object without the word', { response_format: { type: 'json_object' } }, 400, /must contain the word 'json'/],
]);

suite('mistral', '/v1/chat/completions', { model: 'mistral-small-latest', messages: [user] }, [
  ['unknown fields', { seed: 4 }, 422, /"loc":\["body","seed"\]/],
  ['stream_options', { stream: true, stream_options: { include_usage: true } }, 422, /stream_options/],
  [
    'the developer role',
    { messages: [{ role: 'developer', content: 'x' }] },
    422,
    /"loc":\["body","messages",0,"role"\]/,
  ],
  [
    'ids that are not 9 alphanumerics',
    { messages: [user, chatCall('call_1')] },
    400,
    /must be a-z, A-Z, 0-9, with a length of 9/,
  ],
  [
    'a user right after a result',
    { messages: [user, chatCall('abcdefgh1'), { role: 'tool', tool_call_id: 'abcdefgh1', content: 'x' }, user] },
    400,
    /Unexpected role 'user' after role 'tool'/,
  ],
  [
    'a last turn of the assistant',
    { messages: [user, { role: 'assistant', content: 'x' }] },
    400,
    /Expected last role/,
  ],
]);

suite('openai', '/v1/responses', { model: 'gpt-4.1-mini', input: 'Hello' }, [
  ['a missing input', { input: undefined }, 400, /must be provided/],
  ['fields of chat completions', { messages: [] }, 400, /Unknown parameter: 'messages'/],
  ['stop', { stop: ['x'] }, 400, /Unknown parameter: 'stop'/],
  ['less than 16 tokens', { max_output_tokens: 15 }, 400, /Expected a value >= 16/],
  ['nested tools', { tools: [functionTool] }, 400, /Missing required parameter: 'tools\[0\]\.name'/],
  [
    'input parts of the assistant',
    { input: [{ role: 'assistant', content: [{ type: 'input_text', text: 'x' }] }] },
    400,
    /Supported values are: 'output_text', 'refusal'/,
  ],
  [
    'output parts of the user',
    { input: [{ role: 'user', content: [{ type: 'text', text: 'x' }] }] },
    400,
    /input_text/,
  ],
  [
    'results without a call',
    { input: [{ type: 'function_call_output', call_id: 'x', output: 'y' }] },
    400,
    /No tool call found/,
  ],
  [
    'calls without results',
    { input: [{ type: 'function_call', call_id: 'x', name: 'a', arguments: '{}' }] },
    400,
    /No tool output found/,
  ],
  [
    'ids of calls with a foreign prefix',
    { input: [{ type: 'function_call', id: 'call_1', call_id: 'x', name: 'a', arguments: '{}' }] },
    400,
    /begins with 'fc'/,
  ],
  [
    'call ids of more than 64 characters',
    { input: [{ type: 'function_call', call_id: 'x'.repeat(65), name: 'a', arguments: '{}' }] },
    400,
    /maximum length 64/,
  ],
  [
    'foreign reasoning',
    { input: [{ type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'abc' }] },
    400,
    /could not be verified/,
  ],
  [
    'reasoning that leads to nothing',
    { input: [{ type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: sign('openai', 'x') }] },
    400,
    /without its required following item/,
  ],
  ['unknown items', { input: [{ type: 'tool_use' }] }, 400, /Invalid value: 'tool_use'/],
  [
    'encrypted content of other models',
    { include: ['reasoning.encrypted_content'] },
    400,
    /not supported with this model/,
  ],
]);

const ASK_TOOL = { type: 'tool_use', id: 'toolu_1', name: 'get_weather', input: {} };
const RESULT = { type: 'tool_result', tool_use_id: 'toolu_1', content: 'x' };
const claudeTool = { name: 'get_weather', input_schema: WEATHER_TOOL.parameters };

suite(
  'anthropic',
  '/v1/messages',
  { model: 'claude-sonnet-4-6', max_tokens: 100, messages: [user] },
  [
    ['a missing max_tokens', { max_tokens: undefined }, 400, /max_tokens: Field required/],
    ['unknown fields', { n: 1 }, 400, /n: Extra inputs are not permitted/],
    ['the system role', { messages: [{ role: 'system', content: 'x' }] }, 400, /messages\.0\.role/],
    [
      'a first turn of the assistant',
      { messages: [{ role: 'assistant', content: 'x' }, user] },
      400,
      /first message must use/,
    ],
    ['two turns of one role', { messages: [user, user] }, 400, /roles must alternate/],
    ['empty texts', { messages: [{ role: 'user', content: [{ type: 'text', text: '' }] }] }, 400, /must be non-empty/],
    [
      'blank texts',
      { messages: [{ role: 'user', content: [{ type: 'text', text: ' \n' }] }] },
      400,
      /non-whitespace text/,
    ],
    ['empty content', { messages: [{ role: 'user', content: [] }] }, 400, /non-empty content/],
    [
      'trailing white space of a prefill',
      { messages: [user, { role: 'assistant', content: 'So: ' }] },
      400,
      /trailing whitespace/,
    ],
    ['results without a call', { messages: [{ role: 'user', content: [RESULT] }] }, 400, /unexpected `tool_use_id`/],
    [
      'calls without results',
      { messages: [user, { role: 'assistant', content: [ASK_TOOL] }, user] },
      400,
      /without `tool_result` blocks immediately after: toolu_1/,
    ],
    [
      'results after text',
      {
        messages: [
          user,
          { role: 'assistant', content: [ASK_TOOL] },
          { role: 'user', content: [{ type: 'text', text: 'x' }, RESULT] },
        ],
      },
      400,
      /immediately after/,
    ],
    [
      'ids with other characters',
      { messages: [user, { role: 'assistant', content: [{ ...ASK_TOOL, id: 'a.b' }] }] },
      400,
      /should match pattern/i,
    ],
    [
      'arguments as text',
      { messages: [user, { role: 'assistant', content: [{ ...ASK_TOOL, input: '{}' }] }] },
      400,
      /messages\.1\.content\.0\.input: Input should be a valid record/,
    ],
    [
      'foreign signatures',
      { messages: [user, { role: 'assistant', content: [{ type: 'thinking', thinking: 'x', signature: 'y' }] }] },
      400,
      /Invalid `signature`/,
    ],
    [
      'a thinking turn without its thinking',
      {
        max_tokens: 3_000,
        thinking: { type: 'enabled', budget_tokens: 2_000 },
        tools: [claudeTool],
        messages: [user, { role: 'assistant', content: [ASK_TOOL] }, { role: 'user', content: [RESULT] }],
      },
      400,
      /Expected `thinking`/,
    ],
    ['a budget above max_tokens', { thinking: { type: 'enabled', budget_tokens: 2_000 } }, 400, /must be greater than/],
    ['a budget below 1024', { thinking: { type: 'enabled', budget_tokens: 10 } }, 400, /budget_tokens/],
    [
      'temperature while thinking',
      { max_tokens: 3_000, temperature: 0, thinking: { type: 'enabled', budget_tokens: 2_000 } },
      400,
      /may only be set to 1/,
    ],
    [
      'forced tools while thinking',
      {
        max_tokens: 3_000,
        tools: [claudeTool],
        tool_choice: { type: 'any' },
        thinking: { type: 'enabled', budget_tokens: 2_000 },
      },
      400,
      /forces tool use/,
    ],
    ['temperatures above 1', { temperature: 1.2 }, 400, /temperature/],
    ['blank stop sequences', { stop_sequences: ['\n'] }, 400, /non-whitespace/],
    [
      'five cache hints',
      { system: Array.from({ length: 5 }, () => ({ type: 'text', text: 'x', cache_control: { type: 'ephemeral' } })) },
      400,
      /maximum of 4 blocks/,
    ],
    ['tools without a schema', { tools: [{ name: 'a' }] }, 400, /tools\.0\.custom\.input_schema: Field required/],
    [
      'schemas that are no object',
      { tools: [{ name: 'a', input_schema: {} }] },
      400,
      /input_schema\.type: Field required/,
    ],
    [
      'answer schemas open to more',
      { output_config: { format: { type: 'json_schema', schema: { type: 'object', properties: {} } } } },
      400,
      /'additionalProperties' must be explicitly set to false/,
    ],
    [
      'wrong media types',
      {
        messages: [
          {
            role: 'user',
            content: [{ type: 'image', source: { type: 'base64', media_type: 'image/gif', data: IMAGE.base64 } }],
          },
        ],
      },
      400,
      /image\/gif media type/,
    ],
    ['unknown models', { model: 'claude-9' }, 404, /not_found_error/],
  ],
  { 'anthropic-version': '2023-06-01' },
);

const hello = { role: 'user', parts: [{ text: 'Hello' }] };
const call = {
  role: 'model',
  parts: [{ functionCall: { name: 'get_weather', args: {} }, thoughtSignature: sign('gemini', 'x') }],
};
const respond = (name: string) => ({ functionResponse: { name, response: { output: 'x' } } });
const declare = (parameters: object) => ({ tools: [{ functionDeclarations: [{ name: 'a', parameters }] }] });

suite('gemini', '/v1beta/models/gemini-3-pro-preview:generateContent', { contents: [hello] }, [
  ['missing contents', { contents: undefined }, 400, /contents is not specified/],
  ['unknown fields', { messages: [] }, 400, /Unknown name \\"messages\\": Cannot find field/],
  ['unknown roles', { contents: [{ role: 'assistant', parts: [{ text: 'x' }] }] }, 400, /valid role: user, model/],
  ['empty parts', { contents: [{ role: 'user', parts: [] }] }, 400, /contents\.parts must not be empty/],
  ['parts without data', { contents: [{ role: 'user', parts: [{}] }] }, 400, /required oneof field 'data'/],
  [
    '$schema',
    declare({ ...TIME_TOOL.parameters, additionalProperties: undefined }),
    400,
    /Unknown name \\"\$schema\\" at 'tools\[0\]\.function_declarations\[0\]\.parameters'/,
  ],
  [
    'additionalProperties',
    declare({ type: 'OBJECT', properties: { a: { type: 'STRING' } }, additionalProperties: false }),
    400,
    /Unknown name \\"additionalProperties\\"/,
  ],
  [
    'const',
    declare({ type: 'OBJECT', properties: { a: { type: 'STRING', const: 'x' } } }),
    400,
    /Unknown name \\"const\\"/,
  ],
  ['$ref', declare({ type: 'OBJECT', properties: { a: { $ref: '#/x' } } }), 400, /Unknown name \\"\$ref\\"/],
  [
    'lists of types',
    declare({ type: 'OBJECT', properties: { a: { type: ['STRING', 'NULL'] } } }),
    400,
    /Invalid value at/,
  ],
  [
    'objects without properties',
    declare({ type: 'OBJECT', properties: {} }),
    400,
    /should be non-empty for OBJECT type/,
  ],
  [
    'enums of numbers',
    declare({ type: 'OBJECT', properties: { a: { type: 'INTEGER', enum: ['1'] } } }),
    400,
    /only allowed for STRING type/,
  ],
  [
    'arrays without items',
    declare({ type: 'OBJECT', properties: { a: { type: 'ARRAY' } } }),
    400,
    /items: missing field/,
  ],
  [
    'required but undefined properties',
    declare({ type: 'OBJECT', properties: { a: { type: 'STRING' } }, required: ['b'] }),
    400,
    /property is not defined/,
  ],
  [
    'more calls than responses',
    {
      contents: [
        hello,
        { role: 'model', parts: [...call.parts, ...call.parts] },
        { role: 'user', parts: [respond('get_weather')] },
      ],
    },
    400,
    /number of function response parts is equal/,
  ],
  [
    'responses without calls',
    { contents: [{ role: 'user', parts: [respond('get_weather')] }] },
    400,
    /immediately after a function call turn/,
  ],
  [
    'responses of another name',
    { contents: [hello, call, { role: 'user', parts: [respond('get_time')] }] },
    400,
    /is named get_time/,
  ],
  [
    'calls without signature',
    {
      contents: [
        hello,
        { role: 'model', parts: [{ functionCall: { name: 'a', args: {} } }] },
        { role: 'user', parts: [respond('a')] },
      ],
    },
    400,
    /missing a thought_signature/,
  ],
  [
    'foreign signatures',
    {
      contents: [
        hello,
        { role: 'model', parts: [{ ...call.parts[0], thoughtSignature: 'abcd' }] },
        { role: 'user', parts: [respond('get_weather')] },
      ],
    },
    400,
    /Corrupted thought signature/,
  ],
  ['two turns of one role', { contents: [hello, hello] }, 400, /alternate/],
  [
    'schemas without their MIME type',
    { generationConfig: { responseSchema: { type: 'STRING' } } },
    400,
    /only supported with response mime type/,
  ],
  ['six stop sequences', { generationConfig: { stopSequences: ['a', 'b', 'c', 'd', 'e', 'f'] } }, 400, /at most 5/],
  [
    'allowed names without ANY',
    {
      ...declare({ type: 'OBJECT', properties: { a: { type: 'STRING' } } }),
      toolConfig: { functionCallingConfig: { mode: 'AUTO', allowedFunctionNames: ['a'] } },
    },
    400,
    /only when function calling mode is ANY/,
  ],
  [
    'bad base64',
    { contents: [{ role: 'user', parts: [{ inlineData: { mimeType: 'image/png', data: '*' } }] }] },
    400,
    /Base64 decoding failed/,
  ],
]);

suite('ollama', '/api/chat', { model: 'qwen3:8b', messages: [user] }, [
  ['a missing model', { model: undefined }, 400, /model is required/],
  ['unknown models', { model: 'x' }, 404, /model 'x' not found/],
  [
    'parts as content',
    { messages: [{ role: 'user', content: [{ type: 'text', text: 'x' }] }] },
    400,
    /cannot unmarshal array/,
  ],
  [
    'arguments as text',
    { messages: [{ role: 'assistant', content: '', tool_calls: [{ function: { name: 'a', arguments: '{}' } }] }] },
    400,
    /cannot unmarshal string/,
  ],
  ['data URIs as images', { messages: [{ ...user, images: [dataUrl] }] }, 400, /illegal base64/],
  ['unknown formats', { format: 'xml' }, 400, /invalid format/],
]);

describe('other refusals', () => {
  it('Azure wants a known deployment, a version and its own header', async () => {
    await using upstream = await startUpstream('azure');
    upstream.respondWith('refusal');
    const body = { messages: [user] };
    const path = '/openai/deployments/gpt-4.1-mini/chat/completions?api-version=2024-10-21';
    assert.equal((await send(upstream, { path, body })).status, 200);
    assert.equal((await send(upstream, { path: path.split('?')[0] ?? '', body })).status, 404);
    assert.match((await send(upstream, { path: path.replace('4.1', '9'), body })).text, /DeploymentNotFound/);
    const refused = await send(upstream, { path, body, headers: { 'api-key': 'wrong' } });
    assert.match(refused.text, /Access denied due to invalid subscription key/);
  });

  it('Anthropic wants a version, and takes no temperature in the newest', async () => {
    await using upstream = await startUpstream('anthropic');
    upstream.respondWith('refusal');
    const body = { model: 'claude-sonnet-4-6', max_tokens: 9, messages: [user], temperature: 0 };
    const path = '/v1/messages';
    assert.match((await send(upstream, { path, body })).text, /anthropic-version: header is required/);
    const versioned = (version: string) => send(upstream, { path, body, headers: { 'anthropic-version': version } });
    assert.equal((await versioned('2023-06-01')).status, 200);
    assert.match((await versioned('2026-10-21')).text, /temperature: Extra inputs are not permitted/);
  });

  it('a valid request that lost what the scenario’s user said is told so', async () => {
    await using upstream = await startUpstream('openai');
    upstream.respondWith('tools');
    const body = { model: 'gpt-4.1-mini', messages: [user] };
    const answer = await send(upstream, { path: '/v1/chat/completions', body });
    assert.equal(answer.status, 400);
    assert.match(answer.text, /\[test upstream\] The request is valid, but the scenario expected the tools/);
  });

  it('a forced tool may carry the answer’s schema to Anthropic', async () => {
    await using upstream = await startUpstream('anthropic');
    upstream.respondWith('json-schema');
    const { ANSWER_SCHEMA } = await import('../prompts.ts');
    const body = {
      model: 'claude-sonnet-4-6',
      max_tokens: 99,
      messages: [user],
      tools: [{ name: 'answer', input_schema: ANSWER_SCHEMA }],
      tool_choice: { type: 'tool', name: 'answer' },
    };
    const answer = JSON.parse(
      (await send(upstream, { path: '/v1/messages', body, headers: { 'anthropic-version': '2023-06-01' } })).text,
    );
    assert.equal(answer.content[0].name, 'answer');
    assert.equal(answer.content[0].input.city, 'Zürich');
    assert.equal(answer.stop_reason, 'tool_use');
  });

  it('wrong content types', async () => {
    await using upstream = await startUpstream('openai');
    const headers = { 'content-type': 'text/plain' };
    assert.equal((await send(upstream, { path: '/v1/chat/completions', body: '{}', headers })).status, 415);
  });
});
