import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import OpenAI from 'openai';
import { openaiChat } from '../../../src/dialects/openai-chat/index.ts';
import { openaiCompletions } from '../../../src/dialects/openai-completions/index.ts';
import { GatewayError } from '../../../src/errors.ts';
import { ResponseCollector } from '../../../src/model/collect.ts';
import type { Frame, StreamEvent } from '../../../src/model/stream.ts';

const { client } = openaiCompletions;
const IDENTITY = { id: 'abc', createdAt: 7 };
const BODY = { model: 'm', prompt: 'Once', stream: true };
const PLAIN = client.parseRequest(BODY, {});
const WITH_USAGE = client.parseRequest({ ...BODY, stream_options: { include_usage: true } }, {});

const EVENTS: StreamEvent[] = [
  { type: 'response-start', id: 'chatcmpl-1', model: 'u', createdAt: 5 },
  { type: 'reasoning-delta', choice: 0, text: 'hm' },
  { type: 'text-delta', choice: 0, text: ' upon' },
  {
    type: 'logprobs-add',
    choice: 0,
    logprobs: [{ token: ' upon', logprob: -1, topLogprobs: [{ token: ' in', logprob: -2 }] }],
  },
  { type: 'text-delta', choice: 0, text: ' a' },
  { type: 'logprobs-add', choice: 0, logprobs: [{ token: ' a', logprob: -3 }] },
  { type: 'finish', choice: 0, finishReason: { unified: 'length', raw: 'length' } },
  {
    type: 'usage',
    usage: {
      inputTokens: 1,
      cachedInputTokens: 0,
      cacheWriteTokens: 0,
      outputTokens: 2,
      reasoningTokens: 0,
      isEstimated: false,
    },
  },
  { type: 'response-end' },
];

const USAGE = {
  prompt_tokens: 1,
  completion_tokens: 2,
  total_tokens: 3,
  prompt_tokens_details: { cached_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 0 },
};

function stream(request = PLAIN, frames: Frame[] = EVENTS.map((event) => ({ events: [event] }))): string {
  const renderer = client.streamRenderer(request, IDENTITY);
  return frames.map((frame) => renderer.render(frame)).join('');
}

const chunks = (text: string): any[] =>
  text
    .split('\n\n')
    .slice(0, -1)
    .map((line) => (line === 'data: [DONE]' ? '[DONE]' : JSON.parse(line.slice(6))));

describe('openai-completions answers', () => {
  it('writes a text_completion without the reasoning', () => {
    const collector = new ResponseCollector();
    for (const event of EVENTS) collector.add({ events: [event] });
    assert.deepEqual(JSON.parse(client.renderResponse(collector.response(), PLAIN)), {
      id: 'cmpl-1',
      object: 'text_completion',
      created: 5,
      model: 'u',
      choices: [
        {
          text: ' upon a',
          index: 0,
          logprobs: {
            tokens: [' upon', ' a'],
            token_logprobs: [-1, -3],
            top_logprobs: [{ ' in': -2 }, {}],
            text_offset: [0, 5],
          },
          finish_reason: 'length',
        },
      ],
      usage: USAGE,
    });
  });

  it('never shows a whole chat body as it was', () => {
    const text = JSON.stringify({
      id: 'chatcmpl-2',
      model: 'u',
      choices: [{ message: { content: 'x' }, finish_reason: 'stop' }],
    });
    const collector = new ResponseCollector();
    collector.add(openaiChat.upstream!.parseResponse(text));
    const body = JSON.parse(client.renderResponse(collector.response(), PLAIN));
    assert.deepEqual([body.object, body.choices[0].text], ['text_completion', 'x']);
  });

  it('streams text, log probabilities, finish, usage when asked, and the terminal mark', () => {
    const head = { id: 'cmpl-abc', object: 'text_completion', created: 5, model: 'u' };
    const choice = (fields: object) => ({
      ...head,
      choices: [{ text: '', index: 0, logprobs: null, finish_reason: null, ...fields }],
    });
    const logprobs = (token: string, logprob: number, top: object, offset: number) => ({
      logprobs: { tokens: [token], token_logprobs: [logprob], top_logprobs: [top], text_offset: [offset] },
    });
    const expected = [
      choice({ text: ' upon' }),
      choice(logprobs(' upon', -1, { ' in': -2 }, 0)),
      choice({ text: ' a' }),
      choice(logprobs(' a', -3, {}, 5)),
      choice({ finish_reason: 'length' }),
    ];
    assert.deepEqual(chunks(stream()), [...expected, '[DONE]']);
    assert.deepEqual(chunks(stream(WITH_USAGE)), [...expected, { ...head, choices: [], usage: USAGE }, '[DONE]']);
  });

  it('renders frames of a chat upstream from their events', () => {
    const parser = openaiChat.upstream!.streamParser();
    const data = [
      '{"id":"a","model":"u","choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"stop"}]}',
      '[DONE]',
    ];
    const rendered = chunks(
      stream(
        PLAIN,
        data.map((each) => parser.parse({ data: each })),
      ),
    );
    assert.deepEqual(
      rendered.map((chunk) => chunk.choices?.[0].text ?? chunk),
      ['x', '', '[DONE]'],
    );
  });

  it('fails with a typed error and no terminal mark', () => {
    const renderer = client.streamRenderer(PLAIN, IDENTITY);
    const text = renderer.fail(new GatewayError('upstream_cut', 'Cut.'));
    assert.deepEqual(chunks(text), [
      { error: { message: 'Cut.', type: 'server_error', param: null, code: 'upstream_cut' } },
    ]);
    assert.equal(renderer.render({ events: [{ type: 'response-end' }] }), '');
  });

  it('is read by the official SDK', async () => {
    const sdk = new OpenAI({
      apiKey: 'k',
      baseURL: 'http://gateway.invalid/v1',
      fetch: async () => new Response(stream(), { headers: { 'content-type': 'text/event-stream' } }),
    });
    let text = '';
    for await (const chunk of await sdk.completions.create({ model: 'm', prompt: 'Once', stream: true })) {
      text += chunk.choices[0]?.text ?? '';
    }
    assert.equal(text, ' upon a');
  });
});
