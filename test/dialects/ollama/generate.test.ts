import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { generateClient, isLoadRequest, renderLoaded } from '../../../src/dialects/ollama/generate.ts';
import { GatewayError } from '../../../src/errors.ts';
import type { ChatResponse } from '../../../src/model/chat.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { request, upstream } from './support.ts';

const PNG = 'iVBORw0KGgoAAAANSUhEUg==';
const parse = (body: JsonObject) => generateClient.parseRequest({ model: 'm', ...body }, {});

describe('ollama generate parseRequest', () => {
  test('prompt, system and images are a conversation; the rest means what it means for a chat', () => {
    const body = {
      prompt: 'What is this?',
      system: 'Be terse.',
      images: [PNG],
      format: 'json',
      options: { temperature: 0, num_predict: 5, num_ctx: 4_096 },
      keep_alive: '5m',
      think: false,
      stream: false,
    };
    const { prompt, system, images, ...others } = body;
    const messages = [
      { role: 'system', content: 'Be terse.' },
      { role: 'user', content: 'What is this?', images: [PNG] },
    ];
    assert.deepEqual(parse(body), {
      model: 'm',
      isStream: false,
      messages: [
        { role: 'system', parts: [{ type: 'text', text: 'Be terse.' }] },
        {
          role: 'user',
          parts: [
            { type: 'text', text: 'What is this?' },
            { type: 'media', kind: 'image', source: { type: 'base64', data: PNG }, mimeType: 'image/png' },
          ],
        },
      ],
      tools: [],
      sampling: { maxOutputTokens: 5, temperature: 0 },
      responseFormat: { type: 'json' },
      reasoning: { effort: 'none' },
      original: { dialect: 'ollama', body: { model: 'm', messages, ...others } },
    });
  });

  test('streams unless told not to', () => {
    assert.equal(parse({ prompt: 'hi' }).isStream, true);
  });

  test('an Ollama upstream is asked as a chat, with the options that only it knows', () => {
    const call = upstream.renderRequest(parse({ prompt: 'hi', options: { num_ctx: 4_096 }, context: [], raw: false }), {
      model: 'qwen3',
      isStream: true,
      traits: {},
    });
    assert.deepEqual(call, {
      path: '/api/chat',
      body: {
        model: 'qwen3',
        stream: true,
        options: { num_ctx: 4_096 },
        messages: [{ role: 'user', content: 'hi' }],
      },
    });
  });

  test('what stands between prompt and suffix is asked for in words', () => {
    const { messages } = parse({ prompt: 'def add(', suffix: 'return c', system: 'Python.' });
    assert.deepEqual(
      messages.map(({ role, parts }) => [role, parts.map((part) => part.type === 'text' && part.text).join()]),
      [
        [
          'system',
          'Python.\n\nWrite the text that belongs between <prefix> and <suffix>. Answer with that text only: no tags, no fences, no comment.',
        ],
        ['user', '<prefix>def add(</prefix><suffix>return c</suffix>'],
      ],
    );
  });

  test('what no conversation can do is refused by its name', () => {
    const refused = (body: JsonObject): unknown => {
      try {
        parse({ prompt: 'hi', ...body });
      } catch (error) {
        return error instanceof GatewayError && [error.code, error.param];
      }
      return undefined;
    };
    assert.deepEqual(refused({ raw: true }), ['bad_request', 'raw']);
    assert.deepEqual(refused({ template: '{{ .Prompt }}' }), ['bad_request', 'template']);
    assert.deepEqual(refused({ context: [1, 2] }), ['bad_request', 'context']);
    assert.deepEqual(refused({ images: [PNG, 7] }), ['bad_request', 'images[1]']);
    assert.deepEqual(refused({ prompt: 7 }), ['bad_request', 'prompt']);
    assert.deepEqual(refused({ template: '', context: null, raw: false, suffix: '' }), undefined);
  });
});

describe('ollama generate answers', () => {
  const response: ChatResponse = {
    id: 'x',
    model: 'up',
    createdAt: 1_700_000_000,
    choices: [
      {
        index: 0,
        parts: [
          { type: 'reasoning', text: 'Hm.' },
          { type: 'text', text: 'Hello' },
        ],
        finishReason: { unified: 'length', raw: 'max_tokens' },
      },
    ],
    usage: {
      inputTokens: 11,
      cachedInputTokens: 0,
      cacheWriteTokens: 0,
      outputTokens: 7,
      reasoningTokens: 2,
      isEstimated: false,
    },
  };
  const end = { done: true, total_duration: 0, load_duration: 0, prompt_eval_duration: 0, eval_duration: 0 };

  test('a whole answer is text and thinking without roles', () => {
    assert.deepEqual(JSON.parse(generateClient.renderResponse(response, request())), {
      model: 'up',
      created_at: '2023-11-14T22:13:20.000Z',
      response: 'Hello',
      thinking: 'Hm.',
      done_reason: 'length',
      prompt_eval_count: 11,
      eval_count: 7,
      ...end,
    });
  });

  test('an upstream’s own answer keeps its statistics', () => {
    const message = { role: 'assistant', content: 'Hello', thinking: 'Hm.' };
    const own = {
      model: 'up',
      created_at: '2026-01-01T00:00:00.123456789Z',
      done: true,
      total_duration: 4_883_583_458,
    };
    const text = JSON.stringify({ ...own, message });
    const rendered = generateClient.renderResponse({ ...response, original: { dialect: 'ollama', text } }, request());
    assert.deepEqual(JSON.parse(rendered), { ...own, response: 'Hello', thinking: 'Hm.' });
  });
});

describe('ollama load requests', () => {
  test('there is nothing to ask without a prompt', () => {
    assert.deepEqual(
      [{}, { prompt: '' }, { prompt: null }, { prompt: 'hi' }, { prompt: 0 }].map((body) => isLoadRequest(body)),
      [true, true, true, false, false],
    );
  });

  test('keep_alive 0 unloads, however it is written', () => {
    const reason = (body: JsonObject) => renderLoaded({ model: 'm', ...body }, 0).done_reason;
    assert.deepEqual([{ keep_alive: 0 }, { keep_alive: '0' }, { keep_alive: '0s' }].map(reason), [
      'unload',
      'unload',
      'unload',
    ]);
    assert.deepEqual([{}, { keep_alive: -1 }, { keep_alive: '10m' }].map(reason), ['load', 'load', 'load']);
  });
});
