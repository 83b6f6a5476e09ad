import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openaiChat } from '../../../src/dialects/openai-chat/index.ts';
import { GatewayError } from '../../../src/errors.ts';
import type { ChatRequest, Part } from '../../../src/model/chat.ts';

const HELLO = { role: 'user', content: 'Hello' };

function parse(body: object, route = {}): ChatRequest {
  return openaiChat.client.parseRequest(body as any, route);
}

function partsOf(...messages: object[]): Part[] {
  return parse({ model: 'm', messages }).messages.flatMap((message) => [...message.parts]);
}

function refusal(body: object): { param: string | undefined; message: string } {
  try {
    parse(body);
  } catch (thrown) {
    assert.ok(thrown instanceof GatewayError);
    assert.equal(thrown.status, 400);
    return { param: thrown.param, message: thrown.message };
  }
  throw new Error('The request was accepted');
}

describe('openai-chat parseRequest of modalities', () => {
  const untranslatable = (modalities?: readonly string[]) =>
    parse({ model: 'm', messages: [HELLO], ...(modalities && { modalities }) }).untranslatable;

  it('keeps a wish for sounds or pictures from upstreams that would answer it with text', () => {
    assert.deepEqual(untranslatable(['text', 'audio']), ['modalities']);
    assert.equal(untranslatable(['image', 'text']), undefined);
    assert.deepEqual(parse({ model: 'm', messages: [HELLO], modalities: ['image', 'text'] }).modalities, [
      'image',
      'text',
    ]);
    assert.equal(untranslatable(['text']), undefined);
    assert.equal(untranslatable(), undefined);
  });
});

describe('openai-chat parseRequest', () => {
  it('reads every field that the neutral model has', () => {
    const body = {
      model: 'gpt-x',
      messages: [HELLO],
      stream: true,
      stream_options: { include_usage: true },
      max_tokens: 10,
      max_completion_tokens: 20,
      temperature: 0,
      top_p: 0.5,
      top_k: 7,
      stop: 'END',
      n: 2,
      seed: 42,
      presence_penalty: 0.1,
      frequency_penalty: -0.1,
      logprobs: true,
      top_logprobs: 3,
      parallel_tool_calls: false,
      reasoning_effort: 'high',
      response_format: {
        type: 'json_schema',
        json_schema: { name: 'answer', schema: { type: 'object' }, strict: true },
      },
      tools: [
        { type: 'function', function: { name: 'f', description: 'd', parameters: { type: 'object' }, strict: true } },
      ],
      tool_choice: { type: 'function', function: { name: 'f' } },
      user: 'u1',
      metadata: { a: 'b' },
      prediction: { type: 'content', content: 'x' },
    };
    assert.deepEqual(parse(body), {
      model: 'gpt-x',
      isStream: true,
      isUsageWanted: true,
      messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hello' }] }],
      tools: [{ name: 'f', description: 'd', parameters: { type: 'object' }, isStrict: true }],
      toolChoice: { type: 'tool', name: 'f' },
      parallelToolCalls: false,
      sampling: {
        maxOutputTokens: 20,
        temperature: 0,
        topP: 0.5,
        topK: 7,
        stop: ['END'],
        seed: 42,
        presencePenalty: 0.1,
        frequencyPenalty: -0.1,
        candidateCount: 2,
        logprobs: true,
        topLogprobs: 3,
      },
      responseFormat: { type: 'json-schema', name: 'answer', schema: { type: 'object' }, isStrict: true },
      reasoning: { effort: 'high' },
      endUser: 'u1',
      metadata: { a: 'b' },
      original: { dialect: 'openai-chat', body },
    });
  });

  it('understands what local servers take: no bound as -1, a function without its type, an empty stop sequence', () => {
    const { sampling, tools, endUser } = parse({
      model: 'm',
      messages: [HELLO],
      max_tokens: -1,
      stop: '',
      user: '',
      tools: [{ function: { name: 'f' } }],
    });
    assert.deepEqual([sampling, tools, endUser], [{ stop: [] }, [{ name: 'f' }], undefined]);
  });

  it('treats null as absent', () => {
    const request = parse({ model: 'm', messages: [HELLO], temperature: null, stop: null, stream: null, tools: null });
    assert.deepEqual(request.sampling, {});
    assert.equal(request.isStream, false);
    assert.deepEqual(request.tools, []);
  });

  it('takes the model from the route, where Azure clients name the deployment', () => {
    assert.equal(parse({ model: '', messages: [HELLO] }, { model: 'deployment' }).model, 'deployment');
  });

  it('keeps system and developer messages in their place and remembers the role', () => {
    const { messages } = parse({
      model: 'm',
      messages: [
        { role: 'system', content: 'a' },
        HELLO,
        { role: 'developer', content: [{ type: 'text', text: 'b' }] },
      ],
    });
    assert.deepEqual(messages, [
      { role: 'system', parts: [{ type: 'text', text: 'a' }] },
      { role: 'user', parts: [{ type: 'text', text: 'Hello' }] },
      { role: 'system', parts: [{ type: 'text', text: 'b' }], extensions: { 'openai-chat': { role: 'developer' } } },
    ]);
  });

  it('reads images, audio, files and video', () => {
    const parts = partsOf({
      role: 'user',
      content: [
        { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA', detail: 'low' } },
        { type: 'image_url', image_url: { url: 'https://a.example/x.png' } },
        { type: 'input_audio', input_audio: { data: 'BBBB', format: 'mp3' } },
        { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,CCCC' } },
        { type: 'file', file: { filename: 'notes.txt', file_data: 'DDDD' } },
        { type: 'file', file: { file_id: 'file-1' } },
        { type: 'video_url', video_url: { url: 'https://a.example/x.mp4' } },
      ],
    });
    assert.deepEqual(parts, [
      { type: 'media', kind: 'image', mimeType: 'image/png', source: { type: 'base64', data: 'AAAA' }, detail: 'low' },
      { type: 'media', kind: 'image', source: { type: 'url', url: 'https://a.example/x.png' } },
      { type: 'media', kind: 'audio', mimeType: 'audio/mpeg', source: { type: 'base64', data: 'BBBB' } },
      {
        type: 'media',
        kind: 'document',
        mimeType: 'application/pdf',
        source: { type: 'base64', data: 'CCCC' },
        fileName: 'a.pdf',
      },
      {
        type: 'media',
        kind: 'document',
        mimeType: 'text/plain',
        source: { type: 'base64', data: 'DDDD' },
        fileName: 'notes.txt',
      },
      { type: 'media', kind: 'document', source: { type: 'file', fileId: 'file-1', dialect: 'openai-chat' } },
      { type: 'media', kind: 'video', source: { type: 'url', url: 'https://a.example/x.mp4' } },
    ]);
  });

  it('understands a cache hint of Anthropic on a part', () => {
    const hint = { type: 'ephemeral' };
    const parts = partsOf({ role: 'user', content: [{ type: 'text', text: 'x', cache_control: hint }] });
    assert.deepEqual(parts, [
      {
        type: 'text',
        text: 'x',
        extensions: { 'openai-chat': { cache_control: hint }, anthropic: { cache_control: hint } },
      },
    ]);
  });

  it('reads an assistant turn with null content, tool calls and their results', () => {
    const { messages } = parse({
      model: 'm',
      messages: [
        HELLO,
        {
          role: 'assistant',
          content: null,
          tool_calls: [
            { id: 'c1', type: 'function', function: { name: 'f', arguments: '' } },
            { id: 'c2', type: 'custom', custom: { name: 'g', input: 'say "hi"' } },
          ],
        },
        { role: 'tool', tool_call_id: 'c1', content: [{ type: 'text', text: 'one' }] },
        { role: 'tool', tool_call_id: 'c2', content: 'two', name: 'g' },
      ],
    });
    assert.deepEqual(messages.slice(1), [
      {
        role: 'assistant',
        parts: [
          { type: 'tool-call', id: 'c1', name: 'f', argumentsJson: '{}' },
          {
            type: 'tool-call',
            id: 'c2',
            name: 'g',
            argumentsJson: '{"input":"say \\"hi\\""}',
            extensions: { 'openai-chat': { type: 'custom' } },
          },
        ],
      },
      { role: 'tool', parts: [{ type: 'tool-result', toolCallId: 'c1', parts: [{ type: 'text', text: 'one' }] }] },
      {
        role: 'tool',
        parts: [{ type: 'tool-result', toolCallId: 'c2', name: 'g', parts: [{ type: 'text', text: 'two' }] }],
      },
    ]);
  });

  it('joins legacy function messages to the calls they answer', () => {
    const [, call, result] = parse({
      model: 'm',
      messages: [
        HELLO,
        { role: 'assistant', content: null, function_call: { name: 'f', arguments: '{"a":1}' } },
        { role: 'function', name: 'f', content: 'done' },
      ],
      functions: [{ name: 'f' }],
      function_call: { name: 'f' },
    }).messages;
    const callPart = call?.parts[0];
    const resultPart = result?.parts[0];
    assert.ok(callPart?.type === 'tool-call' && resultPart?.type === 'tool-result');
    assert.equal(callPart.argumentsJson, '{"a":1}');
    assert.equal(resultPart.toolCallId, callPart.id);
  });

  it('offers only the allowed tools', () => {
    const tool = (name: string) => ({ type: 'function', function: { name } });
    const request = parse({
      model: 'm',
      messages: [HELLO],
      tools: [tool('a'), tool('b'), tool('c')],
      tool_choice: { type: 'allowed_tools', allowed_tools: { mode: 'required', tools: [tool('b'), tool('c')] } },
    });
    assert.deepEqual(request.tools, [{ name: 'b' }, { name: 'c' }]);
    assert.deepEqual(request.toolChoice, { type: 'required' });
  });

  it('carries tools of unknown types whole', () => {
    const search = { type: 'web_search', depth: 2 };
    assert.deepEqual(parse({ model: 'm', messages: [HELLO], tools: [search] }).tools, [
      { name: 'web_search', isHosted: true, extensions: { 'openai-chat': search } },
    ]);
  });

  it('takes reasoning back, signatures with the dialect that made them', () => {
    const details = [
      { type: 'reasoning.text', text: 'thought', signature: 'sig', format: 'anthropic-claude-v1', index: 0 },
      { type: 'reasoning.encrypted', data: 'secret', format: 'anthropic-claude-v1', index: 1 },
      { type: 'reasoning.encrypted', data: 'blob', id: 'rs_1', format: 'openai-responses-v1', index: 2 },
      { type: 'reasoning.text', text: 'g', signature: 'gs', format: 'google-gemini-v1', index: 3 },
    ];
    const parts = partsOf(HELLO, {
      role: 'assistant',
      content: 'x',
      reasoning_content: 'thought',
      reasoning_details: details,
    }).slice(1);
    assert.deepEqual(parts, [
      { type: 'reasoning', text: 'thought', signature: { dialect: 'anthropic', value: 'sig' } },
      { type: 'reasoning', text: '', signature: { dialect: 'anthropic', value: 'secret' }, isRedacted: true },
      { type: 'reasoning', text: '', signature: { dialect: 'openai-responses', value: 'blob', id: 'rs_1' } },
      { type: 'reasoning', text: 'g', signature: { dialect: 'gemini', value: 'gs' } },
      { type: 'text', text: 'x' },
    ]);
  });

  it('merges reasoning details that a client sent back as unmerged stream pieces', () => {
    const piece = (fields: object) => ({ type: 'reasoning.text', format: 'anthropic-claude-v1', index: 0, ...fields });
    const parts = partsOf(HELLO, {
      role: 'assistant',
      content: '',
      reasoning_details: [piece({ text: 'a' }), piece({ text: 'b' }), piece({ signature: 's' })],
    }).slice(1);
    assert.deepEqual(parts[0], { type: 'reasoning', text: 'ab', signature: { dialect: 'anthropic', value: 's' } });
  });

  it('understands reasoning and reasoning_content alike', () => {
    for (const key of ['reasoning', 'reasoning_content']) {
      const parts = partsOf(HELLO, { role: 'assistant', content: 'x', [key]: 'why' });
      assert.deepEqual(parts[1], { type: 'reasoning', text: 'why' });
    }
  });

  it('understands the reasoning wishes of OpenRouter and Anthropic', () => {
    const wish = (fields: object) => parse({ model: 'm', messages: [HELLO], ...fields }).reasoning;
    assert.deepEqual(wish({ reasoning: { max_tokens: 2000, exclude: true } }), {
      budgetTokens: 2000,
      isSummaryWanted: false,
    });
    assert.deepEqual(wish({ thinking: { type: 'enabled', budget_tokens: 1024 } }), { budgetTokens: 1024 });
    assert.deepEqual(wish({ thinking: { type: 'disabled' } }), { budgetTokens: 0 });
    assert.equal(wish({ reasoning_effort: 'default' }), undefined);
  });

  it('reads a schema in json_object as llama.cpp has it', () => {
    const format = { type: 'json_object', schema: { type: 'object' } };
    assert.deepEqual(parse({ model: 'm', messages: [HELLO], response_format: format }).responseFormat, {
      type: 'json-schema',
      name: 'response',
      schema: { type: 'object' },
    });
  });

  it('names the wrong field in one sentence', () => {
    const cases: [object, string][] = [
      [{ messages: [HELLO] }, 'model'],
      [{ model: '', messages: [HELLO] }, 'model'],
      [{ model: 'm' }, 'messages'],
      [{ model: 'm', messages: [] }, 'messages'],
      [{ model: 'm', messages: 'hi' }, 'messages'],
      [{ model: 'm', messages: ['hi'] }, 'messages[0]'],
      [{ model: 'm', messages: [{ content: 'x' }] }, 'messages[0].role'],
      [{ model: 'm', messages: [{ role: 'robot', content: 'x' }] }, 'messages[0].role'],
      [{ model: 'm', messages: [{ role: 'user' }] }, 'messages[0].content'],
      [{ model: 'm', messages: [{ role: 'user', content: 5 }] }, 'messages[0].content'],
      [{ model: 'm', messages: [{ role: 'user', content: [{ type: 'dance' }] }] }, 'messages[0].content[0].type'],
      [
        {
          model: 'm',
          messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:image/png' } }] }],
        },
        'messages[0].content[0].image_url.url',
      ],
      [
        {
          model: 'm',
          messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:no type;base64,AA' } }] }],
        },
        'messages[0].content[0].image_url.url',
      ],
      [{ model: 'm', messages: [{ role: 'tool', content: 'x' }] }, 'messages[0].tool_call_id'],
      [
        { model: 'm', messages: [{ role: 'assistant', tool_calls: [{ id: 'a', function: { arguments: '{}' } }] }] },
        'messages[0].tool_calls[0].function.name',
      ],
      [{ model: 'm', messages: [HELLO], temperature: 'hot' }, 'temperature'],
      [{ model: 'm', messages: [HELLO], n: 0 }, 'n'],
      [{ model: 'm', messages: [HELLO], stop: [1] }, 'stop'],
      [{ model: 'm', messages: [HELLO], tools: [{ type: 'function', function: {} }] }, 'tools[0].function.name'],
      [{ model: 'm', messages: [HELLO], tool_choice: 'maybe' }, 'tool_choice'],
      [{ model: 'm', messages: [HELLO], stream_options: { include_usage: 1 } }, 'stream_options.include_usage'],
      [{ model: 'm', messages: [HELLO], response_format: { type: 'json_schema' } }, 'response_format.json_schema'],
    ];
    for (const [body, param] of cases) {
      const { param: actual, message } = refusal(body);
      assert.equal(actual, param, JSON.stringify(body));
      assert.ok(message.includes(`'${param}'`), message);
    }
  });
});
