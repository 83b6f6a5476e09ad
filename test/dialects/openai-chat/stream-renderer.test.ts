import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import OpenAI from 'openai';
import { openaiChat } from '../../../src/dialects/openai-chat/index.ts';
import { GatewayError } from '../../../src/errors.ts';
import type { ChatRequest, Usage } from '../../../src/model/chat.ts';
import type { Frame, StreamEvent } from '../../../src/model/stream.ts';

const IDENTITY = { id: 'abc', createdAt: 7 };
const USAGE: Usage = {
  inputTokens: 10,
  cachedInputTokens: 4,
  cacheWriteTokens: 0,
  outputTokens: 6,
  reasoningTokens: 2,
  isEstimated: false,
};

function request(fields: object = {}): ChatRequest {
  const body = { model: 'asked', messages: [{ role: 'user', content: 'x' }], stream: true, ...fields };
  return openaiChat.client.parseRequest(body as any, {});
}

const WITH_USAGE = request({ stream_options: { include_usage: true } });

function renderAll(frames: Frame[], of = request()): string {
  const renderer = openaiChat.client.streamRenderer(of, IDENTITY);
  return frames.map((frame) => renderer.render(frame)).join('');
}

function chunksOf(events: StreamEvent[], of = request()): any[] {
  const lines = renderAll([{ events }], of).split('\n\n').slice(0, -1);
  return lines.map((line) => {
    assert.ok(line.startsWith('data: '));
    return line === 'data: [DONE]' ? '[DONE]' : JSON.parse(line.slice('data: '.length));
  });
}

/** What a client adds up: the changing fields of each chunk, without its head. */
function changes(events: StreamEvent[], of = request()): unknown[] {
  return chunksOf(events, of).map((chunk) => {
    if (chunk === '[DONE]') return chunk;
    const choice = chunk.choices[0];
    if (!choice) return { usage: chunk.usage };
    return choice.finish_reason
      ? { finish: choice.finish_reason }
      : choice.logprobs
        ? { logprobs: choice.logprobs }
        : choice.delta;
  });
}

function own(value: object | string): Frame {
  const data = typeof value === 'string' ? value : JSON.stringify(value);
  return parsed([data])[0]!;
}

function parsed(data: string[]): Frame[] {
  const parser = openaiChat.upstream!.streamParser();
  return data.map((each) => parser.parse({ data: each }));
}

const START: StreamEvent = { type: 'response-start', id: 'msg_1', model: 'claude', createdAt: 9 };
const FINISH: StreamEvent = { type: 'finish', choice: 0, finishReason: { unified: 'stop', raw: 'end_turn' } };
const END: StreamEvent = { type: 'response-end' };

describe('openai-chat stream renderer for other dialects', () => {
  it('writes chunks with one head, the finish and the terminal mark', () => {
    const head = { id: 'chatcmpl-abc', object: 'chat.completion.chunk', created: 9, model: 'claude' };
    const choice = (delta: object, finish_reason: string | null = null) => ({
      ...head,
      choices: [{ index: 0, delta, logprobs: null, finish_reason }],
    });
    assert.deepEqual(
      chunksOf([START, { type: 'text-delta', choice: 0, text: 'Hi' }, { type: 'usage', usage: USAGE }, FINISH, END]),
      [choice({ role: 'assistant', content: '' }), choice({ content: 'Hi' }), choice({}, 'stop'), '[DONE]'],
    );
  });

  it('writes usage last, once, and only for a client that asked', () => {
    const events: StreamEvent[] = [
      { ...START, usage: { ...USAGE, outputTokens: 0 } },
      { type: 'usage', usage: { ...USAGE, outputTokens: 1 } },
      FINISH,
      { type: 'usage', usage: USAGE },
      END,
    ];
    assert.deepEqual(changes(events, WITH_USAGE).slice(-3), [
      { finish: 'stop' },
      {
        usage: {
          prompt_tokens: 10,
          completion_tokens: 6,
          total_tokens: 16,
          prompt_tokens_details: { cached_tokens: 4 },
          completion_tokens_details: { reasoning_tokens: 2 },
        },
      },
      '[DONE]',
    ]);
    assert.deepEqual(changes(events).slice(-2), [{ finish: 'stop' }, '[DONE]']);
  });

  it('writes reasoning with its signatures, each block whole', () => {
    const sign = (value: string) => ({ dialect: 'anthropic', value }) as const;
    assert.deepEqual(
      changes([
        START,
        { type: 'reasoning-delta', choice: 0, text: 'a' },
        { type: 'reasoning-delta', choice: 0, text: 'b' },
        { type: 'reasoning-signature', choice: 0, signature: sign('s') },
        { type: 'reasoning-signature', choice: 0, signature: sign('secret'), isRedacted: true },
        { type: 'text-delta', choice: 0, text: 'x' },
        FINISH,
        END,
      ]).slice(1, 6),
      [
        { reasoning_content: 'a' },
        { reasoning_content: 'b' },
        {
          reasoning_details: [
            { type: 'reasoning.text', text: 'ab', signature: 's', format: 'anthropic-claude-v1', index: 0 },
          ],
        },
        {
          reasoning_details: [{ type: 'reasoning.encrypted', data: 'secret', format: 'anthropic-claude-v1', index: 1 }],
        },
        { content: 'x' },
      ],
    );
  });

  it('writes interleaved tool calls, and an empty object for a call without arguments', () => {
    assert.deepEqual(
      changes([
        START,
        { type: 'tool-call-start', choice: 0, index: 0, id: 'a', name: 'f' },
        { type: 'tool-call-start', choice: 0, index: 1, id: 'b', name: 'g' },
        { type: 'tool-call-delta', choice: 0, index: 1, argumentsDelta: '{"x"' },
        { type: 'tool-call-delta', choice: 0, index: 1, argumentsDelta: ':1}' },
        { type: 'finish', choice: 0, finishReason: { unified: 'tool-calls', raw: 'tool_use' } },
        END,
      ]).slice(1),
      [
        { tool_calls: [{ index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '' } }] },
        { tool_calls: [{ index: 1, id: 'b', type: 'function', function: { name: 'g', arguments: '' } }] },
        { tool_calls: [{ index: 1, function: { arguments: '{"x"' } }] },
        { tool_calls: [{ index: 1, function: { arguments: ':1}' } }] },
        { tool_calls: [{ index: 0, function: { arguments: '{}' } }] },
        { finish: 'tool_calls' },
        '[DONE]',
      ],
    );
  });

  it('writes function_call for a client that declared functions', () => {
    assert.deepEqual(
      changes(
        [
          START,
          { type: 'tool-call-start', choice: 0, index: 0, id: 'a', name: 'f' },
          { type: 'tool-call-delta', choice: 0, index: 0, argumentsDelta: '{}' },
          { type: 'finish', choice: 0, finishReason: { unified: 'tool-calls', raw: 'tool_use' } },
          END,
        ],
        request({ functions: [{ name: 'f' }] }),
      ).slice(1),
      [
        { function_call: { name: 'f', arguments: '' } },
        { function_call: { arguments: '{}' } },
        { finish: 'function_call' },
        '[DONE]',
      ],
    );
  });

  it('replays a custom tool call with its free text', () => {
    assert.deepEqual(
      changes([
        START,
        {
          type: 'tool-call-start',
          choice: 0,
          index: 0,
          id: 'a',
          name: 'sql',
          extensions: { 'openai-chat': { type: 'custom' } },
        },
        { type: 'tool-call-delta', choice: 0, index: 0, argumentsDelta: '{"input":"select 1"}' },
        FINISH,
        END,
      ]).slice(1, 3),
      [
        { tool_calls: [{ index: 0, id: 'a', type: 'custom', custom: { name: 'sql', input: '' } }] },
        { tool_calls: [{ index: 0, custom: { input: 'select 1' } }] },
      ],
    );
  });

  it('writes refusals, annotations and log probabilities, and leaves out what it cannot say', () => {
    assert.deepEqual(
      changes([
        START,
        { type: 'refusal-delta', choice: 0, text: 'no' },
        { type: 'annotation-add', choice: 0, annotation: { url: 'https://a', start: 1, end: 2 } },
        { type: 'annotation-add', choice: 0, annotation: { title: 'no url' } },
        { type: 'annotation-add', choice: 0, annotation: { url: 'https://b', title: 'B' } },
        { type: 'logprobs-add', choice: 0, logprobs: [{ token: 'x', logprob: -1 }] },
        { type: 'opaque-delta' },
        FINISH,
        END,
      ]).slice(1, -2),
      [
        { refusal: 'no' },
        {
          annotations: [
            {
              index: 0,
              type: 'url_citation',
              url_citation: { url: 'https://a', title: '', start_index: 1, end_index: 2 },
            },
          ],
        },
        {
          annotations: [
            {
              index: 1,
              type: 'url_citation',
              url_citation: { url: 'https://b', title: 'B', start_index: 0, end_index: 0 },
            },
          ],
        },
        { logprobs: { content: [{ token: 'x', logprob: -1, bytes: null, top_logprobs: [] }], refusal: null } },
      ],
    );
  });

  it('opens every choice with the role', () => {
    const events: StreamEvent[] = [START, { type: 'text-delta', choice: 1, text: 'b' }];
    assert.deepEqual(
      chunksOf(events).map((chunk) => [chunk.choices[0].index, chunk.choices[0].delta]),
      [
        [0, { role: 'assistant', content: '' }],
        [1, { role: 'assistant', content: '' }],
        [1, { content: 'b' }],
      ],
    );
  });

  it('ends a failed stream with a typed error and no terminal mark', () => {
    const renderer = openaiChat.client.streamRenderer(request(), IDENTITY);
    renderer.render({ events: [START] });
    assert.equal(renderer.render({ events: [{ type: 'error', error: { code: 'upstream_cut', message: 'x' } }] }), '');
    assert.equal(
      renderer.fail(new GatewayError('upstream_cut', 'Cut.')),
      'data: {"error":{"message":"Cut.","type":"server_error","param":null,"code":"upstream_cut"}}\n\n',
    );
    assert.equal(renderer.render({ events: [END] }), '');
    assert.equal(renderer.keepAlive, ': keep-alive\n\n');
  });

  it('is what the official SDK adds up to the same answer', async () => {
    const text = renderAll(
      [
        { events: [START, { type: 'text-delta', choice: 0, text: 'Hel' }] },
        { events: [{ type: 'text-delta', choice: 0, text: 'lo' }] },
        { events: [{ type: 'tool-call-start', choice: 0, index: 0, id: 'a', name: 'f' }] },
        { events: [{ type: 'tool-call-delta', choice: 0, index: 0, argumentsDelta: '{"x":1}' }] },
        { events: [{ type: 'finish', choice: 0, finishReason: { unified: 'tool-calls', raw: 'x' } }, END] },
      ],
      WITH_USAGE,
    );
    const sdk = new OpenAI({
      apiKey: 'k',
      baseURL: 'http://gateway.invalid/v1',
      fetch: async () => new Response(text, { headers: { 'content-type': 'text/event-stream' } }),
    });
    const stream = sdk.chat.completions.stream({ model: 'm', messages: [{ role: 'user', content: 'x' }] });
    const { choices, model } = await stream.finalChatCompletion();
    assert.equal(model, 'claude');
    assert.equal(choices[0]?.message.content, 'Hello');
    assert.equal(choices[0]?.finish_reason, 'tool_calls');
    const [call] = choices[0]?.message.tool_calls ?? [];
    assert.deepEqual(call?.type === 'function' && [call.id, call.function.name, call.function.arguments], [
      'a',
      'f',
      '{"x":1}',
    ]);
  });
});

describe('openai-chat stream renderer for its own dialect', () => {
  const chunk = (fields: object) => ({
    id: 'gen-1',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'm',
    choices: [{ index: 0, delta: { content: 'x' }, finish_reason: null }],
    ...fields,
  });
  const wire = [
    chunk({ strange: [1] }),
    chunk({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }),
    chunk({ choices: [], usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 } }),
  ].map((each) => JSON.stringify(each));

  it('writes the frames as they came', () => {
    const text = renderAll(parsed([...wire, '[DONE]']), WITH_USAGE);
    assert.equal(text, [...wire, '[DONE]'].map((data) => `data: ${data}\n\n`).join(''));
  });

  it('drops the usage chunk that the client did not ask for', () => {
    const text = renderAll(parsed([...wire, '[DONE]']));
    assert.equal(text, [wire[0], wire[1], '[DONE]'].map((data) => `data: ${data}\n\n`).join(''));
  });

  it('removes a null usage that is there only because we asked', () => {
    const cases: [string, string][] = [
      [
        '{"id":"a","choices":[{"index":0,"delta":{"content":"x"}}],"usage":null}',
        '{"id":"a","choices":[{"index":0,"delta":{"content":"x"}}]}',
      ],
      ['{"id":"a","choices":[], "usage": null,"obfuscation":"z"}', '{"id":"a","choices":[],"obfuscation":"z"}'],
      ['{"usage":null,"id":"a","choices":[]}', '{"id":"a","choices":[]}'],
      [
        '{"id":"a","choices":[{"index":0,"delta":{"content":",\\"usage\\":null"}}],"usage":null}',
        '{"id":"a","choices":[{"index":0,"delta":{"content":",\\"usage\\":null"}}]}',
      ],
      [
        '{"id":"a","choices":[],"x":{"b":1,"usage":null},"usage":null}',
        '{"id":"a","choices":[],"x":{"b":1,"usage":null}}',
      ],
    ];
    for (const [data, expected] of cases) {
      assert.equal(renderAll([own(data)]), `data: ${expected}\n\n`);
      assert.equal(renderAll([own(data)], WITH_USAGE), `data: ${data}\n\n`);
    }
  });

  it('writes usage of its own when a client asked and the upstream told it nowhere on the wire', () => {
    const frames = parsed([wire[0]!, wire[1]!, '[DONE]']);
    frames.splice(2, 0, { events: [{ type: 'usage', usage: USAGE }] });
    const lines = renderAll(frames, WITH_USAGE).split('\n\n');
    assert.equal(JSON.parse(lines[2]!.slice(6)).usage.total_tokens, 16);
    assert.equal(JSON.parse(lines[2]!.slice(6)).id, 'gen-1');
    assert.equal(lines[3], 'data: [DONE]');
  });

  it('tells a forgotten finish with the name that the answer has', () => {
    const lines = renderAll(parsed([wire[0]!, '[DONE]'])).split('\n\n');
    assert.deepEqual(JSON.parse(lines[1]!.slice(6)), {
      id: 'gen-1',
      object: 'chat.completion.chunk',
      created: 1,
      model: 'm',
      choices: [{ index: 0, delta: {}, logprobs: null, finish_reason: 'stop' }],
    });
    assert.equal(lines[2], 'data: [DONE]');
  });

  it('streams a whole body', () => {
    const body = {
      id: 'gen-1',
      model: 'm',
      choices: [{ index: 0, message: { content: 'all' }, finish_reason: 'stop' }],
    };
    const frame = openaiChat.upstream!.parseResponse(JSON.stringify(body));
    const lines = renderAll([frame]).split('\n\n').slice(0, -1);
    assert.deepEqual(
      lines.slice(0, -1).map((line) => JSON.parse(line.slice(6)).choices[0].delta),
      [{ role: 'assistant', content: '' }, { content: 'all' }, {}],
    );
    assert.equal(lines.at(-1), 'data: [DONE]');
  });

  it('splits data with line feeds over data lines', () => {
    assert.equal(renderAll([own('{"id":"a",\n"choices":[]}')]), 'data: {"id":"a",\ndata: "choices":[]}\n\n');
  });
});
