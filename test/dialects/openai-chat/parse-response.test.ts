import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openaiChat } from '../../../src/dialects/openai-chat/index.ts';

const parse = (body: object | string) =>
  openaiChat.upstream!.parseResponse(typeof body === 'string' ? body : JSON.stringify(body));

function body(message: object, choiceFields: object = {}): object {
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 5,
    model: 'm',
    choices: [{ index: 0, message: { role: 'assistant', ...message }, finish_reason: 'stop', ...choiceFields }],
    usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
  };
}

const USAGE = {
  inputTokens: 1,
  cachedInputTokens: 0,
  cacheWriteTokens: 0,
  outputTokens: 2,
  reasoningTokens: 0,
  isEstimated: false,
};

describe('openai-chat parseResponse', () => {
  it('is one frame with the whole answer and the body as it was', () => {
    const wire = body(
      {
        reasoning_content: 'hm',
        content: 'so',
        tool_calls: [
          { id: 'a', type: 'function', function: { name: 'f', arguments: '{"x":1}' } },
          { id: 'b', type: 'function', function: { name: 'f', arguments: '' } },
        ],
      },
      { finish_reason: 'tool_calls' },
    );
    const text = JSON.stringify(wire, undefined, 2);
    assert.deepEqual(parse(text), {
      events: [
        { type: 'response-start', id: 'chatcmpl-1', model: 'm', createdAt: 5 },
        { type: 'reasoning-delta', choice: 0, text: 'hm' },
        { type: 'text-delta', choice: 0, text: 'so' },
        { type: 'tool-call-start', choice: 0, index: 0, id: 'a', name: 'f' },
        { type: 'tool-call-delta', choice: 0, index: 0, argumentsDelta: '{"x":1}' },
        { type: 'tool-call-start', choice: 0, index: 1, id: 'b', name: 'f' },
        { type: 'finish', choice: 0, finishReason: { unified: 'tool-calls', raw: 'tool_calls' } },
        { type: 'usage', usage: USAGE },
        { type: 'response-end' },
      ],
      original: { dialect: 'openai-chat', data: text, value: wire, isWhole: true },
    });
  });

  it('tells what stands in lists of parts in the fields that clients know', () => {
    const picture = { type: 'image_url', image_url: { url: 'https://a.example/p.png' } };
    const content = [
      {
        type: 'thinking',
        thinking: [
          { type: 'text', text: 'h' },
          { type: 'text', text: 'm' },
        ],
      },
      { type: 'text', text: 'so ' },
      { type: 'reference', reference_ids: [1] },
      { type: 'text', text: 'be it' },
      picture,
    ];
    const wire = body({ role: '', content, prefix: false }, { logprobs: null });
    const { original, events } = parse(wire);
    assert.deepEqual(JSON.parse(original!.data), {
      ...wire,
      choices: [
        {
          index: 0,
          message: {
            role: 'assistant',
            content: 'so be it',
            prefix: false,
            reasoning_content: 'hm',
            images: [{ index: 0, ...picture }],
          },
          finish_reason: 'stop',
          logprobs: null,
        },
      ],
    });
    assert.deepEqual(
      events.flatMap((event) => ('text' in event ? [event.text] : [])),
      ['hm', 'so ', 'be it'],
    );
  });

  it('tells what a spoken answer says as text', () => {
    const audio = { id: 'audio_1', data: 'AA', expires_at: 9, transcript: 'Hello.' };
    const text = JSON.stringify(body({ content: null, audio }));
    const { original, events } = parse(text);
    assert.equal(original?.data, text);
    assert.deepEqual(events.slice(1, 3), [{ type: 'text-delta', choice: 0, text: 'Hello.' }, { type: 'opaque-delta' }]);
    const both = parse(body({ content: 'Hello.', audio }));
    assert.equal(both.events.filter((event) => event.type === 'text-delta').length, 1);
  });

  it('gives tool calls without ids ids that the client sees too', () => {
    const frame = parse(body({ content: null, tool_calls: [{ function: { name: 'f', arguments: '{}' } }] }));
    const start = frame.events.find((event) => event.type === 'tool-call-start');
    assert.ok(start?.id);
    assert.equal(JSON.parse(frame.original!.data).choices[0].message.tool_calls[0].id, start.id);
  });

  it('takes the status that MiniMax puts beside an answer for success when it is 0', () => {
    const answer = { ...body({ content: 'x' }), base_resp: { status_code: 0, status_msg: '' } };
    assert.equal(parse(answer).events.at(-1)?.type, 'response-end');
  });

  it('supplies a missing finish reason', () => {
    const frame = parse(body({ content: 'x' }, { finish_reason: null }));
    assert.deepEqual(frame.events[3], { type: 'finish', choice: 0, finishReason: { unified: 'stop', raw: '' } });
  });

  it('takes an error inside a 200, a failed finish, and garbage for failures', () => {
    const cases: [object | string, string][] = [
      [{ error: { message: 'Your credit balance is too low', type: 'x' } }, 'upstream_quota'],
      [{ id: 'x', error: { message: 'slow down', code: 429 } }, 'upstream_rate_limited'],
      [body({ content: 'x' }, { finish_reason: 'error' }), 'upstream_error'],
      [{ id: 'x', choices: null, base_resp: { status_code: 1002, status_msg: 'rate limit' } }, 'upstream_rate_limited'],
      ['<html>gateway</html>', 'upstream_garbage'],
      [{ id: 'x', choices: [] }, 'upstream_garbage'],
      [{ hello: 'world' }, 'upstream_garbage'],
      ['', 'upstream_garbage'],
    ];
    for (const [wire, code] of cases) {
      const { events } = parse(wire);
      assert.deepEqual(
        events.map((event) => (event.type === 'error' ? event.error.code : event.type)),
        [code],
        JSON.stringify(wire),
      );
    }
  });
});
