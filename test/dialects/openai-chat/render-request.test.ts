import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { UpstreamTraits } from '../../../src/dialects/dialect.ts';
import { shortEndUser } from '../../../src/dialects/end-user.ts';
import { openaiChat } from '../../../src/dialects/openai-chat/index.ts';
import { packToolCallId } from '../../../src/dialects/tool-call-id.ts';
import { GatewayError } from '../../../src/errors.ts';
import type { ChatRequest, Message } from '../../../src/model/chat.ts';
import type { JsonObject } from '../../../src/model/json.ts';

const upstream = openaiChat.upstream!;

function sameDialect(body: object, traits: UpstreamTraits = {}, isStream = (body as any).stream === true): JsonObject {
  const request = openaiChat.client.parseRequest(body as any, {});
  return upstream.renderRequest(request, { model: 'upstream-model', isStream, traits }).body;
}

function foreign(
  fields: Partial<ChatRequest>,
  target: { model?: string; isStream?: boolean; traits?: UpstreamTraits } = {},
) {
  const request: ChatRequest = {
    model: 'm',
    isStream: false,
    messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hello' }] }],
    tools: [],
    sampling: {},
    ...fields,
  };
  return upstream.renderRequest(request, { model: 'gpt-4o', isStream: false, traits: {}, ...target }).body;
}

function foreignMessages(messages: Message[], traits: UpstreamTraits = {}) {
  return foreign({ messages }, { traits }).messages;
}

const USER = { role: 'user', content: 'Hello' };
const call = (id: string) => ({ type: 'tool-call', id, name: 'f', argumentsJson: '{"a":1}' }) as const;
const wireCall = (id: string) => ({ id, type: 'function', function: { name: 'f', arguments: '{"a":1}' } });

describe('openai-chat renderRequest of an own request', () => {
  it('sends the body as it came, unknown fields too, with the model replaced', () => {
    const body = { model: 'm', messages: [USER], max_tokens: 5, temperature: 1, made_up: { x: 1 } };
    assert.deepEqual(sameDialect(body), { ...body, model: 'upstream-model' });
  });

  it('copies nothing of the messages when nothing in them changes', () => {
    const messages = [USER, { role: 'assistant', content: null, tool_calls: [wireCall('call_1')] }];
    assert.equal(sameDialect({ model: 'm', messages }).messages, messages);
  });

  it('always asks for usage in a stream, and keeps the other stream options', () => {
    const body = { model: 'm', messages: [USER], stream: true, stream_options: { include_obfuscation: false } };
    assert.deepEqual(sameDialect(body).stream_options, { include_obfuscation: false, include_usage: true });
    assert.equal('stream_options' in sameDialect(body, { hasStreamUsage: false }), false);
  });

  it('leaves allowed_tools to OpenAI; other servers get just those tools', () => {
    const tool = (name: string) => ({ type: 'function', function: { name } });
    const choice = (mode: string, ...tools: object[]) => ({ type: 'allowed_tools', allowed_tools: { mode, tools } });
    const body = { model: 'm', messages: [USER], tools: [tool('a'), tool('b')] };
    const sent = (tool_choice: object, traits: UpstreamTraits = {}) => {
      const { tools, tool_choice: chosen } = sameDialect({ ...body, tool_choice }, traits);
      return { tools, chosen };
    };
    const required = choice('required', tool('b'));
    assert.deepEqual(sent(required), { tools: [tool('b')], chosen: 'required' });
    assert.deepEqual(sent(choice('auto', tool('a'))), { tools: [tool('a')], chosen: 'auto' });
    assert.deepEqual(sent(choice('auto')), { tools: undefined, chosen: undefined });
    assert.deepEqual(sent(required, { responsesModels: [] }), { tools: body.tools, chosen: required });
  });

  it('follows the target where it does not stream though the client does', () => {
    const body = { model: 'm', messages: [USER], stream: true, stream_options: { include_usage: true } };
    assert.deepEqual(sameDialect(body, {}, false), { model: 'upstream-model', messages: [USER], stream: false });
  });

  it('names the bound as the server knows it; max_completion_tokens wins', () => {
    const body = { model: 'm', messages: [USER], max_tokens: 5, max_completion_tokens: 6 };
    const base = { model: 'upstream-model', messages: [USER] };
    assert.deepEqual(sameDialect(body, { maxTokensField: 'max_tokens' }), { ...base, max_tokens: 6 });
    assert.deepEqual(sameDialect(body, { maxTokensField: 'max_completion_tokens' }), {
      ...base,
      max_completion_tokens: 6,
    });
    assert.deepEqual(sameDialect({ ...base, max_tokens: 5 }, { maxTokensField: 'max_completion_tokens' }), {
      ...base,
      max_completion_tokens: 5,
    });
    assert.deepEqual(sameDialect(body), { ...body, model: 'upstream-model' });
  });

  it('tells OpenAI no bound below zero', () => {
    const body = { model: 'm', messages: [USER], max_tokens: -1 };
    assert.equal(sameDialect(body, { maxTokensField: 'max_completion_tokens' }).max_completion_tokens, undefined);
    assert.equal(sameDialect(body, { maxTokensField: 'max_tokens' }).max_tokens, -1);
  });

  it('drops fields that the server refuses, of the body and of messages', () => {
    const messages = [USER, { role: 'assistant', content: 'x', reasoning_content: 'y' }];
    const body = { model: 'm', messages, seed: 1, store: true };
    assert.deepEqual(sameDialect(body, { refusedFields: ['store'], refusedMessageFields: ['reasoning_content'] }), {
      model: 'upstream-model',
      messages: [USER, { role: 'assistant', content: 'x' }],
      seed: 1,
    });
    assert.equal(body.store, true);
    assert.equal('reasoning_content' in messages[1]!, true);
  });

  it('tells pictures of earlier answers by the user where the server refuses `images`', () => {
    const picture = (data: string) => ({ type: 'image_url', image_url: { url: `data:image/png;base64,${data}` } });
    const calling = { role: 'assistant', content: null, tool_calls: [wireCall('c1')] };
    const result = { role: 'tool', tool_call_id: 'c1', content: 'x' };
    const messages = [
      USER,
      { role: 'assistant', content: null, images: [{ index: 0, ...picture('AA==') }] },
      { role: 'user', content: 'And now?' },
      { ...calling, images: [picture('BB==')] },
      result,
      { role: 'assistant', content: 'x', images: [] },
    ];
    const heading = { type: 'text', text: 'Media from the assistant:' };
    assert.deepEqual(sameDialect({ model: 'm', messages }, { refusedMessageFields: ['images'] }).messages, [
      USER,
      { role: 'assistant', content: '' },
      { role: 'user', content: [heading, picture('AA=='), { type: 'text', text: 'And now?' }] },
      calling,
      result,
      { role: 'user', content: [heading, picture('BB==')] },
      { role: 'assistant', content: 'x' },
    ]);
    assert.deepEqual(sameDialect({ model: 'm', messages }).messages, messages);
  });

  it('strips packed signatures from ids, and only them', () => {
    const packed = packToolCallId('call_1', 'signature');
    const messages = [
      { role: 'assistant', content: null, tool_calls: [wireCall(packed), wireCall('odd id')] },
      { role: 'tool', tool_call_id: packed, content: 'x' },
      { role: 'tool', tool_call_id: 'odd id', content: 'y' },
    ];
    assert.deepEqual(sameDialect({ model: 'm', messages }).messages, [
      { role: 'assistant', content: null, tool_calls: [wireCall('call_1'), wireCall('odd id')] },
      { role: 'tool', tool_call_id: 'call_1', content: 'x' },
      { role: 'tool', tool_call_id: 'odd id', content: 'y' },
    ]);
  });

  it('shortens ids that another server made too long for OpenAI, a call and its result alike', () => {
    const id = `chatcmpl-tool-${'0123456789abcdef'.repeat(2)}`;
    const messages = [
      { role: 'assistant', content: null, tool_calls: [wireCall(id)] },
      { role: 'tool', tool_call_id: id, content: 'x' },
    ];
    const rendered = sameDialect({ model: 'm', messages }).messages as any;
    assert.match(rendered[0].tool_calls[0].id, /^chatcmpl-tool-[0-9a-f]{16}_[A-Za-z0-9]{9}$/);
    assert.equal(rendered[1].tool_call_id, rendered[0].tool_calls[0].id);
  });

  it('makes ids of nine characters for Mistral, the same for a call and its result', () => {
    const messages = [
      { role: 'assistant', content: null, tool_calls: [wireCall('call_1')] },
      { role: 'tool', tool_call_id: 'call_1', content: 'x' },
    ];
    const rendered = sameDialect({ model: 'm', messages }, { hasShortToolCallIds: true }).messages as any;
    assert.match(rendered[0].tool_calls[0].id, /^[A-Za-z0-9]{9}$/);
    assert.equal(rendered[1].tool_call_id, rendered[0].tool_calls[0].id);
  });

  it('writes the role for instructions that the server knows', () => {
    const messages = [{ role: 'developer', content: 'x' }, USER];
    assert.deepEqual(sameDialect({ model: 'm', messages }, { systemRole: 'system' }).messages, [
      { role: 'system', content: 'x' },
      USER,
    ]);
  });

  it('renders an edited conversation afresh and carries everything else', () => {
    const body = {
      model: 'm',
      messages: [
        { role: 'developer', content: 'rules' },
        {
          role: 'user',
          content: [{ type: 'text', text: 'a', prompt_cache_breakpoint: { mode: 'explicit' } }],
          name: 'Ann',
        },
        { role: 'assistant', content: null, tool_calls: [wireCall('c1')], reasoning_content: 'why' },
        { role: 'tool', tool_call_id: 'c1', content: 'r' },
        { role: 'assistant', content: null, function_call: { name: 'g', arguments: '{}' } },
        { role: 'function', name: 'g', content: 's' },
      ],
      service_tier: 'flex',
    };
    const request = openaiChat.client.parseRequest(body as any, {});
    const edited: ChatRequest = {
      ...request,
      messages: [...request.messages, { role: 'user', parts: [{ type: 'text', text: 'added' }] }],
      original: { ...request.original!, isConversationEdited: true },
    };
    assert.deepEqual(upstream.renderRequest(edited, { model: 'u', isStream: false, traits: {} }).body, {
      model: 'u',
      messages: [...body.messages, { role: 'user', content: 'added' }],
      service_tier: 'flex',
    });
  });
});

describe('openai-chat renderRequest of a request in another dialect', () => {
  it('is strict only where the schema that is really sent can be followed so', () => {
    const [tool] = foreign({ tools: [{ name: 'f', isStrict: true }] }).tools as any[];
    assert.deepEqual(tool.function, { name: 'f', parameters: { type: 'object', properties: {} }, strict: false });
  });

  it('writes every field that the wire has', () => {
    const body = foreign(
      {
        isStream: true,
        tools: [
          {
            name: 'f',
            description: 'd',
            parameters: { type: 'object', properties: {}, additionalProperties: false },
            isStrict: true,
          },
          { name: 'g' },
          { name: 'web_search', isHosted: true, extensions: { anthropic: { type: 'web_search_20250305' } } },
        ],
        toolChoice: { type: 'tool', name: 'g' },
        parallelToolCalls: false,
        sampling: {
          maxOutputTokens: 100,
          temperature: 0,
          topP: 0.9,
          topK: 5,
          stop: ['END'],
          seed: 1,
          presencePenalty: 0.5,
          frequencyPenalty: 0.25,
          candidateCount: 2,
          logprobs: true,
          topLogprobs: 2,
        },
        responseFormat: { type: 'json-schema', name: 'n', schema: { type: 'object' }, isStrict: true },
        reasoning: { effort: 'high' },
        endUser: 'u'.repeat(65),
        metadata: { a: 'b' },
      },
      { isStream: true },
    );
    assert.deepEqual(body, {
      model: 'gpt-4o',
      messages: [USER],
      tools: [
        {
          type: 'function',
          function: {
            name: 'f',
            description: 'd',
            parameters: { type: 'object', properties: {}, additionalProperties: false },
            strict: true,
          },
        },
        { type: 'function', function: { name: 'g', parameters: { type: 'object', properties: {} } } },
      ],
      tool_choice: { type: 'function', function: { name: 'g' } },
      parallel_tool_calls: false,
      max_tokens: 100,
      temperature: 0,
      top_p: 0.9,
      stop: ['END'],
      seed: 1,
      presence_penalty: 0.5,
      frequency_penalty: 0.25,
      n: 2,
      logprobs: true,
      top_logprobs: 2,
      response_format: { type: 'json_schema', json_schema: { name: 'n', schema: { type: 'object' }, strict: false } },
      user: shortEndUser('u'.repeat(65)),
      stream: true,
      stream_options: { include_usage: true },
    });
  });

  it('spares reasoning models the fields they refuse', () => {
    const sampling = { maxOutputTokens: 9, temperature: 1, topP: 1 };
    for (const model of ['o1', 'o3-mini', 'o4-mini', 'gpt-5', 'gpt-5.1', 'openai/gpt-5-mini', 'gpt-6.1-terra']) {
      const body = foreign({ sampling }, { model });
      assert.deepEqual(body, { model, messages: [USER], max_completion_tokens: 9 });
    }
    assert.equal(foreign({ sampling }, { model: 'o365-chat' }).temperature, 1);
  });

  it('sends the reasoning effort only to models that know it, as the nearest word they take', () => {
    const effort = (model: string, wish: ChatRequest['reasoning']) =>
      foreign({ reasoning: wish! }, { model }).reasoning_effort;
    assert.equal(effort('gpt-4o', { effort: 'high' }), undefined);
    assert.equal(effort('gpt-5', { effort: 'none' }), 'minimal');
    assert.equal(effort('gpt-5.1', { effort: 'none' }), 'none');
    assert.equal(effort('gpt-5.1', { effort: 'minimal' }), 'low');
    assert.equal(effort('o3', { effort: 'max' }), 'high');
    assert.equal(effort('o3', { budgetTokens: 8_000 }), 'medium');
    assert.equal(effort('o3', { budgetTokens: -1 }), undefined);
    assert.equal(effort('gpt-5.1', { budgetTokens: -1 }), 'medium');
    assert.equal(effort('gpt-6-luna', { effort: 'none' }), 'none');
    assert.equal(effort('gpt-6.1-sol', { effort: 'none' }), 'low');
    assert.equal(effort('mistral-small-latest', { effort: 'low' }), 'high');
    assert.equal(effort('mistral-small-latest', { effort: 'minimal' }), 'none');
    assert.equal(effort('mistral-small-latest', { isSummaryWanted: true }), undefined);
    assert.equal(effort('open-mistral-7b', { effort: 'high' }), undefined);
    assert.equal(effort('openai/gpt-oss-120b', { effort: 'low' }), 'low');
  });

  it('leaves out tools altogether when only hosted ones of another dialect are offered', () => {
    const body = foreign({
      tools: [{ name: 'web_search', isHosted: true }],
      toolChoice: { type: 'auto' },
      parallelToolCalls: true,
    });
    assert.deepEqual(body, { model: 'gpt-4o', messages: [USER] });
  });

  it('writes media as parts', () => {
    const rendered = foreignMessages([
      {
        role: 'user',
        parts: [
          { type: 'text', text: 'see' },
          {
            type: 'media',
            kind: 'image',
            mimeType: 'image/gif',
            source: { type: 'base64', data: 'AA' },
            detail: 'high',
          },
          { type: 'media', kind: 'image', source: { type: 'url', url: 'https://a.example/x' } },
          { type: 'media', kind: 'audio', mimeType: 'audio/mpeg', source: { type: 'base64', data: 'BB' } },
          { type: 'media', kind: 'document', mimeType: 'application/pdf', source: { type: 'base64', data: 'CC' } },
          { type: 'media', kind: 'document', fileName: 'n.txt', source: { type: 'text', text: 'notes' } },
          { type: 'media', kind: 'document', mimeType: 'text/csv', source: { type: 'base64', data: 'YSxi' } },
        ],
      },
    ]);
    assert.deepEqual(rendered, [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'see' },
          { type: 'image_url', image_url: { url: 'data:image/gif;base64,AA', detail: 'high' } },
          { type: 'image_url', image_url: { url: 'https://a.example/x' } },
          { type: 'input_audio', input_audio: { data: 'BB', format: 'mp3' } },
          { type: 'file', file: { filename: 'document.pdf', file_data: 'data:application/pdf;base64,CC' } },
          { type: 'text', text: 'n.txt:\n\nnotes' },
          { type: 'text', text: 'a,b' },
        ],
      },
    ]);
  });

  it('refuses media that the wire cannot carry', () => {
    const refused = (source: any, kind: any) => () =>
      foreignMessages([{ role: 'user', parts: [{ type: 'media', kind, source }] }]);
    const isUnsupported = (thrown: unknown) => thrown instanceof GatewayError && thrown.code === 'unsupported';
    assert.throws(refused({ type: 'url', url: 'https://a.example/x.pdf' }, 'document'), isUnsupported);
    assert.throws(refused({ type: 'url', url: 'https://a.example/x.mp3' }, 'audio'), isUnsupported);
    assert.throws(refused({ type: 'file', fileId: 'f', dialect: 'anthropic' }, 'image'), isUnsupported);
  });

  it('puts tool results first and lets their media follow in a user message', () => {
    const image = { type: 'media', kind: 'image', source: { type: 'url', url: 'https://a.example/x' } } as const;
    const rendered = foreignMessages([
      { role: 'assistant', parts: [{ type: 'text', text: 'I look' }, call('c1'), call('c2')] },
      {
        role: 'user',
        parts: [
          { type: 'tool-result', toolCallId: 'c1', parts: [{ type: 'text', text: 'one' }, image] },
          { type: 'tool-result', toolCallId: 'c2', parts: [{ type: 'text', text: 'broke' }], isError: true },
          { type: 'text', text: 'and now?' },
        ],
      },
    ]);
    assert.deepEqual(rendered, [
      { role: 'assistant', content: 'I look', tool_calls: [wireCall('c1'), wireCall('c2')] },
      { role: 'tool', tool_call_id: 'c1', content: 'one' },
      { role: 'tool', tool_call_id: 'c2', content: 'Error: broke' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Media from the tool call c1:' },
          { type: 'image_url', image_url: { url: 'https://a.example/x' } },
          { type: 'text', text: 'and now?' },
        ],
      },
    ]);
  });

  it('answers calls that nobody answered and turns orphan results into text', () => {
    const rendered = foreignMessages([
      { role: 'assistant', parts: [call('c1')] },
      { role: 'tool', parts: [{ type: 'tool-result', toolCallId: 'other', parts: [{ type: 'text', text: 'r' }] }] },
    ]);
    assert.deepEqual(rendered, [
      { role: 'assistant', content: null, tool_calls: [wireCall('c1')] },
      { role: 'tool', tool_call_id: 'c1', content: 'No result: the call was not answered.' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Result of an earlier tool call:' },
          { type: 'text', text: 'r' },
        ],
      },
    ]);
  });

  it('drops reasoning of the history and writes refusals, system messages in place, names', () => {
    const rendered = foreignMessages(
      [
        {
          role: 'system',
          parts: [
            { type: 'text', text: 'a' },
            { type: 'text', text: 'b' },
          ],
        },
        { role: 'user', parts: [{ type: 'text', text: 'x' }], name: 'Ann' },
        {
          role: 'assistant',
          parts: [
            { type: 'reasoning', text: 'hm', signature: { dialect: 'anthropic', value: 's' } },
            { type: 'text', text: 'one, ' },
            { type: 'text', text: 'two' },
          ],
        },
        { role: 'system', parts: [{ type: 'text', text: 'later' }] },
        { role: 'assistant', parts: [{ type: 'refusal', text: 'no' }] },
      ],
      { systemRole: 'developer' },
    );
    assert.deepEqual(rendered, [
      { role: 'developer', content: 'a\n\nb' },
      { role: 'user', content: 'x', name: 'Ann' },
      { role: 'assistant', content: 'one, two' },
      { role: 'developer', content: 'later' },
      { role: 'assistant', content: null, refusal: 'no' },
    ]);
  });
});
