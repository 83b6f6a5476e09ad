import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ndjsonDecoder } from '../../../src/dialects/framing.ts';
import { ResponseCollector } from '../../../src/model/collect.ts';
import type { Frame, StreamEvent } from '../../../src/model/stream.ts';
import { upstream } from './support.ts';

const CREATED = '2026-11-22T08:52:19.385406455-07:00';
const HEAD = { model: 'qwen3', created_at: CREATED };
const START: StreamEvent = { type: 'response-start', id: '', model: 'qwen3', createdAt: 1_795_362_739 };

function say(message: object, rest: object = { done: false }): object {
  return { ...HEAD, message: { role: 'assistant', content: '', ...message }, ...rest };
}

const DONE = {
  done: true,
  done_reason: 'stop',
  total_duration: 10_706_818_083,
  load_duration: 6_338_219_291,
  prompt_eval_count: 26,
  prompt_eval_duration: 130_079_000,
  eval_count: 259,
  eval_duration: 4_232_710_000,
};
const USAGE: StreamEvent = {
  type: 'usage',
  usage: {
    inputTokens: 26,
    cachedInputTokens: 0,
    cacheWriteTokens: 0,
    outputTokens: 259,
    reasoningTokens: 0,
    isEstimated: false,
  },
};

function frames(...lines: readonly (object | string)[]): Frame[] {
  const parser = upstream.streamParser();
  const parsed = lines.map((line) => parser.parse({ data: typeof line === 'string' ? line : JSON.stringify(line) }));
  const end = parser.end();
  return end ? [...parsed, end] : parsed;
}

function events(...lines: readonly (object | string)[]): StreamEvent[] {
  return frames(...lines).flatMap((frame) => frame.events);
}

function finish(unified: 'stop' | 'length' | 'tool-calls' | 'other', raw: string): StreamEvent {
  return { type: 'finish', choice: 0, finishReason: { unified, raw } };
}

describe('a stream', () => {
  test('of thinking and text becomes events and ends with its usage', () => {
    assert.deepEqual(events(say({ thinking: 'hm' }), say({ content: 'Hel' }), say({ content: 'lo' }), say({}, DONE)), [
      START,
      { type: 'reasoning-delta', choice: 0, text: 'hm' },
      { type: 'text-delta', choice: 0, text: 'Hel' },
      { type: 'text-delta', choice: 0, text: 'lo' },
      finish('stop', 'stop'),
      USAGE,
      { type: 'response-end' },
    ]);
  });

  test('keeps every line as its original', () => {
    const line = JSON.stringify(say({ content: 'Hel' }));
    assert.deepEqual(frames(line)[0]?.original, { dialect: 'ollama', data: line, value: JSON.parse(line) });
  });

  test('numbers parallel calls over all lines, makes ids, and finishes with tool-calls though Ollama says stop', () => {
    const call = { function: { name: 'look', arguments: { x: 1 } } };
    const told = events(
      say({ tool_calls: [call, call] }),
      say({ tool_calls: [{ function: { name: 'ask' } }] }),
      say({}, DONE),
    );
    const ids = told.flatMap((event) => (event.type === 'tool-call-start' ? [event.id] : []));
    assert.equal(new Set(ids).size, 3);
    for (const id of ids) assert.match(id, /^call_\d_[A-Za-z0-9]{9}$/);
    assert.deepEqual(told, [
      START,
      { type: 'tool-call-start', choice: 0, index: 0, id: ids[0], name: 'look' },
      { type: 'tool-call-delta', choice: 0, index: 0, argumentsDelta: '{"x":1}' },
      { type: 'tool-call-start', choice: 0, index: 1, id: ids[1], name: 'look' },
      { type: 'tool-call-delta', choice: 0, index: 1, argumentsDelta: '{"x":1}' },
      { type: 'tool-call-start', choice: 0, index: 2, id: ids[2], name: 'ask' },
      { type: 'tool-call-delta', choice: 0, index: 2, argumentsDelta: '{}' },
      finish('tool-calls', 'stop'),
      USAGE,
      { type: 'response-end' },
    ]);
  });

  test('makes the same ids from the same bytes, others at another time, and keeps those the server gives', () => {
    const idOf = (createdAt: string, id?: string) => {
      const call = { ...(id && { id }), function: { name: 'look', arguments: {} } };
      const start = events({ ...say({ tool_calls: [call] }), created_at: createdAt })[1];
      return start?.type === 'tool-call-start' ? start.id : undefined;
    };
    assert.equal(idOf(CREATED), idOf(CREATED));
    assert.notEqual(idOf(CREATED), idOf('2026-11-22T08:53:19Z'));
    assert.equal(idOf(CREATED, 'call_abc'), 'call_abc');
  });

  test('reads done reasons', () => {
    const finishOf = (done_reason: string | undefined, message = {}) =>
      events(say(message, { done: true, ...(done_reason && { done_reason }) })).find(
        (event) => event.type === 'finish',
      );
    assert.deepEqual(finishOf('length'), finish('length', 'length'));
    assert.deepEqual(finishOf('length', { tool_calls: [{ function: { name: 'a' } }] }), finish('length', 'length'));
    assert.deepEqual(finishOf('load'), finish('stop', 'load'));
    assert.deepEqual(finishOf('unload'), finish('stop', 'unload'));
    assert.deepEqual(finishOf(undefined), finish('stop', ''));
    assert.deepEqual(finishOf('tired'), finish('other', 'tired'));
  });

  test('tells no usage when the server told none', () => {
    assert.deepEqual(events(say({ content: 'a' }, { done: true, done_reason: 'stop' })), [
      START,
      { type: 'text-delta', choice: 0, text: 'a' },
      finish('stop', 'stop'),
      { type: 'response-end' },
    ]);
  });

  test('reads log probabilities', () => {
    const logprobs = [{ token: 'a', logprob: -1, bytes: [97], top_logprobs: [{ token: 'b', logprob: -2 }] }];
    assert.deepEqual(events(say({ content: 'a' }, { done: false, logprobs }))[2], {
      type: 'logprobs-add',
      choice: 0,
      logprobs: [{ token: 'a', logprob: -1, bytes: [97], topLogprobs: [{ token: 'b', logprob: -2 }] }],
    });
  });

  test('that ends before its done line was cut', () => {
    assert.deepEqual(
      events(say({ content: 'Hel' })).map((event) => (event.type === 'error' ? event.error.code : event.type)),
      ['response-start', 'text-delta', 'upstream_cut'],
    );
    assert.equal(events()[0]?.type, 'error');
  });

  test('with an error line failed, and what follows it counts nothing', () => {
    const told = events(say({ content: 'Hel' }), { error: 'llama runner process has terminated' }, say({}, DONE));
    assert.deepEqual(told.slice(2), [
      { type: 'error', error: { code: 'upstream_error', message: 'llama runner process has terminated' } },
    ]);
  });

  test('of garbage failed', () => {
    for (const garbage of ['<html>', '[1]', '{}', '{"choices":[]}']) {
      assert.deepEqual(events(garbage), [
        {
          type: 'error',
          error: { code: 'upstream_garbage', message: `The upstream sent something unreadable: ${garbage}` },
        },
      ]);
    }
  });

  test('means the same wherever its bytes are cut', () => {
    const text = [
      say({ content: 'Grüße 🌍' }),
      say({ tool_calls: [{ function: { name: 'a', arguments: { ü: 1 } } }] }),
      say({}, DONE),
    ]
      .map((line) => `${JSON.stringify(line)}\n`)
      .join('');
    const bytes = new TextEncoder().encode(text);
    const collected = (chunks: readonly Uint8Array[]) => {
      const decoder = ndjsonDecoder();
      const parser = upstream.streamParser();
      const collector = new ResponseCollector();
      const messages = [...chunks.flatMap((chunk) => decoder.decode(chunk)), ...decoder.flush()];
      for (const message of messages) collector.add(parser.parse(message));
      assert.equal(parser.end(), undefined);
      return collector.response();
    };
    const whole = collected([bytes]);
    assert.deepEqual(whole.choices[0]?.parts[0], { type: 'text', text: 'Grüße 🌍' });
    for (let at = 0; at <= bytes.length; at += 1) {
      assert.deepEqual(collected([bytes.subarray(0, at), bytes.subarray(at)]), whole);
    }
  });
});

describe('a whole body', () => {
  test('is one frame with the same events', () => {
    const text = JSON.stringify(say({ content: 'Hello' }, DONE), null, 2);
    assert.deepEqual(upstream.parseResponse(text), {
      events: [
        START,
        { type: 'text-delta', choice: 0, text: 'Hello' },
        finish('stop', 'stop'),
        USAGE,
        { type: 'response-end' },
      ],
      original: { dialect: 'ollama', data: text, isWhole: true, value: JSON.parse(text) },
    });
  });

  test('that is an error, garbage or incomplete has an error event', () => {
    const codeOf = (text: string) =>
      upstream
        .parseResponse(text)
        .events.map((event) => event.type === 'error' && event.error.code)
        .at(-1);
    assert.equal(codeOf('{"error":"model requires more system memory"}'), 'upstream_error');
    assert.equal(codeOf('<html>'), 'upstream_garbage');
    assert.equal(codeOf(''), 'upstream_garbage');
    assert.equal(codeOf(JSON.stringify(say({ content: 'Hel' }))), 'upstream_cut');
  });
});

describe('an error answer', () => {
  test('is read from the error field', () => {
    const body = { error: 'model "x" not found, try pulling it first' };
    assert.deepEqual(upstream.parseError(404, {}, JSON.stringify(body)), {
      code: 'upstream_not_found',
      message: body.error,
      status: 404,
      original: { dialect: 'ollama', status: 404, body },
    });
  });

  test("is read in OpenAI's shape too, with Retry-After", () => {
    const error = upstream.parseError(429, { 'retry-after': '2' }, '{"error":{"message":"slow down"}}');
    assert.equal(error.code, 'upstream_rate_limited');
    assert.equal(error.message, 'slow down');
    assert.equal(error.retryAfterMs, 2_000);
  });

  test('of a proxy is read as text', () => {
    assert.deepEqual(upstream.parseError(502, {}, '<h1>Bad Gateway</h1>'), {
      code: 'upstream_error',
      message: 'Bad Gateway',
      status: 502,
    });
  });
});
