import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openaiChat } from '../../../src/dialects/openai-chat/index.ts';
import type { Frame, StreamEvent } from '../../../src/model/stream.ts';

function parseAll(...messages: (object | string)[]): Frame[] {
  const parser = openaiChat.upstream!.streamParser();
  const frames = messages.map((message) =>
    parser.parse({ data: typeof message === 'string' ? message : JSON.stringify(message) }),
  );
  const last = parser.end();
  return last ? [...frames, last] : frames;
}

function eventsOf(...messages: (object | string)[]): StreamEvent[] {
  return parseAll(...messages).flatMap((frame) => [...frame.events]);
}

function chunk(delta: object, fields: object = {}, choiceFields: object = {}): object {
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 1_700_000_000,
    model: 'm',
    choices: [{ index: 0, delta, finish_reason: null, ...choiceFields }],
    ...fields,
  };
}

const finish = (reason: string) => chunk({}, {}, { finish_reason: reason });
const tool = (entry: object) => chunk({ tool_calls: [entry] });
const START = { type: 'response-start', id: 'chatcmpl-1', model: 'm', createdAt: 1_700_000_000 } as const;
const END = { type: 'response-end' } as const;
const finished = (unified: string, raw: string) => ({ type: 'finish', choice: 0, finishReason: { unified, raw } });
const text = (value: string) => ({ type: 'text-delta', choice: 0, text: value });
const started = (index: number, id: string, name: string) => ({ type: 'tool-call-start', choice: 0, index, id, name });
const delta = (index: number, argumentsDelta: string) => ({
  type: 'tool-call-delta',
  choice: 0,
  index,
  argumentsDelta,
});
const toolEvents = (...messages: object[]) =>
  eventsOf(...messages, finish('tool_calls'), '[DONE]').filter((event) => event.type.startsWith('tool-call'));
const wireEntries = (frames: Frame[]) =>
  frames.flatMap((frame) => {
    const value = frame.original?.value as any;
    return value?.choices?.[0]?.delta?.tool_calls ?? [];
  });

describe('openai-chat stream parser', () => {
  it('gives clients chunks that they can add up', () => {
    const thought = [{ type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] }];
    const { choices: _choices, ...bare } = chunk({}) as Record<string, unknown>;
    const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
    const frames = parseAll(
      chunk({ role: '', content: thought }),
      chunk({ content: [{ type: 'text', text: 'so' }], p: 'abc' }),
      finish('stop'),
      { ...bare, choices: null, usage },
      { ...bare, usage },
      '[DONE]',
    );
    assert.deepEqual(
      frames.slice(0, -1).map((frame) => JSON.parse(frame.original!.data)),
      [
        chunk({ role: 'assistant', content: '', reasoning_content: 'hm' }),
        chunk({ content: 'so', p: 'abc' }),
        finish('stop'),
        { ...bare, choices: [], usage },
        { ...bare, usage, choices: [] },
      ],
    );
  });

  it('tells a plain answer and carries every frame as it was', () => {
    const wire = [
      chunk({ role: 'assistant', content: '', refusal: null }),
      chunk({ content: 'Hel' }),
      chunk({ content: 'lo' }),
      finish('stop'),
      {
        ...chunk({}),
        choices: [],
        usage: {
          prompt_tokens: 9,
          completion_tokens: 4,
          total_tokens: 13,
          prompt_tokens_details: { cached_tokens: 3 },
          completion_tokens_details: { reasoning_tokens: 1 },
        },
      },
    ].map((each) => JSON.stringify(each));
    const frames = parseAll(...wire, '[DONE]');
    assert.deepEqual(
      frames.map((frame) => frame.events),
      [
        [START],
        [text('Hel')],
        [text('lo')],
        [finished('stop', 'stop')],
        [
          {
            type: 'usage',
            usage: {
              inputTokens: 9,
              cachedInputTokens: 3,
              cacheWriteTokens: 0,
              outputTokens: 4,
              reasoningTokens: 1,
              isEstimated: false,
            },
          },
        ],
        [END],
      ],
    );
    assert.deepEqual(
      frames.map((frame) => frame.original?.data),
      [...wire, '[DONE]'],
    );
    assert.deepEqual(frames[1]?.original, { dialect: 'openai-chat', data: wire[1], value: JSON.parse(wire[1]!) });
  });

  it('starts after the first chunk of Azure, which has only filter results', () => {
    const azure = {
      choices: [],
      created: 0,
      id: '',
      model: '',
      object: '',
      prompt_filter_results: [{ prompt_index: 0 }],
    };
    const frames = parseAll(azure, chunk({ content: 'x' }), finish('stop'), '[DONE]');
    assert.deepEqual(frames[0]?.events, []);
    assert.deepEqual(frames[0]?.original?.value, azure);
    assert.deepEqual(frames[1]?.events, [START, text('x')]);
  });

  it('understands usage wherever servers put it', () => {
    const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 };
    const places = [
      [chunk({ content: 'x' }), chunk({}, { usage }, { finish_reason: 'stop' })],
      [chunk({ content: 'x' }), finish('stop'), { id: 'chatcmpl-1', choices: [], usage }],
      [chunk({ content: 'x' }), finish('stop'), { id: 'chatcmpl-1', choices: [{ index: 0 }], usage }],
      [chunk({ content: 'x' }), finish('stop'), { usage }],
      [chunk({ content: 'x' }), chunk({}, { x_groq: { usage } }, { finish_reason: 'stop' })],
      [chunk({ content: 'x' }), chunk({}, {}, { finish_reason: 'stop', usage })],
    ];
    for (const wire of places) {
      const found = eventsOf(...wire, '[DONE]').flatMap((event) => (event.type === 'usage' ? [event.usage] : []));
      assert.deepEqual(
        found.map(({ inputTokens, outputTokens }) => [inputTokens, outputTokens]),
        [[1, 2]],
      );
    }
  });

  it('takes the whole message with which MiniMax ends its streams for what was told already', () => {
    const call = { index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '{"x":1}' } };
    const message = { role: 'assistant', content: 'Hello', reasoning_content: 'Hm', tool_calls: [call] };
    const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
    const last = {
      ...chunk({}),
      object: 'chat.completion',
      usage,
      choices: [{ index: 0, message, finish_reason: 'stop' }],
    };
    assert.deepEqual(
      eventsOf(
        chunk({ role: 'assistant', content: '', reasoning_content: 'Hm' }),
        chunk({ role: '', content: 'Hel' }),
        chunk({ role: '', content: 'lo' }),
        tool(call),
        last,
      ).map((event) => [
        event.type,
        'text' in event ? event.text : 'usage' in event ? event.usage?.outputTokens : undefined,
      ]),
      [
        ['response-start', undefined],
        ['reasoning-delta', 'Hm'],
        ['text-delta', 'Hel'],
        ['text-delta', 'lo'],
        ['tool-call-start', undefined],
        ['tool-call-delta', undefined],
        ['finish', undefined],
        ['usage', 2],
        ['response-end', undefined],
      ],
    );
    // Where nothing was told before, the message is the answer.
    assert.deepEqual(
      eventsOf(chunk({ role: 'assistant' }), last).filter((event) => event.type === 'text-delta'),
      [text('Hello')],
    );
  });

  it('gives every choice the delta that clients read, whatever the server has instead', () => {
    const choice = (fields: object) => ({ id: 'c', choices: [{ index: 0, finish_reason: null, ...fields }] });
    const told = (fields: object): [unknown, StreamEvent[]] => {
      const [frame] = parseAll(choice(fields)) as [Frame];
      const [shown] = (frame.original as any).value.choices;
      assert.equal('message' in shown || 'text' in shown, false);
      return [shown.delta, frame.events.filter(({ type }) => type !== 'response-start')];
    };
    assert.deepEqual(told({ delta: null }), [{}, []]);
    assert.deepEqual(told({}), [{}, []]);
    assert.deepEqual(told({ text: 'Hi' }), [{ content: 'Hi' }, [text('Hi')]]);
    assert.deepEqual(told({ message: { role: 'assistant', content: 'Hi' } }), [
      { role: 'assistant', content: 'Hi' },
      [text('Hi')],
    ]);
  });

  it('counts reasoning that only the total includes', () => {
    const usage = {
      prompt_tokens: 10,
      completion_tokens: 5,
      total_tokens: 35,
      completion_tokens_details: { reasoning_tokens: 20 },
    };
    const found = eventsOf(chunk({}, { usage }, { finish_reason: 'stop' }), '[DONE]').find((e) => e.type === 'usage');
    assert.equal(found?.usage.outputTokens, 25);
    assert.equal(found?.usage.reasoningTokens, 20);
  });

  it('reads reasoning under every name, and its signatures', () => {
    const events = eventsOf(
      chunk({ content: null, reasoning_content: 'a' }),
      chunk({ reasoning: 'b' }),
      chunk({
        reasoning: 'c',
        reasoning_details: [{ type: 'reasoning.text', text: 'c', format: 'anthropic-claude-v1' }],
      }),
      chunk({ reasoning_details: [{ type: 'reasoning.text', signature: 's', format: 'anthropic-claude-v1' }] }),
      chunk({ reasoning_details: [{ type: 'reasoning.encrypted', data: 'd', format: 'anthropic-claude-v1' }] }),
      finish('stop'),
      '[DONE]',
    );
    const reasoning = (value: string) => ({ type: 'reasoning-delta', choice: 0, text: value });
    assert.deepEqual(events, [
      START,
      reasoning('a'),
      reasoning('b'),
      reasoning('c'),
      { type: 'reasoning-signature', choice: 0, signature: { dialect: 'anthropic', value: 's' } },
      { type: 'reasoning-signature', choice: 0, signature: { dialect: 'anthropic', value: 'd' }, isRedacted: true },
      finished('stop', 'stop'),
      END,
    ]);
  });

  it('reads content in parts, as Mistral reasons', () => {
    const events = eventsOf(
      chunk({ content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] }] }),
      chunk({ content: [{ type: 'text', text: 'so' }] }),
      finish('stop'),
      '[DONE]',
    );
    assert.deepEqual(events.slice(1, 3), [{ type: 'reasoning-delta', choice: 0, text: 'hm' }, text('so')]);
  });

  it('reads refusals, annotations, log probabilities and sound', () => {
    const citation = {
      type: 'url_citation',
      url_citation: { url: 'https://a', title: 't', start_index: 1, end_index: 2 },
    };
    const token = { token: 'x', logprob: -0.5, bytes: [120], top_logprobs: [{ token: 'y', logprob: -1, bytes: null }] };
    const events = eventsOf(
      chunk({ refusal: 'no' }),
      chunk({ annotations: [citation] }),
      chunk({}, {}, { logprobs: { content: [token], refusal: null } }),
      chunk({ audio: { data: 'AA' } }),
      finish('content_filter'),
      '[DONE]',
    );
    assert.deepEqual(events.slice(1), [
      { type: 'refusal-delta', choice: 0, text: 'no' },
      {
        type: 'annotation-add',
        choice: 0,
        annotation: { url: 'https://a', title: 't', start: 1, end: 2, extensions: { 'openai-chat': citation } },
      },
      {
        type: 'logprobs-add',
        choice: 0,
        logprobs: [{ token: 'x', logprob: -0.5, bytes: [120], topLogprobs: [{ token: 'y', logprob: -1 }] }],
      },
      { type: 'opaque-delta' },
      finished('content-filter', 'content_filter'),
      END,
    ]);
  });

  it('keeps interleaved tool calls apart', () => {
    assert.deepEqual(
      toolEvents(
        tool({ index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '' } }),
        tool({ index: 1, id: 'b', type: 'function', function: { name: 'g', arguments: '{"y"' } }),
        tool({ index: 0, function: { arguments: '{"x":1' } }),
        tool({ index: 1, function: { arguments: ':2}' } }),
        tool({ index: 0, function: { arguments: '}' } }),
      ),
      [
        started(0, 'a', 'f'),
        started(1, 'b', 'g'),
        delta(1, '{"y"'),
        delta(0, '{"x":1'),
        delta(1, ':2}'),
        delta(0, '}'),
      ],
    );
  });

  it('normalises indexes that are missing, begin at 1, or are always 0, in events and on the wire', () => {
    const expected = [started(0, 'a', 'f'), delta(0, '{}'), started(1, 'b', 'g'), delta(1, '{"x":1}')];
    for (const indexes of [
      [undefined, undefined],
      [1, 2],
      [0, 0],
      [7, 3],
    ]) {
      const wire = [
        tool({ index: indexes[0], id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } }),
        tool({ index: indexes[1], id: 'b', type: 'function', function: { name: 'g', arguments: '{"x"' } }),
        tool({ index: indexes[1], function: { arguments: ':1}' } }),
      ];
      const events = toolEvents(...wire);
      assert.deepEqual(events.slice(0, 3), expected.slice(0, 3), JSON.stringify(indexes));
      assert.deepEqual(events.slice(3), [delta(1, '{"x"'), delta(1, ':1}')]);
      assert.deepEqual(
        wireEntries(parseAll(...wire)).map((entry: any) => entry.index),
        [0, 1, 1],
      );
    }
  });

  it('repairs a chunk without losing what else it has, and never the value it was given', () => {
    const wire = { ...tool({ id: 'a', function: { name: 'f', arguments: '{}' } }), system_fingerprint: 'fp' };
    const frame = parseAll(wire)[0];
    assert.deepEqual(JSON.parse(frame!.original!.data), {
      ...wire,
      choices: [
        {
          index: 0,
          delta: { tool_calls: [{ id: 'a', function: { name: 'f', arguments: '{}' }, index: 0, type: 'function' }] },
          finish_reason: null,
        },
      ],
    });
  });

  it('makes ids where there are none or where they repeat, and tells them on the wire', () => {
    const wire = [
      tool({ index: 0, function: { name: 'f', arguments: '{}' } }),
      tool({ index: 1, id: '', function: { name: 'f', arguments: '{}' } }),
      tool({ index: 2, id: 'same', function: { name: 'f', arguments: '{}' } }),
      tool({ index: 3, id: 'same', function: { name: 'f', arguments: '{}' } }),
    ];
    const ids = toolEvents(...wire).flatMap((event) => (event.type === 'tool-call-start' ? [event.id] : []));
    assert.equal(new Set(ids).size, 4);
    assert.equal(ids[2], 'same');
    for (const id of ids) assert.match(id, /^[A-Za-z0-9_-]+$/);
    assert.deepEqual(
      wireEntries(parseAll(...wire)).map((entry: any) => entry.id),
      ids,
    );
  });

  it('continues a call whose server repeats id and name, or makes a new id for every piece', () => {
    const repeated = toolEvents(
      tool({ index: 0, id: 'a', function: { name: 'f', arguments: '{' } }),
      tool({ index: 0, id: 'a', function: { name: 'f', arguments: '}' } }),
    );
    assert.deepEqual(repeated, [started(0, 'a', 'f'), delta(0, '{'), delta(0, '}')]);
    const noisy = toolEvents(
      tool({ index: 0, id: 'a', function: { name: 'f', arguments: '{' } }),
      tool({ index: 0, id: 'z', function: { arguments: '}' } }),
    );
    assert.deepEqual(noisy, [started(0, 'a', 'f'), delta(0, '{'), delta(0, '}')]);
  });

  it('separates whole calls that have neither ids nor indexes', () => {
    const events = toolEvents(
      tool({ function: { name: 'f', arguments: '{"a":1}' } }),
      tool({ function: { name: 'f', arguments: { a: 2 } } }),
    );
    assert.deepEqual(
      events.map((event) => (event.type === 'tool-call-delta' ? [event.index, event.argumentsDelta] : event.type)),
      ['tool-call-start', [0, '{"a":1}'], 'tool-call-start', [1, '{"a":2}']],
    );
  });

  it('waits for a name that comes later', () => {
    assert.deepEqual(
      toolEvents(
        tool({ index: 0, id: 'a', function: { arguments: '{' } }),
        tool({ index: 0, function: { name: 'f', arguments: '}' } }),
      ),
      [started(0, 'a', 'f'), delta(0, '{}')],
    );
  });

  it('drops arguments that are told whole once more, in events and on the wire', () => {
    const wire = [
      tool({ index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '' } }),
      tool({ index: 0, function: { arguments: '{"x":' } }),
      tool({ index: 0, function: { arguments: '{"y":1}' } }),
      tool({ index: 0, function: { arguments: '}' } }),
      tool({ index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '{"x":{"y":1}}' } }),
    ];
    assert.deepEqual(toolEvents(...wire), [
      started(0, 'a', 'f'),
      delta(0, '{"x":'),
      delta(0, '{"y":1}'),
      delta(0, '}'),
    ]);
    assert.deepEqual(wireEntries(parseAll(...wire)).at(-1), {
      index: 0,
      id: 'a',
      type: 'function',
      function: { name: 'f', arguments: '' },
    });
  });

  it('waits with an empty object, which may only hold the place of the arguments', () => {
    const wire = [
      tool({ index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } }),
      tool({ index: 0, function: { arguments: '{"x":' } }),
      tool({ index: 0, function: { arguments: '1}' } }),
      tool({ index: 1, id: 'b', type: 'function', function: { name: 'g', arguments: '{}' } }),
      tool({ index: 2, id: 'c', type: 'function', function: { name: 'h', arguments: '{}' } }),
    ];
    const twice = tool({ function: { name: 'f', arguments: '{}' } });
    assert.equal(toolEvents(twice, twice).filter((event) => event.type === 'tool-call-start').length, 2);
    assert.deepEqual(toolEvents(...wire), [
      started(0, 'a', 'f'),
      delta(0, '{"x":'),
      delta(0, '1}'),
      started(1, 'b', 'g'),
      delta(1, '{}'),
      started(2, 'c', 'h'),
      delta(2, '{}'),
    ]);
  });

  it('wraps the free text of a custom tool as JSON', () => {
    const events = toolEvents(
      tool({ index: 0, id: 'a', type: 'custom', custom: { name: 'sql', input: '' } }),
      tool({ index: 0, custom: { input: 'select "' } }),
      tool({ index: 0, custom: { input: 'x"\n' } }),
    );
    const pieces = events.flatMap((event) => (event.type === 'tool-call-delta' ? [event.argumentsDelta] : []));
    assert.deepEqual(JSON.parse(pieces.join('')), { input: 'select "x"\n' });
  });

  it('reads legacy function calls, and leaves their frames alone', () => {
    const wire = [
      chunk({ function_call: { name: 'f', arguments: '' } }),
      chunk({ function_call: { arguments: '{"a":' } }),
      chunk({ function_call: { arguments: '1}' } }),
    ];
    const frames = parseAll(...wire, finish('function_call'), '[DONE]');
    const events = frames.flatMap((frame) => [...frame.events]);
    assert.deepEqual(
      events.map((event) => (event.type === 'tool-call-delta' ? event.argumentsDelta : event.type)),
      ['response-start', 'tool-call-start', '{"a":', '1}', 'finish', 'response-end'],
    );
    assert.deepEqual(events[4], finished('tool-calls', 'function_call'));
    assert.deepEqual(frames[1]?.original?.value, wire[1]);
  });

  it('finishes with tool calls though the server says stop, and maps the words of other servers', () => {
    const call = tool({ index: 0, id: 'a', function: { name: 'f', arguments: '{}' } });
    assert.deepEqual(eventsOf(call, finish('stop'), '[DONE]').at(-2), finished('tool-calls', 'stop'));
    assert.deepEqual(
      eventsOf(chunk({ content: 'x' }), finish('model_length')).at(-2),
      finished('length', 'model_length'),
    );
    assert.deepEqual(
      eventsOf(chunk({ content: 'x' }), finish('model_context_window_exceeded')).at(-2),
      finished('length', 'model_context_window_exceeded'),
    );
    assert.deepEqual(eventsOf(chunk({ content: 'x' }), finish('eos')).at(-2), finished('stop', 'eos'));
    assert.deepEqual(eventsOf(chunk({ content: 'x' }), finish('weather')).at(-2), finished('other', 'weather'));
  });

  it('tells a finish that the server forgot before [DONE], in a frame of our own', () => {
    const frames = parseAll(chunk({ content: 'x' }), '[DONE]');
    assert.deepEqual(frames.at(-1), { events: [finished('stop', ''), END] });
    const call = tool({ index: 0, id: 'a', function: { name: 'f', arguments: '{}' } });
    assert.deepEqual(eventsOf(call, '[DONE]').at(-2), finished('tool-calls', ''));
  });

  it('forgives a missing [DONE] when every choice has finished, and nothing else', () => {
    assert.deepEqual(eventsOf(chunk({ content: 'x' }), finish('stop')).at(-1), END);
    const cut = (...wire: object[]) => {
      const last = eventsOf(...wire).at(-1);
      return last?.type === 'error' ? last.error.code : last?.type;
    };
    assert.equal(cut(), 'upstream_cut');
    assert.equal(cut(chunk({ content: 'x' })), 'upstream_cut');
    assert.equal(cut(finish('stop'), chunk({ content: 'y' }, {}, { index: 1 })), 'upstream_cut');
  });

  it('does not take [DONE] without an answer for success', () => {
    assert.deepEqual(
      eventsOf('[DONE]').map((event) => (event.type === 'error' ? event.error.code : event.type)),
      ['upstream_cut'],
    );
  });

  it('keeps several choices apart', () => {
    const events = eventsOf(
      chunk({ content: 'a' }, {}, { index: 1 }),
      chunk({ content: 'b' }, {}, { index: 0 }),
      chunk({}, {}, { index: 1, finish_reason: 'length' }),
      chunk({}, {}, { index: 0, finish_reason: 'stop' }),
      '[DONE]',
    );
    assert.deepEqual(
      events.slice(1, -1).map((event) => ('choice' in event ? [event.type, event.choice] : event.type)),
      [
        ['text-delta', 1],
        ['text-delta', 0],
        ['finish', 1],
        ['finish', 0],
      ],
    );
  });

  it('tells errors inside the stream by their own words, and nothing after them', () => {
    const cases: [object | string, string][] = [
      [
        { error: { message: 'Rate limit reached', type: 'rate_limit_error', code: 'rate_limit_exceeded' } },
        'upstream_rate_limited',
      ],
      [{ error: { message: 'Provider returned error', code: 502 }, choices: [] }, 'upstream_error'],
      [{ error: { message: 'no capacity', code: 503 } }, 'upstream_overloaded'],
      [{ error: 'something broke' }, 'upstream_error'],
      [
        { object: 'error', message: 'maximum context length is 10', type: 'BadRequestError', code: 400 },
        'context_length_exceeded',
      ],
      [chunk({ content: '' }, {}, { finish_reason: 'error' }), 'upstream_error'],
      [chunk({}, {}, { finish_reason: 'network_error' }), 'upstream_error'],
      [
        { id: 'x', choices: null, base_resp: { status_code: 1008, status_msg: 'insufficient balance' } },
        'upstream_quota',
      ],
      [
        chunk({ content: '' }, {}, { finish_reason: 'error', error: { code: 429, message: 'Slow down' } }),
        'upstream_rate_limited',
      ],
      ['{"id": ', 'upstream_garbage'],
      ['<html>', 'upstream_garbage'],
      ['[1]', 'upstream_garbage'],
    ];
    for (const [wire, code] of cases) {
      const frames = parseAll(chunk({ content: 'x' }), wire, chunk({ content: 'y' }), '[DONE]');
      const events = frames.slice(1).flatMap((frame) => [...frame.events]);
      assert.equal(events.length, 1, JSON.stringify(wire));
      assert.equal(events[0]?.type === 'error' && events[0].error.code, code, JSON.stringify(wire));
      assert.ok(frames.slice(1).every((frame) => frame.original === undefined));
    }
  });

  it('reads an event named error', () => {
    const parser = openaiChat.upstream!.streamParser();
    const [event] = parser.parse({ event: 'error', data: '{"message":"overloaded"}' }).events;
    assert.equal(event?.type === 'error' && event.error.code, 'upstream_overloaded');
  });
});
