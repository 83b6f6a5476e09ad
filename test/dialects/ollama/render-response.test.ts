import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { describe, test } from 'node:test';
import { Ollama } from 'ollama';
import { ollama } from '../../../src/dialects/ollama/index.ts';
import { GatewayError } from '../../../src/errors.ts';
import type { ChatResponse, Usage } from '../../../src/model/chat.ts';
import { responseEvents } from '../../../src/model/collect.ts';
import type { Frame, StreamEvent } from '../../../src/model/stream.ts';
import { request, upstream } from './support.ts';

const USAGE: Usage = {
  inputTokens: 26,
  cachedInputTokens: 4,
  cacheWriteTokens: 0,
  outputTokens: 9,
  reasoningTokens: 3,
  isEstimated: false,
};
const RESPONSE: ChatResponse = {
  id: 'r',
  model: 'gpt',
  createdAt: 1_795_362_739,
  choices: [
    {
      index: 0,
      parts: [
        { type: 'reasoning', text: 'hm' },
        { type: 'text', text: 'Hello' },
        { type: 'tool-call', id: 'a', name: 'look', argumentsJson: '{"x":1}' },
        { type: 'tool-call', id: 'b', name: 'ask', argumentsJson: '{oops' },
      ],
      finishReason: { unified: 'tool-calls', raw: 'tool_calls' },
    },
  ],
  usage: USAGE,
};
const HEAD = { model: 'gpt', created_at: '2026-11-22T15:52:19.000Z' };
const DONE = {
  done: true,
  done_reason: 'stop',
  total_duration: 0,
  load_duration: 0,
  prompt_eval_count: 26,
  prompt_eval_duration: 0,
  eval_count: 9,
  eval_duration: 0,
};
const TOOL_CALLS = [
  { id: 'a', function: { index: 0, name: 'look', arguments: { x: 1 } } },
  { id: 'b', function: { index: 1, name: 'ask', arguments: { invalid_arguments: '{oops' } } },
];

function renderer() {
  return ollama.client.streamRenderer(request(), { id: 'made', createdAt: 1_000 });
}

function lines(text: string): unknown[] {
  assert.ok(text === '' || text.endsWith('\n'));
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}

function streamed(events: readonly StreamEvent[]): unknown[] {
  const stream = renderer();
  return lines(events.map((event) => stream.render({ events: [event] })).join(''));
}

describe('a whole answer', () => {
  test('of another dialect is rendered with every field that clients read', () => {
    assert.deepEqual(JSON.parse(ollama.client.renderResponse(RESPONSE, request())), {
      ...HEAD,
      message: { role: 'assistant', content: 'Hello', thinking: 'hm', tool_calls: TOOL_CALLS },
      ...DONE,
    });
  });

  test('of Ollama is returned byte for byte', () => {
    const text = '{ "model": "x",  "new_field": 1 }';
    assert.equal(ollama.client.renderResponse({ ...RESPONSE, original: { dialect: 'ollama', text } }, request()), text);
  });

  test('cut by its length says so, and log probabilities are told', () => {
    const choice = {
      index: 0,
      parts: [{ type: 'refusal', text: 'no' } as const],
      finishReason: { unified: 'length', raw: 'max' } as const,
      logprobs: [{ token: 'a', logprob: -1, topLogprobs: [{ token: 'b', logprob: -2 }] }],
    };
    assert.deepEqual(JSON.parse(ollama.client.renderResponse({ id: '', model: '', choices: [choice] }, request())), {
      model: 'asked',
      message: { role: 'assistant', content: 'no' },
      logprobs: [{ token: 'a', logprob: -1, top_logprobs: [{ token: 'b', logprob: -2 }] }],
      ...DONE,
      done_reason: 'length',
      prompt_eval_count: 0,
      eval_count: 0,
    });
  });
});

test('an answer that a filter withheld does not look like a complete one', () => {
  const choice = { index: 0, parts: [], finishReason: { unified: 'content-filter', raw: 'SAFETY' } } as const;
  const body = JSON.parse(ollama.client.renderResponse({ id: '', model: 'm', choices: [choice] }, request()));
  assert.equal(body.done_reason, 'content_filter');
});

describe('a stream', () => {
  test('of another dialect is rendered line by line, with whole tool calls before the end', () => {
    assert.deepEqual(streamed(responseEvents(RESPONSE)), [
      { ...HEAD, message: { role: 'assistant', content: '', thinking: 'hm' }, done: false },
      { ...HEAD, message: { role: 'assistant', content: 'Hello' }, done: false },
      { ...HEAD, message: { role: 'assistant', content: '', tool_calls: TOOL_CALLS }, done: false },
      { ...HEAD, message: { role: 'assistant', content: '' }, ...DONE },
    ]);
  });

  test('tells usage that comes before or after the finish', () => {
    const end: StreamEvent = { type: 'response-end' };
    const stop: StreamEvent = { type: 'finish', choice: 0, finishReason: { unified: 'stop', raw: 'stop' } };
    const usage: StreamEvent = { type: 'usage', usage: USAGE };
    const expected = [
      { model: 'asked', created_at: '1970-01-01T00:16:40.000Z', message: { role: 'assistant', content: '' }, ...DONE },
    ];
    assert.deepEqual(streamed([usage, stop, end]), expected);
    assert.deepEqual(streamed([stop, usage, end]), expected);
  });

  test('puts what one frame says into one line, and only of the first choice', () => {
    const frame: Frame = {
      events: [
        { type: 'response-start', id: 'r', model: 'gpt', createdAt: 1_795_362_739 },
        { type: 'text-delta', choice: 0, text: 'a' },
        { type: 'text-delta', choice: 1, text: 'z' },
        { type: 'logprobs-add', choice: 0, logprobs: [{ token: 'a', logprob: -1 }] },
        { type: 'text-delta', choice: 0, text: 'b' },
      ],
    };
    assert.deepEqual(lines(renderer().render(frame)), [
      { ...HEAD, message: { role: 'assistant', content: 'ab' }, logprobs: [{ token: 'a', logprob: -1 }], done: false },
    ]);
  });

  test('keeps the interleaved arguments of parallel calls apart', () => {
    const told = streamed([
      { type: 'tool-call-start', choice: 0, index: 0, id: 'a', name: 'look' },
      { type: 'tool-call-start', choice: 0, index: 1, id: 'b', name: 'look' },
      { type: 'tool-call-delta', choice: 0, index: 1, argumentsDelta: '{"y":' },
      { type: 'tool-call-delta', choice: 0, index: 0, argumentsDelta: '{"x":1}' },
      { type: 'tool-call-delta', choice: 0, index: 1, argumentsDelta: '2}' },
      { type: 'response-end' },
    ]);
    assert.deepEqual((told[0] as { message: { tool_calls: unknown } }).message.tool_calls, [
      { id: 'a', function: { index: 0, name: 'look', arguments: { x: 1 } } },
      { id: 'b', function: { index: 1, name: 'look', arguments: { y: 2 } } },
    ]);
  });

  test('of Ollama is written verbatim', () => {
    const data = ['{"model":"x", "message":{"content":"a"},"new":1}', '{"model":"x","done":true,"done_reason":"stop"}'];
    const parser = upstream.streamParser();
    const stream = renderer();
    assert.equal(data.map((line) => stream.render(parser.parse({ data: line }))).join(''), `${data[0]}\n${data[1]}\n`);
  });

  test('of a whole Ollama body is one line', () => {
    const body = { model: 'x', message: { role: 'assistant', content: 'a' }, done: true, done_reason: 'stop' };
    const frame = upstream.parseResponse(JSON.stringify(body, null, 2));
    assert.equal(renderer().render(frame), `${JSON.stringify(body)}\n`);
  });

  test('leaves an error to fail(), which ends it in one line', () => {
    const stream = renderer();
    const frame = upstream.streamParser().parse({ data: '{"error":"oops"}' });
    assert.equal(stream.render(frame), '');
    assert.equal(stream.fail(new GatewayError('upstream_cut', 'cut')), '{"error":"cut"}\n');
  });
});

test('renderError is the sentence alone', () => {
  assert.deepEqual(ollama.client.renderError(new GatewayError('not_found', 'no such model'), 'req_1'), {
    error: 'no such model',
  });
});

describe('the official client', () => {
  test('reads our stream with keep-alives between the lines, and raises our error', async (context) => {
    const warnings = context.mock.method(console, 'warn', () => undefined);
    const stream = renderer();
    const texts = responseEvents(RESPONSE).map((event) => stream.render({ events: [event] }));
    const answers = [
      texts.map((text) => stream.keepAlive + text).join(''),
      texts[1] + stream.keepAlive + stream.fail(new GatewayError('upstream_cut', 'The upstream was cut.')),
    ];
    const server = createServer((_, reply) => {
      reply.setHeader('content-type', 'application/x-ndjson');
      reply.end(answers.shift());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const address = server.address();
      assert.ok(typeof address === 'object' && address);
      const client = new Ollama({ host: `http://127.0.0.1:${address.port}` });
      const ask = () => client.chat({ model: 'm', messages: [{ role: 'user', content: 'hi' }], stream: true });

      const told: string[] = [];
      for await (const part of await ask()) told.push(part.message.thinking ?? part.message.content);
      assert.deepEqual(told, ['hm', 'Hello', '', '']);

      await assert.rejects(async () => {
        for await (const part of await ask()) assert.equal(part.message.thinking, 'hm');
      }, /The upstream was cut\./);
      assert.equal(warnings.mock.callCount(), 0);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});
